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
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from .. import observe
from ..accounts import ChannelSettings
from ..cache import Cache, Clock
from ..channel.callbacks import Callbacks
from ..channel.consumer_events import automatic_receipt
from ..channel.contents import content_of, file_content, receipt_status, typing_state
from ..conversations import Conversation, NotificationRecall, file_digest, text_digest
from ..errors import ChannelRefused, NotificationEarly, Permanent, Transient, UnreadableMessage
from ..liveperson.notifications import (
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
from ..messages import Received, token
from ..pseudonyms import short
from .agent_files import AgentFiles
from .audience import reason_to_withhold
from .breaker import Breaker
from .failed_events import FailedEvent, read_failed
from .message_intake import to_letter
from .ports import DeliveryMemory, Outbox
from .webhook_intake import CLAIM_ATTRIBUTE, read_queued
from .worker import check_hold

FUNCTION = "channel_delivery"

# A message of an unknown conversation waits: first as long as opening one may take, time-outs
# included, then until a worker that was cut off while opening it has had its next try.
_EARLY_WAITS = (2.0,) * 8 + (45.0,) * 4

# A conversation that goes from no skill to its first was routed, not transferred.
_NO_SKILL = {None, "-1"}

# An indicator older than this tells nothing any more.
TYPING_STALE_SECONDS = 10.0


@dataclass(frozen=True)
class ChannelDelivery:
    """
    Tells notifications to channels. ``channels`` holds their settings by account.

    ``consumer_events`` takes the receipts that are sent to LivePerson for a channel that wants it.
    """

    channels: Cache[ChannelSettings]
    callbacks: Callbacks
    memory: DeliveryMemory
    breaker: Breaker
    agent_files: AgentFiles
    consumer_events: Outbox
    clock: Clock = time.time

    def handle(self, message: Received) -> None:
        """Take one queued notification; the errors say whether another try can help."""
        account_id, recalled, act = self._prepare(message)
        try:
            act()
        except Transient as error:
            self.breaker.failed(account_id, recalled.outage, error, message.group)
            raise
        except ChannelRefused:  # an answer all the same
            self.breaker.succeeded(account_id, recalled.outage)
            raise

    def _prepare(self, message: Received) -> tuple[str, NotificationRecall, Callable[[], None]]:
        """Read a message; return whose it is, what is known of it, and what to do."""
        if failed := read_failed(message.body):
            recalled = self.memory.recall_notification(
                failed.account_id, "", None, (), message.group
            )
            return (
                failed.account_id,
                recalled,
                partial(self._tell_failed, failed, recalled, message),
            )
        change = read_queued(message.body)
        if change.kind == CONVERSATION_CHANGE:
            said = read_conversation_change(change)
            recalled = self._recall(change, None, said.consumer_ids, message)
            act = partial(self._follow, change, said, recalled, message)
            if CLAIM_ATTRIBUTE in message.attributes:
                act = partial(self._claim, change, said, recalled)
        else:
            event = read_messaging_event(change)
            senders = [event.sender_id] if event.is_consumers else []
            recalled = self._recall(change, change.identity, senders, message)
            act = partial(self._hear, change, event, recalled, message)
        return change.account_id, recalled, act

    def _recall(
        self,
        change: Change,
        identity: str | None,
        consumers: Iterable[str],
        message: Received,
    ) -> NotificationRecall:
        return self.memory.recall_notification(
            change.account_id, change.conversation_id, identity, consumers, message.group
        )

    def _enter(self, account_id: str, recalled: NotificationRecall, message: Received) -> None:
        """Go on to the channel, unless earlier messages or an outage are in the way."""
        check_hold(message, recalled.is_held, recalled.died_again_at)
        self.breaker.enter(account_id, recalled.outage)

    # ── Conversation changes: what is ours, what became of it ──

    def _follow(
        self,
        change: Change,
        said: ConversationChange,
        recalled: NotificationRecall,
        message: Received,
    ) -> None:
        known = self._adopt(change, said, recalled)
        if known is None:
            self._drop(change, "foreign_conversation")
            return
        if said.updated_at and said.updated_at <= known.changed_at:
            self._note("outdated_change", known)
            return
        self._apply(known, said, recalled, message)

    def _claim(
        self, change: Change, said: ConversationChange, recalled: NotificationRecall
    ) -> None:
        """Take note whose a conversation is; what is to be told of it comes in its own turn."""
        self._adopt(change, said, recalled)

    def _adopt(
        self, change: Change, said: ConversationChange, recalled: NotificationRecall
    ) -> Conversation | None:
        """Return the conversation, which may turn out to be ours only now; none if it is not."""
        known = recalled.conversation
        if known is not None and known.is_ours:
            return known
        if recalled.claim is None:
            if known is None:
                self.memory.foreign(change.account_id, said.conversation_id)
            return None
        adopted = replace(recalled.claim, is_open=not said.is_closed)
        self.memory.adopt(adopted, is_current=True, told_at=said.updated_at)
        self._note("conversation_adopted", adopted)
        return adopted

    def _apply(
        self,
        before: Conversation,
        said: ConversationChange,
        recalled: NotificationRecall,
        message: Received,
    ) -> None:
        """Tell the channel what really changed, then remember it: so nothing stays untold."""
        now = replace(
            before,
            is_open=before.is_open and not said.is_closed,
            agent_id=said.agent_id,
            skill_id=said.skill_id or before.skill_id,
            survey_dialog_id=said.survey_dialog_id,
            changed_at=max(said.updated_at, before.changed_at, 1),
        )
        # First and whatever the channel says: the consumer's next words need the right dialog.
        self.memory.point(before, now)
        found = changes(before, now)
        if found:
            self._enter(now.account_id, recalled, message)
        for event in found:
            reason = {"reason": said.close_reason} if event == "closed" else {}
            self._call_back(
                now,
                token("conversation", event, str(now.changed_at)),
                {
                    "type": "conversation",
                    "dialog_id": now.survey_dialog_id or now.conversation_id,
                    "dialog_type": "post_survey" if now.survey_dialog_id else "main",
                    "sent_at": _iso_milliseconds(said.updated_at),
                    "event": event,
                    **reason,
                },
            )
        if found:
            self.breaker.succeeded(now.account_id, recalled.outage)
        if now != before:
            self.memory.followed(now)

    # ── Messaging events: what leaves, what stays in ──

    def _hear(
        self,
        change: Change,
        event: MessagingEvent,
        recalled: NotificationRecall,
        message: Received,
    ) -> None:
        conversation = self._whose(change, recalled, event, message)
        if conversation is None:
            self._drop(change, "foreign_conversation")
            return
        if event.is_consumers:
            self._remember_echo(conversation, event)
        if recalled.was_delivered:
            self._note("repeat_ignored", conversation, event)
        elif withheld := reason_to_withhold(event, conversation):
            self._note(f"withheld_{withheld}", conversation, event)
        elif event.kind == TYPING:
            self._tell_typing(conversation, event, recalled, message)
        else:
            self._enter(change.account_id, recalled, message)
            self._tell(change, conversation, event)
            self.breaker.succeeded(change.account_id, recalled.outage)

    def _whose(
        self,
        change: Change,
        recalled: NotificationRecall,
        event: MessagingEvent,
        message: Received,
    ) -> Conversation | None:
        """Return the conversation if it is ours, none if it is not; wait if it is too early."""
        known, claim = recalled.conversation, recalled.claim
        if known is not None and known.is_ours:
            return known
        if claim is not None and event.names_conversation:
            self.memory.adopt(claim, is_current=False)
            self._note("conversation_adopted", claim)
            return claim
        if known is not None or event.kind == TYPING:
            return None
        if message.receive_count <= len(_EARLY_WAITS):
            wait = _EARLY_WAITS[message.receive_count - 1]
            raise NotificationEarly("its conversation is not known yet", retry_after=wait)
        self.memory.foreign(change.account_id, change.conversation_id)
        return None

    def _remember_echo(self, conversation: Conversation, event: MessagingEvent) -> None:
        """Remember what was heard: by it a send whose answer got lost is known to have arrived."""
        if event.sequence is None:
            return
        if event.file is not None:
            self.memory.heard(conversation, event.sequence, file_digest(event.file.relative_path))
        elif event.text is not None:
            self.memory.heard(conversation, event.sequence, text_digest(event.text))

    def _tell(self, change: Change, conversation: Conversation, event: MessagingEvent) -> None:
        identity = change.identity or ""
        settings = self.channels.get(conversation.account_id)
        callback = {
            **self._what(conversation, event, settings),
            "dialog_id": event.dialog_id,
            "dialog_type": _dialog_type(conversation, event),
            "sequence": event.sequence,
            "sent_at": _iso(event.sent_at),
            "sender": {"id": event.sender_id, "role": event.sender_role},
        }
        status = self._call_back(conversation, identity, callback)
        if settings.automatic_receipts and callback["type"] == "message" and status:
            self._confirm(conversation, event)
        self.memory.delivered(change.account_id, identity)
        what, since = ("delivered", event.sent_at) if status else ("not_wanted", None)
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
        recalled: NotificationRecall,
        message: Received,
    ) -> None:
        """Tell it now or never: an indicator that comes late is wrong."""
        if self.clock() - message.sent_at.timestamp() > TYPING_STALE_SECONDS:
            self._note("typing_stale", conversation)
            return
        if recalled.is_held or (recalled.outage and recalled.outage.is_certain):
            self._note("typing_dropped", conversation)
            return
        callback = {
            "type": "typing",
            "dialog_id": event.dialog_id,
            "dialog_type": _dialog_type(conversation, event),
            "sent_at": _iso(message.sent_at),
            "sender": {"id": event.sender_id, "role": event.sender_role},
            "state": typing_state(event.chat_state),
        }
        try:
            self._call_back(conversation, message.message_id, callback)
        except (Transient, Permanent) as error:
            observe.failure(FUNCTION, error, account_id=conversation.account_id)
            self._note("typing_dropped", conversation)
        else:
            self._note("typing_told", conversation)

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
        recalled: NotificationRecall,
        message: Received,
    ) -> None:
        account_id, failure, failed_message = failed
        settings = self.channels.get(account_id)
        callback = {
            "type": "failed",
            "account_id": account_id,
            **failure,
            "sent_at": _iso(datetime.fromtimestamp(self.clock(), UTC)),
        }
        what = "not_wanted"
        if settings.wants("failed"):
            self._enter(account_id, recalled, message)
            parts = [account_id, str(failure["consumer_id"]), str(failure["event_id"])]
            parts += [failed_message] if failed_message else []
            self._post(settings, _webhook_id("failed", *parts), callback)
            self.breaker.succeeded(account_id, recalled.outage)
            what = "told_failed"
        observe.outcome(FUNCTION, what, account_id=account_id, event_id=failure.get("event_id"))

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
        with observe.timed(FUNCTION, "callback_time"):
            return self.callbacks.post(settings, name, _without_none(callback))

    def _drop(self, change: Change, why: str) -> None:
        observe.outcome(
            FUNCTION, why, account_id=change.account_id, conversation_id=change.conversation_id
        )

    def _note(
        self,
        what: str,
        conversation: Conversation,
        event: MessagingEvent | None = None,
        *,
        since: datetime | None = None,
        **more: Any,
    ) -> None:
        tell = partial(observe.done, since=since) if since else observe.outcome
        tell(
            FUNCTION,
            what,
            account_id=conversation.account_id,
            consumer=short(conversation.consumer_key),
            conversation_id=conversation.conversation_id,
            sequence=event.sequence if event else None,
            **more,
        )


