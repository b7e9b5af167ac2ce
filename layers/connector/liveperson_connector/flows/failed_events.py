"""
A consumer event that LivePerson will never take: the channel is told, behind its notifications.

It travels on the notifications' queue, since whatever the channel is told goes that way.
"""

from __future__ import annotations

import json
from typing import Any

from .. import observe
from ..channel.consumer_events import ConsumerEvent
from ..errors import LivePersonRefused, Permanent, UnreadableMessage
from ..messages import Letter, token

EVENT_FAILED = "connector.EventFailed"

# LivePerson's own words are mostly "Bad Request"; what it usually means, by the type of event.
_QUESTIONS = {
    "receipt": "Are its sequences messages of that dialog, and is the dialog open?",
    "reply": "Is to_sequence a message of the open dialog, and its metadata what it offered?",
    "file": "Is file sharing enabled for the account?",
    "rating": "Does the account ask for ratings?",
    "profile": "Are its attributes LivePerson's own?",
}


def failed_letter(event: ConsumerEvent, error: Permanent) -> Letter:
    """Write that ``event`` was refused for ever, and why."""
    failure = {
        "consumer_id": event.consumer_id,
        "event_id": event.id,
        "event_type": event.type,
        "reason": error.reason,
        "message": _words(event, error),
        "http_status": error.http_status,
        "error_code": error.error_code,
    }
    body = {"account_id": event.account_id, "type": EVENT_FAILED, "failure": failure}
    who = token(event.account_id, event.consumer_id, "failed")
    return Letter(json.dumps(body), who, token(who, event.id), observe.traced())


def _words(event: ConsumerEvent, error: Permanent) -> str:
    question = _QUESTIONS.get(event.type) if isinstance(error, LivePersonRefused) else None
    return f"{error}. {question}" if question else str(error)


def read_failed(body: str) -> tuple[str, dict[str, Any]] | None:
    """Return the account and the failure that a queued message tells of; none if it is another."""
    try:
        queued = json.loads(body)
        if queued["type"] != EVENT_FAILED:
            return None
        return str(queued["account_id"]), dict(queued["failure"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableMessage("the queued message is not a notification") from None
