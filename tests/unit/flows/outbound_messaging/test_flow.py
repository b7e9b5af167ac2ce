"""What becomes of a consumer event on the whole: carried out, tried again, refused, repeated."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest

from liveperson_connector.domain.errors import LivePersonUnavailable
from liveperson_connector.domain.outages import OPEN_AFTER
from liveperson_connector.domain.queue_messages import stable_id
from liveperson_connector.flows.outbound_messaging.flow import describe
from liveperson_connector.flows.outbound_messaging.sending import ECHO_SECONDS
from tests.simulation.connector import DEAD_EVENTS, EVENTS
from tests.simulation.fake_partners import REFUSED_WORD
from tests.support.accounts import ACCOUNT, SALT
from tests.support.logs import Output
from tests.support.messages import PHONE, queued_event, received, text_event

from .outbound import Outbound, key_of

REFUSED = f"Hello {REFUSED_WORD}"
ANOTHER = "+4915187654321"
GROUP = stable_id(ACCOUNT, key_of())


@pytest.fixture(name="bench")
def _bench() -> Outbound:
    return Outbound()


@pytest.fixture(name="talking")
def _talking(bench: Outbound) -> Outbound:
    """Give a consumer an open conversation."""
    bench.say("first", "m-0")
    bench.hear()
    return bench


# ── Carried out ──


def test_an_event_is_carried_out_and_remembered(bench: Outbound) -> None:
    """By then its message has left the queue."""
    bench.say("Hello")

    assert ["Hello"] == bench.said()
    assert bench.progress().done
    assert [] == bench.queues[EVENTS].messages


def test_a_repeat_is_logged_and_does_nothing(bench: Outbound, output: Output) -> None:
    """Whatever it says by now."""
    bench.say("Hello")
    bench.say("Goodbye")

    assert ["Hello"] == bench.said()
    assert "repeat_ignored" in output.messages


@pytest.mark.parametrize(
    ("event", "request_type"),
    [
        ({"type": "receipt", "status": "read", "sequences": [0]}, "ms.PublishEvent"),
        ({"type": "rating", "csat": 5}, "cm.UpdateConversationField"),
        ({"type": "profile", "personal": {"firstname": "Ada"}}, "userprofile.SetUserProfile"),
        ({"type": "close"}, "cm.UpdateConversationField"),
    ],
)
def test_what_is_done_is_one_request_and_remembered(
    talking: Outbound, output: Output, event: dict[str, Any], request_type: str
) -> None:
    """A repeat does nothing."""
    before = len(talking.requests())
    talking.post({"id": "d-1", **event})
    talking.post({"id": "d-1", **event})
    talking.work()

    assert [request_type] == [each["type"] for each in talking.requests()[before:]]
    assert talking.progress("d-1").done
    told = [each["message"] for each in output.lines if each.get("event_id") == "d-1"]
    assert ["accepted", "accepted", "sent", "repeat_ignored"] == told


def test_closing_what_is_closed_does_nothing(bench: Outbound, output: Output) -> None:
    """And is remembered as done."""
    bench.post({"id": "d-1", "type": "close"})
    bench.work()

    assert ([], True) == (bench.requests(), bench.progress("d-1").done)
    assert "nothing_to_do" in output.messages


def test_a_consumer_is_introduced_by_a_pseudonym_and_remembered(bench: Outbound) -> None:
    """With the channel's own id, which callbacks will carry."""
    bench.say("Hello")

    assert PHONE == bench.consumer().consumer_id
    assert PHONE not in json.dumps(bench.requests() + bench.requests("conversation"))


def test_an_event_that_cannot_be_read_is_a_dead_letter(bench: Outbound) -> None:
    """And nobody is told, since nobody knows whose it is."""
    bench.queues[EVENTS].put("no JSON", "group", "", {})
    bench.work()

    assert ["unreadable"] == bench.reasons()
    assert [] == bench.failures()


# ── Refused ──


def test_what_is_refused_is_told_to_the_channel(talking: Outbound) -> None:
    """The next event goes on."""
    for number, text in enumerate((REFUSED, "next")):
        talking.post(text_event(f"m-{number + 1}", text))
    for _ in range(4):
        talking.pass_seconds(3)

    assert ["liveperson_refused"] == talking.reasons()
    assert ["m-1"] == [each["failure"]["event_id"] for each in talking.failures()]
    assert ["first", "next"] == talking.said()


