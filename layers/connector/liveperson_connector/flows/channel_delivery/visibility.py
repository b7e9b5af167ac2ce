"""
Decide which messaging events a consumer may see: default deny.

LivePerson's webhooks contain the whole conversation: notes between agents, echoes of the consumer's
own messages, and kinds that may be added later. An event may leave only if every audience in it is
everyone, its sender is not the consumer, and it is of a known kind with the fields that this kind
needs.
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

# Why an event is withheld: words for logs and metrics.
ECHO = "echo"
NOT_FOR_CONSUMERS = "not_for_consumers"
UNKNOWN_SENDER = "unknown_sender"
UNKNOWN_KIND = "unknown_kind"


def reason_to_withhold(event: MessagingEvent, conversation: Conversation) -> str | None:
    """Return why ``event`` must be withheld; ``None`` if the consumer may see it."""
    if event.audience not in {EVERYONE, None}:  # absent in the documented older form
        return NOT_FOR_CONSUMERS
    if event.is_consumers or _is_from(event, conversation.lp_consumer_id):
        return ECHO
    if not (event.sender_role or (event.sender_id and conversation.lp_consumer_id)):
        return UNKNOWN_SENDER  # it may be the consumer
    return None if _can_be_told(event) else UNKNOWN_KIND


def _is_from(event: MessagingEvent, lp_consumer_id: str) -> bool:
    return bool(lp_consumer_id) and event.sender_id == lp_consumer_id


def _can_be_told(event: MessagingEvent) -> bool:
    """Whether it is of a known kind, with the fields that this kind needs."""
    if event.kind == TYPING:
        return typing_state(event.chat_state) is not None
    if event.kind == RECEIPT:  # its content identifies a repeat
        return receipt_status(event.receipt_status) is not None and bool(event.sequences)
    if event.sequence is None:  # needed to recognise a repeat, and to reply
        return False
    return event.kind in {TEXT, RICH, FILE, SECURE_FORM}
