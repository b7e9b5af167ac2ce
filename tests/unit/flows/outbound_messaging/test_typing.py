"""What consumers are doing is told now or never, and ended when the channel forgets to."""

from __future__ import annotations

import json

import pytest

from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.flows.outbound_messaging.typing import (
    COMPOSING_SECONDS,
    STALE_SECONDS,
)
from tests.simulation.connector import DEAD_EVENTS, EVENTS, TIMERS
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output
from tests.support.messages import PHONE

from .outbound import Outbound, key_of


@pytest.fixture(name="talking")
def _talking() -> Outbound:
    """Give a consumer an open conversation."""
    bench = Outbound()
    bench.say("first", "m-0")
    return bench


def types(bench: Outbound, state: str = "composing", event_id: str = "t-1") -> None:
    """Let a consumer begin or stop to type."""
    bench.post({"id": event_id, "type": "typing", "state": state})
    bench.work()


def told(bench: Outbound) -> list[str]:
    """Give the chat states that LivePerson was told."""
    return [each["chatState"] for each in bench.events("ChatStateEvent")]


def in_survey(bench: Outbound) -> None:
    """Let a survey begin in the consumer's conversation."""
    consumer = bench.consumer()
    before = Conversation(ACCOUNT, str(consumer.conversation_id), PHONE, key_of())
    survey = Conversation(
        ACCOUNT, str(consumer.conversation_id), PHONE, key_of(), survey_dialog_id="survey-1"
    )
    bench.container.store.point_consumer_at(before, survey)


@pytest.mark.parametrize(
    ("state", "theirs"),
    [
        ("composing", "COMPOSING"),
        ("paused", "PAUSE"),
        ("active", "ACTIVE"),
        ("inactive", "INACTIVE"),
        ("gone", "GONE"),
    ],
)
def test_a_state_is_told_in_livepersons_words(
    talking: Outbound, output: Output, state: str, theirs: str
) -> None:
    """In the open conversation."""
    types(talking, state)

    assert "typing_sent" in output.messages

    assert [theirs] == told(talking)
    assert talking.consumer().conversation_id == talking.requests()[-1]["body"]["dialogId"]


def test_typing_is_not_remembered(talking: Outbound) -> None:
    """It is stale in seconds, and told twice it changes nothing."""
    types(talking)
    types(talking)

    assert ["COMPOSING"] * 2 == told(talking)


# ── Now or never ──


def test_what_comes_late_is_not_told(talking: Outbound, output: Output) -> None:
    """It would be wrong by then."""
    talking.post({"id": "t-1", "type": "typing", "state": "composing"})
    talking.clock.now += STALE_SECONDS + 1
    talking.work()

    assert [] == told(talking)
    assert "typing_stale" in output.messages


def test_what_comes_just_in_time_is_told(talking: Outbound) -> None:
    """Ten seconds are the limit."""
    talking.post({"id": "t-1", "type": "typing", "state": "composing"})
    talking.clock.now += STALE_SECONDS
    talking.work()

    assert ["COMPOSING"] == told(talking)


@pytest.mark.parametrize("status", [400, 401, 429, 503])
def test_what_fails_is_not_tried_again(talking: Outbound, output: Output, status: int) -> None:
    """Neither later nor by anybody else."""
    talking.answer("send", status, {"code": status})
    types(talking)

    assert ([], []) == (talking.queues[EVENTS].messages, talking.queues[DEAD_EVENTS].messages)
    assert ["typing_dropped"] == [each for each in output.messages if "typing" in each]
    assert talking.consumer().composing_since is None


def test_without_a_conversation_nobody_sees_it(output: Output) -> None:
    """Neither of a consumer that nobody knows."""
    types(Outbound())

    assert "typing_dropped" in output.messages


def test_after_the_end_nobody_sees_it(talking: Outbound) -> None:
    """The conversation is closed."""
    (conversation,) = talking.liveperson.conversations.values()
    talking.liveperson.close(conversation)
    talking.hear()
    types(talking)

    assert [] == told(talking)


def test_a_survey_takes_none(talking: Outbound) -> None:
    """LivePerson advises against it."""
    in_survey(talking)
    types(talking)

    assert [] == told(talking)


# ── Ended by us ──


