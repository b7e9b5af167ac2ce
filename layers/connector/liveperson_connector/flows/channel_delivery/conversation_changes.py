"""
Follow the states of conversations: adopt those that are ours, tell the channel what changed.

LivePerson repeats states and may deliver an older one late; only what differs from the newest known
state is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...channel.rendering import AGENT
from ...delivery.ports import DeliveryStore
from ...domain.conversations import Conversation, NotificationState
from ...domain.queue_messages import QueueMessage, iso, stable_id
from ...liveperson.conversation_changes import ConversationChange
from ...telemetry import outcomes
from ...telemetry.outcomes import Outcome
from .agents import Learn, nothing_learnt
from .notifier import ChannelNotifier, Notice

# A conversation that goes from no skill to its first was routed, not transferred.
_NO_SKILL = {None, "-1"}


@dataclass(frozen=True)
class ConversationChanges:
    """Applies the states of conversations that webhooks report."""

    store: DeliveryStore
    notifier: ChannelNotifier
    learn: Learn = nothing_learnt

    def apply(
        self, change: ConversationChange, state: NotificationState, message: QueueMessage
    ) -> None:
        """Tell the channel what changed in a conversation of ours, and save the new state."""
        conversation = self._adopt(change, state)
        if conversation is None:
            outcomes.outcome(
                Outcome.FOREIGN_CONVERSATION,
                account_id=change.account_id,
                conversation_id=change.conversation_id,
            )
        elif is_newer(change, conversation):
            self._advance(conversation, change, state, message)
        else:
            restore_pointer(self.store, conversation, state)
            outcomes.outcome(Outcome.OUTDATED_CHANGE, **conversation.log_ids)

    def claim(self, change: ConversationChange, state: NotificationState) -> None:
        """Save whose a conversation is; its state is told when its own message comes."""
        conversation = self._adopt(change, state)
        if conversation is not None:
            restore_pointer(self.store, conversation, state)

    def _adopt(self, change: ConversationChange, state: NotificationState) -> Conversation | None:
        """Return the conversation, adopted if it names a consumer of ours; ``None`` if foreign."""
        known = state.conversation
        if known is not None and known.is_ours:
            return known
        if state.claim is None:
            if known is None:
                self.store.mark_foreign(change.account_id, change.conversation_id)
            return None
        adopted = replace(state.claim, is_open=not change.is_closed)
        self.store.adopt(adopted, is_current=True, told_at=change.updated_at)
        outcomes.outcome(Outcome.CONVERSATION_ADOPTED, **adopted.log_ids)
        return adopted

    def _advance(
        self,
        before: Conversation,
        change: ConversationChange,
        state: NotificationState,
        message: QueueMessage,
    ) -> None:
        """Tell the channel what changed, then save it: a failed try is told again."""
        after = advanced(before, change)
        # First and whatever the channel answers: the consumer's next event needs the right dialog.
        self.store.point_consumer_at(before, after)
        restore_pointer(self.store, after, state, told_at=change.updated_at)
        found = changes(before, after)
        if found:
            self._deliver_changes(found, after, change, state, message)
        if after != before:
            self.store.save_state(after)
        if "agent_joined" in found:
            self.learn(after, {"id": after.agent_id or "", "kind": AGENT})

    def _deliver_changes(
        self,
        found: list[str],
        conversation: Conversation,
        change: ConversationChange,
        state: NotificationState,
        message: QueueMessage,
    ) -> None:
        notices = [_notice(each, conversation, change, message) for each in found]
        statuses = self.notifier.notify(conversation, notices, state, message)
        for name, status in zip(found, statuses, strict=True):
            outcomes.outcome(
                Outcome.TOLD_CONVERSATION if status else Outcome.NOT_WANTED,
                **conversation.log_ids,
                change=name,
                http_status=status,
            )


def restore_pointer(
    store: DeliveryStore, conversation: Conversation, state: NotificationState, *, told_at: int = 0
) -> None:
    """Lead a consumer back to its open conversation, if one of the account has lost its own."""
    is_wanted = state.is_sought and not conversation.is_over
    if is_wanted and store.restore_pointer(conversation, told_at=told_at):
        outcomes.outcome(Outcome.POINTER_RESTORED, **conversation.log_ids)


def is_newer(change: ConversationChange, known: Conversation) -> bool:
    """
    Whether a reported state of a conversation is newer than the known one.

    A state without a time stamp counts as newer. Of two states of one moment the end counts.
    """
    if not change.updated_at or change.updated_at > known.changed_at:
        return True
    return change.updated_at == known.changed_at and change.is_closed and known.is_open


def advanced(before: Conversation, change: ConversationChange) -> Conversation:
    """
    Return a conversation as a newer state of it says.

    A state without a time stamp may be older than the known one: it ends a conversation, but does
    not open it again. Neither does one that doesn't say whether it is open.
    """
    opens_again = change.says_open and change.updated_at > 0
    is_open = not change.is_closed and (before.is_open or opens_again)
    return replace(
        before,
        is_open=is_open,
        is_ended=not is_open,
        agent_id=change.agent_id,
        skill_id=change.skill_id or before.skill_id,
        survey_dialog_id=change.survey_dialog_id,
        dialog_types=change.dialog_types or before.dialog_types,
        changed_at=max(change.updated_at, before.changed_at, 1),
    )


def changes(before: Conversation, after: Conversation) -> list[str]:
    """Name what differs between two states of a conversation, in the words of the channel API."""
    if not after.is_open:
        return ["closed"] if before.is_open else []
    found = []
    if before.changed_at == 0 or not before.is_open:
        found.append("opened")
    if before.changed_at and before.skill_id not in _NO_SKILL and after.skill_id != before.skill_id:
        found.append("transferred")
    if after.agent_id and after.agent_id != before.agent_id:
        found.append("agent_joined")
    return found


def _notice(
    name: str, conversation: Conversation, change: ConversationChange, message: QueueMessage
) -> Notice:
    at = change.updated_at or int(message.accepted_at.timestamp() * 1000)
    callback = {
        "type": "conversation",
        "dialog_id": conversation.survey_dialog_id or conversation.conversation_id,
        "dialog_type": "post_survey" if conversation.survey_dialog_id else "main",
        "sent_at": iso(change.changed_at or message.accepted_at),
        "event": name,
        "reason": change.close_reason if name == "closed" else None,
    }
    return Notice(stable_id("conversation", name, str(at)), callback)
