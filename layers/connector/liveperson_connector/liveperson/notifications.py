"""
LivePerson's webhooks: a body is read into changes, each as far as the intake must know it.

A webhook's body is ``{"kind": "notification", "type": …, "body": {"changes": […]}}``
(https://developers.liveperson.com/connector-api-webhooks-events.html).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..domain.errors import UnreadableMessage
from .conversation_changes import read_conversation_change
from .json_fields import ARRAY, IDENTIFIER, NUMBER, STRING, Fields, read_json, typed
from .messaging_events import CHAT_STATE_EVENT, CONSUMER

MESSAGING_EVENT = "ms.MessagingEventNotification"
CONVERSATION_CHANGE = "cqm.ExConversationChangeNotification"

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
