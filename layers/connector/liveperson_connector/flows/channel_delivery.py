"""
A notification is told to the channel: in LivePerson's order, once, and only if it is meant for it.

Webhooks are account-wide, so conversations of the brand's other channels arrive here too. Which
are ours is known from the record written when a conversation was opened, and from the consumer
that a change or an echo names. A message of an unknown conversation waits a moment before it is
dropped: it may have overtaken the answer that told us the conversation's id.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from .. import observe
from ..accounts import ChannelSettings
from ..cache import Cache
from ..channel.callbacks import Callbacks
from ..conversations import Conversation, echo_digest
from ..errors import NotificationEarly
from ..liveperson.notifications import (
    CONVERSATION_CHANGE,
    Change,
    ConversationChange,
    MessagingEvent,
    read_conversation_change,
    read_messaging_event,
)
from ..messages import Received, token
from ..pseudonyms import short
from .audience import reason_to_withhold
from .ports import DeliveryMemory
from .webhook_intake import read_queued

FUNCTION = "channel_delivery"

# Longer than opening a conversation takes, time-outs and one repeat included.
_EARLY_TRIES = 6
_EARLY_SECONDS = 2.0


@dataclass(frozen=True)
class ChannelDelivery:
    """Tells notifications to channels. ``channels`` holds their settings by account."""

    channels: Cache[ChannelSettings]
    callbacks: Callbacks
    memory: DeliveryMemory

    def handle(self, message: Received) -> None:
        """Take one queued notification; the errors say whether another try can help."""
        change = read_queued(message.body)
        if change.kind == CONVERSATION_CHANGE:
            self._follow(change, read_conversation_change(change))
        else:
            self._tell(change, read_messaging_event(change), message)

    # ── Conversation changes: what is ours, what is over ──

    def _follow(self, change: Change, said: ConversationChange) -> None:
        known, _, claim = self.memory.recall_notification(
            change.account_id, said.conversation_id, None, said.consumer_ids
        )
        if known is not None and known.is_ours:
            if known.is_open and said.is_closed:
                self.memory.closed(known)
                self._note("conversation_closed", known)
        elif claim is not None:
            self.memory.adopt(replace(claim, is_open=not said.is_closed), is_current=True)
            self._note("conversation_adopted", claim)
        else:
            if known is None:
                self.memory.foreign(change.account_id, said.conversation_id)
            self._drop(change, "foreign_conversation")

    # ── Messaging events: what leaves, what stays in ──

    def _tell(self, change: Change, event: MessagingEvent, message: Received) -> None:
        senders = [event.sender_id] if event.is_consumers else []
        known, delivered, claim = self.memory.recall_notification(
            change.account_id, event.conversation_id, change.identity, senders
        )
        conversation = self._whose(change, known, claim, message)
        if conversation is None:
            self._drop(change, "foreign_conversation")
            return
        if event.is_consumers:
            self._hear(conversation, event)
        if delivered:
            self._note("repeat_ignored", conversation, event)
        elif withheld := reason_to_withhold(event, conversation):
            self._note(f"withheld_{withheld}", conversation, event)
        else:
            self._deliver(change, conversation, event)

    def _whose(
        self,
        change: Change,
        known: Conversation | None,
        claim: Conversation | None,
        message: Received,
    ) -> Conversation | None:
        """Return the conversation if it is ours, none if it is not; wait if it is too early."""
        if known is not None and known.is_ours:
            return known
        if claim is not None:
            self.memory.adopt(claim, is_current=False)
            self._note("conversation_adopted", claim)
            return claim
        if known is None and message.receive_count <= _EARLY_TRIES:
            raise NotificationEarly("its conversation is not known yet", retry_after=_EARLY_SECONDS)
        if known is None:
            self.memory.foreign(change.account_id, change.conversation_id)
        return None

    def _hear(self, conversation: Conversation, event: MessagingEvent) -> None:
        """Remember an echo: by it a send whose answer got lost is known to have arrived."""
        if event.text is not None and event.sequence is not None:
            self.memory.heard(conversation, event.sequence, echo_digest(event.text))

    def _deliver(self, change: Change, conversation: Conversation, event: MessagingEvent) -> None:
        identity = change.identity or ""
        status = self.callbacks.post(
            self.channels.get(change.account_id),
            f"msg_{token(change.account_id, identity)[:32]}",
            message_callback(conversation, event),
        )
        self.memory.delivered(change.account_id, identity)
        self._note("delivered", conversation, event, http_status=status)

    def _drop(self, change: Change, why: str) -> None:
        observe.outcome(
            FUNCTION, why, account_id=change.account_id, conversation_id=change.conversation_id
        )

    def _note(
        self,
        what: str,
        conversation: Conversation,
        event: MessagingEvent | None = None,
        **more: Any,
    ) -> None:
        observe.outcome(
            FUNCTION,
            what,
            account_id=conversation.account_id,
            consumer=short(conversation.consumer_key),
            conversation_id=conversation.conversation_id,
            sequence=event.sequence if event else None,
            **more,
        )


def message_callback(conversation: Conversation, event: MessagingEvent) -> dict[str, object]:
    """Write a text message as a channel is told it (see ``docs/channel-api.md``)."""
    return {
        "type": "message",
        "account_id": conversation.account_id,
        "consumer_id": conversation.consumer_id,
        "conversation_id": event.conversation_id,
        "dialog_id": event.dialog_id,
        "sequence": event.sequence,
        "sent_at": _iso(event.sent_at),
        "sender": {"id": event.sender_id, "role": event.sender_role},
        "content": {"type": "text", "text": event.text},
    }


def _iso(moment: datetime | None) -> str:
    """Write a time as ISO 8601 in UTC; LivePerson leaves it out of no message that we know."""
    known = moment or datetime.now(UTC)
    return known.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