def refuse(bench: Outbound, text: str = REFUSED, event_id: str = "m-1") -> None:
    """Have a text refused for good, which takes a few looks whether its conversation is over."""
    bench.say(text, event_id)
    for _ in range(3):
        bench.pass_seconds(3)


def test_what_is_sent_again_mended_is_said(talking: Outbound) -> None:
    """At once and under the same id, as the channel may."""
    refuse(talking)
    talking.say("Hello")

    assert ["first", "Hello"] == talking.said()


def test_what_was_refused_is_only_given_up_when_it_comes_back(talking: Outbound) -> None:
    """Its dead letter may not have been taken at first; LivePerson is not asked again."""
    talking.post(text_event("m-1", "Hello"))
    talking.spoil("sqs", "none", "aws_error")
    talking.answer("send", 401)
    talking.work()
    before, asked = talking.reasons(), len(talking.requests())
    talking.pass_seconds(181)

    assert ([], ["liveperson_refused"]) == (before, talking.reasons())
    assert asked == len(talking.requests())
    assert 1 == len(talking.failures())


def test_what_fails_again_is_told_again(talking: Outbound) -> None:
    """Under an id of its own, or the channel would take it for a repeat."""
    refuse(talking)
    refuse(talking)

    first, second = talking.failures()
    assert first["failure"] == second["failure"]
    assert first["message_id"] != second["message_id"]
    assert ["liveperson_refused"] * 2 == talking.reasons()


def test_a_copy_that_was_accepted_before_the_refusal_is_a_repeat(
    talking: Outbound, output: Output
) -> None:
    """It is refused with the first one: the channel is told once."""
    talking.post(text_event("m-1", REFUSED))
    talking.post(text_event("m-1", REFUSED))
    for _ in range(4):
        talking.pass_seconds(3)

    assert 1 == len(talking.failures())
    assert 1 == output.messages.count("repeat_ignored")


def test_a_refused_part_does_not_repeat_the_parts_before_it(talking: Outbound) -> None:
    """The same text again goes on where it was refused; another one is another text."""
    long = "a" * 4000 + f" {REFUSED_WORD}"
    refuse(talking, long)
    refuse(talking, long)
    said_once = talking.said().count("a" * 4000)
    talking.say("a" * 4000 + " mended")

    assert (1, 2) == (said_once, talking.said().count("a" * 4000))
    assert talking.said()[-1].strip() == "mended"


def test_a_refusal_that_cannot_be_noted_is_tried_again(talking: Outbound) -> None:
    """The channel is told of no failure that a later copy would not know of."""
    talking.answer("send", 401, {"code": 401})
    talking.spoil("dynamodb", "none", "none", "aws_error")
    talking.say("Hello")
    before = talking.failures()
    for _ in range(2):
        talking.pass_seconds(120)

    assert ([], ["first", "Hello"]) == (before, talking.said())


def test_a_receipt_of_our_own_is_not_told_of(bench: Outbound) -> None:
    """The channel did not send it."""
    body = json.loads(queued_event({"id": "accepted:1", "type": "receipt", "status": "accepted"}))
    body["event"]["sequences"] = [3]
    bench.queues[EVENTS].put(json.dumps({**body, "automatic": True}), GROUP, "", {})
    bench.work()

    assert (["no_conversation"], []) == (bench.reasons(), bench.failures())


@pytest.mark.parametrize(("status", "expected"), [(400, []), (409, []), (401, ["d-1"])])
def test_a_close_that_is_refused_was_closed(
    talking: Outbound, output: Output, status: int, expected: list[str]
) -> None:
    """Unless it is refused for who asks: that is a failure like any other."""
    talking.answer("send", status, {"code": status})
    talking.post({"id": "d-1", "type": "close"})
    talking.work()

    assert expected == [each["failure"]["event_id"] for each in talking.failures()]
    assert (not expected) == talking.progress("d-1").done
    assert (not expected) == ("nothing_to_do" in output.messages)


