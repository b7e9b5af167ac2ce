"""
What is queued between the intake of webhooks and the worker that delivers them.

A change is queued as ``{"account_id": …, "type": …, "change": …}``, where ``change`` is as
LivePerson sent it. A webhook that could not be read when it came is kept whole, as
``{"account_id": …, "body_base64": …}``: a later version may read it, when redrive puts it back.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from ..domain.errors import UnreadableMessage
from .conversation_changes import ConversationChange, read_conversation_change
from .messaging_events import MessagingEvent, read_messaging_event
from .notifications import CONVERSATION_CHANGE, Change, read_webhook

CLAIM_ATTRIBUTE = "claim"
"""On a conversation change that is only to say whose the conversation is."""

_compact = json.JSONEncoder(separators=(",", ":")).encode


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