def test_typing_that_nobody_ended_is_ended(talking: Outbound) -> None:
    """Half a minute after it began, once."""
    types(talking)
    talking.clock.now += COMPOSING_SECONDS - 1
    talking.end_typing()
    early = told(talking)
    talking.clock.now += 1
    talking.end_typing()

    assert (["COMPOSING"], ["COMPOSING", "PAUSE"]) == (early, told(talking))
    assert talking.consumer().composing_since is None


def test_a_timer_knows_its_typing_by_the_millisecond(talking: Outbound) -> None:
    """So the time that stands in the table and the one in the queue are the same."""
    talking.clock.now += 0.123456
    types(talking)
    talking.clock.now += 0.25
    types(talking, event_id="t-2")
    talking.clock.now += COMPOSING_SECONDS - 0.2
    talking.end_typing()
    before = told(talking)
    talking.clock.now += 0.2
    talking.end_typing()

    assert (["COMPOSING"] * 2, ["COMPOSING"] * 2 + ["PAUSE"]) == (before, told(talking))


def test_an_old_timer_does_not_end_newer_typing(talking: Outbound) -> None:
    """The consumer went on typing; the timer of that is still to come."""
    types(talking)
    talking.clock.now += COMPOSING_SECONDS - 5
    types(talking, event_id="t-2")
    talking.clock.now += 5
    talking.end_typing()
    before = told(talking)
    talking.clock.now += COMPOSING_SECONDS - 5
    talking.end_typing()

    assert ["COMPOSING", "COMPOSING"] == before
    assert ["COMPOSING", "COMPOSING", "PAUSE"] == told(talking)


@pytest.mark.parametrize("state", ["paused", "active"])
def test_what_the_channel_ended_is_not_ended_again(talking: Outbound, state: str) -> None:
    """Its timer finds nothing to do."""
    types(talking)
    types(talking, state, "t-2")
    talking.clock.now += COMPOSING_SECONDS
    talking.end_typing()

    assert 2 == len(told(talking))
    assert talking.consumer().composing_since is None


def test_words_end_typing(talking: Outbound) -> None:
    """At once, and after the words."""
    types(talking)
    talking.say("Hello")
    kinds = [each["body"]["event"]["type"] for each in talking.requests()[-2:]]
    talking.clock.now += COMPOSING_SECONDS
    talking.end_typing()

    assert ["ContentEvent", "ChatStateEvent"] == kinds
    assert ["COMPOSING", "PAUSE"] == told(talking)


def test_words_without_typing_end_nothing(talking: Outbound) -> None:
    """It costs no call."""
    talking.say("Hello")

    assert [] == told(talking)


def test_an_end_that_cannot_be_told_does_no_harm(talking: Outbound) -> None:
    """The words have arrived, and are not said again for it."""
    types(talking)
    talking.post({"id": "m-1", "type": "text", "text": "Hello"})
    talking.spoil("send", "none", "http_503")
    talking.work()

    assert ["first", "Hello"] == talking.said()
    assert talking.progress().done


def test_in_a_survey_an_end_is_noted_and_not_told(talking: Outbound) -> None:
    """It began before; LivePerson's main dialog is closed by now."""
    types(talking)
    in_survey(talking)
    talking.clock.now += COMPOSING_SECONDS
    talking.end_typing()

    assert ["COMPOSING"] == told(talking)
    assert talking.consumer().composing_since is None


@pytest.mark.parametrize("timer", ["no JSON", "{}", "[]", '{"account_id": "1"}'])
def test_a_timer_that_cannot_be_read_is_dropped(
    talking: Outbound, output: Output, timer: str
) -> None:
    """What is late is not worth a dead letter."""
    talking.queues[TIMERS].put(timer, "alone", "", {})
    talking.end_typing()

    assert "unreadable" in output.messages
    assert [] == talking.queues[TIMERS].messages


def test_a_timer_of_a_consumer_that_was_erased_does_nothing(talking: Outbound) -> None:
    """Nobody is there any more."""
    timer = {"account_id": ACCOUNT, "consumer_id": "nobody", "composing_since": 1.0}
    talking.queues[TIMERS].put(json.dumps(timer), "alone", "", {})
    talking.end_typing()

    assert [] == told(talking)