@pytest.mark.parametrize(
    "event",
    [
        {"id": "d-1", "type": "receipt", "status": "read", "sequences": [0]},
        {"id": "d-1", "type": "profile", "personal": {"firstname": "Ada"}},
    ],
)
def test_a_conflict_is_tried_again(
    talking: Outbound, output: Output, event: dict[str, Any]
) -> None:
    """LivePerson documents no 409, so it may be over in a moment."""
    talking.answer("send", 409, {"body": {"errorCode": "STATE"}})
    talking.post(event)
    talking.work()
    before = talking.progress("d-1").done
    talking.pass_seconds(10)

    assert (False, True, []) == (before, talking.progress("d-1").done, talking.reasons())
    (told,) = [each for each in output.lines if each["message"] == "liveperson_conflict"]
    assert (409, "STATE") == (told["http_status"], told["error_code"])
    assert "LivePerson answered 409" in told["problem"]


def test_words_that_conflict_are_no_refused_words(talking: Outbound) -> None:
    """Their conversation seems open, and they are tried again until LivePerson takes them."""
    for _ in range(3):
        talking.answer("send", 409)
    talking.say("Hello")
    for _ in range(4):
        talking.pass_seconds(10)

    assert (["first", "Hello"], []) == (talking.said(), talking.reasons())


# ── LivePerson is down ──


def outage(bench: Outbound) -> None:
    """Let LivePerson fail for many, until that is certain."""
    breaker, known = bench.container.outbound_flow.breaker, None
    for number in range(OPEN_AFTER):
        with suppress(LivePersonUnavailable), breaker.guard(ACCOUNT, known, f"group-{number}"):
            raise LivePersonUnavailable("no")
        known = bench.container.store.load_event(ACCOUNT, "any", "any", "any").outage


@pytest.mark.parametrize(
    ("service", "status", "body"),
    [
        ("send", 401, {"code": 401}),
        ("send", 400, {"code": 400}),
        ("send", 409, {"code": 409}),
        ("conversation", 400, {"body": {"msg": "already has open conversation"}}),
    ],
)
def test_a_refusal_ends_an_outage(
    bench: Outbound, output: Output, service: str, status: int, body: object
) -> None:
    """Whoever answers is there, whatever it answers."""
    outage(bench)
    bench.clock.now += 60
    bench.answer(service, status, body)
    bench.say("Hello")

    assert {"breaker_opened", "probe", "breaker_closed"} <= set(output.messages)
    assert bench.container.store.load_event(ACCOUNT, "any", "any", "any").outage is None


def test_during_an_outage_a_message_waits_without_a_call(bench: Outbound) -> None:
    """And without a doubt: nothing was tried."""
    bench.say("first", "m-0")
    calls = len(bench.liveperson.calls)
    outage(bench)
    bench.say("Hello")
    waited = bench.progress()
    bench.clock.now += 300
    bench.work()

    assert calls + 1 == len(bench.liveperson.calls)
    assert (1, None) == (waited.settled_receives, waited.ambiguous_at)
    assert ["first", "Hello"] == bench.said()


def test_only_the_first_wait_is_noted(bench: Outbound) -> None:
    """The later ones tell nothing that the next try has to know."""
    bench.say("first", "m-0")
    outage(bench)
    bench.say("Hello")
    noted = dict(bench.table.items)
    for _ in range(5):
        bench.clock.now += 1
        bench.work()

    changed = [pk for pk, item in bench.table.items.items() if noted.get(pk) != item]
    assert [] == [pk for pk in changed if pk.startswith("event#")]


# ── In doubt ──


def arrive_unseen(bench: Outbound, text: str) -> None:
    """Let a try say something and be cut off: LivePerson has it, and we have no note of it."""
    bench.post(text_event("m-1", text))
    assert bench.take()
    ((conversation, _), *_) = bench.liveperson.spoken
    bench.liveperson._say(conversation, text, "CONSUMER")


def test_the_doubt_of_a_held_try_is_kept(talking: Outbound) -> None:
    """It was cut off; then its group was held, and a day later it comes back."""
    arrive_unseen(talking, "Hello")
    talking.container.state.hold(GROUP)
    talking.clock.now += 180
    talking.work()
    held = talking.reasons()
    talking.hear()
    talking.redrive()
    talking.work()

    assert ["held_behind"] == held
    assert ["first", "Hello"] == talking.said()
    assert talking.progress().done


