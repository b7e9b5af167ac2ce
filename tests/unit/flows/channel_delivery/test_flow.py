"""What is queued is read once, and handed to whoever knows what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from liveperson_connector.domain.errors import ChannelRefused, ChannelUnavailable, UnreadableMessage
from liveperson_connector.flows.channel_delivery.flow import describe
from liveperson_connector.liveperson.notifications import MESSAGING_EVENT, webhook_to_queue
from tests.support.accounts import ACCOUNT
from tests.support.messages import received
from tests.support.webhooks import (
    CONVERSATION,
    conversation_change,
    conversation_notification,
    message_change,
    notification,
)

from .delivering import FAILURE, Delivering


def kept(body: bytes) -> dict[str, Any]:
    """Give a webhook that was unreadable when it came, as redrive puts it back."""
    read: dict[str, Any] = json.loads(webhook_to_queue(ACCOUNT, body))
    return read


def test_each_kind_of_notification_is_delivered() -> None:
    """A message, a state, and what LivePerson refused."""
    delivering = Delivering()
    delivering.hear(message_change())
    delivering.hear_state()
    delivering.hear_failure()

    assert ["message", "conversation", "failed"] == [each["type"] for each in delivering.told]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"account_id": ACCOUNT, "type": MESSAGING_EVENT, "change": {}},
        {"account_id": ACCOUNT, "type": "connector.EventFailed"},
        {"account_id": ACCOUNT, "body_base64": "?"},
    ],
)
def test_message_of_another_form_is_unreadable(body: object) -> None:
    """It is permanent: a person should look."""
    with pytest.raises(UnreadableMessage):
        Delivering().handle(body)


def test_webhook_that_was_kept_whole_is_delivered_change_by_change() -> None:
    """By a version that can read it."""
    delivering = Delivering()
    delivering.handle(kept(notification(message_change("One"), message_change("Two", sequence=2))))
    delivering.handle(kept(conversation_notification(conversation_change())))

    assert ["One", "Two"] == [each["content"]["text"] for each in delivering.told[:2]]
    assert ["opened"] == [each["event"] for each in delivering.told[2:]]


def test_change_that_fails_for_good_takes_no_other_along() -> None:
    """The first problem is the one that is told; those that come after are tried all the same."""
    delivering = Delivering()
    delivering.answer(410)
    with pytest.raises(ChannelRefused):
        delivering.handle(
            kept(notification(message_change("One"), {}, message_change("Three", sequence=3)))
        )

    assert ["One", "Three"] == [each["content"]["text"] for each in delivering.told]
    with pytest.raises(UnreadableMessage):
        delivering.handle(kept(notification({}, message_change("Four", sequence=4))))
    assert "Four" == delivering.told[-1]["content"]["text"]


def test_change_that_may_still_be_taken_stops_those_after_it() -> None:
    """They come again together, in order, and what was told is not told twice."""
    delivering = Delivering()
    webhook = kept(notification(*(message_change(str(n), sequence=n) for n in range(3))))
    delivering.answer(200, 503)
    with pytest.raises(ChannelUnavailable):
        delivering.handle(webhook)
    delivering.handle(webhook)

    assert ["0", "1", "1", "2"] == [each["content"]["text"] for each in delivering.told]


def test_log_line_names_account_and_conversation() -> None:
    """Where they can be read."""
    change = {"account_id": ACCOUNT, "type": MESSAGING_EVENT, "change": message_change()}

    assert {"account_id": ACCOUNT, "conversation_id": CONVERSATION} == describe(
        received(json.dumps(change))
    )
    for body in ("no JSON", json.dumps({"type": "connector.EventFailed", "failure": FAILURE})):
        assert {} == describe(received(body))
