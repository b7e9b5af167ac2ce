"""
Send texts, replies and files exactly once, in a new conversation if need be.

LivePerson has no idempotency key that would make a repeated send safe. So a try without an answer
is settled before the next one: LivePerson reports everything a consumer says back to our webhook,
and if this echo has arrived the message has too. If it did not arrive in time, it is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...channel.files import ConsumerFileFetcher
from ...channel.queued_events import ConsumerEvent
from ...delivery.ports import OutboundStore
from ...domain.clock import Clock
from ...domain.conversations import Consumer, Progress, file_digest
from ...domain.errors import (
    ConversationNotReady,
    ConversationUnknown,
    EchoAwaited,
    FileRefused,
    LivePersonRefused,
    Transient,
    harmless,
)
from ...domain.queue_messages import QueueMessage
from ...liveperson import payloads
from ...liveperson.files import LivePersonFiles
from ...liveperson.payloads import Opening, Place, Request
from ...liveperson.send_api import AlreadyOpen, SendApi
from ...telemetry import outcomes
from ...telemetry.outcomes import Measurement, Outcome
from ..liveperson_access import AuthorizedCalls
from .requests import SendStep, text_steps
from .routing import Routing
from .send_progress import Attempt, after_part, begun

MESSAGE_TYPES = frozenset({"text", "reply", "file"})
"""The events that send a message."""

# How long the echo of a message may take before the message counts as not arrived.
ECHO_SECONDS = 20.0

# The waits after a refusal in a conversation that seems open: a webhook may tell its end soon.
_END_WAITS = (2.0,) * 2

# The waits if an earlier try may have opened another conversation: a webhook tells its name, and
# both may be slow.
_NAME_WAITS = (2.0,) * 7 + (15.0,) * 4


@dataclass(frozen=True)
class MessageSender:
    """Sends consumers' texts, replies and files."""

    calls: AuthorizedCalls
    send_api: SendApi
    routing: Routing
    storage: LivePersonFiles
    files: ConsumerFileFetcher
    store: OutboundStore
    clock: Clock = time.time
    provider_files: Callable[[ConsumerEvent], tuple[bytes, str]] | None = None

    def send(self, event: ConsumerEvent, consumer: Consumer, attempt: Attempt) -> Consumer:
        """
        Send what LivePerson has not taken yet of an event; return the consumer as it is then.

        If an earlier try may have sent the next part already, its echo is looked for first.
        """
        steps, consumer, progress = self._steps(event, consumer, attempt.progress)
        doubt, is_noted = attempt.doubt, attempt.is_noted
        for index in range(progress.parts_sent, len(steps)):
            step, sequence = steps[index], None
            if step.only_while_open and not consumer.conversation_id:
                continue
            if doubt is not None and step.echo:
                sequence = self._find_echo(event, consumer, step.echo, doubt)
            if sequence is None:
                if not is_noted:
                    progress = self._begin(event, consumer, progress, attempt.message)
                    is_noted = True
                consumer, sequence = self._publish(event, consumer, step, progress)
            doubt, progress = None, after_part(progress, index + 1, len(steps))
            consumer = self._remember(consumer, event, progress, sequence)
        _tell_sent(event, consumer, len(steps))
        return consumer

    def _begin(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress, message: QueueMessage
    ) -> Progress:
        """Note that this try begins; if it leaves no other note, the next waits for its echo."""
        progress = begun(progress, message, self.clock())
        self.store.note_progress(consumer.account_id, consumer.key, event.id, progress)
        return progress

    def _steps(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress
    ) -> tuple[list[SendStep], Consumer, Progress]:
        if event.type == "file":
            consumer, progress = self._upload(event, consumer, progress)
        if event.type != "file" or progress.not_carried:
            return text_steps(event), consumer, progress
        path = progress.uploaded or ""

        def show(where: Place) -> Request:
            kind = progress.file_type or event.raw["file_type"]
            caption = event.raw.get("caption", "")
            return payloads.hosted_file(where, path, kind, caption)

        return [SendStep(show, file_digest(path))], consumer, progress

    def _upload(
        self, event: ConsumerEvent, consumer: Consumer, progress: Progress
    ) -> tuple[Consumer, Progress]:
        """
        Upload an event's file, once: a later try shows the same one.

        What a ready channel's person sent and cannot be carried is told in words, from then on.
        """
        if progress.uploaded or progress.not_carried:
            return consumer, progress
        try:
            content, kind = self._content(event)
        except FileRefused as refused:
            if not event.channel:
                raise
            outcomes.failure(refused, **event.log_ids(consumer.key))
            progress = replace(progress, not_carried=True)
        else:
            with harmless():  # a file is not visible before it is shown
                consumer, path = self.calls.call_as(
                    consumer, lambda who: self.storage.upload(who, content, kind)
                )
            known = None if kind == event.raw["file_type"] else kind
            progress = replace(progress, uploaded=path, file_type=known)
        self.store.note_progress(consumer.account_id, consumer.key, event.id, progress)
        return consumer, progress

    def _content(self, event: ConsumerEvent) -> tuple[bytes, str]:
        """Return a file's bytes and type; of a ready channel's, the first bytes tell the type."""
        if not event.channel or self.provider_files is None:
            return self.files.content(event.raw), event.raw["file_type"]
        return self.provider_files(event)

    def _remember(
        self, consumer: Consumer, event: ConsumerEvent, progress: Progress, sequence: int | None
    ) -> Consumer:
        try:
            return self.store.save_sent(consumer, event.id, progress, sequence)
        except Transient as unavailable:
            unavailable.maybe_done = True  # LivePerson has it; only our note may be missing
            raise

    def _publish(
        self, event: ConsumerEvent, consumer: Consumer, step: SendStep, progress: Progress
    ) -> tuple[Consumer, int | None]:
        """Make a step in the consumer's conversation, opening one if there is none."""
        opened = consumer if consumer.conversation_id else self._open(event, consumer)
        try:
            return self._publish_in(opened, event, step)
        except LivePersonRefused as refused:
            if refused.http_status == 401:  # this is about a token, not about the conversation
                raise
            if opened is not consumer:
                raise _not_ready("opened just now", 1, refused) from None
            waits = _NAME_WAITS if progress.may_have_opened else _END_WAITS
            left = waits[progress.refusals :]
            return self._publish_elsewhere(event, opened, step, refused, left[0] if left else None)

    def _publish_elsewhere(
        self,
        event: ConsumerEvent,
        consumer: Consumer,
        step: SendStep,
        refused: LivePersonRefused,
        wait: float | None,
    ) -> tuple[Consumer, int | None]:
        """
        Find out whether the conversation is over, and make the step in a new one if so.

        LivePerson does not document its answer to a message for a closed conversation. But it
        keeps one open conversation a consumer: if another can be opened, the old one is over. If
        not, LivePerson refused the message itself, unless a webhook is about to tell the end of
        this conversation or of its main dialog.
        """
        try:
            reopened = self._open(event, consumer)
        except ConversationUnknown:
            if self._is_over(consumer):
                raise  # then another one is open, and a webhook will name it
            if wait is not None:
                raise _not_ready("perhaps closed just now", wait, refused) from None
            raise refused from None
        try:
            return self._publish_in(reopened, event, step)
        except LivePersonRefused as again:
            raise _not_ready("opened just now", 1, again) from None

    def _is_over(self, consumer: Consumer) -> bool:
        known = self.store.load_conversation(consumer.account_id, consumer.conversation_id or "")
        return known is not None and known.is_over

    def _publish_in(
        self, consumer: Consumer, event: ConsumerEvent, step: SendStep
    ) -> tuple[Consumer, int | None]:
        named = event.raw.get("dialog_id") if event.type == "reply" else None
        where = Place(consumer.conversation_id or "", named or consumer.current_dialog_id)
        with outcomes.timed(Measurement.SEND_TIME):
            return self.calls.call_as(
                consumer, lambda who: self.send_api.publish(who, step.request(where))
            )

    def _open(self, event: ConsumerEvent, consumer: Consumer) -> Consumer:
        asked = event.conversation
        features = tuple(asked.get("features", ()))
        consumer, routing = self.routing.find(consumer, asked.get("routing", {}))
        opening = Opening(asked.get("profile", {}), routing)
        consumer = replace(consumer, features=features)
        try:
            with outcomes.timed(Measurement.OPEN_TIME):
                consumer, conversation_id = self.calls.call_as(
                    consumer, lambda who: self.send_api.open_conversation(who, opening)
                )
        except AlreadyOpen:
            return self._open_already(consumer)
        except Transient as error:  # the message was not sent; only its conversation is in doubt
            error.maybe_opened, error.maybe_done = error.maybe_done, False
            raise
        ids = event.log_ids(consumer.key)
        outcomes.outcome(Outcome.CONVERSATION_OPENED, conversation_id=conversation_id, **ids)
        return self.store.save_opened(consumer, conversation_id, features)

    def _open_already(self, consumer: Consumer) -> Consumer:
        """
        Return the consumer in its last conversation, if only the pointer to it was lost.

        Raises :class:`ConversationUnknown` if another one is open: a webhook will name it.
        """
        last = consumer.last_conversation_id
        if last and not consumer.conversation_id:
            known = self.store.load_conversation(consumer.account_id, last)
            if known and known.consumer_key == consumer.key and not known.is_over:
                self.store.restore_pointer(known)
                return replace(
                    consumer, conversation_id=last, survey_dialog_id=known.survey_dialog_id
                )
        self.store.seek_conversation(consumer.account_id)
        raise ConversationUnknown(
            "LivePerson has an open conversation of this consumer that we don't know; "
            "the next webhook from it will name it",
            retry_after=5,
        ) from None

    # ── Settling what an earlier try came to ──

    def _find_echo(
        self, event: ConsumerEvent, consumer: Consumer, echo: str, doubt: float
    ) -> int | None:
        """
        Return the sequence under which an earlier try arrived; None if it surely did not.

        ``doubt`` is the latest time at which it may have been sent. Raises :class:`EchoAwaited`
        while it is too early to tell.
        """
        # The conversation may have ended since then; what was sent in it still counts.
        conversation_id = consumer.conversation_id or consumer.last_conversation_id
        if not conversation_id:
            return None
        known = self.store.load_conversation(consumer.account_id, conversation_id)
        heard = known.heard(echo, after=consumer.last_sequence) if known else None
        ids = event.log_ids(consumer.key)
        if heard is not None:
            outcomes.outcome(Outcome.CONFIRMED_BY_ECHO, sequence=heard, **ids)
            return heard
        waited = self.clock() - doubt
        if waited < ECHO_SECONDS:
            raise EchoAwaited("waiting for its echo", retry_after=ECHO_SECONDS - waited)
        outcomes.outcome(Outcome.SENT_AGAIN, **ids)
        return None


def _tell_sent(event: ConsumerEvent, consumer: Consumer, count: int) -> None:
    outcomes.completed(
        Outcome.SENT,
        event_type=event.type,
        conversation_id=consumer.conversation_id,
        sequence=consumer.last_sequence,
        requests=count,
        **event.log_ids(consumer.key),
    )


def _not_ready(why: str, seconds: float, refused: LivePersonRefused) -> ConversationNotReady:
    return ConversationNotReady(
        f"{why}: {refused}",
        retry_after=seconds,
        http_status=refused.http_status,
        error_code=refused.error_code,
    )
