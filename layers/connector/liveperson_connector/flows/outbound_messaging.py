"""
A consumer's event is said to LivePerson: exactly once, as far as LivePerson lets us know.

LivePerson offers no key that would make a repeated send safe. So a try whose answer did not come
is settled before the next one: LivePerson reports everything a consumer says back to our webhook,
and if this echo has arrived the message has too. If it did not arrive in time, it is sent again.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import Any

from .. import observe
from ..cache import Clock
from ..channel.consumer_events import ConsumerEvent, read_queued
from ..channel.files import ChannelFiles
from ..conversations import Consumer, EventRecall, Progress, file_digest
from ..errors import (
    ConnectorError,
    ConversationNotReady,
    ConversationUnknown,
    EchoAwaited,
    LivePersonRefused,
    Permanent,
    Transient,
    UnreadableMessage,
)
from ..liveperson import payloads
from ..liveperson.files import FileStorage
from ..liveperson.payloads import Opening, Place, Request
from ..liveperson.send_api import AlreadyOpen, SendApi, sequence_in
from ..messages import CUT_OFF_ATTRIBUTE, Received
from ..pseudonyms import consumer_key, short
from .breaker import Breaker
from .failed_events import failed_letter
from .ports import OutboundMemory, Outbox, Timers
from .routing import Routing
from .speaking import Speaker
from .steps import CHAT_STATES, Step, deed, place, words
from .worker import check_hold

FUNCTION = "outbound_messaging"

# How long the echo of a message may take before we believe that it never arrived.
ECHO_SECONDS = 20.0

# A typing indicator older than this tells nothing any more; one that nobody ended is ended by us.
TYPING_STALE_SECONDS = 10.0
COMPOSING_SECONDS = 30

# A message refused in a conversation that seems open: its end may be told in a moment.
_REFUSED_TRIES = 3

_SPOKEN = {"text", "reply", "file"}


@dataclass(frozen=True)
class OutboundMessaging:
    """Says consumer events to LivePerson; ``notifications`` is the way to tell the channel."""

    speaker: Speaker
    send_api: SendApi
    routing: Routing
    storage: FileStorage
    files: ChannelFiles
    memory: OutboundMemory
    breaker: Breaker
    notifications: Outbox
    timers: Timers
    salt: str
    clock: Clock = time.time

    def handle(self, message: Received) -> None:
        """Take one queued event; the errors say whether another try can help."""
        event = read_queued(message.body)
        key = consumer_key(self.salt, event.account_id, event.consumer_id)
        if event.type == "typing":
            self._type(event, key, message)
            return
        recalled = self.memory.recall_event(event.account_id, key, event.id, message.group)
        if recalled.progress.done:
            observe.outcome(FUNCTION, "repeat_ignored", **_ids(event, key))
            return
        check_hold(message, recalled.is_held)
        self.breaker.enter(event.account_id, recalled.outage)
        try:
            self._carry_out(event, key, recalled, message)
        except Transient as error:
            self.breaker.failed(event.account_id, recalled.outage, error, message.group)
            raise
        except LivePersonRefused:  # an answer all the same
            self.breaker.succeeded(event.account_id, recalled.outage)
            raise
        self.breaker.succeeded(event.account_id, recalled.outage)

    def _carry_out(
        self, event: ConsumerEvent, key: str, recalled: EventRecall, message: Received
    ) -> None:
        consumer = recalled.consumer or self.speaker.introduce(
            event.account_id, event.consumer_id, key
        )
        try:
            if event.type in _SPOKEN:
                self._say(event, consumer, recalled.progress, message)
            else:
                self._do(event, consumer)
        except Transient as error:
            self._settle(event, consumer, message, error)
            raise

    def refused(self, message: Received, error: Permanent) -> None:
        """Tell the channel that LivePerson will never take an event of its own."""
        try:
            event = read_queued(message.body)
        except UnreadableMessage:
            return
        if not event.is_automatic:
            self.notifications.send([failed_letter(event, error)])

    # ── Saying something ──

    def _say(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress, message: Received
    ) -> None:
        steps, consumer, progress = self._steps(event, consumer, progress)
        in_doubt = _in_doubt(message, progress)
        for index in range(progress.parts_sent, len(steps)):
            step, sequence = steps[index], None
            if in_doubt and step.echo:
                sequence = self._heard(event, consumer, step.echo, progress)
            if sequence is None:
                consumer, sequence = self._publish(event, consumer, step, message)
            # From here on only the next step's own try can be in doubt.
            in_doubt, progress = False, Progress(index + 1, done=index + 1 == len(steps))
            consumer = self._remember(consumer, event, progress, sequence)
        self._say_done(event, consumer, len(steps))

    def _steps(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress
    ) -> tuple[list[Step], Consumer, Progress]:
        if event.type != "file":
            return words(event, consumer), consumer, progress
        consumer, progress = self._upload(event, consumer, progress)
        path = progress.uploaded or ""

        def show(where: Place) -> Request:
            kind, caption = event.raw["file_type"], event.raw.get("caption", "")
            return payloads.hosted_file(where, path, kind, caption)

        return [Step(show, file_digest(path))], consumer, progress

    def _upload(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress
    ) -> tuple[Consumer, Progress]:
        """Upload an event's file, once: a later try shows the same one."""
        if progress.uploaded:
            return consumer, progress
        content = self.files.content(event.raw)
        consumer, path = self.speaker.on_behalf(
            consumer, lambda who: self.storage.upload(who, content, event.raw["file_type"])
        )
        progress = replace(progress, uploaded=path)
        self.memory.note_progress(consumer, event.id, progress)
        return consumer, progress

    def _remember(
        self, consumer: Consumer, event: ConsumerEvent, progress: Progress, sequence: int | None
    ) -> Consumer:
        try:
            return self.memory.sent(consumer, event.id, progress, sequence)
        except Transient as unavailable:
            unavailable.maybe_done = True  # LivePerson has it; only our note of it may be missing
            raise

    def _say_done(self, event: ConsumerEvent, consumer: Consumer, count: int) -> None:
        observe.outcome(
            FUNCTION,
            "sent",
            event_type=event.type,
            conversation_id=consumer.conversation_id,
            sequence=consumer.last_sequence,
            requests=count,
            **_ids(event, consumer.key),
        )
        if consumer.composing_since is not None:
            self._stop_composing(consumer)

    def _publish(
        self, event: ConsumerEvent, consumer: Consumer, step: Step, message: Received
    ) -> tuple[Consumer, int | None]:
        """Do a step in the consumer's conversation, opening one if there is none."""
        opened = consumer if consumer.conversation_id else self._open(event, consumer)
        try:
            return self._publish_in(opened, event, step)
        except LivePersonRefused as refused:
            if refused.http_status == 401:  # that is about who speaks, not about where
                raise
            if opened is not consumer:
                raise _not_ready("opened just now", 1, refused) from None
            return self._publish_elsewhere(event, opened, step, message, refused)

    def _publish_elsewhere(
        self,
        event: ConsumerEvent,
        consumer: Consumer,
        step: Step,
        message: Received,
        refused: LivePersonRefused,
    ) -> tuple[Consumer, int | None]:
        """
        Find out whether the conversation is over, and do the step in a new one if so.

        What LivePerson answers to a message for a closed conversation is not published. But it
        keeps to one open conversation a consumer: if another can be opened, the old one is over.
        If not, it was the message that was refused, unless the end of this conversation or of its
        main dialog is just about to be told by a webhook.
        """
        try:
            reopened = self._open(event, consumer)
        except ConversationUnknown:
            if self._is_over(consumer):
                raise  # then another one is open, and a webhook will name it
            if message.receive_count < _REFUSED_TRIES:
                raise _not_ready("perhaps closed just now", 2, refused) from None
            raise refused from None
        try:
            return self._publish_in(reopened, event, step)
        except LivePersonRefused as again:
            raise _not_ready("opened just now", 1, again) from None

    def _is_over(self, consumer: Consumer) -> bool:
        known = self.memory.recall_conversation(consumer.account_id, consumer.conversation_id or "")
        return known is not None and not known.is_open

    def _publish_in(
        self, consumer: Consumer, event: ConsumerEvent, step: Step
    ) -> tuple[Consumer, int | None]:
        where = place(consumer, event.raw.get("dialog_id") if event.type == "reply" else None)
        consumer, answer = self.speaker.on_behalf(
            consumer, lambda who: self.send_api.send(who, step.request(where))
        )
        return consumer, sequence_in(answer)

    def _open(self, event: ConsumerEvent, consumer: Consumer) -> Consumer:
        asked = event.conversation
        features = tuple(asked.get("features", ()))
        consumer, routing = self.routing.find(consumer, asked.get("routing", {}))
        opening = Opening(asked.get("profile", {}), routing)
        consumer = replace(consumer, features=features)
        try:
            consumer, conversation_id = self.speaker.on_behalf(
                consumer, lambda who: self.send_api.open_conversation(who, opening)
            )
        except AlreadyOpen:
            raise ConversationUnknown(
                "LivePerson has an open conversation of this consumer that we don't know; "
                "the next webhook from it will name it",
                retry_after=5,
            ) from None
        ids = _ids(event, consumer.key)
        observe.outcome(FUNCTION, "conversation_opened", conversation_id=conversation_id, **ids)
        return self.memory.opened(consumer, conversation_id, features)

    # ── Settling what a failed try came to ──

    def _heard(
        self, event: ConsumerEvent, consumer: Consumer, echo: str, progress: Progress
    ) -> int | None:
        """
        Return the sequence under which an earlier try arrived; none if it surely did not.

        Raises :class:`EchoAwaited` while it is too early to tell.
        """
        if not consumer.conversation_id:
            return None
        known = self.memory.recall_conversation(consumer.account_id, consumer.conversation_id)
        heard = known.heard(echo, after=consumer.last_sequence) if known else None
        ids = _ids(event, consumer.key)
        if heard is not None:
            observe.outcome(FUNCTION, "confirmed_by_echo", sequence=heard, **ids)
            return heard
        if progress.ambiguous_at is None:  # the last try was cut off and left no note of its time
            raise EchoAwaited("it may have been sent", retry_after=ECHO_SECONDS, maybe_done=True)
        waited = self.clock() - progress.ambiguous_at
        if waited < ECHO_SECONDS:
            raise EchoAwaited("waiting for its echo", retry_after=ECHO_SECONDS - waited)
        observe.outcome(FUNCTION, "sent_again", **ids)
        return None

    def _settle(
        self, event: ConsumerEvent, consumer: Consumer, message: Received, error: Transient
    ) -> None:
        """Note what this try came to, so that the next one knows whether it may have arrived."""
        recalled = self.memory.recall_event(
            consumer.account_id, consumer.key, event.id, message.group
        )
        noted = replace(
            recalled.progress,
            settled_receives=message.receive_count,
            settled_message=message.message_id,
        )
        if error.maybe_done:
            noted = replace(noted, ambiguous_at=self.clock())
            observe.outcome(FUNCTION, "ambiguous", **_ids(event, consumer.key))
        self.memory.note_progress(consumer, event.id, noted)

    # ── Doing something: receipts, close, rating, profile. Twice is no harm ──

    def _do(self, event: ConsumerEvent, consumer: Consumer) -> None:
        request = deed(event, consumer)
        what = "sent"
        if request is None:
            what = "nothing_to_do"
        else:
            consumer, what = self._send_deed(event, consumer, request)
        self.memory.note_progress(consumer, event.id, Progress(1, done=True))
        observe.outcome(FUNCTION, what, event_type=event.type, **_ids(event, consumer.key))

    def _send_deed(
        self, event: ConsumerEvent, consumer: Consumer, request: Request
    ) -> tuple[Consumer, str]:
        try:
            consumer, _ = self.speaker.on_behalf(
                consumer, lambda who: self.send_api.send(who, request)
            )
        except LivePersonRefused as refused:
            # What closing a closed conversation is answered is not published; it is closed.
            if event.type == "close" and refused.http_status != 401:
                return consumer, "nothing_to_do"
            raise
        return consumer, "sent"

    # ── Typing: now or never ──

    def _type(self, event: ConsumerEvent, key: str, message: Received) -> None:
        """Say what the consumer is doing, unless it is too late or something stands in the way."""
        try:
            what = self._try_to_type(event, key, message)
        except (Transient, Permanent) as error:
            observe.failure(FUNCTION, error, **_ids(event, key))
            what = "typing_dropped"
        observe.outcome(FUNCTION, what, **_ids(event, key))

    def _try_to_type(self, event: ConsumerEvent, key: str, message: Received) -> str:
        if self.clock() - message.sent_at.timestamp() > TYPING_STALE_SECONDS:
            return "typing_stale"
        consumer = self.memory.recall_consumer(event.account_id, key)
        if consumer is None or not consumer.conversation_id or consumer.survey_dialog_id:
            return "typing_dropped"  # nobody would see it, and surveys take none
        self._send_chat_state(consumer, CHAT_STATES[event.raw["state"]])
        if event.raw["state"] == "composing":
            self._watch_composing(event, consumer)
        elif consumer.composing_since is not None:
            self.memory.composing(consumer, None)
        return "typing_sent"

    def _watch_composing(self, event: ConsumerEvent, consumer: Consumer) -> None:
        since = round(self.clock(), 3)
        self.memory.composing(consumer, since)
        timer = {
            "account_id": event.account_id,
            "consumer_id": event.consumer_id,
            "composing_since": since,
        }
        self.timers.send_plain(json.dumps(timer), delay=COMPOSING_SECONDS)

    def composing_is_over(self, message: Received) -> None:
        """End an indicator that the channel forgot, half a minute after it began."""
        try:
            timer = json.loads(message.body)
            account_id, consumer_id = timer["account_id"], timer["consumer_id"]
        except (ValueError, KeyError, TypeError):
            raise UnreadableMessage("the queued message is not a timer") from None
        key = consumer_key(self.salt, account_id, consumer_id)
        consumer = self.memory.recall_consumer(account_id, key)
        if consumer and consumer.composing_since == timer["composing_since"]:
            self._stop_composing(consumer)

    def _stop_composing(self, consumer: Consumer) -> None:
        try:
            if consumer.conversation_id and not consumer.survey_dialog_id:
                self._send_chat_state(consumer, CHAT_STATES["paused"])
            self.memory.composing(consumer, None)
        except ConnectorError as error:  # the words have arrived; the indicator goes out by itself
            observe.failure(FUNCTION, error, account_id=consumer.account_id)

    def _send_chat_state(self, consumer: Consumer, state: str) -> None:
        request = payloads.chat_state(place(consumer), state)
        self.speaker.on_behalf(consumer, lambda who: self.send_api.send(who, request))


def describe(message: Received, salt: str) -> dict[str, Any]:
    """Find the ids of a queued event, for the log."""
    try:
        event = read_queued(message.body)
    except UnreadableMessage:
        return {}
    return _ids(event, consumer_key(salt, event.account_id, event.consumer_id))


def _in_doubt(message: Received, progress: Progress) -> bool:
    """Whether an earlier try may have arrived without our knowing: cut off, or left unanswered."""
    settled = progress.settled_receives if progress.settled_message == message.message_id else 0
    return (
        message.receive_count - 1 > settled
        or progress.ambiguous_at is not None
        or CUT_OFF_ATTRIBUTE in message.attributes
    )


def _not_ready(why: str, seconds: int, refused: LivePersonRefused) -> ConversationNotReady:
    return ConversationNotReady(
        f"{why}: {refused}",
        retry_after=seconds,
        http_status=refused.http_status,
        error_code=refused.error_code,
    )


def _ids(event: ConsumerEvent, key: str) -> dict[str, Any]:
    return {"account_id": event.account_id, "consumer": short(key), "event_id": event.id}
