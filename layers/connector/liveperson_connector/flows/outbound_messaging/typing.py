"""
What a consumer is doing: typing, or not any more. Told now or never.

An indicator that comes late is wrong, so nothing here is ever tried again. The agent sees a
consumer type until another state is told
(https://developers.liveperson.com/connector-api-send-api-send.html); what the channel began and
forgot to end is ended by us, when the consumer's words arrive or half a minute has passed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from ...channel.queued_events import ConsumerEvent
from ...delivery.ports import OutboundStore
from ...domain.clock import Clock
from ...domain.conversations import Consumer
from ...domain.errors import ConnectorError, Permanent, Transient, UnreadableMessage
from ...domain.pseudonyms import consumer_key
from ...domain.queue_messages import QueueMessage
from ...liveperson import payloads
from ...liveperson.payloads import Place
from ...liveperson.send_api import SendApi
from ...telemetry import outcomes
from ...telemetry.outcomes import Outcome
from ..liveperson_access.authorized_calls import AuthorizedCalls
from .requests import CHAT_STATES

# A typing indicator older than this tells nothing any more; one that nobody ended is ended by us.
STALE_SECONDS = 10.0
COMPOSING_SECONDS = 30


@dataclass(frozen=True)
class Typing:
    """Tells LivePerson what consumers are doing; ``set_timer`` delays a body so many seconds."""

    calls: AuthorizedCalls
    send_api: SendApi
    store: OutboundStore
    set_timer: Callable[[str, int], None]
    salt: str
    clock: Clock = time.time

    def tell(self, event: ConsumerEvent, key: str, message: QueueMessage) -> None:
        """Say what the consumer is doing, unless it is too late or something stands in the way."""
        try:
            what = self._try(event, key, message)
        except (Transient, Permanent) as error:
            outcomes.failure(error, **event.log_ids(key))
            what = Outcome.TYPING_DROPPED
        outcomes.outcome(what, **event.log_ids(key))

    def _try(self, event: ConsumerEvent, key: str, message: QueueMessage) -> str:
        if self.clock() - message.sent_at.timestamp() > STALE_SECONDS:
            return Outcome.TYPING_STALE
        consumer = self.store.load_consumer(event.account_id, key)
        if consumer is None or not consumer.conversation_id or consumer.survey_dialog_id:
            return Outcome.TYPING_DROPPED  # nobody would see it, and surveys take none
        self._send(consumer, CHAT_STATES[event.raw["state"]])
        if event.raw["state"] == "composing":
            self._watch_composing(event, consumer)
        elif consumer.composing_since is not None:
            self.store.save_typing(consumer, None)
        return Outcome.TYPING_SENT

    def _watch_composing(self, event: ConsumerEvent, consumer: Consumer) -> None:
        since = round(self.clock(), 3)
        self.store.save_typing(consumer, since)
        timer = {
            "account_id": event.account_id,
            "consumer_id": event.consumer_id,
            "composing_since": since,
            **({"channel": event.channel} if event.channel else {}),
        }
        self.set_timer(json.dumps(timer), COMPOSING_SECONDS)

    def end_overdue(self, message: QueueMessage) -> None:
        """End an indicator that the channel forgot, half a minute after it began."""
        try:
            timer = json.loads(message.body)
            account_id, consumer_id = timer["account_id"], timer["consumer_id"]
        except (ValueError, KeyError, TypeError):
            raise UnreadableMessage("the queued message is not a timer") from None
        key = consumer_key(self.salt, account_id, consumer_id, timer.get("channel", ""))
        consumer = self.store.load_consumer(account_id, key)
        if consumer and consumer.composing_since == timer["composing_since"]:
            self.stop(consumer)

    def stop(self, consumer: Consumer) -> None:
        """Say that a consumer does not type any more, if it still counts as typing."""
        if consumer.composing_since is None:
            return
        try:
            if consumer.conversation_id and not consumer.survey_dialog_id:
                self._send(consumer, CHAT_STATES["paused"])
            self.store.save_typing(consumer, None)
        except ConnectorError as error:  # the words have arrived; the indicator goes out by itself
            outcomes.failure(error, account_id=consumer.account_id)

    def _send(self, consumer: Consumer, state: str) -> None:
        where = Place(consumer.conversation_id or "", consumer.current_dialog_id)
        request = payloads.chat_state(where, state)
        self.calls.call_as(consumer, lambda who: self.send_api.send(who, request))
