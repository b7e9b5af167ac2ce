"""Callbacks of every type and kind of content, with invented contents (docs/channel-api.md)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Callback = dict[str, Any]

ACCOUNT = "connector-test"
CONSUMER = "connector-test"

_BUTTON = {
    "type": "button",
    "title": "Yes",
    "click": {
        "actions": [{"type": "publishText", "text": "Yes"}],
        "metadata": [{"type": "ExternalId", "id": "yes"}],
    },
}
_CARD = {"type": "vertical", "elements": [{"type": "text", "text": "Is it this one?"}, _BUTTON]}


def message(
    conversation: str, sequence: int, content: Mapping[str, Any], *, hours_old: float = 0
) -> Callback:
    """Return a message of an agent in ``conversation``, said ``hours_old`` hours ago."""
    return {
        "type": "message",
        **_place(conversation, hours_old),
        "sequence": sequence,
        "sender": {"id": "agent-1", "role": "ASSIGNED_AGENT"},
        "content": dict(content),
    }


def text(words: str) -> dict[str, Any]:
    """Return the content of a plain message."""
    return {"type": "text", "text": words}


def contents() -> dict[str, dict[str, Any]]:
    """Return one content of every kind, by its name."""
    return {
        "text": text("Hello from the connector's test"),
        "text with emoji and other scripts": text("Grüße 👩‍👩‍👧 — שלום — 你好\n"),
        "quick replies": {
            **text("Shall we go on?"),
            "quick_replies": {"type": "quickReplies", "replies": [_BUTTON]},
        },
        "structured content": {
            "type": "rich",
            "content": _CARD,
            "fallback_text": "Is it this one?\n1. Yes",
        },
        "file": {"type": "file", "caption": "A file", "file_type": "PNG", "url": ""},
        "a kind of content that is new": {"type": "hologram", "hologram": {"of": "a parcel"}},
    }


def others(conversation: str) -> dict[str, Callback]:
    """Return one callback of every type beside messages, by its name, and one of a new type."""
    place = _place(conversation)
    agent = {"sender": {"id": "agent-1", "role": "ASSIGNED_AGENT"}}
    return {
        "typing": {"type": "typing", **place, **agent, "state": "composing"},
        "receipt": {
            "type": "receipt",
            **place,
            **agent,
            "sequence": 2,
            "status": "read",
            "sequences": [0],
        },
        "conversation": {"type": "conversation", **place, "event": "closed", "reason": "AGENT"},
        "failed": {
            "type": "failed",
            "account_id": ACCOUNT,
            "consumer_id": CONSUMER,
            "event_id": "m-1",
            "event_type": "file",
            "reason": "file_refused",
            "message": "the file has more than 3145728 bytes",
            "sent_at": _iso(0),
        },
        "ping": {"type": "ping", **_whose(), "sent_at": _iso(0)},
        "a type that is new": {"type": "weather", **place, "forecast": "sunny"},
    }


def large(conversation: str) -> Callback:
    """Return a message with a card of a quarter of a megabyte."""
    rows = [{"type": "text", "text": f"Row {number} " + "x" * 900} for number in range(130)]
    content = {
        "type": "rich",
        "content": {"type": "vertical", "elements": rows},
        "fallback_text": "\n".join(row["text"] for row in rows),
    }
    return message(conversation, 1, content)


def _place(conversation: str, hours_old: float = 0) -> Callback:
    return {
        **_whose(),
        "conversation_id": conversation,
        "dialog_id": conversation,
        "dialog_type": "main",
        "sent_at": _iso(hours_old),
    }


def _whose() -> Callback:
    return {"account_id": ACCOUNT, "consumer_id": CONSUMER}


def _iso(hours_old: float) -> str:
    moment = datetime.now(UTC) - timedelta(hours=hours_old)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
