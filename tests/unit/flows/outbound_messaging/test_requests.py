"""What each consumer event becomes at LivePerson."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liveperson_connector.channel.queued_events import ConsumerEvent
from liveperson_connector.domain.conversations import Consumer, text_digest
from liveperson_connector.domain.errors import NoConversation
from liveperson_connector.flows.outbound_messaging.requests import (
    SendStep,
    single_request,
    text_steps,
)
from liveperson_connector.liveperson import payloads
from liveperson_connector.liveperson.payloads import Place
from tests.support.accounts import ACCOUNT
from tests.support.messages import PHONE

NOWHERE = Consumer(ACCOUNT, PHONE, "0123456789abcdef", "lp-1", "jws")
TALKING = replace(NOWHERE, conversation_id="c-1", last_conversation_id="c-1")
ASKED = replace(TALKING, survey_dialog_id="s-1")
HERE = Place("c-1", "c-1")
METADATA = [{"type": "ExternalId", "id": "42"}]


def event(kind: str, **fields: Any) -> ConsumerEvent:
    """Give an event as it was queued."""
    return ConsumerEvent(ACCOUNT, PHONE, {"id": "e-1", "type": kind, **fields})


def requests(steps: list[SendStep]) -> list[payloads.Request]:
    """Give what the steps ask for."""
    return [step.request(HERE) for step in steps]


# ── What is said ──


def test_a_text_is_one_step_with_its_echo() -> None:
    """By the echo it is known that it has arrived."""
    steps = text_steps(event("text", text="Hello", metadata=METADATA))

    assert [payloads.text(HERE, "Hello")] == requests(steps)
    assert [text_digest("Hello")] == [step.echo for step in steps]


def test_a_long_text_is_said_in_parts() -> None:
    """Each part is looked for by itself."""
    steps = text_steps(event("text", text="a" * 4000 + "b"))

    assert [payloads.text(HERE, "a" * 4000), payloads.text(HERE, "b")] == requests(steps)
    assert [text_digest("a" * 4000), text_digest("b")] == [step.echo for step in steps]


def test_a_reply_says_first_which_element_was_chosen() -> None:
    """A bot listens to the choice and its metadata; an agent reads the words."""
    reply = event("reply", text="Yes", to_sequence=7, metadata=METADATA)
    steps = text_steps(reply)

    assert [
        payloads.accept_status(HERE, "ACTION", [7], METADATA),
        payloads.text(HERE, "Yes", METADATA),
    ] == requests(steps)
    assert [None, text_digest("Yes")] == [step.echo for step in steps]


def test_a_reply_without_metadata_has_none() -> None:
    """It is optional."""
    steps = text_steps(event("reply", text="Yes", to_sequence=7))

    assert [(), ()] == [tuple(each.metadata) for each in requests(steps)]


def test_after_the_end_only_the_words_of_a_reply_are_left() -> None:
    """What was chosen stood in a conversation that is over."""
    steps = text_steps(event("reply", text="Yes", to_sequence=7, metadata=METADATA))

    assert [True, False] == [step.only_while_open for step in steps]


# ── What is done ──


@pytest.mark.parametrize(
    ("status", "theirs"),
    [("accepted", "ACCEPT"), ("read", "READ"), ("accessed", "ACCESS"), ("rejected", "NACK")],
)
def test_a_receipt_is_told_in_livepersons_words(status: str, theirs: str) -> None:
    """For the messages it names."""
    receipt = event("receipt", status=status, sequences=[3, 4])

    assert payloads.accept_status(HERE, theirs, [3, 4]) == single_request(receipt, TALKING)


def test_a_receipt_may_name_its_dialog() -> None:
    """Messages are numbered within one; without a name it is where the consumer is now."""
    receipt = {"status": "read", "sequences": [3]}

    assert payloads.accept_status(Place("c-1", "c-1"), "READ", [3]) == single_request(
        event("receipt", dialog_id="c-1", **receipt), ASKED
    )
    assert payloads.accept_status(Place("c-1", "s-1"), "READ", [3]) == single_request(
        event("receipt", **receipt), ASKED
    )


def test_our_own_receipt_of_a_conversation_that_is_over_is_not_told() -> None:
    """It waited until the consumer had another one, in which its message does not exist."""
    before, now = (
        replace(
            event(
                "receipt", status="accepted", sequences=[3], dialog_id=each, conversation_id=each
            ),
            is_automatic=True,
        )
        for each in ("c-0", "c-1")
    )

    assert single_request(before, TALKING) is None
    assert payloads.accept_status(HERE, "ACCEPT", [3]) == single_request(now, TALKING)


def test_a_receipt_without_a_conversation_is_refused_for_ever() -> None:
    """There is nowhere to send it."""
    with pytest.raises(NoConversation):
        single_request(event("receipt", status="read", sequences=[3]), NOWHERE)


@pytest.mark.parametrize(
    ("consumer", "fields", "expected"),
    [
        (TALKING, {}, payloads.close_dialog("c-1")),
        (TALKING, {"survey": True}, payloads.close_dialog("c-1")),
        (TALKING, {"survey": False}, payloads.close_conversation("c-1")),
        (ASKED, {}, payloads.close_conversation("c-1")),
        (ASKED, {"survey": False}, payloads.close_conversation("c-1")),
        (NOWHERE, {}, None),
    ],
)
def test_a_survey_may_follow_an_end_unless_it_is_not_wanted(
    consumer: Consumer, fields: dict[str, Any], expected: payloads.Request | None
) -> None:
    """Who closes while the survey runs closes everything; what is over stays so."""
    assert expected == single_request(event("close", **fields), consumer)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"csat": 4, "resolved": True}, payloads.rating("c-1", 4, True)),
        ({"csat": 4}, payloads.rating("c-1", 4, None)),
        ({"resolved": False}, payloads.rating("c-1", None, False)),
        ({"skipped": True}, payloads.rating("c-1", None, None, skipped=True)),
    ],
)
def test_a_rating_says_what_the_consumer_said(
    fields: dict[str, Any], expected: payloads.Request
) -> None:
    """And nothing that was not said."""
    assert expected == single_request(event("rating", **fields), TALKING)


def test_the_last_conversation_can_be_rated_after_its_end() -> None:
    """One that is open goes before it; who never had one has nothing to rate."""
    ended = replace(NOWHERE, last_conversation_id="c-0")
    both = replace(TALKING, last_conversation_id="c-0")

    assert payloads.rating("c-0", 5, None) == single_request(event("rating", csat=5), ended)
    assert payloads.rating("c-1", 5, None) == single_request(event("rating", csat=5), both)
    with pytest.raises(NoConversation):
        single_request(event("rating", csat=5), NOWHERE)


def test_a_profile_needs_no_conversation() -> None:
    """Who the consumer is can be told at any time."""
    profile = event("profile", personal={"firstname": "Ada"})

    assert payloads.profile(profile.raw) == single_request(profile, NOWHERE)
