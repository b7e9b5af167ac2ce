"""
From the webhook to the callback: the real intake, worker and store, between two partners' wires.

DynamoDB and SQS are those of this process; the channel is a server on loopback.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
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
    without,
)

KEY = "k" * 64
DAY = 86_400
AGENT_JOINED = {"participants": [{"id": "agent-1", "role": "ASSIGNED_AGENT"}]}
TYPING = {"type": "ChatStateEvent", "chatState": "COMPOSING"}


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
    def events(self) -> list[str]:
        """What the channel was told of the conversation."""
        return [each["event"] for each in self.callbacks if each["type"] == "conversation"]

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


def receipt(status: str = "READ", *sequences: int, **spoilt: Any) -> dict[str, Any]:
    """Give an agent's receipt of the consumer's messages."""
    event = {"type": "AcceptStatusEvent", "status": status, "sequenceList": list(sequences or [1])}
    return message_change(**{"event": event, **spoilt})


# ── Each thing is told, and once ──


@pytest.mark.parametrize("first", ["receipt", "text"])
def test_receipt_and_a_text_of_one_number_are_both_told(inbound: Inbound, first: str) -> None:
    """LivePerson's own survey tutorial shows an ACCEPT with the number of its message."""
    both = [receipt(sequence=60), message_change("Hello", sequence=60)]
    for change in both if first == "receipt" else both[::-1]:
        inbound.told(change)

    assert ["message", "receipt"] == sorted(each["type"] for each in inbound.callbacks)
    ids = [each.headers["webhook-id"] for each in inbound.channel.requests]
    assert 2 == len(set(ids))


def test_receipt_without_a_number_is_told_once(inbound: Inbound) -> None:
    """The older documented form; by what it says a repeat is known."""
    inbound.told(without(receipt("READ", 1), "sequence"))
    inbound.clock.pass_seconds(DAY)
    inbound.told(without(receipt("READ", 1), "sequence"))
    inbound.told(without(receipt("READ", 2), "sequence"))

    assert [("read", [1]), ("read", [2])] == [
        (each["status"], each["sequences"]) for each in inbound.callbacks
    ]
    assert all("sequence" not in each for each in inbound.callbacks)


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


def test_typing_in_a_conversation_that_is_over_is_not_told(inbound: Inbound) -> None:
    """Nobody types there any more, so it was sent again or replayed."""
    inbound.told(message_change(event=TYPING))
    inbound.state(1, stage="CLOSE", state="CLOSE")
    inbound.told(message_change(event=TYPING))

    assert 1 == len([each for each in inbound.callbacks if each["type"] == "typing"])


# ── An upgrade ──


def old_mark(inbound: Inbound, sequence: int) -> None:
    """Mark a notification as delivered as versions before did, whatever it was."""
    pk = f"notification#{ACCOUNT}#{CONVERSATION}:{sequence}"
    expires_at = int(inbound.clock()) + DONE_SECONDS
    inbound.table.items[pk] = {"pk": {"S": pk}, "expires_at": {"N": f"{expires_at}"}}


@pytest.mark.parametrize("change", [message_change("Hello", sequence=7), receipt(sequence=7)])
def test_what_an_older_version_told_is_not_told_again(
    inbound: Inbound, change: dict[str, Any]
) -> None:
    """LivePerson may send it again after the upgrade, or its worker was cut off."""
    old_mark(inbound, 7)
    inbound.told(change)

    assert [] == inbound.callbacks


def test_texts_id_is_the_same_in_every_version(inbound: Inbound) -> None:
    """The channel may have got it from the older one, whose answer was lost."""
    inbound.told(message_change("Hello", sequence=7))

    assert f"notification#{ACCOUNT}#{CONVERSATION}:7" in inbound.table.items
    (request,) = inbound.channel.requests
    assert "msg_4e9a3bcdbd19f444ece346ef88660a77" == request.headers["webhook-id"]


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


def test_refused_change_of_a_redriven_webhook_takes_no_other_along(inbound: Inbound) -> None:
    """The others are told; the letter stays for the one."""
    body = notification(message_change("no", sequence=1), message_change("two", sequence=2))
    inbound.channel.behaviour = lambda asked: Answer(422 if b'"no"' in asked.body else 204)
    keep_whole(inbound, body)

    inbound.redrive.redrive(Request.read({"reason": "unreadable"}))
    inbound.run()

    assert ["no", "two"] == inbound.texts
    assert ["channel_refused"] == [each.attributes["reason"] for each in inbound.dead.letters]


def test_typing_of_a_redriven_webhook_is_over(inbound: Inbound) -> None:
    """It is as old as its letter."""
    keep_whole(inbound, notification(message_change(event=TYPING)))
    inbound.clock.pass_seconds(60)

    inbound.redrive.redrive(Request.read({"reason": "unreadable"}))
    inbound.run()

    assert ([], []) == (inbound.callbacks, inbound.dead.letters)


# ── The newest state counts, both ways ──


