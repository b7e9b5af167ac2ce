"""
Translate a consumer event into requests to LivePerson: one after the other, each a step.

A step that sends a message carries the digest by which its echo is recognised.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...channel.queued_events import ConsumerEvent
from ...domain.conversations import Consumer, text_digest
from ...domain.errors import NoConversation
from ...liveperson import payloads
from ...liveperson.payloads import Place, Request
from ...liveperson.text import split_text

CHAT_STATES = {
    "composing": "COMPOSING",
    "paused": "PAUSE",
    "active": "ACTIVE",
    "inactive": "INACTIVE",
    "gone": "GONE",
}

RECEIPTS = {"accepted": "ACCEPT", "read": "READ", "accessed": "ACCESS", "rejected": "NACK"}


@dataclass(frozen=True)
class SendStep:
    """
    One request, built once its dialog is known; ``echo`` is the digest of its message, if any.

    A step that is made ``only_while_open`` is skipped for a consumer without a conversation. It
    still counts as done: the number of steps done must mean the same to every try.
    """

    request: Callable[[Place], Request]
    echo: str | None = None
    only_while_open: bool = False


def text_steps(event: ConsumerEvent) -> list[SendStep]:
    """Return the steps of a ``text`` or a ``reply``."""
    metadata = event.raw.get("metadata", ()) if event.type == "reply" else ()
    said = [_say(part, metadata) for part in split_text(event.text)]
    return [*_chosen(event, metadata), *said]


def single_request(event: ConsumerEvent, consumer: Consumer) -> Request | None:
    """
    Return the one request of a ``receipt``, ``close``, ``rating`` or ``profile``.

    None means that nothing is left to do. Raises :class:`NoConversation` if the event needs
    a conversation and the consumer has none.
    """
    if event.is_automatic and _is_over(event.raw, consumer):
        return None
    return _SINGLE_REQUESTS[event.type](event.raw, consumer)


def _is_over(raw: Mapping[str, Any], consumer: Consumer) -> bool:
    """Whether our own receipt is of a conversation that the consumer has left meanwhile."""
    about = raw.get("conversation_id")  # absent from those queued by earlier versions
    return bool(about) and about != consumer.conversation_id


def _say(part: str, metadata: Any) -> SendStep:
    return SendStep(lambda where: payloads.text(where, part, metadata), text_digest(part))


def _chosen(event: ConsumerEvent, metadata: Any) -> list[SendStep]:
    """Send first which element was chosen; after the conversation's end only the words are sent."""
    if event.type != "reply":
        return []
    chosen = [event.raw["to_sequence"]]
    return [
        SendStep(
            lambda where: payloads.accept_status(where, "ACTION", chosen, metadata),
            only_while_open=True,
        )
    ]


def _receipt(raw: Mapping[str, Any], consumer: Consumer) -> Request:
    if not consumer.conversation_id:
        raise NoConversation("a receipt needs an open conversation, and the consumer has none")
    where = Place(consumer.conversation_id, raw.get("dialog_id") or consumer.current_dialog_id)
    return payloads.accept_status(where, RECEIPTS[raw["status"]], raw["sequences"])


def _close(raw: Mapping[str, Any], consumer: Consumer) -> Request | None:
    if not consumer.conversation_id:
        return None
    if raw.get("survey", True) and not consumer.survey_dialog_id:
        return payloads.close_dialog(consumer.conversation_id)
    return payloads.close_conversation(consumer.conversation_id)


def _rating(raw: Mapping[str, Any], consumer: Consumer) -> Request:
    rated = consumer.conversation_id or consumer.last_conversation_id
    if not rated:
        raise NoConversation("a rating needs a conversation, and the consumer has had none")
    return payloads.rating(
        rated, raw.get("csat"), raw.get("resolved"), skipped=bool(raw.get("skipped"))
    )


def _profile(raw: Mapping[str, Any], _consumer: Consumer) -> Request:
    return payloads.profile(raw)


_SINGLE_REQUESTS: dict[str, Callable[[Mapping[str, Any], Consumer], Request | None]] = {
    "receipt": _receipt,
    "close": _close,
    "rating": _rating,
    "profile": _profile,
}