def describe(message: Received) -> dict[str, Any]:
    """Find the ids of a queued notification, for the log."""
    try:
        change = read_queued(message.body)
    except UnreadableMessage:
        return {}
    return {"account_id": change.account_id, "conversation_id": change.conversation_id}


def changes(before: Conversation, now: Conversation) -> list[str]:
    """Name what really changed between two states of a conversation, in the channel's words."""
    if before.is_open and not now.is_open:
        return ["closed"]
    found = []
    if before.changed_at == 0 and now.is_open:
        found.append("opened")
    if before.changed_at and before.skill_id not in _NO_SKILL and now.skill_id != before.skill_id:
        found.append("transferred")
    if now.agent_id and now.agent_id != before.agent_id:
        found.append("agent_joined")
    return found


def _webhook_id(*parts: str) -> str:
    """Return the id of a callback: the same on every retry, so that the channel can tell."""
    return f"msg_{token(*parts)[:32]}"


def _dialog_type(conversation: Conversation, event: MessagingEvent) -> str:
    """Connectors meet two types; what is not said in the main dialog is said in a survey."""
    return "main" if event.dialog_id == conversation.conversation_id else "post_survey"


def _without_none(callback: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in callback.items() if value is not None}


def _iso(moment: datetime | None) -> str:
    """Write a time as ISO 8601 in UTC; LivePerson leaves it out of no message that we know."""
    known = moment or datetime.now(UTC)
    return known.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _iso_milliseconds(milliseconds: int) -> str:
    try:
        return _iso(datetime.fromtimestamp(milliseconds / 1000, UTC))
    except (ValueError, OverflowError, OSError):
        return _iso(None)
