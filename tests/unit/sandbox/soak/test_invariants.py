"""What the judge promises: spoil one thing, and the one promise it breaks is told."""

from dataclasses import replace

import pytest

from sandbox.soak.actors import Posted, Said, consumer_id
from sandbox.soak.channel import Call
from sandbox.soak.fault_injection import PastDisruption
from sandbox.soak.invariants import Verdict, check_invariants
from sandbox.soak.plan import Action, Plan, Shape
from sandbox.soak.record import AppliedFault, Arrival, Dead, Heard, Record, Waiting

LOST_INWARD = "Nothing lost on the way to LivePerson"
LOST_OUTWARD = "Nothing lost on the way to the channel"
CHANGED = "Words arrive unchanged"
HEARD_TWICE = "LivePerson hears everything once"
TOLD_TWICE = "The channel is told everything once"
HEARD_IN_ORDER = "LivePerson hears each consumer in order"
TOLD_IN_ORDER = "The channel is told each conversation in order"
LEAKED = "Nothing leaks"

LONG = "[c1-2.0] once upon a time [c1-2.1] there was a queue"


def test_a_good_run_holds_everything() -> None:
    verdict = check_invariants(good())

    assert verdict.held
    assert not _broken(verdict)
    assert verdict.numbers["consumer_texts"] == verdict.numbers["consumer_texts_in_liveperson"] == 4


# ── One thing spoilt each ──


def test_a_lost_text() -> None:
    record = good()
    record.heard = [each for each in record.heard if each.tags != ("c1-3",)]

    assert [LOST_INWARD] == _broken(check_invariants(record))


def test_half_a_text_is_lost() -> None:
    record = good()
    record.heard = [each for each in record.heard if each.tags != ("c1-2.1",)]

    assert [LOST_INWARD] == _broken(check_invariants(record))


def test_a_dead_letter_with_its_reason_is_not_lost() -> None:
    record = good()
    record.heard = [each for each in record.heard if each.tags != ("c1-3",)]
    record.dead = [Dead("consumer-events-dlq.fifo", "liveperson_refused", ("c1-3",), "m-3", "")]

    assert check_invariants(record).held


def test_a_dead_letter_without_a_reason_is() -> None:
    record = good()
    record.heard = [each for each in record.heard if each.tags != ("c1-3",)]
    record.dead = [Dead("consumer-events-dlq.fifo", "", ("c1-3",), "m-3", "")]

    assert [LOST_INWARD] == _broken(check_invariants(record))


def test_an_answer_is_lost() -> None:
    record = good()
    record.calls = record.calls[:-1]

    assert [LOST_OUTWARD] == _broken(check_invariants(record))


@pytest.mark.parametrize("met", ["status", "refused", "reset_before", "down"])
def test_an_answer_that_was_never_taken_is_lost(met: str) -> None:
    record = good()
    record.calls[-1] = replace(record.calls[-1], met=met)

    assert LOST_OUTWARD in _broken(check_invariants(record))


def test_other_words_than_were_said() -> None:
    record = good()
    record.heard[0] = replace(record.heard[0], text="[c1-1] hallo")

    assert [CHANGED] == _broken(check_invariants(record))


def test_two_texts_swapped() -> None:
    record = good()
    record.heard[0], record.heard[3] = record.heard[3], record.heard[0]

    assert HEARD_IN_ORDER in _broken(check_invariants(record))


def test_two_parts_of_a_text_swapped() -> None:
    record = good()
    record.heard[1], record.heard[2] = record.heard[2], record.heard[1]

    assert [HEARD_IN_ORDER] == _broken(check_invariants(record))


def test_two_answers_swapped() -> None:
    record = good()
    record.calls[0], record.calls[1] = record.calls[1], record.calls[0]

    assert [TOLD_IN_ORDER] == _broken(check_invariants(record))


def test_two_answers_swapped_by_liveperson_itself() -> None:
    record = good()
    record.calls[0], record.calls[1] = record.calls[1], record.calls[0]
    first, second = record.arrivals[-3], record.arrivals[-2]
    record.arrivals[-3:-1] = [replace(first, at=second.at), replace(second, at=first.at)]

    assert check_invariants(record).held


@pytest.mark.parametrize("tag", ["n1-1", "f1-0", "c1-1"])
def test_a_leak(tag: str) -> None:
    record = good()
    record.calls.append(call(f"[{tag}] not for the channel", at=50.0))

    assert [LEAKED] == _broken(check_invariants(record))


