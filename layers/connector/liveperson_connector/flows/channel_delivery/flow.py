"""
Deliver a notification to the channel: in LivePerson's order, once, and only if it is meant for it.

Webhooks are account-wide, so notifications about conversations of the brand's other channels arrive
here too. The record written when a conversation was opened tells which are ours, and so does the
consumer that a change or an echo names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...delivery.ports import DeliveryStore
from ...domain.errors import Permanent, UnreadableMessage
from ...domain.queue_messages import QueueMessage
from ...liveperson.conversation_changes import ConversationChange
from ...liveperson.messaging_events import MessagingEvent
from ...liveperson.notifications import (
    CLAIM_ATTRIBUTE,
    Change,
    read_queued_change,
    read_queued_webhook,
    read_raw_change,
)
from ...telemetry import outcomes
from ...telemetry.outcomes import Outcome
from ..failed_events import EVENT_FAILED, FailedEvent, read_failed
from .conversation_changes import ConversationChanges
from .messages import Messages
from .notifier import Notifier


@dataclass(frozen=True)
class ChannelDelivery:
    """Handles queued notifications: each kind has an object that knows what becomes of it."""

    store: DeliveryStore
    changes: ConversationChanges
    messages: Messages
    notifier: Notifier

    def handle(self, message: QueueMessage) -> None:
        """
        Deliver one queued notification.

        Raises :class:`Transient` if another try can help, :class:`Permanent` if none can.
        """
        queued = message.json()
        if queued.get("type") == EVENT_FAILED:
            self._deliver_failure(read_failed(queued), message)
        elif "body_base64" in queued:
            self._deliver_webhook(read_queued_webhook(queued), message)
        else:
            self._deliver(read_queued_change(queued), message)

    def _deliver_webhook(self, changes: Iterable[Change], message: QueueMessage) -> None:
        """
        Deliver a redriven webhook that was unreadable when it came, change by change.

        A change that the channel refuses, or that is still unreadable, stops none after it.
        """
        problem: Permanent | None = None
        for change in changes:
            try:
                self._deliver(read_raw_change(change.account_id, change.kind, change.raw), message)
            except Permanent as error:
                problem = problem or error
        if problem:
            raise problem

    def _deliver(self, told: MessagingEvent | ConversationChange, message: QueueMessage) -> None:
        state = self.store.load_notification(
            told.account_id,
            told.conversation_id,
            told.identities,
            told.consumer_ids,
            message.group,
        )
        if isinstance(told, MessagingEvent):
            self.messages.deliver(told, state, message)
        elif CLAIM_ATTRIBUTE in message.attributes:
            self.changes.claim(told, state)
        else:
            self.changes.apply(told, state, message)

    def _deliver_failure(self, failed: FailedEvent, message: QueueMessage) -> None:
        """Tell the channel that LivePerson refused one of its events for good."""
        state = self.store.load_notification(failed.account_id, "", (), (), message.group)
        status = self.notifier.notify_failure(failed, state, message)
        outcomes.outcome(
            Outcome.TOLD_FAILED if status else Outcome.NOT_WANTED,
            account_id=failed.account_id,
            event_id=failed.failure.get("event_id"),
        )


def describe(message: QueueMessage) -> dict[str, Any]:
    """Return the ids of a queued notification, for the log; none if it is unreadable."""
    try:
        change = read_queued_change(message.json())
    except UnreadableMessage:
        return {}
    return {"account_id": change.account_id, "conversation_id": change.conversation_id}
