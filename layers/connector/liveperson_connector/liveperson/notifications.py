"""
What LivePerson's webhooks tell: messaging events and conversation changes.

A webhook's body is ``{"kind": "notification", "type": …, "body": {"changes": […]}}``
(https://developers.liveperson.com/connector-api-webhooks-events.html). This module is the border:
its words come in, our values go out, and the raw change is kept beside them. Fields and values
that are not known never break anything: what can't be read is as if it were absent. Where they
decide who may read a message, the strictest one counts.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..domain.errors import UnreadableMessage

MESSAGING_EVENT = "ms.MessagingEventNotification"
CONVERSATION_CHANGE = "cqm.ExConversationChangeNotification"

EVERYONE = "ALL"
"""The audience of what the consumer may see."""

CONSUMER = "CONSUMER"
ASSIGNED_AGENT = "ASSIGNED_AGENT"

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

_CONTENT_EVENT = "ContentEvent"
_RICH_CONTENT_EVENT = "RichContentEvent"
_CHAT_STATE_EVENT = "ChatStateEvent"
_ACCEPT_STATUS_EVENT = "AcceptStatusEvent"

# Everything LivePerson numbers fits 64 bits; a larger number is not one of its.
_BEYOND_NUMBERS = 2**63

# The names under which an audience may stand: today's, and the one inside an event.
_AUDIENCES = ("messageAudience", "audience")


@dataclass(frozen=True)
class Change:
    """
    One change of a webhook, as it is queued: whose account, which kind, the raw change.

    ``raw`` is any JSON unless the change :attr:`is_readable`; then it is an object.
    """

    account_id: str
    kind: str
    raw: Any

    @property
    def is_readable(self) -> bool:
        """Whether it is an object that names a conversation: nothing can be done without one."""
        return isinstance(self.raw, dict) and bool(self.conversation_id)

    @property
    def conversation_id(self) -> str:
        """The conversation, or the dialog in the 2018 form that names no conversation."""
        raw = _mapping(self.raw)
        if self.kind == CONVERSATION_CHANGE:
            return _text(_mapping(raw.get("result")).get("convId"))
        return _text(raw.get("conversationId")) or _text(raw.get("dialogId"))

    @property
    def named_accounts(self) -> frozenset[str]:
        """The accounts that the change itself names, each a ``brandId``; mostly none, or one."""
        raw = _mapping(self.raw)
        result = _mapping(raw.get("result"))
        places = (raw, result, _mapping(result.get("conversationDetails")))
        return frozenset(_name(each["brandId"]) for each in places if "brandId" in each) - {""}

    @property
    def happened_at(self) -> float | None:
        """When LivePerson took or changed it, in seconds since 1970; ``None`` if it doesn't say."""
        raw = _mapping(self.raw)
        if self.kind == CONVERSATION_CHANGE:
            details = _mapping(_mapping(raw.get("result")).get("conversationDetails"))
            return _seconds(details.get("metaDataLastUpdateTs"))
        return _seconds(raw.get("serverTimestamp"))

    @property
    def is_consumers(self) -> bool:
        """Whether a consumer did it: an echo of what this or another channel sent."""
        sender = _mapping(self.raw.get("originatorMetadata"))
        return self.kind == MESSAGING_EVENT and sender.get("role") == CONSUMER

    @property
    def is_typing(self) -> bool:
        """Whether somebody began or stopped typing, came or went: stale within seconds."""
        return self._event_type == _CHAT_STATE_EVENT

    @property
    def identities(self) -> tuple[str, ...]:
        """
        What two deliveries of the same event have in common; none where nothing tells.

        Messages are numbered within their dialog. A receipt may have a number of its own, that of
        its message, or none, so it is known by what it says: who has received or read what. Its
        second identity is that of older versions, the number alone. Typing and the states of a
        conversation have none: the one is stale within seconds, the others have a time stamp
        (https://developers.liveperson.com/messaging-window-api-tutorials-post-conversation-survey-pcs.html).
        """
        if self._event_type == _ACCEPT_STATUS_EVENT:
            return (f"{self._dialog_id}:receipt:{self._receipt}", *self._numbered)
        return () if self.is_typing else self._numbered

    @property
    def _numbered(self) -> tuple[str, ...]:
        sequence = _number(self.raw.get("sequence"))
        is_event = self.kind == MESSAGING_EVENT
        return (f"{self._dialog_id}:{sequence}",) if is_event and sequence is not None else ()

    @property
    def _receipt(self) -> str:
        event = _mapping(self.raw.get("event"))
        return _digest(
            _number(self.raw.get("sequence")),
            _text(event.get("status")),
            _numbers(event.get("sequenceList")),
            _sender_id(self.raw),
        )

    @property
    def _dialog_id(self) -> str:
        return _text(self.raw.get("dialogId")) or self.conversation_id

    @property
    def _event_type(self) -> object:
        is_event = self.kind == MESSAGING_EVENT
        return _mapping(self.raw.get("event")).get("type") if is_event else None


