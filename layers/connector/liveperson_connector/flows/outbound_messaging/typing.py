"""
Typing indicators of consumers: sent at once or not at all.

A late indicator is wrong, so nothing here is retried. The agent sees a consumer as typing until
another state is sent
(https://developers.liveperson.com/connector-api-send-api-send.html). An indicator that the channel
does not end is ended by the connector, with the consumer's next message or after half a minute.
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
from ..liveperson_access import AuthorizedCalls
from .requests import CHAT_STATES

# An indicator that is older than the first is not sent; one that lasts for the second is ended.
STALE_SECONDS = 10.0
COMPOSING_SECONDS = 30


@dataclass(frozen=True)
class Typing:
    """Sends typing indicators; ``set_timer`` queues a body with a delay in seconds."""

    calls: AuthorizedCalls
    send_api: SendApi
    store: OutboundStore
    set_timer: Callable[[str, int], None]
    salt: str
    clock: Clock = time.time

    def tell(self, event: ConsumerEvent, key: str, message: QueueMessage) -> None:
        """Send an indicator, unless it is too late or the consumer has no conversation for it."""
        try:
            what = self._try(event, key, message)
        except (Transient, Permanent) as error:
            outcomes.failure(error, **event.log_ids(key))
            what = Outcome.TYPING_DROPPED
        outcomes.outcome(what, **event.log_ids(key))

    def _try(self, event: ConsumerEvent, key: str, message: QueueMessage) -> str:
        if self.clock() - message.sent_at.timestamp() > STALE_SECONDS:
            return Outcome.TYPING_STALE
        consumer, circuit = self.store.load_typing(event.account_id, key)
        if circuit is not None and circuit.is_paused:
            return Outcome.TYPING_DROPPED
        if consumer is None or not consumer.conversation_id or consumer.survey_dialog_id:
            return Outcome.TYPING_DROPPED  # no agent would see it, and surveys take none
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
        """End an indicator that the channel did not end within half a minute."""
        try:
            timer = json.loads(message.body)
            account_id, consumer_id = timer["account_id"], timer["consumer_id"]
        except (ValueError, KeyError, TypeError):
            raise UnreadableMessage("the queued message is not a timer") from None
        key = consumer_key(self.salt, account_id, consumer_id, timer.get("channel", ""))
        consumer, circuit = self.store.load_typing(account_id, key)
        if circuit is not None and circuit.is_paused:
            return  # the consumer's next message ends it
        if consumer and consumer.composing_since == timer["composing_since"]:
            self.stop(consumer)

    def stop(self, consumer: Consumer) -> None:
        """Tell LivePerson that a consumer has stopped typing, if it still counts as typing."""
        if consumer.composing_since is None:
            return
        try:
            if consumer.conversation_id and not consumer.survey_dialog_id:
                self._send(consumer, CHAT_STATES["paused"])
            self.store.save_typing(consumer, None)
        except ConnectorError as error:  # the message has arrived; the indicator ends by itself
            outcomes.failure(error, account_id=consumer.account_id)

    def _send(self, consumer: Consumer, state: str) -> None:
        where = Place(consumer.conversation_id or "", consumer.current_dialog_id)
        request = payloads.chat_state(where, state)
        self.calls.call_as(consumer, lambda who: self.send_api.send(who, request))