def test_conversation_that_liveperson_opens_again_is_open(inbound: Inbound) -> None:
    """The channel learns of it, and the consumer's next words go there."""
    inbound.state(1)
    inbound.state(2, stage="CLOSE", state="CLOSE")
    closed = inbound.consumer.conversation_id
    inbound.state(3)

    assert ["opened", "closed", "opened"] == inbound.events
    assert (None, CONVERSATION) == (closed, inbound.consumer.conversation_id)
    assert 3 == len({each.headers["webhook-id"] for each in inbound.channel.requests})


@pytest.mark.parametrize("late", [{}, {"stage": "CLOSE", "state": "CLOSE"}])
def test_what_comes_late_undoes_nothing(inbound: Inbound, late: dict[str, Any]) -> None:
    """Neither an end nor its opposite."""
    newer = {} if late else {"stage": "CLOSE", "state": "CLOSE"}
    inbound.state(1)
    inbound.state(5, **newer)
    before = (inbound.events, inbound.consumer)
    inbound.state(3, **late)

    assert before == (inbound.events, inbound.consumer)


def test_of_two_states_of_one_moment_the_end_counts(inbound: Inbound) -> None:
    """In whichever order they come."""
    inbound.state(1)
    inbound.state(1, stage="CLOSE", state="CLOSE")
    inbound.state(1)

    assert ["opened", "closed"] == inbound.events
    assert inbound.consumer.conversation_id is None


def test_state_without_a_time_opens_nothing_again(inbound: Inbound) -> None:
    """It may be older than the end."""
    inbound.state(1, stage="CLOSE", state="CLOSE")
    inbound.state(0)

    assert (["closed"], None) == (inbound.events, inbound.consumer.conversation_id)


def test_state_that_does_not_say_so_opens_nothing_again(inbound: Inbound) -> None:
    """It is newer, and tells of something else."""
    inbound.state(1, stage="CLOSE", state="CLOSE")
    inbound.state(2, stage=None, state=None)

    assert (["closed"], None) == (inbound.events, inbound.consumer.conversation_id)


def test_what_happens_in_a_conversation_that_is_over_is_not_told(inbound: Inbound) -> None:
    """Only its end is."""
    inbound.state(1, skillId="1")
    inbound.state(2, skillId="2", stage="CLOSE", state="CLOSE")
    inbound.state(3, skillId="3", stage="CLOSE", state="CLOSE", **AGENT_JOINED)

    assert ["opened", "closed"] == inbound.events


def test_next_words_find_their_way_before_the_channel_is_told(inbound: Inbound) -> None:
    """A channel that is away must not lead them into a conversation that is over, or out of it."""
    inbound.state(1)
    inbound.channel.behaviour = lambda _: Answer(503)
    inbound.state(2, stage="CLOSE", state="CLOSE")
    known = inbound.memory.load_conversation(ACCOUNT, CONVERSATION)

    assert inbound.consumer.conversation_id is None
    assert known
    assert (True, True) == (known.is_open, known.is_over)


@pytest.mark.parametrize("kind", ["message", "echo", "state", "known state"])
@pytest.mark.parametrize(
    "lost", [("conversation_id",), ("conversation_id", "last_conversation_id")]
)
def test_lost_pointer_mends_itself_with_the_next_webhook(
    inbound: Inbound, kind: str, lost: tuple[str, ...], output: Output
) -> None:
    """LivePerson says that the consumer has an open conversation, and a webhook tells which."""
    inbound.state(1)
    inbound.lose_pointer(*lost)
    inbound.memory.seek_conversation(ACCOUNT)
    tell: dict[str, Callable[[], object]] = {
        "message": lambda: inbound.told(message_change("Hello", sequence=3)),
        "echo": lambda: inbound.told(message_change("Hi", role="CONSUMER", sender=CONSUMER)),
        "state": lambda: inbound.state(2, **AGENT_JOINED),
        "known state": lambda: inbound.state(1),
    }
    tell[kind]()

    assert CONVERSATION == inbound.consumer.conversation_id
    assert "pointer_restored" in output.messages


def test_state_that_is_known_already_leads_back_too(inbound: Inbound) -> None:
    """LivePerson sent it again; nothing is told of it, and the consumer finds its way."""
    inbound.state(1, **AGENT_JOINED)
    inbound.lose_pointer("conversation_id")
    inbound.memory.seek_conversation(ACCOUNT)
    inbound.state(1, **AGENT_JOINED)

    assert CONVERSATION == inbound.consumer.conversation_id


def test_nobody_waits_for_the_channel_to_be_led_back(inbound: Inbound) -> None:
    """While it is away its messages stand in the conversation's group, and the news behind them."""
    inbound.channel.behaviour = lambda _: Answer(503)
    inbound.told(message_change("Hello"))
    inbound.lose_pointer("conversation_id")
    inbound.memory.seek_conversation(ACCOUNT)
    inbound.state(1)

    assert (CONVERSATION, []) == (inbound.consumer.conversation_id, inbound.events)


