"""
What LivePerson's messaging events say: messages, receipts, typing.

https://developers.liveperson.com/connector-api-webhooks-events.html. Where a field decides who may
read a message, the strictest reading counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .json_fields import (
    ANYTHING,
    ARRAY,
    MOMENT,
    NUMBER,
    STRING,
    Fields,
    numbers,
    read_json,
    typed,
)

EVERYONE = "ALL"
"""The audience of what the consumer may see."""

CONSUMER = "CONSUMER"
"""The role of a consumer."""

# What an event is, in our words; an event of any other kind has none.
TEXT = "text"
RICH = "rich"
FILE = "file"
SECURE_FORM = "secure_form"
TYPING = "typing"
RECEIPT = "receipt"
KINDS = (TEXT, RICH, FILE, SECURE_FORM, TYPING, RECEIPT)

SECURE_INVITATION = "forms/secure-invitation"
SECURE_SUBMISSION = "forms/secure-submission"

CHAT_STATE_EVENT = "ChatStateEvent"

TYPING_STALE_SECONDS = 10.0
"""An indicator older than this says nothing any more."""

_CONTENT_EVENT = "ContentEvent"
_RICH_CONTENT_EVENT = "RichContentEvent"
_ACCEPT_STATUS_EVENT = "AcceptStatusEvent"

_AUDIENCES: Fields = {"messageAudience": ANYTHING, "audience": ANYTHING}
"""The names under which an audience may stand: today's, and the one inside an event."""

_CHANGE: Fields = {
    "conversationId": STRING,
    "dialogId": STRING,
    "sequence": NUMBER,
    "serverTimestamp": MOMENT,
    "originatorId": STRING,
    "originatorMetadata": {"id": STRING, "role": STRING, **_AUDIENCES},
    "event": {
        "type": STRING,
        "contentType": STRING,
        "message": ANYTHING,
        "content": ANYTHING,
        "quickReplies": ANYTHING,
        "chatState": STRING,
        "status": STRING,
        "sequenceList": ARRAY,
        **_AUDIENCES,
    },
    **_AUDIENCES,
}
_FILE: Fields = {"caption": STRING, "relativePath": STRING, "fileType": STRING}


@dataclass(frozen=True)
class HostedFile:
    """
    A file in LivePerson's storage; a URL to fetch it must be asked for.

    https://developers.liveperson.com/connector-api-send-api-examples.html
    """

    caption: str
    relative_path: str
    file_type: str


@dataclass(frozen=True)
class MessagingEvent:
    """
    Something said or done in a dialog.

    ``conversation_id`` is empty where the change names none, and says nothing then. The form of
    2018 and that of surveys name the dialog alone; then ``names_conversation`` is false and
    ``conversation_id`` is the dialog's. ``kind`` is one of :data:`KINDS`, ``None`` for what is
    unknown or unreadable. ``identities`` are what two deliveries of the same event have in common,
    see :func:`read_messaging_event`. ``audience`` is the strictest that stands anywhere in it,
    ``None`` in the form of 2018, which has none: everyone. ``is_consumers`` says that a consumer
    did it: an echo of what this or another channel sent; ``consumer_ids`` are LivePerson's ids of
    the consumers that it names. ``text`` are the words of a text message, ``None`` for everything
    else. ``quick_replies`` and ``rich`` are LivePerson's structured content as it came
    (https://developers.liveperson.com/getting-started-with-rich-messaging-introduction.html).
    """

    account_id: str
    conversation_id: str
    dialog_id: str
    kind: str | None
    identities: tuple[str, ...]
    sequence: int | None
    sender_id: str
    sender_role: str
    is_consumers: bool
    consumer_ids: tuple[str, ...]
    audience: str | None
    sent_at: datetime | None
    content_type: str
    message: object
    text: str | None = None
    names_conversation: bool = True
    quick_replies: Mapping[str, Any] | None = None
    rich: Mapping[str, Any] | None = None
    file: HostedFile | None = None
    chat_state: str | None = None
    receipt_status: str | None = None
    sequences: tuple[int, ...] = ()


