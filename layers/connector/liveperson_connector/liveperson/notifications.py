"""
LivePerson's notifications, from the webhook by the queue to the worker that delivers them.

A webhook's body is ``{"kind": "notification", "type": …, "body": {"changes": […]}}``
(https://developers.liveperson.com/connector-api-webhooks-events.html). The intake reads of each
change only what decides what becomes of it.

A change is queued as ``{"account_id": …, "type": …, "change": …}``, where ``change`` is as
LivePerson sent it. A webhook that could not be read when it came is kept whole, as
``{"account_id": …, "body_base64": …}``: a later version may read it, when redrive puts it back.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.errors import UnreadableMessage
from .conversation_changes import ConversationChange, read_conversation_change
from .json_fields import ARRAY, IDENTIFIER, NUMBER, STRING, Fields, read_json, typed
from .messaging_events import CHAT_STATE_EVENT, CONSUMER, MessagingEvent, read_messaging_event

MESSAGING_EVENT = "ms.MessagingEventNotification"
CONVERSATION_CHANGE = "cqm.ExConversationChangeNotification"

CLAIM_ATTRIBUTE = "claim"
"""On a conversation change that is only to say whose the conversation is."""

_compact = json.JSONEncoder(separators=(",", ":")).encode

_WEBHOOK: Fields = {"type": STRING, "body": {"changes": ARRAY, "sentTs": NUMBER}}
_EVENT: Fields = {
    "brandId": IDENTIFIER,
    "conversationId": STRING,
    "dialogId": STRING,
    "serverTimestamp": NUMBER,
    "originatorMetadata": {"role": STRING},
    "event": {"type": STRING},
}
_DETAILS: Fields = {"brandId": IDENTIFIER, "metaDataLastUpdateTs": NUMBER}
_STATE: Fields = {
    "brandId": IDENTIFIER,
    "result": {"brandId": IDENTIFIER, "convId": STRING, "conversationDetails": _DETAILS},
}


@dataclass(frozen=True)
class Change:
    """
    One change of a webhook: whose account, which kind, the raw change, and what is read of it.

    ``raw`` is any JSON. ``conversation_id`` is the conversation, or the dialog in the form of 2018
    that names no conversation; nothing can be done with a change where it is empty.
    ``named_accounts`` are the accounts that the change itself names, each a ``brandId``; mostly
    none, or one. ``happened_at`` is when LivePerson took or changed it, in seconds since 1970.
    ``is_consumers`` says that a consumer did it: an echo of what this or another channel sent.
    ``is_typing`` says that typing began or ended, or that one side came or went. ``is_beginning``
    says that it is a conversation that no agent has joined yet.
    """

    account_id: str
    kind: str
    raw: Any
    conversation_id: str = ""
    named_accounts: frozenset[str] = frozenset()
    happened_at: float | None = None
    is_consumers: bool = False
    is_typing: bool = False
    is_beginning: bool = False


@dataclass(frozen=True)
class Notification:
    """
    A webhook's body: its changes in order, and when LivePerson sent it.

    ``sent_at`` is in seconds since 1970, ``None`` where the body doesn't say.
    """

    changes: tuple[Change, ...]
    sent_at: float | None = None


def read_webhook(account_id: str, body: bytes) -> Notification:
    """
    Read the changes of a webhook's body.

    Raises :class:`UnreadableMessage` for what is not JSON, not a notification, or of a kind
    unknown to us; it was signed by LivePerson, so it is worth keeping for a person to look at.
    """
    try:
        webhook = typed(read_json(body), _WEBHOOK)
    except (ValueError, RecursionError):
        raise UnreadableMessage("the webhook's body is not JSON") from None
    kind, inner = webhook.get("type"), webhook["body"]
    if kind not in {MESSAGING_EVENT, CONVERSATION_CHANGE}:
        raise UnreadableMessage("the webhook is of an unknown kind")
    if "changes" not in inner:
        raise UnreadableMessage("the webhook has no list of changes")
    changes = tuple(read_change(account_id, kind, each) for each in inner["changes"])
    return Notification(changes, _seconds(inner.get("sentTs")))


def read_change(account_id: str, kind: str, raw: object) -> Change:
    """Read of a raw change what decides what becomes of it at the intake."""
    if kind == CONVERSATION_CHANGE:
        return _read_state(account_id, raw)
    change = typed(raw, _EVENT)
    return Change(
        account_id,
        kind,
        raw,
        conversation_id=change.get("conversationId") or change.get("dialogId", ""),
        named_accounts=_named(change),
        happened_at=_seconds(change.get("serverTimestamp")),
        is_consumers=change["originatorMetadata"].get("role") == CONSUMER,
        is_typing=change["event"].get("type") == CHAT_STATE_EVENT,
    )


def to_queue(change: Change) -> str:
    """Write a change for the queue: plain JSON, in ASCII so that SQS takes any text."""
    return _compact({"account_id": change.account_id, "type": change.kind, "change": change.raw})


def webhook_to_queue(account_id: str, body: bytes) -> str:
    """Write a whole webhook for the queue, whatever its body holds."""
    return json.dumps({"account_id": account_id, "body_base64": base64.b64encode(body).decode()})


def read_queued_change(queued: Mapping[str, Any]) -> MessagingEvent | ConversationChange:
    """Read what :func:`to_queue` wrote, or raise :class:`UnreadableMessage`."""
    try:
        return read_raw_change(queued["account_id"], queued["type"], queued["change"])
    except KeyError:
        raise UnreadableMessage("the queued message is not a notification") from None


def read_raw_change(account_id: str, kind: str, raw: object) -> MessagingEvent | ConversationChange:
    """Read a change as LivePerson sent it; raise :class:`UnreadableMessage` if it can't be."""
    read = read_conversation_change if kind == CONVERSATION_CHANGE else read_messaging_event
    found = read(account_id, raw)
    if not found.conversation_id:
        raise UnreadableMessage("the queued change names no conversation")
    return found


def read_queued_webhook(queued: Mapping[str, Any]) -> tuple[Change, ...]:
    """
    Read the changes of what :func:`webhook_to_queue` wrote.

    Raises :class:`UnreadableMessage` if this version cannot read it either, or if it names another
    account than the one whose secret had signed it.
    """
    try:
        account_id = queued["account_id"]
        body = base64.b64decode(queued["body_base64"], validate=True)
    except (KeyError, ValueError, TypeError):
        raise UnreadableMessage("the queued message is not a notification") from None
    changes = read_webhook(account_id, body).changes
    if any(change.named_accounts - {account_id} for change in changes):
        raise UnreadableMessage("the webhook that was kept names another account")
    return changes


def _read_state(account_id: str, raw: object) -> Change:
    change = typed(raw, _STATE)
    result, details = change["result"], change["result"]["conversationDetails"]
    return Change(
        account_id,
        CONVERSATION_CHANGE,
        raw,
        conversation_id=result.get("convId", ""),
        named_accounts=_named(change, result, details),
        happened_at=_seconds(details.get("metaDataLastUpdateTs")),
        is_beginning=read_conversation_change(account_id, raw).is_beginning,
    )


def _named(*places: dict[str, Any]) -> frozenset[str]:
    return frozenset(str(each["brandId"]) for each in places if "brandId" in each) - {""}


def _seconds(milliseconds: int | None) -> float | None:
    return milliseconds / 1000 if milliseconds else None
