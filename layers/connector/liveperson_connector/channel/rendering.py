"""
Write LivePerson's messages as the channel API has them (see ``docs/channel-api.md``).

Structured content and quick replies are passed on unchanged, so that a channel that can show them
loses nothing; a plain rendering is added for a channel that cannot. The words for typing,
receipts and kinds of senders are our own, in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..liveperson.messaging_events import (
    RICH,
    SECURE_FORM,
    SECURE_SUBMISSION,
    TEXT,
    HostedFile,
    MessagingEvent,
)

AGENT, BOT, SYSTEM = "agent", "bot", "system"

# CONTROLLER writes automatic messages, AGENT asks the questions of a survey
# (https://developers.liveperson.com/messaging-window-api-tutorials-post-conversation-survey-pcs.html).
_SENDER_KINDS = {
    "ASSIGNED_AGENT": AGENT,
    "AGENT_MANAGER": AGENT,
    "ASSIGNED_MANAGER": AGENT,
    "MANAGER": AGENT,
    "READER": AGENT,
    "AGENT": BOT,
    "BRAND_BOT": BOT,
    "CONTROLLER": SYSTEM,
}

# https://developers.liveperson.com/connector-api-send-api-send.html documents these except
# BACKGROUND, which agents' own clients send.
_TYPING_STATES = {
    "ACTIVE": "active",
    "INACTIVE": "inactive",
    "BACKGROUND": "inactive",
    "GONE": "gone",
    "COMPOSING": "composing",
    "PAUSE": "paused",
}
_RECEIPT_STATUSES = {"ACCEPT": "accepted", "READ": "read"}


def content_of(event: MessagingEvent) -> dict[str, Any] | None:
    """
    Return the content of a message; ``None`` for events of other kinds, and for files.

    A file must be given an address first: see :func:`file_content`.
    """
    if event.kind == TEXT:
        return {"type": "text", "text": event.text, **_quick_replies(event)}
    if event.kind == RICH:
        return _rich_content(event)
    if event.kind == SECURE_FORM:
        return _secure_form(event)
    return None


def file_content(file: HostedFile, url: str) -> dict[str, Any]:
    """Return the content of a file that can be fetched from ``url``."""
    return {"type": "file", "caption": file.caption, "file_type": file.file_type, "url": url}


def sender_kind(role: str) -> str | None:
    """
    Return our word for what a sender is, by its role; ``None`` for roles that are not documented.

    A bot that works as an agent has an agent's role, and counts as one.
    """
    return _SENDER_KINDS.get(role)


def typing_state(chat_state: str | None) -> str | None:
    """Return our word for LivePerson's chat state; ``None`` for an unknown one."""
    return _TYPING_STATES.get(chat_state or "")


def receipt_status(status: str | None) -> str | None:
    """Return our word for a receipt's status; ``None`` for statuses that only consumers send."""
    return _RECEIPT_STATUSES.get(status or "")


def _rich_content(event: MessagingEvent) -> dict[str, Any]:
    # Imported here: most messages are plain text, which needs no table of HTML entities.
    from .fallback_text import fallback_text  # noqa: PLC0415

    return {
        "type": "rich",
        "content": event.rich,
        **_quick_replies(event),
        "fallback_text": fallback_text(event.rich, event.quick_replies),
    }


def _secure_form(event: MessagingEvent) -> dict[str, Any]:
    """
    Pass on what is known of a secure form: its type, title and invitation.

    LivePerson does not document how a consumer of a connector opens the form.
    """
    message = event.message if isinstance(event.message, Mapping) else {}
    return {
        "type": "rich",
        "content": {"type": event.content_type, "message": event.message},
        "fallback_text": _form_words(event.content_type, message.get("title")),
    }


def _form_words(content_type: str, title: object) -> str:
    what = "Secure form sent" if content_type == SECURE_SUBMISSION else "Secure form"
    return f"{what}: {title}" if isinstance(title, str) and title else what


def _quick_replies(event: MessagingEvent) -> dict[str, Any]:
    return {} if event.quick_replies is None else {"quick_replies": event.quick_replies}
