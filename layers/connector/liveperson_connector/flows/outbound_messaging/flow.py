"""
Carry out a consumer's event at LivePerson: once, in order, unless LivePerson is down.

Texts, replies and files are sent by :mod:`.sending`, typing indicators by :mod:`.typing`; this
module decides what becomes of an event as a whole.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ...channel.queued_events import ConsumerEvent, read_queued
from ...delivery.circuit_breaker import CircuitBreaker
from ...delivery.ports import OutboundStore, Outbox
from ...delivery.retries import check_group_hold
from ...domain.clock import Clock
from ...domain.conversations import Consumer, Progress
from ...domain.errors import (
    CircuitOpen,
    ConversationNotReady,
    GroupHeld,
    LivePersonConflict,
    LivePersonRefused,
    Permanent,
    ProbeFailed,
    Transient,
    UnreadableMessage,
)
from ...domain.queue_messages import QueueMessage
from ...liveperson.payloads import Request
from ...liveperson.send_api import SendApi
from ...telemetry import outcomes
from ...telemetry.outcomes import Measurement, Outcome
from ..failed_events import failure_message
from ..liveperson_access import AuthorizedCalls
from .provider_events import ProviderEvents
from .requests import single_request
from .send_progress import (
    Attempt,
    in_doubt_since,
    known_refusal,
    refused,
    resumed,
    settled,
    take_up,
)
from .sending import MESSAGE_TYPES, MessageSender
from .typing import Typing

# LivePerson documents no 409. What conflicts with one state may succeed in the next.
_CONFLICT = 409


@dataclass(frozen=True)
class OutboundMessaging:
    """Carries out consumer events; ``notifications`` takes failures for the channel."""

    calls: AuthorizedCalls
    send_api: SendApi
    sender: MessageSender
    typing: Typing
    store: OutboundStore
    breaker: CircuitBreaker
    notifications: Outbox
    salt: str
    clock: Clock = time.time
    provider_events: ProviderEvents | None = None

    def handle(self, message: QueueMessage) -> None:
        """Carry out one queued event; the error it raises says whether another try can help."""
        event = read_queued(message.body)
        key = event.key(self.salt)
        if event.type == "typing":
            self.typing.tell(event, key, message)
            return
        known = self.store.load_event(event.account_id, key, event.id, message.group)
        attempt = take_up(known.progress, event, message, self.clock())
        if attempt is None:
            outcomes.outcome(Outcome.REPEAT_IGNORED, **event.log_ids(key))
            return
        try:
            check_group_hold(message, known.is_held, known.redrive_failed_at)
            with self.breaker.guard(event.account_id, known.outage, message.group):
                self._carry_out(event, key, known.consumer, attempt)
        except (GroupHeld, CircuitOpen) as waits:
            if known.consumer and not isinstance(waits, ProbeFailed):
                with suppress(
                    Transient
                ):  # at worst the next try waits for an echo that never comes
                    self._note_no_try(event, key, attempt)
            raise

    def _note_no_try(self, event: ConsumerEvent, key: str, attempt: Attempt) -> None:
        """Note a receive that no try followed: it leaves no doubt, and keeps an earlier try's."""
        if attempt.message.receive_count == 1 or attempt.doubt != attempt.progress.ambiguous_at:
            noted = settled(attempt.progress, attempt.message, attempt.doubt)
            self.store.note_progress(event.account_id, key, event.id, noted)

    def _carry_out(
        self, event: ConsumerEvent, key: str, known: Consumer | None, attempt: Attempt
    ) -> None:
        try:
            self._perform(event, key, known, attempt)
        except Transient as error:
            self._settle(event, key, attempt.message, error)
            raise
        except LivePersonRefused as error:
            if error.http_status != _CONFLICT:
                raise
            conflict = _conflict(error)
            self._settle(event, key, attempt.message, conflict)
            raise conflict from None

    def _perform(
        self, event: ConsumerEvent, key: str, consumer: Consumer | None, attempt: Attempt
    ) -> None:
        if consumer is None and event.type != "report":
            consumer = self.calls.register_consumer(
                event.account_id, event.consumer_id, key, event.channel
            )
        doing = self._resolve(event, consumer, attempt.message)
        if doing is None or consumer is None:
            outcomes.outcome(Outcome.NOTHING_TO_DO, **event.log_ids(key))
            return
        if doing.type not in MESSAGE_TYPES:
            self._send_once(doing, consumer)
            return
        consumer = self.sender.send(doing, consumer, attempt)
        if consumer.composing_since is not None:
            self.typing.stop(consumer)

    def _resolve(
        self, event: ConsumerEvent, consumer: Consumer | None, message: QueueMessage
    ) -> ConsumerEvent | None:
        """Return what a ready channel's event is in terms of the contract; None for nothing."""
        if not event.channel or self.provider_events is None:
            return event
        return self.provider_events.resolve(event, consumer, message)

    def refused(self, message: QueueMessage, error: Permanent) -> None:
        """
        Tell the channel that LivePerson will never take an event of its own.

        The refusal is noted first: an event that the channel sends again afterwards is no repeat.
        """
        try:
            event = read_queued(message.body)
        except UnreadableMessage:
            return
        key = event.key(self.salt)
        progress = self._progress(event, key, message)
        if not known_refusal(progress, message):
            noted = refused(progress, event, message, error, self.clock())
            self.store.note_progress(event.account_id, key, event.id, noted)
        if not (event.is_automatic or event.channel):  # a provider has no use for it
            self.notifications.send([failure_message(event, error, message.message_id)])

    def _settle(
        self, event: ConsumerEvent, key: str, message: QueueMessage, error: Transient
    ) -> None:
        """Note the outcome of this try, so that the next one knows whether it may have arrived."""
        progress = resumed(self._progress(event, key, message), event)
        says_something = event.type in MESSAGE_TYPES or event.type == "choice"
        doubt = in_doubt_since(progress, message) if says_something else None
        if error.maybe_done and says_something:
            doubt = self.clock()
        noted = settled(progress, message, doubt)
        if isinstance(error, ConversationNotReady):
            noted = replace(noted, refusals=noted.refusals + 1)
        if error.maybe_opened:
            noted = replace(noted, may_have_opened=True)
        if doubt is not None and doubt != progress.ambiguous_at:
            outcomes.outcome(Outcome.AMBIGUOUS, **event.log_ids(key))
        self.store.note_progress(event.account_id, key, event.id, noted)

    def _progress(self, event: ConsumerEvent, key: str, message: QueueMessage) -> Progress:
        return self.store.load_event(event.account_id, key, event.id, message.group).progress

    # ── Receipts, close, rating, profile: sent twice they do no harm ──

    def _send_once(self, event: ConsumerEvent, consumer: Consumer) -> None:
        request = single_request(event, consumer)
        what = Outcome.SENT
        if request is None:
            what = Outcome.NOTHING_TO_DO
        else:
            consumer, what = self._send_idempotent(event, consumer, request)
        noted = Progress(1, done=True)
        self.store.note_progress(consumer.account_id, consumer.key, event.id, noted)
        outcomes.completed(what, event_type=event.type, **event.log_ids(consumer.key))

    def _send_idempotent(
        self, event: ConsumerEvent, consumer: Consumer, request: Request
    ) -> tuple[Consumer, Outcome]:
        try:
            with outcomes.timed(Measurement.SEND_TIME):
                consumer, _ = self.calls.call_as(
                    consumer, lambda who: self.send_api.send(who, request)
                )
        except LivePersonRefused as refused:
            # LivePerson does not document its answer to closing a closed conversation; treat any
            # refusal as closed, unless it is about a token.
            if event.type == "close" and refused.http_status != 401:
                return consumer, Outcome.NOTHING_TO_DO
            raise
        return consumer, Outcome.SENT


def _conflict(error: LivePersonRefused) -> LivePersonConflict:
    status, code = error.http_status, error.error_code
    return LivePersonConflict(str(error), http_status=status, error_code=code)


def describe(message: QueueMessage, salt: str) -> dict[str, Any]:
    """Find the ids of a queued event, for the log."""
    try:
        event = read_queued(message.body)
    except UnreadableMessage:
        return {}
    return event.log_ids(event.key(salt))
