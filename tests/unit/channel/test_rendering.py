"""What was said, as a channel is told it."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_connector.channel.rendering import (
    content_of,
    file_content,
    receipt_status,
    typing_state,
)
from liveperson_connector.liveperson.messaging_events import (
    HostedFile,
    MessagingEvent,
    read_messaging_event,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import message_change

REPLIES = {
    "type": "quickReplies",
    "itemsPerRow": 8,
    "replies": [{"type": "button", "title": "Yes", "future": 1}, {"type": "button", "title": "No"}],
}
CARD = {"type": "vertical", "elements": [{"type": "text", "text": "Shall we?"}], "future": [None]}


def said(**event: Any) -> MessagingEvent:
    """Read a message with this event."""
    return read_messaging_event(ACCOUNT, message_change(event=event))


def text(words: str, **more: Any) -> MessagingEvent:
    """Read a text."""
    return said(type="ContentEvent", contentType="text/plain", message=words, **more)


def test_text_is_told_to_the_letter() -> None:
    """White space and line breaks are the agent's; a channel may trim them."""
    assert {"type": "text", "text": " Grüße\n👋\n"} == content_of(text(" Grüße\n👋\n"))


def test_text_may_offer_quick_replies() -> None:
    """They are told as LivePerson wrote them, with what we don't know of."""
    expected = {"type": "text", "text": "Shall we?", "quick_replies": REPLIES}

    assert expected == content_of(text("Shall we?", quickReplies=REPLIES))


def test_structured_content_is_told_as_it_came_and_in_plain_text() -> None:
    """A channel that can draw it loses nothing, and one that can't has words."""
    expected = {"type": "rich", "content": CARD, "fallback_text": "Shall we?"}

    assert expected == content_of(said(type="RichContentEvent", content=CARD))


def test_quick_replies_of_structured_content_are_in_its_plain_text() -> None:
    """They are numbered after the choices of the content."""
    event = said(type="RichContentEvent", content=CARD, quickReplies=REPLIES)

    assert content_of(event) == {
        "type": "rich",
        "content": CARD,
        "quick_replies": REPLIES,
        "fallback_text": "Shall we?\n1. Yes\n2. No",
    }


@pytest.mark.parametrize(
    ("content_type", "message", "words"),
    [
        (
            "forms/secure-invitation",
            {"invitationId": "i-1", "title": "Credit card form"},
            "Secure form: Credit card form",
        ),
        ("forms/secure-invitation", {"invitationId": "i-1", "title": 7}, "Secure form"),
        ("forms/secure-invitation", None, "Secure form"),
        ("forms/secure-submission", {"invitationId": "i-1"}, "Secure form sent"),
        ("forms/secure-submission", "i-1", "Secure form sent"),
    ],
)
def test_what_is_known_of_a_secure_form_is_told(
    content_type: str, message: object, words: str
) -> None:
    """How a consumer gets to it is not published, so the channel gets all that came."""
    assert content_of(said(type="ContentEvent", contentType=content_type, message=message)) == {
        "type": "rich",
        "content": {"type": content_type, "message": message},
        "fallback_text": words,
    }


@pytest.mark.parametrize(
    "event",
    [
        {"type": "ContentEvent", "contentType": "hosted/file", "message": {"relativePath": "/a"}},
        {"type": "ChatStateEvent", "chatState": "COMPOSING"},
        {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1]},
        {"type": "SomethingNew", "message": "Hello"},
        {},
    ],
)
def test_nothing_else_has_content(event: dict[str, Any]) -> None:
    """A file needs an address first, and the rest is no message."""
    assert content_of(said(**event)) is None


def test_file_is_told_by_the_address_it_can_be_fetched_from() -> None:
    """LivePerson's own path stays in."""
    file = HostedFile("Your bill", "/v1/AUTH_async-images/bill.PDF", "PDF")

    assert file_content(file, "https://files.example/1") == {
        "type": "file",
        "caption": "Your bill",
        "file_type": "PDF",
        "url": "https://files.example/1",
    }


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("ACTIVE", "active"),
        ("INACTIVE", "inactive"),
        ("BACKGROUND", "inactive"),
        ("GONE", "gone"),
        ("COMPOSING", "composing"),
        ("PAUSE", "paused"),
        ("SOMETHING_NEW", None),
        ("composing", None),
        (None, None),
    ],
)
def test_typing_has_a_word_of_ours(state: str | None, word: str | None) -> None:
    """A state that is not known is not told."""
    assert word == typing_state(state)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("ACCEPT", "accepted"),
        ("READ", "read"),
        ("ACCESS", None),
        ("NACK", None),
        ("ACTION", None),
        ("SOMETHING_NEW", None),
        (None, None),
    ],
)
def test_receipt_has_a_word_of_ours(status: str | None, word: str | None) -> None:
    """Only that the consumer's messages arrived and were read is told."""
    assert word == receipt_status(status)