def test_consumer_who_was_forgotten_finds_its_conversation(inbound: Inbound) -> None:
    """Its whole record was lost, and made anew with its next words."""
    del inbound.table.items[f"consumer#{ACCOUNT}#{KEY}"]
    inbound.register_consumer()
    inbound.memory.seek_conversation(ACCOUNT)
    inbound.told(message_change("Hello"))

    assert CONVERSATION == inbound.consumer.conversation_id


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


def test_what_was_said_is_still_known_where_a_pointer_is_restored(inbound: Inbound) -> None:
    """An older echo of the same words is not taken for the next ones."""
    inbound.told(message_change("ok", role="CONSUMER", sender=CONSUMER, sequence=5))
    inbound.lose_pointer("conversation_id", "last_conversation_id", "last_sequence")
    inbound.memory.seek_conversation(ACCOUNT)
    inbound.told(message_change("Hello", sequence=6))

    assert 5 == inbound.consumer.last_sequence


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


def test_newer_state_leads_out_of_a_conversation_that_was_current_before(
    inbound: Inbound,
) -> None:
    """LivePerson keeps to one open conversation: the one that is told of last."""
    inbound.memory.save_opened(inbound.consumer, "another", ())
    inbound.memory.seek_conversation(ACCOUNT)
    inbound.state(5, **AGENT_JOINED)

    assert CONVERSATION == inbound.consumer.conversation_id


# ── Dialogs and times ──


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("MAIN", "main"), ("POST_SURVEY", "post_survey"), ("OTHER", "other"), ("NEW", "other")],
)
def test_dialogs_type_is_what_the_change_named(inbound: Inbound, kind: str, expected: str) -> None:
    """A co-browsing dialog is no survey."""
    dialogs = [{"dialogId": "d-2", "dialogType": kind, "state": "OPEN"}]
    inbound.state(1, dialogs=dialogs)
    inbound.told(message_change("Look", dialogId="d-2"))

    assert expected == inbound.callbacks[-1]["dialog_type"]


def test_dialogs_type_is_remembered_where_a_state_names_no_dialogs(inbound: Inbound) -> None:
    """The form of 2018 names none."""
    inbound.state(1, dialogs=[{"dialogId": "d-2", "dialogType": "OTHER", "state": "OPEN"}])
    inbound.state(2)
    inbound.told(message_change("Look", dialogId="d-2"))

    assert "other" == inbound.callbacks[-1]["dialog_type"]


def test_dialog_that_no_change_named_is_a_survey(inbound: Inbound) -> None:
    """Its news may be on their way, and LivePerson documents no other."""
    inbound.told(message_change("How was it?", dialogId="d-2"))
    inbound.told(message_change("Hello", sequence=2))

    assert ["post_survey", "main"] == [each["dialog_type"] for each in inbound.callbacks]


def test_any_other_dialog_leads_to_its_conversation(inbound: Inbound) -> None:
    """In the form that names only the dialog."""
    dialogs = [{"dialogId": "d-2", "dialogType": "OTHER", "state": "OPEN"}]
    inbound.state(1, dialogs=dialogs)
    inbound.told(without(message_change("Look", dialogId="d-2"), "conversationId"))

    assert ("Look", CONVERSATION, "other") == (
        inbound.texts[-1],
        inbound.callbacks[-1]["conversation_id"],
        inbound.callbacks[-1]["dialog_type"],
    )


def test_what_has_no_time_has_the_time_when_it_came(inbound: Inbound) -> None:
    """It is not told as 1970, and not with another time at each try."""
    inbound.channel.behaviour = lambda _: Answer(503)
    inbound.told(without(message_change("Hello"), "serverTimestamp"))
    inbound.clock.pass_seconds(60)
    inbound.channel.behaviour = lambda _: Answer(204, b"")
    inbound.run()
    inbound.state(0, stage="CLOSE", state="CLOSE")

    assert ["2023-11-14T22:13:20.000Z"] * 2 + ["2023-11-14T22:14:20.000Z"] == [
        each["sent_at"] for each in inbound.callbacks
    ]


def test_each_of_several_changes_without_a_time_is_told(inbound: Inbound) -> None:
    """Under an id of its own, by which the channel does not take it for a repeat."""
    for skill in ("1", "2", "3"):
        inbound.clock.pass_seconds(1)
        inbound.state(0, skillId=skill)

    assert ["opened", "transferred", "transferred"] == inbound.events
    assert 3 == len({each.headers["webhook-id"] for each in inbound.channel.requests})


# ── What an operator sees ──


def test_what_becomes_of_a_conversation_is_logged_and_counted(
    inbound: Inbound, output: Output
) -> None:
    """Joins, transfers and ends are lines that connector trace shows."""
    inbound.state(1, skillId="1")
    inbound.state(2, skillId="1", **AGENT_JOINED)
    inbound.state(3, skillId="2", **AGENT_JOINED)
    inbound.state(4, skillId="2", stage="CLOSE", state="CLOSE")

    told = [each for each in output.lines if each["message"] == "told_conversation"]
    assert ["opened", "agent_joined", "transferred", "closed"] == [each["change"] for each in told]
    assert all(CONVERSATION == each["conversation_id"] for each in told)
