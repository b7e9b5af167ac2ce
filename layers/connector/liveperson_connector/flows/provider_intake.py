"""
A provider calls: prove it is the provider, queue what its people did, answer in its form.

Nothing is looked up but the channel's parameter, which is kept for a while; what needs the table is
resolved by ``outbound_messaging``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..channel.adapters.interface import NotProven, Reply, Settings, Unreadable, WebhookRequest
from ..channel.provider_events import consumer_events
from ..channel.queued_events import ConsumerEvent, to_queue
from ..channel.ready_channels import ReadyChannel
from ..delivery.ports import Outbox
from ..domain.accounts import is_account_id, is_channel_name
from ..domain.clock import Clock
from ..domain.errors import (
    NotQueued,
    TooLarge,
    Transient,
    UnknownChannel,
    UnreadableWebhook,
    UntrustedWebhook,
)
from ..domain.queue_messages import OutgoingMessage, new_id, stable_id
from ..support.cache import Cache
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome
from .message_intake import without_card_numbers

# As of LivePerson's webhooks: written as ASCII JSON, a body grows to at most three times its bytes.
MAX_BODY_BYTES = 256 * 1024

# A rotated secret is noticed at the first webhook that it proves, but a stranger's webhooks make us
# read Parameter Store at most this often.
REREAD_SECONDS = 30.0


@dataclass(frozen=True)
class ProviderIntake:
    """
    Takes the webhooks of ready channels.

    ``channels`` holds them by ``{account_id}/{name}``, None for one that is not configured.
    """

    channels: Cache[ReadyChannel | None]
    consumer_events: Outbox
    salt: str
    clock: Clock = time.time

    def receive(self, account_id: str, name: str, request: WebhookRequest) -> Reply:
        """
        Queue what a webhook tells, in order, and return the answer in the provider's form.

        Raises :class:`TooLarge`, :class:`UnknownChannel`, :class:`UntrustedWebhook` without the
        provider's proof, :class:`UnreadableWebhook`, and :class:`NotQueued` when AWS did not take
        it; the provider then sends it again.
        """
        if len(request.body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
        try:
            channel, settings, reply = self._prove(account_id, name, request)
            if reply is not None:
                outcomes.outcome(Outcome.CHALLENGE_ANSWERED, account_id=account_id, channel=name)
                return reply
            events = _read(channel, request, settings)
            self._queue(channel, events)
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None
        return channel.adapter.acknowledge(request, settings)

    def _prove(
        self, account_id: str, name: str, request: WebhookRequest
    ) -> tuple[ReadyChannel, Settings, Reply | None]:
        """Return the channel, the settings that prove the request, and the answer to a set-up."""
        if not (is_account_id(account_id) and is_channel_name(name)):
            raise UnknownChannel("no such channel")
        key = f"{account_id}/{name}"
        channel = _known(self.channels.get(key))
        try:
            return channel, *_proven(channel, request)
        except NotProven:
            channel = _known(self.channels.refresh(key, at_least=REREAD_SECONDS))
        try:
            return channel, *_proven(channel, request)
        except NotProven as why:
            raise UntrustedWebhook(f"channel {key}: {why}") from None

    def _queue(self, channel: ReadyChannel, events: Sequence[ConsumerEvent]) -> None:
        now = self.clock()
        keys = [each.key(self.salt) for each in events]
        if channel.redact:
            events = [without_card_numbers(*each) for each in zip(events, keys, strict=True)]
        self.consumer_events.send(
            [
                _letter(replace(each, accepted_at=now), key)
                for each, key in zip(events, keys, strict=True)
            ]
        )
        ids: dict[str, Any] = {"account_id": channel.account_id, "channel": channel.name}
        if not events:
            outcomes.outcome(Outcome.NOTHING_TO_DO, **ids)
        for each, key in zip(events, keys, strict=True):
            outcomes.outcome(
                Outcome.ACCEPTED,
                consumer=key,
                event_id=each.id,
                event_type=each.type,
                **ids,
            )


def _known(channel: ReadyChannel | None) -> ReadyChannel:
    if channel is None:
        raise UnknownChannel("no such channel")
    return channel


def _proven(channel: ReadyChannel, request: WebhookRequest) -> tuple[Settings, Reply | None]:
    """
    Return the settings that prove a request, and the answer if it is one of the set-up.

    Each of the channel's settings is tried, the current ones first; raises :class:`NotProven` for
    what is wrong by these.
    """
    request = _as_addressed(channel, request)
    refused = None
    for settings in channel.proofs():
        try:
            reply = channel.adapter.challenge(request, settings)
            if reply is None:
                channel.adapter.prove(request, settings)
        except NotProven as why:
            refused = refused or why
        else:
            return settings, reply
    raise refused or NotProven("nothing proves it")


def _as_addressed(channel: ReadyChannel, request: WebhookRequest) -> WebhookRequest:
    """Give a request the address that the provider called, should a proxy stand before us."""
    if not channel.address:
        return request
    _, mark, query = request.url.partition("?")
    return replace(request, url=f"{channel.address}{mark}{query}")


def _read(
    channel: ReadyChannel, request: WebhookRequest, settings: Settings
) -> list[ConsumerEvent]:
    try:
        incoming = channel.adapter.read(_as_addressed(channel, request), settings)
    except Unreadable as why:
        where = f"channel {channel.account_id}/{channel.name}"
        raise UnreadableWebhook(f"{where}: {why}") from None
    return consumer_events(channel, incoming)


def _letter(event: ConsumerEvent, key: str) -> OutgoingMessage:
    """
    Write an event for the queue, in the group of its consumer.

    Reports have one of their own: they may have to wait until the message they are about is
    written down, and nothing that the person says is to wait for that.
    """
    of_reports = ("report",) if event.type == "report" else ()
    group = stable_id(event.account_id, key, *of_reports)
    return OutgoingMessage(to_queue(event), group, new_id(), outcomes.correlation_attributes())
