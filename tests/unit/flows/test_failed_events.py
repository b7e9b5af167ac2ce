"""What the channel is told of an event that LivePerson will never take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from liveperson_connector.channel.queued_events import ConsumerEvent
from liveperson_connector.domain.errors import (
    FileRefused,
    LivePersonRefused,
    NoConversation,
    Permanent,
    UnreadableMessage,
)
from liveperson_connector.flows.failed_events import failure_message, read_failed
from tests.support.accounts import ACCOUNT
from tests.support.messages import PHONE

REFUSED = LivePersonRefused("LivePerson answered 400", http_status=400, error_code="BAD")


def event(kind: str = "text", event_id: str = "m-1", consumer_id: str = PHONE) -> ConsumerEvent:
    """Give an event as it was queued."""
    return ConsumerEvent(ACCOUNT, consumer_id, {"id": event_id, "type": kind, "text": "Hello"})


def failure(error: Permanent = REFUSED, **which: Any) -> dict[str, Any]:
    """Write a failure, and read it as its reader does."""
    read = read_failed(json.loads(failure_message(event(**which), error, "message-1").body))
    assert (ACCOUNT, "message-1") == (read.account_id, read.message_id)
    return read.failure


def test_failure_names_the_event_and_the_reason() -> None:
    """With LivePerson's status and code; never with the consumer's words."""
    assert {
        "consumer_id": PHONE,
        "event_id": "m-1",
        "event_type": "text",
        "reason": "liveperson_refused",
        "message": "LivePerson answered 400",
        "http_status": 400,
        "error_code": "BAD",
    } == failure()
    assert "Hello" not in failure_message(event(), REFUSED, "message-1").body


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("receipt", "Are its sequences messages of that dialog, and is the dialog open?"),
        ("reply", "Is to_sequence a message of the open dialog"),
        ("file", "Is file sharing enabled for the account?"),
        ("rating", "Does the account ask for ratings?"),
        ("profile", "Are its attributes LivePerson's own?"),
    ],
)
def test_what_mostly_is_the_cause_is_asked(kind: str, question: str) -> None:
    """LivePerson's own words are shown nowhere."""
    assert question in failure(kind=kind)["message"]


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("text", REFUSED),
        ("file", FileRefused("the file is no PNG")),
        ("receipt", NoConversation("a receipt needs an open conversation")),
    ],
)
def test_what_is_known_needs_no_question(kind: str, error: Permanent) -> None:
    """The reason says it already."""
    assert str(error) == failure(error, kind=kind)["message"]


def test_failures_of_a_consumer_are_one_group() -> None:
    """In their order; those of another consumer do not wait."""
    events = [
        event(),
        event(event_id="m-2"),
        event(consumer_id="another"),
        replace(event(), account_id="another"),
    ]
    groups = [failure_message(each, REFUSED, "message").group for each in events]

    assert groups[0] == groups[1]
    assert 3 == len(set(groups))


def test_failure_is_queued_once_for_each_try_of_the_channel() -> None:
    """The same message may come back, and tell it again; a copy that fails later is another."""
    first, again, copy, other = (
        failure_message(event(event_id=event_id), REFUSED, message).deduplication_id
        for event_id, message in (("m-1", "1"), ("m-1", "1"), ("m-1", "2"), ("m-2", "1"))
    )

    assert first == again
    assert 3 == len({first, copy, other})


def test_failure_of_an_older_version_is_read() -> None:
    """It names no message."""
    body = json.loads(failure_message(event(), REFUSED, "message-1").body)
    del body["message_id"]
    read = read_failed(body)

    assert ("", "m-1") == (read.message_id, read.failure["event_id"])


@pytest.mark.parametrize(
    "queued",
    [
        {},
        {"account_id": ACCOUNT},
        {"failure": {}},
        {"account_id": ACCOUNT, "failure": 7},
        {"account_id": ACCOUNT, "failure": None},
        {"account_id": ACCOUNT, "failure": "ab"},
    ],
)
def test_failure_of_another_form_is_unreadable(queued: dict[str, Any]) -> None:
    """Then it is a dead letter, not a bug."""
    with pytest.raises(UnreadableMessage):
        read_failed(queued)
