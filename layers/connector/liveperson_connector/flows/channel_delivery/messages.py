"""
Deliver messages, receipts and typing to the channel, each at most once if it may leave at all.

An event of an unknown conversation waits a moment before it is dropped: it may have overtaken
LivePerson's answer that tells us the conversation's id.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ...channel.rendering import content_of, receipt_status, sender_kind, typing_state
from ...delivery.ports import DeliveryStore
from ...domain.clock import Clock
from ...domain.conversations import Conversation, NotificationState, file_digest, text_digest
from ...domain.errors import NotificationEarly, Permanent, Transient
from ...domain.queue_messages import QueueMessage, iso
from ...liveperson.messaging_events import (
    FILE,
    RECEIPT,
    TYPING,
    TYPING_STALE_SECONDS,
    MessagingEvent,
)
from ...telemetry import outcomes
from ...telemetry.outcomes import Outcome
from .agents import Learn, nothing_learnt
from .conversation_changes import restore_pointer
from .notifier import ChannelNotifier, Notice
from .visibility import reason_to_withhold

# An event of an unknown conversation waits: first as long as opening one may take, time-outs
# included, then until a worker that was cut off while opening it has had its next try.
_EARLY_WAITS = (2.0,) * 8 + (45.0,) * 4

# LivePerson's words for the two types of dialogs that a connector surely meets; of others, such as
# co-browsing's, the channel learns that they are neither.
_DIALOG_TYPES = {"MAIN": "main", "POST_SURVEY": "post_survey"}


@dataclass(frozen=True)
class Messages:
    """
    Delivers messaging events: messages, receipts and typing.

    ``learn`` is told who wrote, once the channel has it.
    """

    store: DeliveryStore
    notifier: ChannelNotifier
    clock: Clock = time.time
    learn: Learn = nothing_learnt

    def deliver(
        self, event: MessagingEvent, state: NotificationState, message: QueueMessage
    ) -> None:
        """Deliver ``event`` unless it is foreign, a repeat, or not for the consumer to see."""
        conversation = self._find_owner(event, state, message)
        if conversation is None:
            outcomes.outcome(
                Outcome.FOREIGN_CONVERSATION,
                account_id=event.account_id,
                conversation_id=event.conversation_id,
            )
            return
        if state.is_sought:
            restore_pointer(self.store, conversation, state)
        if event.is_consumers:
            self._save_echo(conversation, event)
        if state.was_delivered:
            _log(Outcome.REPEAT_IGNORED, conversation, event)
        elif withheld := reason_to_withhold(event, conversation):
            _log(Outcome(f"withheld_{withheld}"), conversation, event)
        elif event.kind == TYPING:
            self._deliver_typing(event, conversation, state, message)
        else:
            self._deliver_message(event, conversation, state, message)

    def _find_owner(
        self, event: MessagingEvent, state: NotificationState, message: QueueMessage
    ) -> Conversation | None:
        """
        Return the event's conversation, or ``None`` if it is foreign.

        Raises :class:`NotificationEarly` while it may still turn out to be ours.
        """
        known, claim = state.conversation, state.claim
        if known is not None and known.is_ours:
            return known
        if claim is not None and event.names_conversation:
            self.store.adopt(claim, is_current=False)
            outcomes.outcome(Outcome.CONVERSATION_ADOPTED, **claim.log_ids)
            return claim
        if known is not None or event.kind == TYPING:
            return None
        if message.receive_count <= len(_EARLY_WAITS):
            wait = _EARLY_WAITS[message.receive_count - 1]
            raise NotificationEarly("its conversation is not known yet", retry_after=wait)
        self.store.mark_foreign(event.account_id, event.conversation_id)
        return None

    def _save_echo(self, conversation: Conversation, event: MessagingEvent) -> None:
        """Save what the consumer said: an echo proves that a send without an answer arrived."""
        if event.sequence is None:
            return
        if event.file is not None:
            digest = file_digest(event.file.relative_path)
        elif event.text is not None:
            digest = text_digest(event.text)
        else:
            return
        self.store.save_echo(conversation, event.sequence, digest)

    def _deliver_message(
        self,
        event: MessagingEvent,
        conversation: Conversation,
        state: NotificationState,
        message: QueueMessage,
    ) -> None:
        """Deliver a message or a receipt, and mark it as delivered."""
        notice = _notice(event, conversation, message)
        (status,) = self.notifier.notify(conversation, [notice], state, message)
        self.store.mark_delivered(event.account_id, notice.identity)
        if status is None:
            _log(Outcome.NOT_WANTED, conversation, event)
            return
        outcomes.completed(
            Outcome.DELIVERED,
            since=event.sent_at,
            **conversation.log_ids,
            sequence=event.sequence,
            http_status=status,
        )
        self.learn(conversation, sender(event))

    def _deliver_typing(
        self,
        event: MessagingEvent,
        conversation: Conversation,
        state: NotificationState,
        message: QueueMessage,
    ) -> None:
        """Tell the channel now or never: a late indicator is wrong."""
        outcome = Outcome.TYPING_DROPPED
        # A pause is for all channels; the outage is the webhook channel's, a ready one has its own.
        circuit = state.outage
        is_down = circuit is not None and (
            circuit.is_paused or (circuit.is_open and not conversation.channel)
        )
        if self.clock() - message.accepted_at.timestamp() > TYPING_STALE_SECONDS:
            outcome = Outcome.TYPING_STALE
        elif not (state.is_held or is_down or conversation.is_over):
            outcome = self._notify_of_typing(event, conversation, message)
        outcomes.outcome(outcome, **conversation.log_ids)
        if outcome is Outcome.TYPING_TOLD:
            self.learn(conversation, sender(event))

    def _notify_of_typing(
        self, event: MessagingEvent, conversation: Conversation, message: QueueMessage
    ) -> Outcome:
        """Tell the channel once; its failure is no reason to try again, nor a sign of an outage."""
        try:
            status = self.notifier.notify_once(conversation, _typing(event, conversation, message))
        except (Transient, Permanent) as error:
            outcomes.failure(error, account_id=conversation.account_id)
            return Outcome.TYPING_DROPPED
        return Outcome.NOT_WANTED if status is None else Outcome.TYPING_TOLD


def _log(what: Outcome, conversation: Conversation, event: MessagingEvent) -> None:
    outcomes.outcome(what, **conversation.log_ids, sequence=event.sequence)


def _notice(event: MessagingEvent, conversation: Conversation, message: QueueMessage) -> Notice:
    """Write a message or a receipt as the channel API has it."""
    callback = {
        **_said(event),
        **_place(event, conversation),
        "sequence": event.sequence,
        "sent_at": iso(event.sent_at or message.accepted_at),
    }
    return Notice(event.identities[0], callback, event.file if event.kind == FILE else None)


def _said(event: MessagingEvent) -> dict[str, Any]:
    if event.kind != RECEIPT:
        return {"type": "message", "content": content_of(event)}
    status = receipt_status(event.receipt_status)
    return {"type": "receipt", "status": status, "sequences": list(event.sequences)}


def _typing(event: MessagingEvent, conversation: Conversation, message: QueueMessage) -> Notice:
    callback = {
        "type": "typing",
        "state": typing_state(event.chat_state),
        **_place(event, conversation),
        "sent_at": iso(message.accepted_at),
    }
    return Notice(message.message_id, callback)


def _place(event: MessagingEvent, conversation: Conversation) -> dict[str, Any]:
    """Name the dialog that an event stands in, and its sender."""
    return {
        "dialog_id": event.dialog_id,
        "dialog_type": _dialog_type(event, conversation),
        "sender": sender(event),
    }


def sender(event: MessagingEvent) -> dict[str, str]:
    """Name who wrote, without its name: ``kind`` is absent where LivePerson does not tell."""
    kind = sender_kind(event.sender_role)
    return {
        "id": event.sender_id,
        "role": event.sender_role,
        **({"kind": kind} if kind else {}),
    }


def _dialog_type(event: MessagingEvent, conversation: Conversation) -> str:
    """Return the type of an event's dialog, as a state of the conversation named it."""
    named = conversation.dialog_types.get(event.dialog_id)
    if named:
        return _DIALOG_TYPES.get(named, "other")
    # Not named yet, or in the form of 2018: a survey is the only other dialog that is documented.
    return "main" if event.dialog_id == conversation.conversation_id else "post_survey"
