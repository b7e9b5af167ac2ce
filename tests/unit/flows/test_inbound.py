"""
From the webhook to the callback: the real intake, worker and store, between two partners' wires.

DynamoDB and SQS are those of this process; the channel is a server on loopback.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from liveperson_connector.aws.conversation_store import DONE_SECONDS, ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.channel.callbacks import Callbacks
from liveperson_connector.delivery.circuit_breaker import CHANNEL, CircuitBreaker
from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.domain.conversations import Consumer
from liveperson_connector.domain.queue_messages import OutgoingMessage, new_id
from liveperson_connector.flows.channel_delivery.conversation_changes import ConversationChanges
from liveperson_connector.flows.channel_delivery.flow import ChannelDelivery, describe
from liveperson_connector.flows.channel_delivery.messages import Messages
from liveperson_connector.flows.channel_delivery.notifier import Notifier
from liveperson_connector.flows.dead_letter_redrive import DeadLetterRedrive, Request, Route
from liveperson_connector.flows.webhook_intake import Accepted, WebhookIntake
from liveperson_connector.support.cache import Cache
from tests.simulation.table import Table
from tests.support.accounts import ACCOUNT, CREDENTIALS, channel_settings
from tests.support.clocks import Clock
from tests.support.in_process import InProcessQueue
from tests.support.logs import Output
from tests.support.messages import PHONE
from tests.support.servers import Answer, HttpServer, serving
from tests.support.webhooks import (
    CONSUMER,
    CONVERSATION,
    conversation_change,
    conversation_notification,
    message_change,
    notification,
    signed_webhook,
)

KEY = "k" * 64
DAY = 86_400
READ = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1]}


class Nameless:
    """Nothing is known of agents; ``test_agents.py`` is about them."""

    @staticmethod
    def described(_settings: object, _account_id: str, sender: dict[str, str]) -> dict[str, str]:
        """Give a sender as it is."""
        return sender


class Inbound:
    """Everything that a webhook passes, and what the channel got of it."""

    def __init__(self, channel: HttpServer, clock: Clock) -> None:
        self.clock, self.channel = clock, channel
        self.table = Table()
        self.memory = ConversationStore(cast("Any", self.table), "table", clock=clock)
        setbacks = DeliveryState(cast("Any", self.table), "table", clock=clock)
        self.queue = InProcessQueue("notifications.fifo", clock)
        self.dead = InProcessQueue("notifications-dlq.fifo", clock)
        self.consumer_events = InProcessQueue("consumer-events.fifo", clock)
        self.intake = WebhookIntake(
            Cache(lambda _: CREDENTIALS, ttl=300, clock=clock), self.queue, self.dead, clock
        )
        notifier = Notifier(
            channels=Cache(lambda _: channel_settings(channel.url), ttl=300, clock=clock),
            callbacks=Callbacks(network="loopback", clock=clock),
            breaker=CircuitBreaker(CHANNEL, setbacks, clock, lambda: 0.0),
            agent_files=cast("Any", None),
            consumer_events=self.consumer_events,
            agents=cast("Any", Nameless()),
            clock=clock,
        )
        flow = ChannelDelivery(
            self.memory,
            ConversationChanges(self.memory, notifier),
            Messages(self.memory, notifier, clock),
            notifier,
        )
        self.worker = RetryingConsumer(
            "channel_delivery",
            flow.handle,
            self.queue.hide,
            self.dead,
            setbacks,
            clock,
            describe=describe,
        )
        self.redrive = DeadLetterRedrive(
            {"all": Route(self.dead, self.queue)}, setbacks, self.memory.owner, clock, walkers=1
        )
        self.register_consumer()

    def register_consumer(self) -> Consumer:
        """Let the consumer be known, with nothing else remembered of it."""
        consumer = Consumer(ACCOUNT, PHONE, KEY, CONSUMER, "the-jws")
        self.memory.save_consumer(consumer)
        return consumer

    def open(self) -> None:
        """Let the consumer have opened the conversation."""
        self.memory.save_opened(self.consumer, CONVERSATION, ())

    def told(self, *changes: Any) -> Accepted:
        """Let LivePerson tell of something, and let it travel."""
        is_state = all("result" in each for each in changes)
        body = (conversation_notification if is_state else notification)(*changes)
        return self.webhook(body)

    def webhook(self, body: bytes) -> Accepted:
        """Post a signed body, and let what is in it travel."""
        webhook = signed_webhook(body)
        accepted = self.intake.receive(webhook.headers, webhook.body)
        self.run()
        return accepted

    def state(self, updated_at: int, **details: Any) -> None:
        """Tell a state of the conversation, so many seconds from now; 0 is without a time."""
        moment = int((self.clock() + updated_at) * 1000) if updated_at else 0
        self.told(conversation_change(updated_at=moment, **details))

    def run(self) -> None:
        """Let the worker take whatever is to be taken now."""
        while batch := self.queue.receive():
            for message in batch:
                if self.worker.process(message):
                    self.queue.delete(message.receipt_handle)

    @property
    def consumer(self) -> Consumer:
        """What is known of the consumer."""
        found = self.memory.load_consumer(ACCOUNT, KEY)
        assert found
        return found

    @property
    def callbacks(self) -> list[dict[str, Any]]:
        """What the channel got."""
        return [each.json() for each in self.channel.requests]

    @property
    def texts(self) -> list[str]:
        """The words that the channel got."""
        return [each["content"]["text"] for each in self.callbacks if each["type"] == "message"]

    def lose_pointer(self, *names: str) -> None:
        """Lose what the consumer's record says of its conversation."""
        item = self.table.items[f"consumer#{ACCOUNT}#{KEY}"]
        for name in names:
            item.pop(name, None)