def test_an_answer_reaches_another_consumer() -> None:
    record = good()
    body = {**record.calls[0].body, "consumer_id": consumer_id(2)}
    record.calls[0] = replace(record.calls[0], body=body)

    assert [LEAKED] == _broken(check_invariants(record))


def test_two_consumers_in_one_conversation() -> None:
    record = good()
    record.heard[-1] = replace(record.heard[-1], conversation_id="one", dialog_id="one")

    assert [LEAKED] == _broken(check_invariants(record))


def test_a_callback_nobody_signed() -> None:
    record = good()
    record.calls.append(replace(record.calls[0], met="bad_signature"))

    assert ["Every callback is signed"] == _broken(check_invariants(record))


def test_an_event_that_was_refused() -> None:
    record = good()
    record.posted.append(Posted(Action(9.0, "consumer_typing", 1, "o-1"), 400, 1, 9.0))

    assert ["Every event of the channel was taken"] == _broken(check_invariants(record))


def test_something_still_waits() -> None:
    record = good()
    record.settled_at = None
    record.waiting = [Waiting("notifications.fifo", 3, visible=False, body="{}")]

    assert ["Everything came to its end"] == _broken(check_invariants(record))


def test_a_mistake_that_liveperson_sees() -> None:
    record = good()
    record.violations = [{"reason": "body: unknown field"}]

    assert ["LivePerson sees no mistake"] == _broken(check_invariants(record))


def test_a_token_storm() -> None:
    record = good()
    record.sentinel_calls = 40

    assert ["No token storm"] == _broken(check_invariants(record))


def test_slow_answers_and_bugs() -> None:
    record = good()
    record.would_be_disabled = True
    record.bugs = ["channel_delivery: KeyError at ['x.py:1 y']"]

    assert ["Webhooks are answered quickly", "No unforeseen error"] == _broken(
        check_invariants(record)
    )


# ── Twice to LivePerson: both halves of the excuse are needed ──


def test_a_text_heard_twice() -> None:
    assert [HEARD_TWICE] == _broken(check_invariants(twice()))


def test_twice_after_a_lost_answer_whose_echo_came_in_time() -> None:
    record = twice()
    record.applied_faults = [AppliedFault(10.0, "send", "lost_answer", 0, ("c1-1",))]

    assert [HEARD_TWICE] == _broken(check_invariants(record))


def test_twice_after_a_late_echo_of_a_send_that_was_clear() -> None:
    record = twice()
    record.arrivals[0] = replace(record.arrivals[0], at=59.0)

    assert [HEARD_TWICE] == _broken(check_invariants(record))


def test_twice_after_a_lost_answer_and_a_late_echo() -> None:
    record = twice()
    record.applied_faults = [AppliedFault(10.0, "send", "lost_answer", 0, ("c1-1",))]
    record.arrivals[0] = replace(record.arrivals[0], at=59.0)

    verdict = check_invariants(record)

    assert verdict.held
    assert verdict.excused == ("c1-1: its answer was lost, and its echo came late",)


def test_twice_before_the_echo_had_its_time() -> None:
    record = twice()
    record.applied_faults = [AppliedFault(10.0, "send", "lost_answer", 0, ("c1-1",))]
    record.heard[-1] = replace(record.heard[-1], at=25.0)
    record.arrivals[0] = replace(record.arrivals[0], at=59.0)

    assert [HEARD_TWICE] == _broken(check_invariants(record))


def test_a_lost_answer_of_another_text_excuses_nothing() -> None:
    record = twice()
    record.applied_faults = [AppliedFault(10.0, "send", "lost_answer", 0, ("c1-3",))]
    record.arrivals[0] = replace(record.arrivals[0], at=59.0)

    assert [HEARD_TWICE] == _broken(check_invariants(record))


def test_an_answer_that_was_slow_but_in_time_excuses_nothing() -> None:
    record = twice()
    record.applied_faults = [AppliedFault(10.0, "send", "slow_answer", 2_000, ("c1-1",))]
    record.arrivals[0] = replace(record.arrivals[0], at=59.0)

    assert [HEARD_TWICE] == _broken(check_invariants(record))


