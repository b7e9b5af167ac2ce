"""What the judge promises: spoil one thing, and the one promise it breaks is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

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


def _lose(record: Record, tag: str) -> None:
    record.heard = [each for each in record.heard if each.tags != (tag,)]


def _bury(record: Record, reason: str) -> None:
    _lose(record, "c1-3")
    record.dead = [Dead("consumer-events-dlq.fifo", reason, ("c1-3",), "m-3", "")]


def _swap(things: list[Any], one: int, other: int) -> None:
    things[one], things[other] = things[other], things[one]


def _swap_webhooks_too(record: Record) -> None:
    _swap(record.calls, 0, 1)
    first, second = record.arrivals[-3], record.arrivals[-2]
    record.arrivals[-3:-1] = [replace(first, at=second.at), replace(second, at=first.at)]


def _tell_another(record: Record) -> None:
    body = {**record.calls[0].body, "consumer_id": consumer_id(2)}
    record.calls[0] = replace(record.calls[0], body=body)


def _meet(record: Record) -> None:
    record.heard[-1] = replace(record.heard[-1], conversation_id="one", dialog_id="one")


def _refuse(record: Record) -> None:
    record.posted.append(Posted(Action(9.0, "consumer_typing", 1, "o-1"), 400, 1, 9.0))


def _wait(record: Record) -> None:
    record.settled_at = None
    record.waiting = [Waiting("notifications.fifo", 3, visible=False, body="{}")]


SPOILT: dict[str, tuple[Callable[[Record], object], list[str]]] = {
    "a text is lost": (lambda r: _lose(r, "c1-3"), [LOST_INWARD]),
    "half a text is lost": (lambda r: _lose(r, "c1-2.1"), [LOST_INWARD]),
    "a text is a dead letter with its reason": (lambda r: _bury(r, "liveperson_refused"), []),
    "a text is a dead letter without a reason": (lambda r: _bury(r, ""), [LOST_INWARD]),
    "an answer is lost": (lambda r: r.calls.pop(), [LOST_OUTWARD]),
    "other words than were said": (
        lambda r: r.heard.insert(0, replace(r.heard.pop(0), text="[c1-1] hallo")),
        [CHANGED],
    ),
    "two texts are swapped": (lambda r: _swap(r.heard, 0, 3), [HEARD_IN_ORDER]),
    "two parts of a text are swapped": (lambda r: _swap(r.heard, 1, 2), [HEARD_IN_ORDER]),
    "two answers are swapped": (lambda r: _swap(r.calls, 0, 1), [TOLD_IN_ORDER]),
    "two answers are swapped by LivePerson's webhooks": (_swap_webhooks_too, []),
    "an answer reaches another consumer": (_tell_another, [LEAKED]),
    "two consumers are in one conversation": (_meet, [LEAKED]),
    "a callback is not signed": (
        lambda r: r.calls.append(replace(r.calls[0], met="bad_signature")),
        ["Every callback is signed"],
    ),
    "an event is refused": (_refuse, ["Every event of the channel was taken"]),
    "something still waits": (_wait, ["Everything came to its end"]),
    "LivePerson sees a mistake": (
        lambda r: r.violations.append({"reason": "body: unknown field"}),
        ["LivePerson sees no mistake"],
    ),
    "tokens are asked for again and again": (
        lambda r: vars(r).update(sentinel_calls=40),
        ["No token storm"],
    ),
    "webhooks are answered slowly": (
        lambda r: vars(r).update(would_be_disabled=True),
        ["Webhooks are answered quickly"],
    ),
    "an error is unforeseen": (lambda r: r.bugs.append("KeyError"), ["No unforeseen error"]),
    **{
        f"{tag} is told": (
            lambda r, tag=tag: r.calls.append(call(f"[{tag}] not for the channel", at=50.0)),  # type: ignore[misc]
            [LEAKED],
        )
        for tag in ("n1-1", "f1-0", "c1-1")
    },
}


@pytest.mark.parametrize("what", SPOILT)
def test_one_thing_spoilt_breaks_its_promise(what: str) -> None:
    """And no other; what is excused breaks none."""
    spoil, broken = SPOILT[what]
    record = good()
    spoil(record)

    assert broken == _broken(check_invariants(record))


@pytest.mark.parametrize("met", ["status", "refused", "reset_before", "down"])
def test_an_answer_that_was_never_taken_is_lost(met: str) -> None:
    record = good()
    record.calls[-1] = replace(record.calls[-1], met=met)

    assert LOST_OUTWARD in _broken(check_invariants(record))


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
