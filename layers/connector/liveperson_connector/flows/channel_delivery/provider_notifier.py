"""
Write to the people of ready channels: everything they are told goes through here.

A message becomes pieces that the channel can carry, and each piece one request. After each it is
written down how many were sent, so a try that was cut off repeats none of them. The provider's id
of a message is kept, by which it will report on it. What a provider will never take is told to
LivePerson as well, so that the agent sees it.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from ...channel.adapters.interface import (
    Piece,
    ProviderAnswer,
    ReadMark,
    Recipient,
    Settings,
    Template,
    Text,
    Typing,
    Verdict,
)
from ...channel.provider_client import ProviderClient
from ...channel.provider_pieces import Said, say, show
from ...channel.queued_events import automatic_receipt
from ...channel.ready_channels import ReadyChannel
from ...delivery.circuit_breaker import CHANNEL, CircuitBreaker
from ...delivery.ports import Deliveries, Outbox
from ...delivery.retries import check_group_hold
from ...domain.clock import Clock
from ...domain.conversations import Conversation, NotificationState
from ...domain.errors import (
    ChannelBusy,
    ChannelRefused,
    ChannelUnavailable,
    MisconfiguredAccount,
    Transient,
    WindowClosed,
    provider_refusal,
)
from ...domain.outages import CircuitState
from ...domain.queue_messages import QueueMessage, stable_id
from ...domain.ready_channels import Offer, Person, SentMessage, SharedFile
from ...liveperson.messaging_events import HostedFile
from ...support.cache import Cache
from ...support.http_client import Answer
from ...telemetry import outcomes
from ...telemetry.outcomes import Measurement, Outcome
from ..message_intake import to_message
from .notifier import Notice

# Ours, so that the key of a piece is the same on every try, and no other piece has it.
_NAMESPACE = uuid.UUID("6f2d1f6a-8f1b-4c39-9f1c-0e5a5f3f7d11")

# Another piece is begun within so many seconds of the first; what is left follows in another try.
_BEGIN_SECONDS = 12.0

# New settings are looked for after bad credentials, so often at most.
_REREAD_SECONDS = 30.0

# The provider took it; there is no status to tell, so its word for success stands for it.
_TAKEN = 200

SaveFile = Callable[[Conversation, HostedFile], SharedFile | None]
"""Copies an agent's file to where a provider can fetch it for a while; None if it is gone."""


@dataclass(frozen=True)
class _Delivery:
    """One notice on its way to one person."""

    channel: ReadyChannel
    conversation: Conversation
    notice: Notice
    sent: int
    person: Person
    circuit: CircuitState | None

    @property
    def place(self) -> tuple[str, int]:
        """The dialog and the sequence that it tells of."""
        told = self.notice.callback
        return str(told.get("dialog_id") or ""), int(told.get("sequence") or 0)

    def recipient(self, index: int) -> Recipient:
        """Return to whom a piece goes, with the key that is the same on every try."""
        conversation = self.conversation
        person = conversation.consumer_id.removeprefix(f"{self.channel.name}:")
        name = stable_id(
            conversation.account_id, conversation.conversation_id, self.notice.identity, str(index)
        )
        return Recipient(person, str(uuid.uuid5(_NAMESPACE, name)), self.person.mark)


