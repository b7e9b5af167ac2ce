"""
Which messaging events a consumer may see. Everything not clearly meant for the consumer stays in.

LivePerson's webhooks carry the whole conversation: notes between agents, echoes of what the
consumer said, kinds that will be invented next year. An event leaves only if every audience that
stands in it is everyone, somebody else than the consumer did it, and it is of a kind we know and
can tell.
"""

from __future__ import annotations

from ...channel.rendering import receipt_status, typing_state
from ...domain.conversations import Conversation
from ...liveperson.messaging_events import (
    EVERYONE,
    FILE,
    RECEIPT,
    RICH,
    SECURE_FORM,
    TEXT,
    TYPING,
    MessagingEvent,
)

# Why an event stays in: words for logs and metrics.
ECHO = "echo"
NOT_FOR_CONSUMERS = "not_for_consumers"
UNKNOWN_SENDER = "unknown_sender"
UNKNOWN_KIND = "unknown_kind"


def reason_to_withhold(event: MessagingEvent, conversation: Conversation) -> str | None:
    """Return why ``event`` must not leave, or ``None`` if the consumer may see it."""
    if event.audience not in {EVERYONE, None}:  # absent is the documented older form
        return NOT_FOR_CONSUMERS
    if event.is_consumers or _is_from(event, conversation.lp_consumer_id):
        return ECHO
    if not (event.sender_role or (event.sender_id and conversation.lp_consumer_id)):
        return UNKNOWN_SENDER  # nothing says that it was not the consumer
    return None if _can_be_told(event) else UNKNOWN_KIND


def _is_from(event: MessagingEvent, lp_consumer_id: str) -> bool:
    return bool(lp_consumer_id) and event.sender_id == lp_consumer_id


def _can_be_told(event: MessagingEvent) -> bool:
    """Whether it is of a kind we know and has what that kind is told by."""
    if event.kind == TYPING:
        return typing_state(event.chat_state) is not None
    if event.kind == RECEIPT:  # by what it says a repeat of it is known
        return receipt_status(event.receipt_status) is not None and bool(event.sequences)
    if event.sequence is None:  # without it a repeat could not be told, nor the message answered
        return False
    return event.kind in {TEXT, RICH, FILE, SECURE_FORM}
