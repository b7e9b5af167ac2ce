"""
A notification is told to the channel: in LivePerson's order, once, and only if it is meant for it.

Webhooks are account-wide, so conversations of the brand's other channels arrive here too. Which
are ours is known from the record written when a conversation was opened, and from the consumer
that a change or an echo names. A message of an unknown conversation waits a moment before it is
dropped: it may have overtaken the answer that told us the conversation's id.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ...channel.callbacks import Callbacks
from ...channel.consumer_events import automatic_receipt
from ...channel.rendering import content_of, file_content, receipt_status, typing_state
from ...delivery.circuit_breaker import CircuitBreaker
from ...delivery.ports import DeliveryStore, Outbox
from ...delivery.retries import check_group_hold
from ...domain.accounts import ChannelSettings
from ...domain.clock import Clock
from ...domain.conversations import (
    Conversation,
    NotificationState,
    file_digest,
    text_digest,
)
from ...domain.errors import (
    MisconfiguredAccount,
    NotificationEarly,
    Permanent,
    Transient,
    UnreadableMessage,
)
from ...domain.pseudonyms import short
from ...domain.queue_messages import QueueMessage, stable_id
from ...liveperson.notifications import (
    CONVERSATION_CHANGE,
    FILE,
    RECEIPT,
    TYPING,
    Change,
    ConversationChange,
    MessagingEvent,
    read_conversation_change,
    read_messaging_event,
)
from ...support.cache import Cache
from ...telemetry import outcomes
from ...telemetry.outcomes import Measurement, Outcome
from ..failed_events import FailedEvent, read_failed
from ..message_intake import to_letter
from ..webhook_intake import (
    CLAIM_ATTRIBUTE,
    TYPING_STALE_SECONDS,
    read_queued,
    read_queued_body,
    to_queue,
)
from .agent_files import AgentFileCopier
from .visibility import reason_to_withhold

# A message of an unknown conversation waits: first as long as opening one may take, time-outs
# included, then until a worker that was cut off while opening it has had its next try.
_EARLY_WAITS = (2.0,) * 8 + (45.0,) * 4

# A conversation that goes from no skill to its first was routed, not transferred.
_NO_SKILL = {None, "-1"}

# LivePerson's words for the two types of dialogs that a connector surely meets; of others, such as
# co-browsing's, the channel learns that they are neither.
_DIALOG_TYPES = {"MAIN": "main", "POST_SURVEY": "post_survey"}


@dataclass(frozen=True)
class ChannelDelivery:
    """
    Tells notifications to channels. ``channels`` holds their settings by account.

    ``consumer_events`` takes the receipts that are sent to LivePerson for a channel that wants it.
    """

    channels: Cache[ChannelSettings]
    callbacks: Callbacks
    store: DeliveryStore
    breaker: CircuitBreaker
    agent_files: AgentFileCopier
    consumer_events: Outbox
    clock: Clock = time.time

    def handle(self, message: QueueMessage) -> None:
        """Take one queued notification; the errors say whether another try can help."""
        try:
            act = self._prepare(message)
        except UnreadableMessage:
            self._handle_body(message)
            return
        act()

    def _handle_body(self, message: QueueMessage) -> None:
        """
        Take a redriven webhook that could not be read when it came, change by change.

        What the channel refuses, or what still cannot be read, takes no other change along.
        """
        problem: Permanent | None = None
        changes = read_queued_body(message.body)
        if changes is None:
            raise UnreadableMessage("the queued message is not a notification")
        for change in changes:
            try:
                self.handle(replace(message, body=to_queue(change)))
            except Permanent as error:
                problem = problem or error
        if problem:
            raise problem

    def _prepare(self, message: QueueMessage) -> Callable[[], None]:
        """Read a message and what is known of it; return what to do."""
        if failed := read_failed(message.body):
            recalled = self.store.load_notification(failed.account_id, "", (), (), message.group)
            return partial(self._tell_failed, failed, recalled, message)
        change = read_queued(message.body)
        if change.kind == CONVERSATION_CHANGE:
            said = read_conversation_change(change)
            recalled = self._recall(change, said.consumer_ids, message)
            act = partial(self._follow, change, said, recalled, message)
            if CLAIM_ATTRIBUTE in message.attributes:
                act = partial(self._claim, change, said, recalled)
        else:
            event = read_messaging_event(change)
            senders = [event.sender_id] if event.is_consumers else []
            recalled = self._recall(change, senders, message)
            act = partial(self._hear, change, event, recalled, message)
        return act

    def _recall(
        self, change: Change, consumers: Iterable[str], message: QueueMessage
    ) -> NotificationState:
        return self.store.load_notification(
            change.account_id,
            change.conversation_id,
            change.identities,
            consumers,
            message.group,
        )

    def _guarded(
        self, account_id: str, recalled: NotificationState, message: QueueMessage
    ) -> AbstractContextManager[None]:
        """Go on to the channel within, unless earlier messages or an outage are in the way."""
        check_group_hold(message, recalled.is_held, recalled.redrive_failed_at)
        return self.breaker.guard(account_id, recalled.outage, message.group)

    # ── Conversation changes: what is ours, what became of it ──

    def _follow(
        self,
        change: Change,
        said: ConversationChange,
        recalled: NotificationState,
        message: QueueMessage,
    ) -> None:
        known = self._adopt(change, said, recalled)
        if known is None:
            self._drop(change, Outcome.FOREIGN_CONVERSATION)
            return
        if not is_newer(said, known):
            self._restore_pointer(known, recalled)
            self._note(Outcome.OUTDATED_CHANGE, known)
            return
        self._apply(known, said, recalled, message)

    def _claim(self, change: Change, said: ConversationChange, recalled: NotificationState) -> None:
        """Take note whose a conversation is; what is to be told of it comes in its own turn."""
        known = self._adopt(change, said, recalled)
        if known is not None:
            self._restore_pointer(known, recalled)

    def _adopt(
        self, change: Change, said: ConversationChange, recalled: NotificationState
    ) -> Conversation | None:
        """Return the conversation, which may turn out to be ours only now; ``None`` if not."""
        known = recalled.conversation
        if known is not None and known.is_ours:
            return known
        if recalled.claim is None:
            if known is None:
                self.store.mark_foreign(change.account_id, said.conversation_id)
            return None
        adopted = replace(recalled.claim, is_open=not said.is_closed)
        self.store.adopt(adopted, is_current=True, told_at=said.updated_at)
        self._note(Outcome.CONVERSATION_ADOPTED, adopted)
        return adopted

    def _apply(
        self,
        before: Conversation,
        said: ConversationChange,
        recalled: NotificationState,
        message: QueueMessage,
    ) -> None:
        """Tell the channel what really changed, then remember it: so nothing stays untold."""
        now = following(before, said)
        # First and whatever the channel says: the consumer's next words need the right dialog.
        self.store.point_consumer_at(before, now)
        self._restore_pointer(now, recalled, told_at=said.updated_at)
        found = changes(before, now)
        if found:
            with self._guarded(now.account_id, recalled, message):
                for event in found:
                    self._tell_change(now, event, said, message)
        if now != before:
            self.store.save_state(now)

    def _tell_change(
        self, now: Conversation, event: str, said: ConversationChange, message: QueueMessage
    ) -> None:
        reason = {"reason": said.close_reason} if event == "closed" else {}
        at = said.updated_at or int(message.accepted_at.timestamp() * 1000)
        callback = {
            "type": "conversation",
            "dialog_id": now.survey_dialog_id or now.conversation_id,
            "dialog_type": "post_survey" if now.survey_dialog_id else "main",
            "sent_at": _iso(_moment(at) or message.accepted_at),
            "event": event,
            **reason,
        }
        status = self._call_back(now, stable_id("conversation", event, str(at)), callback)
        what = Outcome.TOLD_CONVERSATION if status else Outcome.NOT_WANTED
        self._note(what, now, change=event, http_status=status)

    def _restore_pointer(
        self, conversation: Conversation, recalled: NotificationState, *, told_at: int = 0
    ) -> None:
        """Lead a consumer back to its open conversation, if one of the account has lost its own."""
        is_wanted = recalled.is_sought and not conversation.is_over
        if is_wanted and self.store.restore_pointer(conversation, told_at=told_at):
            self._note(Outcome.POINTER_RESTORED, conversation)

    # ── Messaging events: what leaves, what stays in ──

    def _hear(
        self,
        change: Change,
        event: MessagingEvent,
        recalled: NotificationState,
        message: QueueMessage,
    ) -> None:
        conversation = self._whose(change, recalled, event, message)
        if conversation is None:
            self._drop(change, Outcome.FOREIGN_CONVERSATION)
            return
        self._restore_pointer(conversation, recalled)
        if event.is_consumers:
            self._remember_echo(conversation, event)
        if recalled.was_delivered:
            self._note(Outcome.REPEAT_IGNORED, conversation, event)
        elif withheld := reason_to_withhold(event, conversation):
            self._note(Outcome(f"withheld_{withheld}"), conversation, event)
        elif event.kind == TYPING:
            self._tell_typing(conversation, event, recalled, message)
        else:
            with self._guarded(change.account_id, recalled, message):
                self._tell(change, conversation, event, message)

    def _whose(
        self,
        change: Change,
        recalled: NotificationState,
        event: MessagingEvent,
        message: QueueMessage,
    ) -> Conversation | None:
        """Return the conversation if it is ours, none if it is not; wait if it is too early."""
        known, claim = recalled.conversation, recalled.claim
        if known is not None and known.is_ours:
            return known
        if claim is not None and event.names_conversation:
            self.store.adopt(claim, is_current=False)
            self._note(Outcome.CONVERSATION_ADOPTED, claim)
            return claim
        if known is not None or event.kind == TYPING:
            return None
        if message.receive_count <= len(_EARLY_WAITS):
            wait = _EARLY_WAITS[message.receive_count - 1]
            raise NotificationEarly("its conversation is not known yet", retry_after=wait)
        self.store.mark_foreign(change.account_id, change.conversation_id)
        return None

    def _remember_echo(self, conversation: Conversation, event: MessagingEvent) -> None:
        """Remember what was heard: by it a send whose answer got lost is known to have arrived."""
        if event.sequence is None:
            return
        if event.file is not None:
            self.store.save_echo(
                conversation, event.sequence, file_digest(event.file.relative_path)
            )
        elif event.text is not None:
            self.store.save_echo(conversation, event.sequence, text_digest(event.text))

    def _tell(
        self,
        change: Change,
        conversation: Conversation,
        event: MessagingEvent,
        message: QueueMessage,
    ) -> None:
        identity = change.identities[0]
        settings = self.channels.get(conversation.account_id)
        callback = {
            **self._what(conversation, event, settings),
            "dialog_id": event.dialog_id,
            "dialog_type": _dialog_type(conversation, event),
            "sequence": event.sequence,
            "sent_at": _iso(event.sent_at or message.accepted_at),
            "sender": {"id": event.sender_id, "role": event.sender_role},
        }
        status = self._call_back(conversation, identity, callback)
        if settings.automatic_receipts and callback["type"] == "message" and status:
            self._confirm(conversation, event)
        self.store.mark_delivered(change.account_id, identity)
        what, since = (Outcome.DELIVERED, event.sent_at) if status else (Outcome.NOT_WANTED, None)
        self._note(what, conversation, event, since=since, http_status=status)

    def _what(
        self, conversation: Conversation, event: MessagingEvent, settings: ChannelSettings
    ) -> dict[str, Any]:
        if event.kind == RECEIPT:
            status = receipt_status(event.receipt_status)
            return {"type": "receipt", "status": status, "sequences": list(event.sequences)}
        if event.kind == FILE and event.file and settings.wants("message"):
            url = self.agent_files.keep(conversation, event.file)
            return {"type": "message", "content": file_content(event.file, url or "")}
        return {"type": "message", "content": content_of(event)}

    def _tell_typing(
        self,
        conversation: Conversation,
        event: MessagingEvent,
        recalled: NotificationState,
        message: QueueMessage,
    ) -> None:
        """Tell it now or never: an indicator that comes late is wrong."""
        if self.clock() - message.accepted_at.timestamp() > TYPING_STALE_SECONDS:
            self._note(Outcome.TYPING_STALE, conversation)
            return
        is_down = recalled.outage is not None and recalled.outage.is_open
        if recalled.is_held or is_down or conversation.is_over:
            self._note(Outcome.TYPING_DROPPED, conversation)
            return
        callback = {
            "type": "typing",
            "dialog_id": event.dialog_id,
            "dialog_type": _dialog_type(conversation, event),
            "sent_at": _iso(message.accepted_at),
            "sender": {"id": event.sender_id, "role": event.sender_role},
            "state": typing_state(event.chat_state),
        }
        try:
            status = self._call_back(conversation, message.message_id, callback)
        except (Transient, Permanent) as error:
            outcomes.failure(error, account_id=conversation.account_id)
            self._note(Outcome.TYPING_DROPPED, conversation)
        else:
            self._note(Outcome.TYPING_TOLD if status else Outcome.NOT_WANTED, conversation)

    def _confirm(self, conversation: Conversation, event: MessagingEvent) -> None:
        """Let LivePerson know that the channel has the message, as its settings ask."""
        receipt = automatic_receipt(
            conversation.account_id,
            conversation.consumer_id,
            event.dialog_id,
            event.sequence or 0,
            self.clock(),
        )
        self.consumer_events.send([to_letter(receipt, conversation.consumer_key)])

    # ── Calling back ──

    def _tell_failed(
        self,
        failed: FailedEvent,
        recalled: NotificationState,
        message: QueueMessage,
    ) -> None:
        account_id, failure, failed_message = failed
        what = Outcome.NOT_WANTED
        if self._wants_failed(account_id):
            callback = {
                "type": "failed",
                "account_id": account_id,
                **failure,
                "sent_at": _iso(datetime.fromtimestamp(self.clock(), UTC)),
            }
            parts = [account_id, str(failure["consumer_id"]), str(failure["event_id"])]
            parts += [failed_message] if failed_message else []
            with self._guarded(account_id, recalled, message):
                self._post(self.channels.get(account_id), _webhook_id("failed", *parts), callback)
            what = Outcome.TOLD_FAILED
        outcomes.outcome(what, account_id=account_id, event_id=failure.get("event_id"))

    def _wants_failed(self, account_id: str) -> bool:
        """Whether the channel wants ``failed``; if its settings are missing, assume it does."""
        try:
            return self.channels.get(account_id).wants("failed")
        except MisconfiguredAccount:
            return True

    def _call_back(
        self, conversation: Conversation, identity: str, callback: Mapping[str, Any]
    ) -> int | None:
        """Post a callback unless the channel does not want its type; none says it was not."""
        settings = self.channels.get(conversation.account_id)
        if not settings.wants(str(callback["type"])):
            return None
        return self._post(
            settings,
            _webhook_id(conversation.account_id, conversation.conversation_id, identity),
            {
                "type": callback["type"],
                "account_id": conversation.account_id,
                "consumer_id": conversation.consumer_id,
                "conversation_id": conversation.conversation_id,
                **callback,
            },
        )

    def _post(self, settings: ChannelSettings, name: str, callback: Mapping[str, Any]) -> int:
        with outcomes.timed(Measurement.CALLBACK_TIME):
            return self.callbacks.post(settings, name, _without_none(callback))

    def _drop(self, change: Change, why: str) -> None:
        outcomes.outcome(why, account_id=change.account_id, conversation_id=change.conversation_id)

    def _note(
        self,
        what: str,
        conversation: Conversation,
        event: MessagingEvent | None = None,
        *,
        since: datetime | None = None,
        **more: Any,
    ) -> None:
        tell = partial(outcomes.completed, since=since) if since else outcomes.outcome
        tell(
            what,
            account_id=conversation.account_id,
            consumer=short(conversation.consumer_key),
            conversation_id=conversation.conversation_id,
            sequence=event.sequence if event else None,
            **more,
        )


def describe(message: QueueMessage) -> dict[str, Any]:
    """Find the ids of a queued notification, for the log."""
    try:
        change = read_queued(message.body)
    except UnreadableMessage:
        return {}
    return {"account_id": change.account_id, "conversation_id": change.conversation_id}


def is_newer(said: ConversationChange, known: Conversation) -> bool:
    """
    Whether a state of a conversation is newer than what is known of it.

    One without a time stamp counts as new. Of two states of one moment the end counts.
    """
    if not said.updated_at or said.updated_at > known.changed_at:
        return True
    return said.updated_at == known.changed_at and said.is_closed and known.is_open


def following(before: Conversation, said: ConversationChange) -> Conversation:
    """
    Return what a conversation has become by a newer state of it.

    A state without a time stamp may be older than what is known: it ends a conversation, but does
    not open it again. Neither does one that doesn't say whether it is open.
    """
    opens_again = said.says_open and said.updated_at > 0
    is_open = not said.is_closed and (before.is_open or opens_again)
    return replace(
        before,
        is_open=is_open,
        is_ended=not is_open,
        agent_id=said.agent_id,
        skill_id=said.skill_id or before.skill_id,
        survey_dialog_id=said.survey_dialog_id,
        dialog_types=said.dialog_types or before.dialog_types,
        changed_at=max(said.updated_at, before.changed_at, 1),
    )


def changes(before: Conversation, now: Conversation) -> list[str]:
    """Name what really changed between two states of a conversation, in the channel's words."""
    if not now.is_open:
        return ["closed"] if before.is_open else []
    found = []
    if before.changed_at == 0 or not before.is_open:
        found.append("opened")
    if before.changed_at and before.skill_id not in _NO_SKILL and now.skill_id != before.skill_id:
        found.append("transferred")
    if now.agent_id and now.agent_id != before.agent_id:
        found.append("agent_joined")
    return found


def _webhook_id(*parts: str) -> str:
    """Return the id of a callback: the same on every retry, so that the channel can tell."""
    return f"msg_{stable_id(*parts)[:32]}"


def _dialog_type(conversation: Conversation, event: MessagingEvent) -> str:
    """Return the type of an event's dialog as a state of the conversation named it."""
    named = conversation.dialog_types.get(event.dialog_id)
    if named:
        return _DIALOG_TYPES.get(named, "other")
    # Not named yet, or in the form of 2018: a survey is the only other dialog that is documented.
    return "main" if event.dialog_id == conversation.conversation_id else "post_survey"


def _without_none(callback: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in callback.items() if value is not None}


def _iso(moment: datetime) -> str:
    """Write a time as ISO 8601 in UTC."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _moment(milliseconds: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