def test_what_was_put_back_waits_if_an_earlier_letter_died_again(talking: Outbound) -> None:
    """Or it would overtake it."""
    talking.container.state.hold(GROUP)
    body = queued_event(text_event("m-1", "Hello"))
    talking.queues[EVENTS].put(body, GROUP, "", {"redrives": {"StringValue": "1"}})
    talking.clock.now += 1
    talking.container.state.hold_redriven(GROUP)
    talking.work()

    assert (["held_behind"], ["first"]) == (talking.reasons(), talking.said())


def test_a_held_message_whose_wait_cannot_be_noted_is_held_all_the_same(
    talking: Outbound,
) -> None:
    """At worst its echo is waited for in vain."""
    talking.container.state.hold(GROUP)
    talking.spoil("dynamodb", "none", "aws_error")
    talking.say("Hello")

    assert ["held_behind"] == talking.reasons()


def test_what_was_cut_off_is_found_by_its_echo(talking: Outbound, output: Output) -> None:
    """And not said again."""
    arrive_unseen(talking, "Hello")
    talking.hear()
    talking.pass_seconds(181)

    assert ["first", "Hello"] == talking.said()
    assert "confirmed_by_echo" in output.messages


def test_a_failure_that_did_nothing_leaves_an_earlier_doubt(talking: Outbound) -> None:
    """With its own time: the echo is not waited for anew."""
    talking.spoil("send", "answer_lost")
    talking.say("Hello")
    noted = talking.progress().ambiguous_at
    talking.spoil("sqs", "none")
    talking.pass_seconds(6)

    assert noted == talking.progress().ambiguous_at
    talking.hear()
    talking.pass_seconds(ECHO_SECONDS)
    assert ["first", "Hello"] == talking.said()


def test_an_opening_without_an_answer_costs_no_wait_for_an_echo(
    talking: Outbound, output: Output
) -> None:
    """Though the consumer had a conversation before, in which one could be looked for."""
    (conversation,) = talking.liveperson.conversations.values()
    talking.liveperson.close(conversation)
    talking.hear()
    talking.spoil("conversation", "http_503")
    talking.say("Hello")
    noted = talking.progress()
    talking.pass_seconds(7)

    assert (None, True) == (noted.ambiguous_at, noted.may_have_opened)
    assert ["first", "Hello"] == talking.said()
    assert not {"ambiguous", "echo_awaited"} & set(output.messages)


def test_a_doubt_is_counted_once(talking: Outbound, output: Output) -> None:
    """Though its echo is looked for again."""
    talking.spoil("send", "answer_lost")
    talking.say("Hello")
    talking.pass_seconds(7)

    counted = [output.messages.count(each) for each in ("ambiguous", "echo_awaited")]
    assert [1, 1] == counted


def test_what_was_done_without_an_answer_is_simply_done_again(talking: Outbound) -> None:
    """A receipt has no echo to wait for, and does no harm twice."""
    talking.spoil("send", "http_503")
    talking.post({"id": "d-1", "type": "receipt", "status": "read", "sequences": [0]})
    talking.work()
    doubt = talking.progress("d-1").ambiguous_at
    talking.pass_seconds(7)

    assert (None, True) == (doubt, talking.progress("d-1").done)


def test_a_consumer_that_cannot_be_introduced_leaves_no_note(bench: Outbound) -> None:
    """Nothing was said yet, so nothing is waited for."""
    bench.spoil("idp", "http_503")
    bench.say("Hello")
    doubt = bench.progress().ambiguous_at
    bench.pass_seconds(7)

    assert (None, ["Hello"]) == (doubt, bench.said())


# ── For the log ──


def test_a_message_is_described_by_ids() -> None:
    """With a pseudonym for the consumer; one that cannot be read by nothing."""
    described = describe(received(queued_event(text_event("m-1"))), SALT)

    assert {"account_id": ACCOUNT, "consumer": key_of(), "event_id": "m-1"} == described
    assert {} == describe(received("no JSON"), SALT)


def test_another_consumer_does_not_wait(talking: Outbound) -> None:
    """A failing message holds back its own group alone."""
    talking.spoil("send", "http_503")
    talking.say("stuck")
    talking.say("free", "m-1", ANOTHER)

    assert ["first", "free"] == talking.said()
    assert [] == talking.queues[DEAD_EVENTS].messages
    assert PHONE != ANOTHER
