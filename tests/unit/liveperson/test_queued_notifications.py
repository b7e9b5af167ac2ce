"""What is queued between intake and worker: what is read back is what was written."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.domain.errors import UnreadableMessage
from liveperson_connector.liveperson.conversation_changes import read_conversation_change
from liveperson_connector.liveperson.messaging_events import read_messaging_event
from liveperson_connector.liveperson.notifications import (
    CONVERSATION_CHANGE,
    MESSAGING_EVENT,
    read_change,
    read_queued_change,
    read_queued_webhook,
    to_queue,
    webhook_to_queue,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import (
    conversation_change,
    conversation_notification,
    message_change,
    notification,
)


@given(st.text(st.characters(codec="utf-8")))
def test_message_survives_the_queue(text: str) -> None:
    """What is read back is what was written, in ASCII, which SQS takes whatever it says."""
    raw = message_change(text)
    body = to_queue(read_change(ACCOUNT, MESSAGING_EVENT, raw))

    assert body.isascii()
    assert '{"account_id":"' + ACCOUNT + '","type":"' in body  # no room is wasted
    assert read_messaging_event(ACCOUNT, raw) == read_queued_change(json.loads(body))


def test_state_of_a_conversation_survives_the_queue() -> None:
    """It is told apart from a message by its type."""
    raw = conversation_change()
    body = to_queue(read_change(ACCOUNT, CONVERSATION_CHANGE, raw))

    assert read_conversation_change(ACCOUNT, raw) == read_queued_change(json.loads(body))


@pytest.mark.parametrize(
    "queued",
    [
        {},
        {"account_id": "1", "type": "x"},
        {"account_id": "1", "change": {}},
        {"type": "x", "change": {}},
        {"account_id": "1", "type": "x", "change": []},
        {"account_id": "1", "type": "x", "change": {}},
        {"account_id": "1", "type": CONVERSATION_CHANGE, "change": message_change()},
        {"account_id": "1", "type": [], "change": None},
    ],
)
def test_change_that_names_no_conversation_is_unreadable(queued: dict[str, Any]) -> None:
    """Nothing can be done with it."""
    with pytest.raises(UnreadableMessage):
        read_queued_change(queued)


def test_webhook_kept_whole_is_read_back() -> None:
    """Redriven, by a version that can read it, change by change."""
    body = notification(message_change(), {})
    first, second = read_queued_webhook(json.loads(webhook_to_queue(ACCOUNT, body)))

    assert (read_change(ACCOUNT, MESSAGING_EVENT, message_change()), "") == (
        first,
        second.conversation_id,
    )


@pytest.mark.parametrize(
    "spoilt",
    [
        {"body_base64": "?"},
        {"body_base64": "?" + base64.b64encode(notification(message_change())).decode()},
        {"body_base64": 7},
        {"body_base64": None},
        {"body_base64": base64.b64encode(b"no JSON").decode()},
        {
            "body_base64": base64.b64encode(
                conversation_notification(conversation_change(brandId="9"))
            ).decode()
        },
    ],
)
def test_webhook_that_still_cannot_be_read_is_unreadable(spoilt: dict[str, Any]) -> None:
    """Nor is one that names another account than the one whose secret had signed it."""
    kept = json.loads(webhook_to_queue(ACCOUNT, notification(message_change())))
    assert read_queued_webhook(kept)

    with pytest.raises(UnreadableMessage):
        read_queued_webhook({**kept, **spoilt})
    with pytest.raises(UnreadableMessage):
        read_queued_webhook({"body_base64": kept["body_base64"]})
