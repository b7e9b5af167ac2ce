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
from ...domain.conversations import NotificationState
from ...domain.errors import Permanent, UnreadableMessage
from ...domain.queue_messages import QueueMessage
from ...liveperson.notifications import (
    CONVERSATION_CHANGE,
    Change,
    read_conversation_change,
    read_messaging_event,
)
from ...telemetry import outcomes
from ...telemetry.outcomes import Outcome
from ..failed_events import FailedEvent, read_failed
from ..webhook_intake import CLAIM_ATTRIBUTE, read_queued, read_queued_body
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
        try:
            if failed := read_failed(message.body):
                self._deliver_failure(failed, message)
                return
            change = read_queued(message.body)
        except UnreadableMessage:
            self._deliver_webhook(message)
            return
        self._deliver_change(change, message)

    def _deliver_webhook(self, message: QueueMessage) -> None:
        """
        Deliver a redriven webhook that was unreadable when it came, change by change.

        A change that the channel refuses, or that is still unreadable, stops none after it.
        """
        problem: Permanent | None = None
        changes = read_queued_body(message.body)
        if changes is None:
            raise UnreadableMessage("the queued message is not a notification")
        for change in changes:
            try:
                if not change.is_readable:
                    raise UnreadableMessage("the queued change names no conversation")
                self._deliver_change(change, message)
            except Permanent as error:
                problem = problem or error
        if problem:
            raise problem

    def _deliver_change(self, change: Change, message: QueueMessage) -> None:
        if change.kind == CONVERSATION_CHANGE:
            self._deliver_conversation_change(change, message)
            return
        event = read_messaging_event(change)
        state = self._load(change, [event.sender_id] if event.is_consumers else [], message)
        self.messages.deliver(event, state, message)

    def _deliver_conversation_change(self, change: Change, message: QueueMessage) -> None:
        read = read_conversation_change(change)
        state = self._load(change, read.consumer_ids, message)
        if CLAIM_ATTRIBUTE in message.attributes:
            self.changes.claim(read, state)
        else:
            self.changes.apply(read, state, message)

    def _load(
        self, change: Change, lp_consumer_ids: Iterable[str], message: QueueMessage
    ) -> NotificationState:
        return self.store.load_notification(
            change.account_id,
            change.conversation_id,
            change.identities,
            lp_consumer_ids,
            message.group,
        )

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
        change = read_queued(message.body)
    except UnreadableMessage:
        return {}
    return {"account_id": change.account_id, "conversation_id": change.conversation_id}