@dataclass(frozen=True)
class Notification:
    """
    A webhook's body: its changes in order, and when LivePerson sent it.

    ``sent_at`` is in seconds since 1970, ``None`` where the body doesn't say.
    """

    changes: tuple[Change, ...]
    sent_at: float | None = None


@dataclass(frozen=True)
class HostedFile:
    """
    A file that stands in LivePerson's storage; a URL to fetch it must be asked for.

    https://developers.liveperson.com/connector-api-send-api-examples.html
    """

    caption: str
    relative_path: str
    file_type: str


@dataclass(frozen=True)
class MessagingEvent:
    """
    Something said or done in a dialog.

    ``kind`` is one of :data:`KINDS`, ``None`` for what is unknown or unreadable. ``text`` are the
    words of a text message, ``None`` for everything else. ``identities`` are those of its change.
    ``audience`` is the strictest that stands anywhere in it, ``None`` in the form of 2018, which
    has none: everyone. That form and the one of surveys name the dialog alone; then
    ``names_conversation`` is false and ``conversation_id`` is the dialog's.
    ``quick_replies`` and ``rich`` are LivePerson's structured content as it came
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
    audience: str | None
    sent_at: datetime | None
    content_type: str
    message: object
    text: str | None = None
    names_conversation: bool = True
    metadata: tuple[Any, ...] = ()
    quick_replies: Mapping[str, Any] | None = None
    rich: Mapping[str, Any] | None = None
    file: HostedFile | None = None
    chat_state: str | None = None
    receipt_status: str | None = None
    sequences: tuple[int, ...] = ()

    @property
    def is_consumers(self) -> bool:
        """Whether a consumer did it: an echo of what this or another channel sent."""
        return self.sender_role == CONSUMER


@dataclass(frozen=True)
class ConversationChange:
    """
    The state of a conversation. ``updated_at`` (milliseconds) orders changes of one.

    ``updated_at`` is 0 where the change doesn't say. A state that names neither its end nor that it
    is open leaves that as it was. ``skill_id`` is ``-1`` for LivePerson's "no
    skill", and ``None`` where nothing is said of it. ``agent_id`` is an agent who has joined, not
    one to whom it is only offered. ``survey_dialog_id`` is the survey that is open now.
    ``dialog_types`` are LivePerson's words for the types of the dialogs, by their ids
    (https://developers.liveperson.com/messaging-window-api-tutorials-post-conversation-survey-pcs.html).
    """

    account_id: str
    conversation_id: str
    consumer_ids: tuple[str, ...]
    is_closed: bool
    close_reason: str | None
    updated_at: int
    skill_id: str | None = None
    agent_id: str | None = None
    survey_dialog_id: str | None = None
    dialog_types: Mapping[str, str] = field(default_factory=dict)
    says_open: bool = False


def read_webhook(account_id: str, body: bytes) -> Notification:
    """
    Read the changes of a webhook's body; each says itself whether it is readable.

    Raises :class:`UnreadableMessage` for what is not JSON, not a notification, or of a kind
    unknown to us; it was signed by LivePerson, so it is worth keeping for a person to look at.
    """
    try:
        notification = _read_json(body)
    except (ValueError, RecursionError):
        raise UnreadableMessage("the webhook's body is not JSON") from None
    notification = _mapping(notification)
    kind = notification.get("type")
    if kind not in (MESSAGING_EVENT, CONVERSATION_CHANGE):  # a list: the kind may be anything
        raise UnreadableMessage("the webhook is of an unknown kind")
    inner = _mapping(notification.get("body"))
    changes = inner.get("changes")
    if not isinstance(changes, list):
        raise UnreadableMessage("the webhook has no list of changes")
    read = tuple(Change(account_id, kind, each) for each in changes)
    return Notification(read, _seconds(inner.get("sentTs")))


def read_messaging_event(change: Change) -> MessagingEvent:
    """Read a change of kind :data:`MESSAGING_EVENT`."""
    raw, event = change.raw, _mapping(change.raw.get("event"))
    sender = _mapping(raw.get("originatorMetadata"))
    text, rich, file = _plain_text(event), _rich(event), _file(event)
    return MessagingEvent(
        account_id=change.account_id,
        conversation_id=change.conversation_id,
        dialog_id=_text(raw.get("dialogId")) or change.conversation_id,
        kind=_kind(event, text, rich, file),
        identities=change.identities,
        sequence=_number(raw.get("sequence")),
        sender_id=_sender_id(raw),
        sender_role=_text(sender.get("role")),
        audience=_audience(raw, event),
        sent_at=_time(raw.get("serverTimestamp")),
        content_type=_text(event.get("contentType")),
        message=event.get("message"),
        text=text,
        names_conversation=bool(_text(raw.get("conversationId"))),
        metadata=tuple(_list(raw.get("metadata"))),
        quick_replies=_structured(event.get("quickReplies")),
        rich=rich,
        file=file,
        chat_state=_text(event.get("chatState")) or None,
        receipt_status=_text(event.get("status")) or None,
        sequences=_numbers(event.get("sequenceList")),
    )


def read_conversation_change(change: Change) -> ConversationChange:
    """Read a change of kind :data:`CONVERSATION_CHANGE`."""
    result = _mapping(change.raw.get("result"))
    details = _mapping(result.get("conversationDetails"))
    dialogs = _mappings(details.get("dialogs"))
    return ConversationChange(
        account_id=change.account_id,
        conversation_id=change.conversation_id,
        consumer_ids=tuple(_consumers(details)),
        is_closed=_stage(change.raw, details) == "CLOSE",
        says_open=_stage(change.raw, details) == "OPEN",
        close_reason=_text(details.get("closeReason")) or None,
        updated_at=_number(details.get("metaDataLastUpdateTs")) or 0,
        skill_id=_skill(details),
        agent_id=_agent(details, dialogs),
        survey_dialog_id=next(iter(_dialog_types(filter(_is_open_survey, dialogs))), None),
        dialog_types=_dialog_types(dialogs),
    )


def _read_json(text: str | bytes) -> object:
    """Read what is JSON by its standard: Python would also take, and write on, ``NaN``."""
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError("a number is not finite")
    return value


def _kind(
    event: Mapping[str, Any],
    text: str | None,
    rich: Mapping[str, Any] | None,
    file: HostedFile | None,
) -> str | None:
    event_type = _text(event.get("type"))
    if event_type == _RICH_CONTENT_EVENT:
        return None if rich is None else RICH
    if event_type != _CONTENT_EVENT:
        return {_CHAT_STATE_EVENT: TYPING, _ACCEPT_STATUS_EVENT: RECEIPT}.get(event_type)
    if event.get("contentType") in (SECURE_INVITATION, SECURE_SUBMISSION):
        return SECURE_FORM
    if file is not None:
        return FILE
    return None if text is None else TEXT


def _plain_text(event: Mapping[str, Any]) -> str | None:
    is_text = event.get("type") == _CONTENT_EVENT and event.get("contentType") == "text/plain"
    message = event.get("message")
    return message if is_text and isinstance(message, str) else None


def _rich(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # Under ``content`` as it is sent today, under ``message`` in the published schema.
    if event.get("type") != _RICH_CONTENT_EVENT:
        return None
    content = _structured(event.get("content"))
    return content if content is not None else _structured(event.get("message"))


def _structured(value: object) -> Mapping[str, Any] | None:
    """Return an object, also one that is written as JSON text, as the message history has it."""
    if isinstance(value, str):
        try:
            value = _read_json(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, Mapping) else None


def _file(event: Mapping[str, Any]) -> HostedFile | None:
    if event.get("contentType") != "hosted/file":
        return None
    message = _structured(event.get("message")) or {}
    path = _text(message.get("relativePath"))
    if not path:
        return None
    return HostedFile(_text(message.get("caption")), path, _text(message.get("fileType")))


def _stage(raw: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    # ``stage`` is the whole conversation; ``state`` only its main dialog, after which a survey
    # may still run. The form of 2018 has no ``stage``.
    if raw.get("type") == "DELETE":
        return "CLOSE"
    return _text(details.get("stage")) or _text(details.get("state"))


def _consumers(details: Mapping[str, Any]) -> list[str]:
    return _with_role(CONSUMER, details.get("participants"))


def _skill(details: Mapping[str, Any]) -> str | None:
    handler = _mapping(details.get("conversationHandlerDetails"))
    return _name(details.get("skillId")) or _name(handler.get("skillId")) or None


def _agent(details: Mapping[str, Any], dialogs: list[Mapping[str, Any]]) -> str | None:
    """Return the agent who has joined: an agent whose state is SUGGESTED has not yet."""
    takes_part = [
        each
        for dialog in dialogs
        if not _is_survey(dialog)
        for each in _mappings(dialog.get("participantsDetails"))
    ]
    offered = _with_role(
        ASSIGNED_AGENT, [each for each in takes_part if each.get("state") == "SUGGESTED"]
    )
    agents = _with_role(ASSIGNED_AGENT, [*takes_part, *_mappings(details.get("participants"))])
    return next((agent for agent in agents if agent not in offered), None)


def _with_role(role: str, participants: object) -> list[str]:
    named = [_text(each.get("id")) for each in _mappings(participants) if each.get("role") == role]
    return [each for each in named if each]


def _is_survey(dialog: Mapping[str, Any]) -> bool:
    return dialog.get("dialogType") == "POST_SURVEY"


def _is_open_survey(dialog: Mapping[str, Any]) -> bool:
    return _is_survey(dialog) and dialog.get("state") == "OPEN"


def _dialog_types(dialogs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    named = {_text(each.get("dialogId")): _text(each.get("dialogType")) for each in dialogs}
    return {dialog_id: kind for dialog_id, kind in named.items() if dialog_id and kind}


def _sender_id(raw: Mapping[str, Any]) -> str:
    sender = _mapping(raw.get("originatorMetadata"))
    return _text(raw.get("originatorId")) or _text(sender.get("id"))


def _audience(raw: Mapping[str, Any], event: Mapping[str, Any]) -> str | None:
    """
    Return the strictest audience of a change, wherever it stands.

    LivePerson documents one place, the change itself
    (https://developers.liveperson.com/connector-api-webhooks-events.html), but a private note
    must stay in wherever it is marked. ``None`` means no audience at all, the form of 2018.
    """
    places = (raw, event, _mapping(raw.get("originatorMetadata")), _mapping(event.get("message")))
    named = [place.get(name) for place in places for name in _AUDIENCES]
    found = [_audience_name(each) for each in named if each is not None]
    return next((each for each in found if each != EVERYONE), EVERYONE if found else None)


def _audience_name(value: object) -> str:
    return value if isinstance(value, str) else "not a text"


def _time(milliseconds: object) -> datetime | None:
    known = _number(milliseconds)
    if known is None:
        return None
    try:
        return datetime.fromtimestamp(known / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _seconds(milliseconds: object) -> float | None:
    known = _number(milliseconds)
    return known / 1000 if known else None


def _digest(*facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}  # JSON has no other mapping


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    """Read an id, which LivePerson writes as a text in one place and as a number in another."""
    number = _number(value)
    return _text(value) if number is None else str(number)


def _number(value: object) -> int | None:
    """Read a whole number from 0 on; JSON's ``true`` is none, though Python says it is 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value < _BEYOND_NUMBERS else None


def _numbers(value: object) -> tuple[int, ...]:
    return tuple(each for each in map(_number, _list(value)) if each is not None)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
