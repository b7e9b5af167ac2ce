"""
A consumer's event is carried out at LivePerson: once, in order, unless LivePerson is down.

What consumers say is the matter of ``speech``, what they are doing that of ``typing``; here is
what becomes of an event on the whole.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .. import observe
from ..cache import Clock
from ..channel.consumer_events import ConsumerEvent, read_queued
from ..conversations import Consumer, EventRecall, Progress
from ..errors import (
    ConversationNotReady,
    ConversationUnknown,
    HeldBehind,
    LivePersonRefused,
    OutageWaited,
    Permanent,
    Transient,
    UnreadableMessage,
)
from ..liveperson.payloads import Request
from ..liveperson.send_api import SendApi
from ..messages import Received
from ..pseudonyms import consumer_key
from .breaker import Breaker
from .failed_events import failed_letter
from .ports import OutboundMemory, Outbox
from .speaking import Speaker
from .speech import SPOKEN, Speech, is_in_doubt
from .steps import deed, ids
from .typing import Typing
from .worker import check_hold

FUNCTION = "outbound_messaging"


@dataclass(frozen=True)
class OutboundMessaging:
    """Carries out consumer events; ``notifications`` is the way to tell the channel of failures."""

    speaker: Speaker
    send_api: SendApi
    speech: Speech
    typing: Typing
    memory: OutboundMemory
    breaker: Breaker
    notifications: Outbox
    salt: str
    clock: Clock = time.time

    def handle(self, message: Received) -> None:
        """Take one queued event; the errors say whether another try can help."""
        event = read_queued(message.body)
        key = consumer_key(self.salt, event.account_id, event.consumer_id)
        if event.type == "typing":
            self.typing.tell(event, key, message)
            return
        recalled = self.memory.recall_event(event.account_id, key, event.id, message.group)
        if recalled.progress.done:
            observe.outcome(FUNCTION, "repeat_ignored", **ids(event, key))
            return
        self._enter(event, recalled, message)
        try:
            self._carry_out(event, key, recalled, message)
        except (LivePersonRefused, ConversationUnknown, ConversationNotReady):
            self.breaker.succeeded(event.account_id, recalled.outage)  # an answer all the same
            raise
        except Transient as error:
            self.breaker.failed(event.account_id, recalled.outage, error, message.group)
            raise
        self.breaker.succeeded(event.account_id, recalled.outage)

    def _enter(self, event: ConsumerEvent, recalled: EventRecall, message: Received) -> None:
        """
        Go on to LivePerson, unless it is down or earlier events are to go first.

        A try that did not begin leaves no doubt; one that an earlier try left is kept.
        """
        try:
            check_hold(message, recalled.is_held, recalled.died_again_at)
            self.breaker.enter(event.account_id, recalled.outage)
        except (HeldBehind, OutageWaited):
            if recalled.consumer:
                with suppress(Transient):  # at worst its echo is waited for in vain
                    noted = self._still_open(event, recalled.progress, message)
                    self.memory.note_progress(recalled.consumer, event.id, noted)
            raise

    def _carry_out(
        self, event: ConsumerEvent, key: str, recalled: EventRecall, message: Received
    ) -> None:
        consumer = recalled.consumer or self.speaker.introduce(
            event.account_id, event.consumer_id, key
        )
        try:
            if event.type in SPOKEN:
                consumer = self.speech.say(event, consumer, recalled.progress, message)
            else:
                self._do(event, consumer)
        except Transient as error:
            self._settle(event, consumer, message, error)
            raise
        if event.type in SPOKEN:
            self.typing.stop(consumer)

    def refused(self, message: Received, error: Permanent) -> None:
        """Tell the channel that LivePerson will never take an event of its own."""
        try:
            event = read_queued(message.body)
        except UnreadableMessage:
            return
        if not event.is_automatic:
            self.notifications.send([failed_letter(event, error)])

    def _settle(
        self, event: ConsumerEvent, consumer: Consumer, message: Received, error: Transient
    ) -> None:
        """Note what this try came to, so that the next one knows whether it may have arrived."""
        recalled = self.memory.recall_event(
            consumer.account_id, consumer.key, event.id, message.group
        )
        noted = self._still_open(event, recalled.progress, message)
        if isinstance(error, ConversationNotReady):
            noted = replace(noted, refusals=noted.refusals + 1)
        if error.maybe_done:
            noted = replace(noted, ambiguous_at=self.clock())
        if noted.ambiguous_at != recalled.progress.ambiguous_at:
            observe.outcome(FUNCTION, "ambiguous", **ids(event, consumer.key))
        self.memory.note_progress(consumer, event.id, noted)

    def _still_open(self, event: ConsumerEvent, progress: Progress, message: Received) -> Progress:
        """Settle this try as one that did nothing; what an earlier one left open stays open."""
        noted = _settled(progress, message)
        in_doubt = event.type in SPOKEN and is_in_doubt(message, progress)
        if in_doubt and noted.ambiguous_at is None:
            return replace(noted, ambiguous_at=self.clock())
        return noted

    # ── Doing something: receipts, close, rating, profile. Twice is no harm ──

    def _do(self, event: ConsumerEvent, consumer: Consumer) -> None:
        request = deed(event, consumer)
        what = "sent"
        if request is None:
            what = "nothing_to_do"
        else:
            consumer, what = self._send_deed(event, consumer, request)
        self.memory.note_progress(consumer, event.id, Progress(1, done=True))
        observe.done(FUNCTION, what, event_type=event.type, **ids(event, consumer.key))

    def _send_deed(
        self, event: ConsumerEvent, consumer: Consumer, request: Request
    ) -> tuple[Consumer, str]:
        try:
            with observe.timed(FUNCTION, "send_time"):
                consumer, _ = self.speaker.on_behalf(
                    consumer, lambda who: self.send_api.send(who, request)
                )
        except LivePersonRefused as refused:
            # What closing a closed conversation is answered is not published; it is closed.
            if event.type == "close" and refused.http_status != 401:
                return consumer, "nothing_to_do"
            raise
        return consumer, "sent"


def _settled(progress: Progress, message: Received) -> Progress:
    """Note that it is known what every try of ``message`` came to, this one included."""
    return replace(
        progress, settled_receives=message.receive_count, settled_message=message.message_id
    )


def describe(message: Received, salt: str) -> dict[str, Any]:
    """Find the ids of a queued event, for the log."""
    try:
        event = read_queued(message.body)
    except UnreadableMessage:
        return {}
    return ids(event, consumer_key(salt, event.account_id, event.consumer_id))
