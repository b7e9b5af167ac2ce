"""
Which messaging events a consumer may see. Everything not clearly meant for the consumer stays in.

LivePerson's webhooks carry the whole conversation: notes between agents, echoes of what the
consumer said, kinds that will be invented next year. An event leaves only if its audience is
everyone, somebody else than the consumer did it, and it is of a kind we know.
"""

from __future__ import annotations

from ..conversations import Conversation
from ..liveperson.notifications import MessagingEvent

EVERYONE = "ALL"

# Why an event stays in: words for logs and metrics.
ECHO = "echo"
NOT_FOR_CONSUMERS = "not_for_consumers"
UNKNOWN_KIND = "unknown_kind"


def reason_to_withhold(event: MessagingEvent, conversation: Conversation) -> str | None:
    """Return why ``event`` must not leave, or none if the consumer may see it."""
    if event.audience not in {EVERYONE, None}:  # absent is the documented older form
        return NOT_FOR_CONSUMERS
    if event.is_consumers or event.sender_id == conversation.lp_consumer_id:
        return ECHO
    if event.text is None or event.sequence is None:
        return UNKNOWN_KIND
    return None
