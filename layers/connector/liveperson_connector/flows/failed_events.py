"""
Tell the channel that LivePerson refused one of its consumer events for good.

The failure travels on the notifications' queue, as everything that the channel is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..channel.queued_events import ConsumerEvent
from ..domain.errors import LivePersonRefused, Permanent, UnreadableMessage
from ..domain.queue_messages import OutgoingMessage, stable_id
from ..telemetry import outcomes

EVENT_FAILED = "connector.EventFailed"

# What a refusal by LivePerson usually means, by the type of event; its own words are never shown.
_QUESTIONS = {
    "receipt": "Are its sequences messages of that dialog, and is the dialog open?",
    "reply": "Is to_sequence a message of the open dialog, and its metadata what it offered?",
    "file": "Is file sharing enabled for the account?",
    "rating": "Does the account ask for ratings?",
    "profile": "Are its attributes LivePerson's own?",
}


class FailedEvent(NamedTuple):
    """A failure that the channel is told; ``message_id`` is the copy of the event that failed."""

    account_id: str
    failure: dict[str, Any]
    message_id: str


def failure_message(event: ConsumerEvent, error: Permanent, message_id: str) -> OutgoingMessage:
    """
    Write for the queue that ``event`` (in message ``message_id``) was refused for good, and why.

    If the channel sends the event again and it fails again, that is another failure with another
    id.
    """
    failure = {
        "consumer_id": event.consumer_id,
        "event_id": event.id,
        "event_type": event.type,
        "reason": error.reason,
        "message": _words(event, error),
        "http_status": error.http_status,
        "error_code": error.error_code,
    }
    body = {
        "account_id": event.account_id,
        "type": EVENT_FAILED,
        "failure": failure,
        "message_id": message_id,
    }
    who = stable_id(event.account_id, event.consumer_id, "failed")
    return OutgoingMessage(
        json.dumps(body),
        who,
        stable_id(who, event.id, message_id),
        outcomes.correlation_attributes(),
    )


def _words(event: ConsumerEvent, error: Permanent) -> str:
    question = _QUESTIONS.get(event.type) if isinstance(error, LivePersonRefused) else None
    return f"{error}. {question}" if question else str(error)


def read_failed(queued: Mapping[str, Any]) -> FailedEvent:
    """Read what :func:`failure_message` wrote, or raise :class:`UnreadableMessage`."""
    try:
        message_id = str(queued.get("message_id", ""))  # older messages have none
        return FailedEvent(str(queued["account_id"]), dict(queued["failure"]), message_id)
    except (ValueError, KeyError, TypeError):
        raise UnreadableMessage("the queued message is not a notification") from None