@dataclass(frozen=True)
class ProviderNotifier:
    """
    Tells people of ready channels. ``channels`` holds the channels by ``{account_id}/{name}``.

    ``breaker`` makes the circuit breaker of a channel; ``consumer_events`` takes the receipts that
    tell LivePerson what became of a message.
    """

    channels: Cache[ReadyChannel]
    client: ProviderClient
    breaker: Callable[[str], CircuitBreaker]
    deliveries: Deliveries
    save_file: SaveFile
    consumer_events: Outbox
    clock: Clock = time.time

    def notify(
        self,
        conversation: Conversation,
        notices: Sequence[Notice],
        state: NotificationState,
        message: QueueMessage,
    ) -> list[int | None]:
        """
        Tell the person ``notices`` in order; return 200 for each, None where nothing is to be told.

        Raises :class:`GroupHeld` behind dead letters of the group, :class:`Paused` while the
        account's channels are, :class:`CircuitOpen` while the provider is down,
        :class:`ChannelRefused` for what it will never take, :class:`ChannelUnavailable` and
        :class:`ChannelBusy` for what it may take later.
        """
        check_group_hold(message, state.is_held, state.redrive_failed_at)
        self.breaker(CHANNEL).check_pause(state.outage)
        return [self._notify(conversation, each, message) for each in notices]

    def _notify(
        self, conversation: Conversation, notice: Notice, message: QueueMessage
    ) -> int | None:
        try:
            channel = self._channel(conversation)
        except MisconfiguredAccount:  # counts as an outage of the channel, which may be known
            *_, circuit = self.deliveries.load_delivery(conversation, notice.identity)
            with self._guard(conversation, circuit, message):
                raise
        if not (channel.wants(notice.type) and _is_for_persons(notice, channel)):
            return None
        known = self.deliveries.load_delivery(conversation, notice.identity)
        delivery = _Delivery(channel, conversation, notice, *known)
        try:
            return self._deliver(delivery, message)
        except ChannelRefused:
            if notice.type == "message" and not conversation.is_over:
                self._send_receipt(delivery, "rejected")
            raise

    def _channel(self, conversation: Conversation) -> ReadyChannel:
        return self.channels.get(f"{conversation.account_id}/{conversation.channel}")

    def _deliver(self, delivery: _Delivery, message: QueueMessage) -> int | None:
        said = self._said(delivery)
        if not said.pieces:
            return None
        if said.offer and delivery.sent < len(said.pieces):
            self.deliveries.save_offer(delivery.conversation, delivery.person, said.offer)
        with self._guard(delivery.conversation, delivery.circuit, message):
            self._send(delivery, said)
        if delivery.channel.automatic_receipts and delivery.notice.type == "message":
            self._send_receipt(delivery, "accepted")
        return _TAKEN

    def notify_once(self, conversation: Conversation, notice: Notice) -> int | None:
        """Show that the agent types, now or never; a failure is no sign of an outage."""
        channel = self._channel(conversation)
        can, state = channel.capabilities, notice.callback.get("state")
        is_typing = state == "composing"
        if not (channel.wants(notice.type) and can.typing_out and (is_typing or can.typing_stops)):
            return None
        _, person, circuit = self.deliveries.load_delivery(conversation, notice.identity)
        is_down = circuit is not None and circuit.is_open
        if is_down or (can.typing_at_message and not person.mark):
            return None
        delivery = _Delivery(channel, conversation, notice, 0, person, circuit)
        self._send_one(delivery, Typing(is_typing), 0)
        return _TAKEN

    # ── What is told ──

    def _said(self, delivery: _Delivery) -> Said:
        """Return the pieces of a notice; none if a person is not to be told of it."""
        notice, channel = delivery.notice, delivery.channel
        if notice.type == "receipt":
            mark = delivery.person.mark
            return Said([ReadMark(mark)] if mark else [])
        if notice.type == "conversation":
            shut = self._is_shut(delivery)
            return Said([] if shut else [Text(channel.sentence("closed"))])
        if self._is_shut(delivery):
            return self._template(delivery)
        return self._content(delivery)

    def _content(self, delivery: _Delivery) -> Said:
        notice, can = delivery.notice, delivery.channel.capabilities
        if notice.file is None:
            return say(notice.callback["content"], can, self._offer(delivery))
        copied = self.save_file(delivery.conversation, notice.file)
        if copied is None:  # its caption is still worth telling
            return say({"type": "text", "text": notice.file.caption}, can, self._offer(delivery))
        return show(copied, notice.file.file_type, notice.file.caption, can)

    def _offer(self, delivery: _Delivery) -> Offer:
        dialog_id, sequence = delivery.place
        conversation_id = delivery.conversation.conversation_id
        reference = stable_id(conversation_id, dialog_id, str(sequence))[:12]
        return Offer(reference, conversation_id, dialog_id, sequence, self.clock(), ())

    def _is_shut(self, delivery: _Delivery) -> bool:
        """Whether the provider takes no free text: the person was silent for too long."""
        window, person = delivery.channel.capabilities.window_seconds, delivery.person
        if delivery.sent and person.template_at <= person.heard_at:
            return False  # an earlier try has begun to send the words
        return bool(window and person.heard_at and self.clock() - person.heard_at >= window)

    def _template(self, delivery: _Delivery) -> Said:
        """Return the template that stands in for the words, once for each silence."""
        template = delivery.channel.template
        if template is None:
            raise WindowClosed("the person was silent for too long, and no template is configured")
        if delivery.person.template_at > delivery.person.heard_at and not delivery.sent:
            raise WindowClosed("the person was silent for too long, and has the template already")
        return Said([Template(template.name, template.language)])

    # ── Sending ──

    def _send(self, delivery: _Delivery, said: Said) -> None:
        """Send what was not sent by an earlier try, and write down after each piece that it was."""
        started = time.monotonic()
        count = len(said.pieces)
        dialog_id, sequence = delivery.place
        for index in range(delivery.sent, count):
            if time.monotonic() - started > _BEGIN_SECONDS:
                raise ChannelBusy("the rest follows in another try", retry_after=1)
            piece = said.pieces[index]
            verdict = self._send_one(delivery, piece, index)
            note = SentMessage(
                delivery.conversation.conversation_id,
                dialog_id,
                sequence,
                is_last=index + 1 == count,
            )
            is_reported = delivery.notice.type == "message" and not isinstance(piece, Template)
            self._remember(delivery, index + 1, note, verdict.message if is_reported else "")
            if isinstance(piece, Template):
                self.deliveries.save_template(delivery.conversation, self.clock())
                outcomes.outcome(Outcome.TEMPLATE_SENT, **delivery.conversation.log_ids)

    def _remember(self, delivery: _Delivery, sent: int, note: SentMessage, message: str) -> None:
        reports = delivery.channel.capabilities.reports
        try:
            self.deliveries.save_delivery(
                delivery.conversation,
                delivery.notice.identity,
                sent,
                note,
                message if reports else "",
            )
        except Transient as unavailable:
            unavailable.maybe_done = True  # the provider has it; only our note of it may be missing
            raise

    def _send_one(self, delivery: _Delivery, piece: Piece, index: int) -> Verdict:
        """Send one piece; with other credentials once more if these are not taken."""
        answer, verdict = self._try(delivery, delivery.channel, piece, index)
        if verdict.reason == "bad_credentials":
            newest = self._with_new_credentials(delivery.channel)
            if newest is not None:
                answer, verdict = self._try(delivery, newest, piece, index)
        if verdict.outcome != "sent":
            raise _failure(delivery.channel, answer, verdict)
        return verdict

    def _with_new_credentials(self, channel: ReadyChannel) -> ReadyChannel | None:
        """Return the channel with other credentials than it had, if there are any."""
        asked = channel.adapter.token_request(channel.settings)
        self.client.forget_token(channel)
        place = f"{channel.account_id}/{channel.name}"
        newest = self.channels.refresh(place, at_least=_REREAD_SECONDS)
        return newest if asked is not None or newest.settings != channel.settings else None

    def _try(
        self, delivery: _Delivery, channel: ReadyChannel, piece: Piece, index: int
    ) -> tuple[ProviderAnswer, Verdict]:
        settings: Settings = self.client.settings(channel)
        call = channel.adapter.request(piece, delivery.recipient(index), settings)
        with outcomes.timed(Measurement.CALLBACK_TIME):
            answer = self.client.call(channel, call)
        return answer, channel.adapter.judge(answer)

    def _guard(
        self, conversation: Conversation, circuit: CircuitState | None, message: QueueMessage
    ) -> AbstractContextManager[None]:
        breaker = self.breaker(f"channel:{conversation.channel}")
        return breaker.guard(conversation.account_id, circuit, message.group)

    def _send_receipt(self, delivery: _Delivery, status: str) -> None:
        """Let LivePerson know what became of a message."""
        dialog_id, sequence = delivery.place
        conversation = delivery.conversation
        receipt = automatic_receipt(
            conversation.account_id,
            conversation.consumer_id,
            dialog_id,
            sequence,
            self.clock(),
            status=status,
            channel=conversation.channel,
            conversation_id=conversation.conversation_id,
        )
        self.consumer_events.send([to_message(receipt, conversation.consumer_key)])
        if status == "rejected":
            outcomes.outcome(Outcome.TOLD_REJECTED, **conversation.log_ids, sequence=sequence)