def test_a_killed_worker_whose_echo_waited_behind_a_callback() -> None:
    record = twice()
    record.past_disruptions = [
        PastDisruption("kill_outbound_messaging_after", 10.0, 11.0, tag="c1-1")
    ]
    record.calls.insert(0, replace(record.calls[0], at=20.0, met="down"))
    record.calls[1] = replace(record.calls[1], at=62.0)

    assert check_invariants(record).held


# ── Twice to the channel ──


def test_told_twice_under_two_ids() -> None:
    record = good()
    record.calls.append(replace(record.calls[-1], webhook_id="another"))

    assert [TOLD_TWICE] == _broken(check_invariants(record))


def test_told_again_although_it_was_heard() -> None:
    record = good()
    record.calls.append(record.calls[-1])

    assert [TOLD_TWICE] == _broken(check_invariants(record))


@pytest.mark.parametrize("met", ["lost_answer", "slow_answer", "held"])
def test_told_again_after_an_answer_that_was_lost(met: str) -> None:
    record = good()
    again = record.calls[-1]
    record.calls[-1] = replace(again, met=met)
    record.calls.append(again)

    assert check_invariants(record).held


def test_the_longest_recovery_is_that_of_what_was_struck() -> None:
    record = good()
    record.applied_faults = [AppliedFault(2.0, "send", "status", 0, ("c1-3",))]
    record.heard[3] = replace(record.heard[3], at=9.5)

    numbers = check_invariants(record).numbers

    assert numbers["longest_recovery_seconds"] == 7.5
    assert numbers["longest_recovery"] == "c1-3 after send status"


# ── A good run ──


def texts() -> list[Action]:
    said = {
        (1, "m-1"): "[c1-1] hello",
        (1, "m-2"): LONG,
        (1, "m-3"): "[c1-3] bye",
        (2, "m-1"): "[c2-1] hi",
    }
    return [
        Action(float(at), "consumer_text", who, event, text)
        for at, ((who, event), text) in enumerate(said.items())
    ]


def good() -> Record:
    """Two consumers: the first says three things and gets two answers, the second one and one."""
    actions = texts()
    return Record(
        plan=Plan(Shape(), tuple(actions), (), (), ()),
        posted=[Posted(action, 202, 1, action.at) for action in actions],
        said=[
            Said("a1-1", 1, "one", 4, 30.0),
            Said("a1-2", 1, "one", 5, 31.0),
            Said("a2-1", 2, "two", 1, 32.0),
        ],
        heard=[
            hear("[c1-1] hello", "one", 0, "c1-1"),
            hear("[c1-2.0] once upon a time ", "one", 1, "c1-2.0"),
            hear("[c1-2.1] there was a queue", "one", 2, "c1-2.1"),
            hear("[c1-3] bye", "one", 3, "c1-3"),
            hear("[c2-1] hi", "two", 0, "c2-1"),
        ],
        arrivals=[
            *(Arrival("one", "one", number, 11.0 + number) for number in range(4)),
            Arrival("two", "two", 0, 11.5),
            Arrival("one", "one", 4, 30.1),
            Arrival("one", "one", 5, 31.1),
            Arrival("two", "two", 1, 32.1),
        ],
        calls=[
            call("[a1-1] hello to you", at=30.5),
            call("[a1-2] anything else?", at=31.5),
            call("[a2-1] hi too", at=32.5, consumer=2, conversation="two"),
        ],
        dead=[],
        applied_faults=[],
        past_disruptions=[],
        began=0.0,
        calm_at=60.0,
        settled_at=65.0,
        sentinel_calls=1,
    )


def twice() -> Record:
    """Let LivePerson hear the first text again, 50 s after its echo had come through."""
    record = good()
    record.heard.append(hear("[c1-1] hello", "one", 6, "c1-1", at=61.0))
    return record


def hear(text: str, room: str, sequence: int, tag: str, at: float = 10.0) -> Heard:
    return Heard((tag,), text, room, room, sequence, at + sequence / 10)


def call(text: str, *, at: float, consumer: int = 1, conversation: str = "one") -> Call:
    body = {
        "type": "message",
        "consumer_id": consumer_id(consumer),
        "conversation_id": conversation,
        "content": {"type": "text", "text": text},
    }
    return Call(at, f"msg_{text[1:5]}", body, "ok")


def _broken(verdict: Verdict) -> list[str]:
    return [promise.name for promise in verdict.promises if not promise.held]
