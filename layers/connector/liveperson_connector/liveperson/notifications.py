"""
What LivePerson's webhooks tell: messaging events and conversation changes.

A webhook's body is ``{"kind": "notification", "type": …, "body": {"changes": […]}}``
(https://developers.liveperson.com/connector-api-webhooks-events.html). This module is the border:
its words come in, our values go out, and the raw change is kept beside them. Fields and values
that are not known never break anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import UnreadableMessage

MESSAGING_EVENT = "ms.MessagingEventNotification"
CONVERSATION_CHANGE = "cqm.ExConversationChangeNotification"

CONSUMER = "CONSUMER"


@dataclass(frozen=True)
class Change:
    """One change of a webhook, as it is queued: whose account, which kind, the raw change."""

    account_id: str
    kind: str
    raw: Mapping[str, Any]

    @property
    def conversation_id(self) -> str:
        """The conversation, or the dialog in the 2018 form that names no conversation."""
        if self.kind == CONVERSATION_CHANGE:
            return _text(_mapping(self.raw.get("result")).get("convId"))
        return _text(self.raw.get("conversationId")) or _text(self.raw.get("dialogId"))

    @property
    def identity(self) -> str | None:
        """
        What two deliveries of the same change have in common; none for typing, which has no key.

        Messaging events are numbered within their dialog. A conversation change carries the
        complete state, so its content is its identity.
        """
        if self.kind == CONVERSATION_CHANGE:
            return f"change:{_digest(self.raw)}"
        sequence = self.raw.get("sequence")
        if not isinstance(sequence, int):
            return None
        return f"{_text(self.raw.get('dialogId')) or self.conversation_id}:{sequence}"


@dataclass(frozen=True)
class MessagingEvent:
    """Something said or done in a dialog. ``audience`` is none in the form of 2018: everyone."""

    conversation_id: str
    dialog_id: str
    sequence: int | None
    sender_id: str
    sender_role: str
    audience: str | None
    sent_at: datetime | None
    event_type: str
    content_type: str
    message: object

    @property
    def is_consumers(self) -> bool:
        """Whether a consumer did it: an echo of what this or another channel sent."""
        return self.sender_role == CONSUMER

    @property
    def text(self) -> str | None:
        """The words of a text message; none for everything else."""
        is_text = self.event_type == "ContentEvent" and self.content_type == "text/plain"
        return self.message if is_text and isinstance(self.message, str) else None


@dataclass(frozen=True)
class ConversationChange:
    """The state of a conversation. ``updated_at`` (milliseconds) orders changes of one."""

    conversation_id: str
    consumer_ids: tuple[str, ...]
    is_closed: bool
    close_reason: str | None
    updated_at: int


def read_webhook(account_id: str, body: bytes) -> list[Change]:
    """
    Read the changes of a webhook's body.

    Raises :class:`UnreadableMessage` for what is not JSON, not a notification, or of a kind
    unknown to us; it was signed by LivePerson, so it is worth keeping for a person to look at.
    """
    try:
        notification = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableMessage("the webhook's body is not JSON") from None
    notification = _mapping(notification)
    kind = notification.get("type")
    if kind not in (MESSAGING_EVENT, CONVERSATION_CHANGE):  # a list: the kind may be anything
        raise UnreadableMessage("the webhook is of an unknown kind")
    changes = _mapping(notification.get("body")).get("changes")
    if not isinstance(changes, list) or not all(isinstance(each, dict) for each in changes):
        raise UnreadableMessage("the webhook has no list of changes")
    read = [Change(account_id, kind, each) for each in changes]
    if not all(change.conversation_id for change in read):
        raise UnreadableMessage("a change names no conversation")
    return read


def read_messaging_event(change: Change) -> MessagingEvent:
    """Read a change of kind :data:`MESSAGING_EVENT`."""
    raw, event = change.raw, _mapping(change.raw.get("event"))
    sender = _mapping(raw.get("originatorMetadata"))
    sequence = raw.get("sequence")
    return MessagingEvent(
        conversation_id=change.conversation_id,
        dialog_id=_text(raw.get("dialogId")) or change.conversation_id,
        sequence=sequence if isinstance(sequence, int) else None,
        sender_id=_text(raw.get("originatorId")) or _text(sender.get("id")),
        sender_role=_text(sender.get("role")),
        audience=_audience(raw),
        sent_at=_time(raw.get("serverTimestamp")),
        event_type=_text(event.get("type")),
        content_type=_text(event.get("contentType")),
        message=event.get("message"),
    )


def read_conversation_change(change: Change) -> ConversationChange:
    """Read a change of kind :data:`CONVERSATION_CHANGE`."""
    result = _mapping(change.raw.get("result"))
    details = _mapping(result.get("conversationDetails"))
    updated_at = details.get("metaDataLastUpdateTs")
    return ConversationChange(
        conversation_id=change.conversation_id,
        consumer_ids=tuple(_consumers(details)),
        is_closed=_is_closed(change.raw, details),
        close_reason=_text(details.get("closeReason")) or None,
        updated_at=updated_at if isinstance(updated_at, int) else 0,
    )


def _is_closed(raw: Mapping[str, Any], details: Mapping[str, Any]) -> bool:
    # ``stage`` is the whole conversation; ``state`` only its main dialog, after which a survey
    # may still run. The form of 2018 has no ``stage``.
    return raw.get("type") == "DELETE" or details.get("stage", details.get("state")) == "CLOSE"


def _consumers(details: Mapping[str, Any]) -> list[str]:
    participants = details.get("participants")
    return [
        _text(each.get("id"))
        for each in (participants if isinstance(participants, list) else [])
        if isinstance(each, dict) and each.get("role") == CONSUMER
    ]


def _audience(raw: Mapping[str, Any]) -> str | None:
    # Absent is the older form; anything that is not a text is an audience we don't know.
    audience = raw.get("messageAudience")
    return None if audience is None else str(audience)


def _time(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _digest(raw: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