def _is_for_persons(notice: Notice, channel: ReadyChannel) -> bool:
    """Whether a person may be told of it at all: not who has joined, nor what was delivered."""
    if notice.type == "receipt":
        return notice.callback["status"] == "read" and channel.capabilities.read_marks
    if notice.type == "conversation":
        return notice.callback["event"] == "closed" and bool(channel.sentence("closed"))
    return True


def _failure(channel: ReadyChannel, answer: ProviderAnswer, verdict: Verdict) -> Exception:
    """Make the error of a provider's answer; it has the provider's code, and none of its words."""
    detail: dict[str, Any] = {
        "http_status": answer.status,
        "error_code": verdict.detail[:64] or None,
    }
    told = f"{channel.kind} answered {answer.status}"
    if verdict.outcome == "later":
        wait = verdict.retry_after
        if wait is None:
            wait = Answer(answer.status, answer.headers).retry_after
        is_busy = answer.status == 429 or verdict.retry_after is not None
        return (ChannelBusy if is_busy else ChannelUnavailable)(told, retry_after=wait, **detail)
    if verdict.reason == "bad_credentials":  # an operator corrects them, and nothing is lost
        return MisconfiguredAccount(
            f"{told}: it does not take the credentials of channel {channel.name}", **detail
        )
    return provider_refusal(verdict.reason, f"{told}: {verdict.reason}", **detail)