@pytest.fixture(name="channel")
def _channel() -> Iterator[HttpServer]:
    with serving(Answer(204, b"")) as server:
        yield server


@pytest.fixture(name="inbound")
def _inbound(channel: HttpServer, clock: Clock) -> Inbound:
    """Let a consumer of ours have a conversation."""
    inbound = Inbound(channel, clock)
    inbound.open()
    return inbound


# ── Each thing is told, and once ──


def test_what_liveperson_sends_again_is_told_once_and_said_to_be_a_repeat(
    inbound: Inbound, output: Output
) -> None:
    """At once, when SQS would drop it without a word, and days later."""
    for seconds in (0, 1, 4 * DAY):
        inbound.clock.pass_seconds(seconds)
        inbound.told(message_change("Hello"))

    assert ["Hello"] == inbound.texts
    assert 2 == output.messages.count("repeat_ignored")


def test_what_the_channel_refused_is_told_when_liveperson_sends_it_again(
    inbound: Inbound,
) -> None:
    """The channel was mended meanwhile; the first is still among the dead letters."""
    inbound.channel.behaviour = lambda _: Answer(422)
    inbound.told(message_change("Hello"))
    inbound.channel.behaviour = lambda _: Answer(204, b"")
    inbound.told(message_change("Hello"))

    assert 2 == len(inbound.channel.requests)
    assert 1 == len(inbound.dead.letters)


def test_what_is_replayed_is_not_told_again(inbound: Inbound) -> None:
    """However long after: within five days it is known, later it is too old."""
    for _ in range(12):
        inbound.told(message_change("Hello"))
        inbound.clock.pass_seconds(DAY)

    assert ["Hello"] == inbound.texts


def test_what_waited_for_longer_than_our_memory_is_told(inbound: Inbound) -> None:
    """A channel that was away for a week gets what was said meanwhile: it came in time."""
    inbound.channel.behaviour = lambda _: Answer(503)
    inbound.told(message_change("Hello"))
    inbound.clock.pass_seconds(DONE_SECONDS + DAY)
    inbound.channel.behaviour = lambda _: Answer(204, b"")
    inbound.run()

    assert "Hello" == inbound.texts[-1]
    assert [] == inbound.dead.letters


# ── An upgrade ──


def old_mark(inbound: Inbound, sequence: int) -> None:
    """Mark a notification as delivered as versions before did, whatever it was."""
    pk = f"notification#{ACCOUNT}#{CONVERSATION}:{sequence}"
    expires_at = int(inbound.clock()) + DONE_SECONDS
    inbound.table.items[pk] = {"pk": {"S": pk}, "expires_at": {"N": f"{expires_at}"}}


@pytest.mark.parametrize(
    "change",
    [
        message_change("Hello", sequence=7),
        message_change(event=READ, sequence=7),
    ],
)
def test_what_an_older_version_told_is_not_told_again(
    inbound: Inbound, change: dict[str, Any]
) -> None:
    """LivePerson may send it again after the upgrade, or its worker was cut off."""
    old_mark(inbound, 7)
    inbound.told(change)

    assert [] == inbound.callbacks


# ── What cannot be read ──


def keep_whole(inbound: Inbound, body: bytes) -> None:
    """Keep a webhook among the dead letters as an older version did that could not read it."""
    kept = {"account_id": ACCOUNT, "body_base64": base64.b64encode(body).decode()}
    since = datetime.fromtimestamp(inbound.clock(), UTC).isoformat()
    why = {"reason": "unreadable", "attempts": "1", "first_failed_at": since}
    inbound.dead.send([OutgoingMessage(json.dumps(kept), "unreadable", new_id(), why)])


def test_what_a_later_version_can_read_comes_back_by_redrive(inbound: Inbound) -> None:
    """Of a webhook kept whole each change is told that can be, and none twice."""
    good = [message_change("one", sequence=1), message_change("two", sequence=2)]
    body = notification(good[0], {}, good[1])
    inbound.told(good[0])
    keep_whole(inbound, body)

    inbound.redrive.redrive(Request.read({"reason": "unreadable"}))
    inbound.run()

    assert ["one", "two"] == inbound.texts
    (letter,) = inbound.dead.letters
    assert "unreadable" == letter.attributes["reason"]


# ── The way back into a conversation ──


def test_survey_is_found_again_too(inbound: Inbound) -> None:
    """While it runs the consumer's words belong there."""
    survey = {"dialogId": "s-1", "dialogType": "POST_SURVEY", "state": "OPEN"}
    inbound.state(1, dialogs=[survey])
    inbound.lose_pointer("conversation_id", "survey_dialog_id")
    inbound.memory.seek_conversation(ACCOUNT)
    inbound.told(message_change("How was it?", dialogId="s-1"))

    assert (CONVERSATION, "s-1") == (
        inbound.consumer.conversation_id,
        inbound.consumer.survey_dialog_id,
    )


@pytest.mark.parametrize("kind", ["nobody seeks", "over", "elsewhere"])
def test_nobody_is_led_where_it_does_not_belong(inbound: Inbound, kind: str) -> None:
    """Into a conversation that is over, out of another, or while nothing is missed."""
    inbound.state(1)
    expected = None
    if kind == "elsewhere":
        inbound.memory.save_opened(inbound.consumer, "another", ())
        expected = "another"
    elif kind == "over":
        inbound.state(2, stage="CLOSE", state="CLOSE")
    else:
        inbound.lose_pointer("conversation_id")
    if kind != "nobody seeks":
        inbound.memory.seek_conversation(ACCOUNT)
    inbound.told(message_change("Hello", sequence=3))

    assert expected == inbound.consumer.conversation_id