def read_messaging_event(account_id: str, raw: object) -> MessagingEvent:
    """
    Read the raw change of a messaging event.

    Messages are numbered within their dialog, so that two deliveries of one are known by it. A
    receipt may have a number of its own, that of its message, or none, so it is known by what it
    says: who has received or read what. Its second identity is that of older versions, the number
    alone. Typing has no identity: it is stale within seconds.
    """
    change = typed(raw, _CHANGE)
    event, sender = change["event"], change["originatorMetadata"]
    sender_id = change.get("originatorId") or sender.get("id", "")
    conversation_id = change.get("conversationId") or change.get("dialogId", "")
    dialog_id = change.get("dialogId") or conversation_id
    sequence = change.get("sequence")
    is_consumers = sender.get("role") == CONSUMER
    return MessagingEvent(
        account_id=account_id,
        conversation_id=conversation_id,
        dialog_id=dialog_id,
        identities=_identities(dialog_id, sequence, sender_id, event),
        sequence=sequence,
        sender_id=sender_id,
        sender_role=sender.get("role", ""),
        is_consumers=is_consumers,
        consumer_ids=(sender_id,) if is_consumers and sender_id else (),
        audience=_audience(change, event, sender, event.get("message")),
        sent_at=change.get("serverTimestamp"),
        names_conversation=bool(change.get("conversationId")),
        **_content(event),
    )


def _content(event: Mapping[str, Any]) -> dict[str, Any]:
    """Read what an event says."""
    event_type, content_type = event.get("type"), event.get("contentType", "")
    message = event.get("message")
    is_text = event_type == _CONTENT_EVENT and content_type == "text/plain"
    content = {
        "content_type": content_type,
        "message": message,
        "text": message if is_text and isinstance(message, str) else None,
        "quick_replies": _structured(event.get("quickReplies")),
        "rich": _rich(event) if event_type == _RICH_CONTENT_EVENT else None,
        "file": _file(message) if content_type == "hosted/file" else None,
        "chat_state": event.get("chatState") or None,
        "receipt_status": event.get("status") or None,
        "sequences": numbers(event["sequenceList"]) if "sequenceList" in event else (),
    }
    return {**content, "kind": _kind(event_type, content)}


def _kind(event_type: str | None, content: Mapping[str, Any]) -> str | None:
    if event_type == _RICH_CONTENT_EVENT:
        return None if content["rich"] is None else RICH
    if event_type != _CONTENT_EVENT:
        return {CHAT_STATE_EVENT: TYPING, _ACCEPT_STATUS_EVENT: RECEIPT}.get(event_type or "")
    if content["content_type"] in {SECURE_INVITATION, SECURE_SUBMISSION}:
        return SECURE_FORM
    if content["file"] is not None:
        return FILE
    return None if content["text"] is None else TEXT


def _rich(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # Under ``content`` as it is sent today, under ``message`` in the published schema.
    content = _structured(event.get("content"))
    return content if content is not None else _structured(event.get("message"))


def _structured(value: object) -> Mapping[str, Any] | None:
    """Return an object, also one that is written as JSON text, as the message history has it."""
    if isinstance(value, str):
        try:
            value = read_json(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _file(message: object) -> HostedFile | None:
    told = typed(_structured(message), _FILE)
    path = told.get("relativePath")
    return HostedFile(told.get("caption", ""), path, told.get("fileType", "")) if path else None


def _identities(
    dialog_id: str, sequence: int | None, sender_id: str, event: Mapping[str, Any]
) -> tuple[str, ...]:
    numbered = () if sequence is None else (f"{dialog_id}:{sequence}",)
    if event.get("type") == CHAT_STATE_EVENT:
        return ()
    if event.get("type") != _ACCEPT_STATUS_EVENT:
        return numbered
    sequences = numbers(event.get("sequenceList", []))
    facts = (sequence, event.get("status", ""), sequences, sender_id)
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]
    return (f"{dialog_id}:receipt:{digest}", *numbered)


def _audience(*places: object) -> str | None:
    """
    Return the strictest audience of an event, wherever it stands.

    LivePerson documents one place, the change itself
    (https://developers.liveperson.com/connector-api-webhooks-events.html), but a private note
    must stay in wherever it is marked. ``None`` means no audience at all, the form of 2018.
    """
    objects = [place for place in places if isinstance(place, dict)]
    named = [place.get(name) for place in objects for name in _AUDIENCES]
    found = [each if isinstance(each, str) else "not a text" for each in named if each is not None]
    return next((each for each in found if each != EVERYONE), EVERYONE if found else None)
