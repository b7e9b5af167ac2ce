"""What really changed in a conversation, and what is only an older state of it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from liveperson_connector.delivery.circuit_breaker import CircuitBreaker
from liveperson_connector.domain.accounts import ChannelSettings
from liveperson_connector.domain.conversations import (
    Conversation,
    NotificationState,
    file_digest,
    text_digest,
)
from liveperson_connector.domain.errors import (
    ChannelRefused,
    ChannelUnavailable,
    CircuitOpen,
    GroupHeld,
    NotificationEarly,
)
from liveperson_connector.domain.outages import CircuitState
from liveperson_connector.domain.queue_messages import QueueMessage, stable_id
from liveperson_connector.flows.channel_delivery.conversation_changes import (
    ConversationChanges,
    changes,
)
from liveperson_connector.flows.channel_delivery.flow import ChannelDelivery, describe
from liveperson_connector.flows.channel_delivery.messages import Messages
from liveperson_connector.flows.channel_delivery.notifier import Notifier
from liveperson_connector.flows.failed_events import EVENT_FAILED
from liveperson_connector.liveperson.messaging_events import HostedFile
from liveperson_connector.liveperson.notifications import CONVERSATION_CHANGE, MESSAGING_EVENT
from liveperson_connector.liveperson.queued_changes import CLAIM_ATTRIBUTE
from tests.support.accounts import ACCOUNT, channel_settings
from tests.support.clocks import Clock
from tests.support.in_process import InProcessQueue
from tests.support.logs import Output
from tests.support.messages import received
from tests.support.webhooks import (
    AGENT,
    CONSUMER,
    CONVERSATION,
    conversation_change,
    message_change,
)

KNOWN = Conversation(
    ACCOUNT, CONVERSATION, "consumer", consumer_key="key", skill_id="1", changed_at=1000
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Memory:
    """One conversation, and what is noted of it."""

    known: Conversation
    noted: list[Conversation] = field(default_factory=list)

    def load_notification(self, *_asked: object) -> NotificationState:
        """Give the conversation."""
        return NotificationState(self.known)

    def point_consumer_at(self, before: Conversation, now: Conversation) -> None:
        """Point the consumer nowhere."""

    def save_state(self, now: Conversation) -> None:
        """Note what it has become."""
        self.noted.append(now)


def deliver(memory: Memory, **details: Any) -> None:
    """Hand a conversation change to a flow that reaches no channel: to call it is an error."""
    raw = conversation_change(**details)
    queued = {"account_id": ACCOUNT, "type": "cqm.ExConversationChangeNotification", "change": raw}
    message = QueueMessage("m-1", "receipt", json.dumps(queued), "group", 1, NOW, NOW, {})
    unused = cast("Any", None)
    store = cast("Any", memory)
    ChannelDelivery(store, ConversationChanges(store, unused), unused, unused).handle(message)


@pytest.mark.parametrize("updated_at", [1, 999])
def test_an_older_state_undoes_nothing(updated_at: int) -> None:
    """It came late, or twice; what is known is newer, so nothing is told and nothing noted."""
    memory = Memory(KNOWN)

    deliver(memory, updated_at=updated_at, stage="CLOSE", state="CLOSE")

    assert [] == memory.noted


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({}, []),
        ({"is_open": False}, ["closed"]),
        ({"is_open": False, "skill_id": "2", "agent_id": "a"}, ["closed"]),
        ({"skill_id": "2"}, ["transferred"]),
        ({"agent_id": "a"}, ["agent_joined"]),
        ({"skill_id": "2", "agent_id": "a"}, ["transferred", "agent_joined"]),
        ({"survey_dialog_id": "s"}, []),
        ({"agent_id": None}, []),
    ],
)
def test_each_real_change_is_named_once(now: dict[str, Any], expected: list[str]) -> None:
    """And nothing else is: a survey or an end is not told as a transfer."""
    assert expected == changes(KNOWN, replace(KNOWN, **now))


@pytest.mark.parametrize("now", ["a", None])
def test_an_agent_who_stays_or_leaves_has_not_joined(now: str | None) -> None:
    """Nobody new is there."""
    assert [] == changes(replace(KNOWN, agent_id="a"), replace(KNOWN, agent_id=now))


@pytest.mark.parametrize("before", [None, "-1"])
def test_routing_to_a_first_skill_is_no_transfer(before: str | None) -> None:
    """A conversation begins without a skill."""
    assert [] == changes(replace(KNOWN, skill_id=before), KNOWN)


def test_what_was_told_of_first_is_opened() -> None:
    """Whatever else is known by then."""
    first = replace(KNOWN, changed_at=0)

    assert ["opened", "agent_joined"] == changes(first, replace(KNOWN, agent_id="a"))
    assert [] == changes(replace(first, is_open=False), replace(KNOWN, is_open=False))


# ── What the channel is told ──

CALLBACK_URL = "https://channel.example/cb"
HEARD = "2023-11-14T22:13:20.000Z"
OURS = Conversation(
    ACCOUNT, CONVERSATION, "+49151", consumer_key="0123456789abcdef", lp_consumer_id=CONSUMER
)


@dataclass
class World:
    """The channel, the memory and all else around a delivery; writes down what happens."""

    recall: NotificationState = field(default_factory=lambda: NotificationState(OURS))
    settings: ChannelSettings = field(default_factory=lambda: channel_settings(CALLBACK_URL))
    answer: int | Exception = 200
    queue: InProcessQueue = field(default_factory=InProcessQueue)
    happened: list[tuple[Any, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        """Write down whatever is asked of the memory."""
        return lambda *asked, **more: self.happened.append((name, *asked, *more.values()))

    def get(self, account_id: str) -> ChannelSettings:
        """Give the channel's settings."""
        assert ACCOUNT == account_id
        return self.settings

    def adopt(
        self, conversation: Conversation, *, is_current: bool, told_at: int | None = 0
    ) -> None:
        """Write down whose a conversation is."""
        self.happened.append(("adopt", conversation, is_current, told_at))

    def load_notification(
        self,
        account_id: str,
        conversation_id: str,
        identities: Sequence[str],
        lp_ids: Iterable[str],
        group: str,
    ) -> NotificationState:
        """Give what is known."""
        asked = (account_id, conversation_id, tuple(identities), tuple(lp_ids), group)
        self.happened.append(("recall", *asked))
        return self.recall

    def post(self, settings: ChannelSettings, name: str, callback: dict[str, Any]) -> int:
        """Take a callback, or not."""
        self.happened.append(("post", settings, name, callback))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def save(self, conversation: Conversation, file: HostedFile) -> str | None:
        """Copy an agent's file, unless it is gone."""
        self.happened.append(("save", conversation, file))
        return None if file.relative_path == "/gone" else "https://files.example/1"

    def note_failure(self, *asked: object) -> CircuitState:
        """Note a failure of the channel."""
        self.happened.append(("note_failure", *asked))
        return CircuitState(1, 0.0, 0.0)

    def handle(self, raw: object, kind: str = MESSAGING_EVENT, **message: Any) -> None:
        """Deliver a change at the standing clock."""
        self.handle_body({"account_id": ACCOUNT, "type": kind, "change": raw}, **message)

    def handle_body(self, body: object, **message: Any) -> None:
        """Deliver a queued message."""
        everything = cast("Any", self)
        breaker = CircuitBreaker("channel", everything, Clock(), lambda: 0.0)
        notifier = Notifier(everything, everything, breaker, everything, self.queue, Clock())
        ChannelDelivery(
            everything,
            ConversationChanges(everything, notifier),
            Messages(everything, notifier, Clock()),
            notifier,
        ).handle(received(json.dumps(body), **message))

    def all(self, what: str) -> list[tuple[Any, ...]]:
        """Give what happened of one kind."""
        return [each[1:] for each in self.happened if each[0] == what]

    @property
    def told(self) -> list[dict[str, Any]]:
        """Give the callbacks."""
        return [callback for _, _, callback in self.all("post")]


DOUBT = CircuitState(1, 0.0, 0.0, frozenset({"a"}))
COMMON = {
    "account_id": ACCOUNT,
    "consumer_id": "+49151",
    "conversation_id": CONVERSATION,
    "dialog_id": CONVERSATION,
    "dialog_type": "main",
    "sent_at": HEARD,
}
SENDER = {"sender": {"id": AGENT, "role": "ASSIGNED_AGENT"}}
TYPING_EVENT = {"type": "ChatStateEvent", "chatState": "COMPOSING"}


def file_event(path: str = "/a.png") -> dict[str, Any]:
    """Give an agent's file."""
    message = {"caption": "Look", "relativePath": path, "fileType": "PNG"}
    return {"type": "ContentEvent", "contentType": "hosted/file", "message": message}


def wishes(**given: Any) -> ChannelSettings:
    """Give a channel's settings with wishes of its own."""
    return replace(channel_settings(CALLBACK_URL), **given)


def numbered(output: Output) -> list[tuple[str, int]]:
    """Give what the log says of which message."""
    return [(each["message"], each["sequence"]) for each in output.lines]


def test_a_message_is_told_field_by_field() -> None:
    """To the address of its account, and remembered as delivered."""
    world = World()
    world.handle(message_change("Hello", sequence=3))

    ((settings, name, callback),) = world.all("post")
    assert {
        **COMMON,
        **SENDER,
        "type": "message",
        "sequence": 3,
        "content": {"type": "text", "text": "Hello"},
    } == callback
    assert world.settings is settings
    assert name.startswith("msg_")
    assert [(ACCOUNT, f"{CONVERSATION}:3")] == world.all("mark_delivered")
    assert [
        (ACCOUNT, CONVERSATION, (f"{CONVERSATION}:3",), (), "group-1"),
    ] == world.all("recall")
    assert [] == world.queue.letters


def test_a_receipt_is_told_field_by_field() -> None:
    """Whose messages were read, and by whom."""
    world = World()
    read = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1, 2]}
    world.handle(message_change(sequence=3, event=read))

    assert [
        {
            **COMMON,
            **SENDER,
            "type": "receipt",
            "sequence": 3,
            "status": "read",
            "sequences": [1, 2],
        }
    ] == world.told


@pytest.mark.parametrize(("path", "url"), [("/a.png", "https://files.example/1"), ("/gone", "")])
def test_a_file_is_told_with_its_address(path: str, url: str) -> None:
    """One that is gone is told without."""
    world = World()
    world.handle(message_change(event=file_event(path)))

    content = {"type": "file", "caption": "Look", "file_type": "PNG", "url": url}
    assert [("message", content)] == [(each["type"], each["content"]) for each in world.told]
    assert [(OURS, HostedFile("Look", path, "PNG"))] == world.all("save")


def test_a_channel_that_wants_messages_alone_gets_its_files() -> None:
    """They are messages, as texts are; a receipt is not."""
    world = World(settings=wishes(callbacks=frozenset({"message"})))
    read = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1]}
    for event in (file_event(), read):
        world.handle(message_change(event=event))

    assert ["message"] == [each["type"] for each in world.told]
    assert "https://files.example/1" == world.told[0]["content"]["url"]


def test_a_file_that_nobody_wants_is_not_fetched() -> None:
    """It is done with all the same."""
    world = World(settings=wishes(callbacks=frozenset({"receipt"})))
    world.handle(message_change(event=file_event()))

    assert ([], [], 1) == (world.all("save"), world.told, len(world.all("mark_delivered")))


def test_a_callback_has_one_id_however_often_it_is_tried() -> None:
    """And another than every other, so that the channel knows a repeat."""
    names = []
    for recalled, sequence in [(OURS, 1), (OURS, 1), (OURS, 2), (replace(OURS, skill_id="1"), 1)]:
        world = World(NotificationState(recalled))
        world.handle(message_change(sequence=sequence))
        names.append(world.all("post")[0][1])

    assert names[0] == names[1] == names[3] != names[2]
    assert all(re.fullmatch("msg_[0-9a-f]{32}", each) for each in names)


def test_what_a_channel_does_not_want_is_done_without_it(output: Output) -> None:
    """It is not offered again."""
    world = World(settings=wishes(callbacks=frozenset({"typing"})))
    world.handle(message_change(sequence=3))

    assert ([], [(ACCOUNT, f"{CONVERSATION}:3")]) == (world.told, world.all("mark_delivered"))
    assert ["not_wanted"] == output.messages


def test_the_log_tells_what_was_delivered(output: Output) -> None:
    """By ids, with the channel's answer."""
    World(answer=202).handle(message_change(sequence=3))

    (told,) = output.lines
    assert {
        "message": "delivered",
        "account_id": ACCOUNT,
        "consumer": "0123456789ab",
        "conversation_id": CONVERSATION,
        "sequence": 3,
        "http_status": 202,
    }.items() <= told.items()
    assert told["took_ms"] > 0


def test_a_repeat_is_not_told_twice(output: Output) -> None:
    """It was delivered before."""
    world = World(NotificationState(OURS, was_delivered=True))
    world.handle(message_change())

    assert ([], [("repeat_ignored", 1)]) == (world.told, numbered(output))


def test_a_note_between_agents_stays_in(output: Output) -> None:
    """And the log says why."""
    world = World()
    world.handle(message_change(messageAudience="AGENTS_AND_MANAGERS"))

    assert ([], [("withheld_not_for_consumers", 1)]) == (world.told, numbered(output))


def test_a_channel_may_let_us_send_its_receipts() -> None:
    """Of messages that it took, and of nothing else."""
    world = World(settings=wishes(automatic_receipts=True))
    read = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1]}
    world.handle(message_change(sequence=3, dialogId="s-1"))
    world.handle(message_change(sequence=4, event=read))

    (letter,) = world.queue.letters
    queued = json.loads(letter.body)
    assert (ACCOUNT, "+49151", Clock().now, True) == (
        queued["account_id"],
        queued["consumer_id"],
        queued["accepted_at"],
        queued["automatic"],
    )
    assert ("accepted", [3], "s-1") == (
        queued["event"]["status"],
        queued["event"]["sequences"],
        queued["event"]["dialog_id"],
    )
    assert stable_id(ACCOUNT, OURS.consumer_key) == letter.group


def test_what_was_not_wanted_was_not_received() -> None:
    """No receipt for it."""
    world = World(settings=wishes(automatic_receipts=True, callbacks=frozenset({"typing"})))
    world.handle(message_change())

    assert [] == world.queue.letters


def test_the_ids_of_callbacks_stay_the_same_in_every_version() -> None:
    """Fixed vectors: while a new version is rolled out, a repeat must be known as one."""
    message, refusal, change = World(), World(), World()
    message.handle(message_change(sequence=3))
    failed(refusal)
    state(change)

    assert [
        "msg_6e2fc679a5ce2450734acba13729271e",
        "msg_5e82e2f738db3de6457599d9291e7c71",
        "msg_7fb6fba83e3d371593e225761392d342",
    ] == [each.all("post")[0][1] for each in (message, refusal, change)]


# ── Whose it is ──


@pytest.mark.parametrize(("receives", "seconds"), [(1, 2), (8, 2), (9, 45), (12, 45)])
def test_a_message_of_an_unknown_conversation_waits_a_moment(receives: int, seconds: float) -> None:
    """It may have overtaken the answer that names the conversation."""
    world = World(NotificationState(None))
    with pytest.raises(NotificationEarly) as early:
        world.handle(message_change(), receive_count=receives)

    assert (seconds, []) == (early.value.retry_after, world.all("mark_foreign"))


def test_a_conversation_that_stays_unknown_is_another_channels(output: Output) -> None:
    """It is remembered as such, so that its next message need not wait."""
    world = World(NotificationState(None))
    world.handle(message_change(), receive_count=13)

    assert ([(ACCOUNT, CONVERSATION)], []) == (world.all("mark_foreign"), world.told)
    assert ["foreign_conversation"] == output.messages
    assert (ACCOUNT, CONVERSATION) == (
        output.lines[0]["account_id"],
        output.lines[0]["conversation_id"],
    )


@pytest.mark.parametrize(
    ("recall", "event"),
    [
        (NotificationState(Conversation(ACCOUNT, CONVERSATION, "")), file_event()),
        (NotificationState(None), TYPING_EVENT),
    ],
)
def test_what_is_not_ours_is_dropped_at_once(
    recall: NotificationState, event: dict[str, Any]
) -> None:
    """Another channel's message, and typing of nobody knows whom."""
    world = World(recall)
    world.handle(message_change(event=event))

    assert ([], []) == (world.told, world.all("mark_foreign"))


def test_an_echo_of_our_consumer_tells_whose_a_conversation_is(output: Output) -> None:
    """It is adopted; whether it is the current one only its state tells."""
    world = World(NotificationState(None, claim=OURS))
    world.handle(message_change("Hi", role="CONSUMER", sender=CONSUMER, sequence=3))

    assert [(OURS, False, 0)] == world.all("adopt")
    assert [(OURS, 3, text_digest("Hi"))] == world.all("save_echo")
    assert [(ACCOUNT, CONVERSATION, (f"{CONVERSATION}:3",), (CONSUMER,), "group-1")] == world.all(
        "recall"
    )
    assert (["conversation_adopted", "withheld_echo"], []) == (output.messages, world.told)


def test_an_echo_that_names_only_its_dialog_tells_nothing() -> None:
    """The dialog may be a survey's."""
    world = World(NotificationState(None, claim=OURS))
    echo = message_change(role="CONSUMER", sender=CONSUMER)
    with pytest.raises(NotificationEarly):
        world.handle({name: each for name, each in echo.items() if name != "conversationId"})

    assert [] == world.all("adopt")


def test_an_echoed_file_is_known_by_its_path() -> None:
    """As the text of a message is by its words."""
    world = World()
    world.handle(message_change(event=file_event(), role="CONSUMER", sender=CONSUMER, sequence=3))

    assert [(OURS, 3, file_digest("/a.png"))] == world.all("save_echo")


def test_an_agents_words_are_no_echo() -> None:
    """Whatever they say."""
    world = World()
    world.handle(message_change("Hi"))

    assert [] == world.all("save_echo")


# ── Outages and holds ──


def test_what_is_held_follows_its_dead_letters() -> None:
    """The channel is not asked."""
    world = World(NotificationState(OURS, is_held=True))
    with pytest.raises(GroupHeld):
        world.handle(message_change())

    assert [] == world.told


@pytest.mark.parametrize(("died_again", "told"), [(-1, 1), (0, 0), (1, 0)])
def test_what_came_back_waits_if_an_earlier_letter_died_again(died_again: int, told: int) -> None:
    """Whatever came back since then does not overtake it."""
    world = World(NotificationState(OURS, is_held=True, redrive_failed_at=Clock().now + died_again))
    with nullcontext() if told else pytest.raises(GroupHeld):
        world.handle(message_change(), attributes={"redrives": "1"})

    assert told == len(world.told)


def test_while_the_channel_is_down_a_message_waits() -> None:
    """The channel is not asked."""
    down = CircuitState(9, Clock().now, Clock().now + 60, frozenset({"a", "b"}))
    world = World(NotificationState(OURS, outage=down))
    with pytest.raises(CircuitOpen):
        world.handle(message_change())

    assert [] == world.told


@pytest.mark.parametrize("kind", ["message", "state", "refusal"])
def test_whose_turn_it_is_looks_whether_the_channel_is_back(kind: str) -> None:
    """The channel of this account and of no other."""
    down = CircuitState(9, Clock().now, Clock().now, frozenset({"a", "b"}))
    world = World(NotificationState(OURS, outage=down))
    tell: dict[str, Callable[[World], None]] = {
        "message": lambda each: each.handle(message_change()),
        "state": state,
        "refusal": failed,
    }
    with pytest.raises(CircuitOpen):  # somebody else was first
        tell[kind](world)

    next_look = Clock().now + down.interval(Clock().now)
    assert [(ACCOUNT, "channel", Clock().now, next_look)] == world.all("probe")


def test_a_channel_that_fails_is_noted() -> None:
    """With the group that noticed, and nothing counts as delivered."""
    world = World(NotificationState(OURS, outage=DOUBT), answer=ChannelUnavailable("no"))
    with pytest.raises(ChannelUnavailable):
        world.handle(message_change())

    noted = (ACCOUNT, "channel", DOUBT, Clock().now, "group-1")
    assert ([noted], []) == (world.all("note_failure"), world.all("mark_delivered"))


@pytest.mark.parametrize("answer", [200, ChannelRefused("gone", http_status=410)])
def test_an_answer_ends_a_doubt(answer: int | Exception) -> None:
    """Also one that says never."""
    doubt = CircuitState(1, 0.0, 0.0, frozenset({"a"}))
    world = World(NotificationState(OURS, outage=doubt), answer=answer)
    with nullcontext() if answer == 200 else pytest.raises(ChannelRefused):
        world.handle(message_change())

    assert [(ACCOUNT, "channel")] == world.all("outage_over")


# ── Typing ──


def test_typing_is_told_field_by_field(output: Output) -> None:
    """Its time is when we took it; it has no number."""
    world = World()
    world.handle(message_change(event=TYPING_EVENT))

    assert [{**COMMON, **SENDER, "type": "typing", "state": "composing"}] == world.told
    assert (["typing_told"], []) == (output.messages, world.all("mark_delivered"))


@pytest.mark.parametrize(("ago", "told"), [(10, 1), (10.1, 0)])
def test_typing_that_comes_late_is_not_told(ago: float, told: int, output: Output) -> None:
    """Nobody types any more."""
    world = World()
    sent_at = datetime.fromtimestamp(Clock().now - ago, UTC)
    world.handle(message_change(event=TYPING_EVENT), sent_at=sent_at)

    assert told == len(world.told)
    assert ["typing_told" if told else "typing_stale"] == output.messages


@pytest.mark.parametrize(
    ("recall", "told"),
    [
        ({"is_held": True}, 0),
        ({"outage": CircuitState(9, 0.0, 0.0, frozenset({"a", "b"}))}, 0),
        ({"outage": CircuitState(1, 0.0, 0.0, frozenset({"a"}))}, 1),
    ],
)
def test_typing_waits_for_nothing(recall: dict[str, Any], told: int, output: Output) -> None:
    """Where a message would wait it is dropped; a doubt alone is no reason."""
    world = World(NotificationState(OURS, **recall))
    world.handle(message_change(event=TYPING_EVENT))

    assert told == len(world.told)
    assert ["typing_told" if told else "typing_dropped"] == output.messages


def test_typing_that_is_not_wanted_is_not_said_to_be_told(output: Output) -> None:
    """The channel named what it wants."""
    world = World(settings=wishes(callbacks=frozenset({"message"})))
    world.handle(message_change(event=TYPING_EVENT))

    assert ([], ["not_wanted"]) == (world.told, output.messages)


@pytest.mark.parametrize("answer", [ChannelUnavailable("no"), ChannelRefused("no")])
def test_typing_that_is_not_taken_is_dropped(answer: Exception, output: Output) -> None:
    """It is tried once, and says nothing of the channel."""
    world = World(answer=answer)
    world.handle(message_change(event=TYPING_EVENT))

    assert "typing_dropped" == output.messages[-1]
    assert [] == world.all("note_failure")


# ── What was refused for ever ──

FAILURE = {
    "consumer_id": "+49151",
    "event_id": "e-1",
    "event_type": "text",
    "reason": "liveperson_refused",
    "message": "LivePerson answered 400: no",
    "http_status": 400,
    "error_code": None,
}


def failed(world: World, **other: Any) -> None:
    """Tell of an event that was refused."""
    failure = {**FAILURE, **other}
    world.handle_body({"account_id": ACCOUNT, "type": EVENT_FAILED, "failure": failure})


def test_a_refused_event_is_told_field_by_field(output: Output) -> None:
    """What is not known is left out."""
    world = World()
    failed(world)

    known = {name: value for name, value in FAILURE.items() if value is not None}
    assert [{"type": "failed", "account_id": ACCOUNT, "sent_at": HEARD, **known}] == world.told
    assert world.settings is world.all("post")[0][0]
    assert (["told_failed"], "e-1") == (output.messages, output.lines[0]["event_id"])


def test_a_refused_event_has_an_id_of_its_own() -> None:
    """The same on every try; no other event's, consumer's or callback's."""
    names = []
    for other in ({}, {}, {"event_id": "e-2"}, {"consumer_id": "+49152"}):
        world = World()
        failed(world, **other)
        names.append(world.all("post")[0][1])

    assert names[0] == names[1]
    assert 3 == len(set(names))


def test_who_does_not_want_to_know_is_not_told(output: Output) -> None:
    """A channel may look at the dead letters instead."""
    world = World(settings=wishes(callbacks=frozenset({"message"})))
    failed(world)

    assert ([], ["not_wanted"]) == (world.told, output.messages)


def test_who_wants_to_know_of_nothing_else_is_told() -> None:
    """It is a type of callback like every other."""
    world = World(settings=wishes(callbacks=frozenset({"failed"})))
    failed(world)

    assert 1 == len(world.told)


def test_what_was_refused_waits_out_an_outage_too() -> None:
    """It ends a doubt like everything else, and is held by nothing but its own."""
    doubt = CircuitState(1, 0.0, 0.0, frozenset({"a"}))
    world = World(NotificationState(None, outage=doubt))
    failed(world)

    assert [(ACCOUNT, "channel")] == world.all("outage_over")
    assert [(ACCOUNT, "", (), (), "group-1")] == world.all("recall")
    held = World(NotificationState(None, is_held=True))
    with pytest.raises(GroupHeld):
        failed(held)


# ── States of a conversation ──


def state(world: World, **details: Any) -> None:
    """Tell the state of the conversation."""
    world.handle(conversation_change(**details), CONVERSATION_CHANGE)


def test_a_new_conversation_is_told_field_by_field() -> None:
    """And what is known of it is remembered."""
    world = World()
    state(world, skillId="7")

    now = replace(OURS, skill_id="7", changed_at=1_700_000_000_000)
    assert [{**COMMON, "type": "conversation", "event": "opened"}] == world.told
    assert ([(OURS, now)], [(now,)]) == (world.all("point_consumer_at"), world.all("save_state"))
    assert [(ACCOUNT, CONVERSATION, (), (CONSUMER,), "group-1")] == world.all("recall")


def test_an_end_is_told_with_its_reason() -> None:
    """As LivePerson names it."""
    world = World(NotificationState(replace(OURS, changed_at=1)))
    state(world, stage="CLOSE", state="CLOSE", closeReason="AGENT")

    assert [{**COMMON, "type": "conversation", "event": "closed", "reason": "AGENT"}] == world.told


def test_what_changes_during_a_survey_is_told_of_the_survey() -> None:
    """It is where the consumer is; only an end has a reason."""
    world = World()
    survey = {"dialogId": "s-1", "dialogType": "POST_SURVEY", "state": "OPEN"}
    state(world, dialogs=[survey], closeReason="AGENT")

    assert [
        {
            **COMMON,
            "dialog_id": "s-1",
            "dialog_type": "post_survey",
            "type": "conversation",
            "event": "opened",
        }
    ] == world.told


def test_a_change_that_is_not_wanted_is_followed_without_it(output: Output) -> None:
    """It is not offered again, and not said to be told."""
    world = World(settings=wishes(callbacks=frozenset({"message"})))
    state(world)

    assert ([], 1) == (world.told, len(world.all("save_state")))
    assert [("not_wanted", "opened")] == [
        (each["message"], each["change"]) for each in output.lines
    ]


def test_each_change_has_an_id_of_its_own() -> None:
    """Two changes of one moment are two, and a change of another moment is another."""
    names = []
    agent = {"participants": [{"id": "a", "role": "ASSIGNED_AGENT"}]}
    for updated_at in (1000, 1000, 2000):
        world = World()
        state(world, updated_at=updated_at, **agent)
        names += [name for _, name, _ in world.all("post")]

    assert names[:2] == names[2:4]
    assert 4 == len(set(names))


@pytest.mark.parametrize(("before", "expected"), [(0, 1), (5, 5)])
def test_a_state_without_a_time_is_as_new_as_the_last(before: int, expected: int) -> None:
    """And something is known then, whenever it was."""
    world = World(NotificationState(replace(OURS, changed_at=before)))
    state(world, updated_at=0)

    assert [expected] == [now.changed_at for (now,) in world.all("save_state")] or (
        before and [] == world.all("save_state")
    )


def test_an_older_state_is_noted_in_the_log(output: Output) -> None:
    """It came late, or twice."""
    world = World(NotificationState(replace(OURS, changed_at=2**50)))
    state(world)

    assert ([], ["outdated_change"]) == (world.told, output.messages)


def test_what_changes_nothing_for_the_channel_is_remembered_alone() -> None:
    """The channel is not asked, not even whether it is back."""
    doubt = CircuitState(1, 0.0, 0.0, frozenset({"a"}))
    world = World(NotificationState(replace(OURS, changed_at=1), outage=doubt))
    state(world)

    assert ([], [], 1) == (world.told, world.all("outage_over"), len(world.all("save_state")))


def test_a_change_waits_for_what_is_held() -> None:
    """Where the consumer's next words go is known all the same."""
    world = World(NotificationState(OURS, is_held=True))
    with pytest.raises(GroupHeld):
        state(world)

    assert ([], 1, []) == (world.told, len(world.all("point_consumer_at")), world.all("save_state"))


def test_a_change_that_the_channel_took_ends_a_doubt() -> None:
    """As a message does."""
    doubt = CircuitState(1, 0.0, 0.0, frozenset({"a"}))
    world = World(NotificationState(OURS, outage=doubt))
    state(world)

    assert [(ACCOUNT, "channel")] == world.all("outage_over")


@pytest.mark.parametrize(("stage", "is_open"), [("OPEN", True), ("CLOSE", False)])
def test_a_state_that_names_our_consumer_makes_a_conversation_ours(
    stage: str, is_open: bool, output: Output
) -> None:
    """The current one, as it is now."""
    world = World(NotificationState(None, claim=OURS))
    state(world, stage=stage)

    adopted = replace(OURS, is_open=is_open)
    assert [(adopted, True, 1_700_000_000_000)] == world.all("adopt")
    assert "conversation_adopted" == output.messages[0]


def test_a_claim_of_a_conversation_that_is_not_ours_says_so_once() -> None:
    """Its messages need not wait to be known as another channel's."""
    world = World(NotificationState(None))
    world.handle(conversation_change(), CONVERSATION_CHANGE, attributes={CLAIM_ATTRIBUTE: "only"})

    assert ([(ACCOUNT, CONVERSATION)], []) == (world.all("mark_foreign"), world.told)


def test_a_claim_says_whose_a_conversation_is_and_nothing_else() -> None:
    """What is to be told of it comes in its own turn."""
    world = World(NotificationState(None, claim=OURS))
    world.handle(conversation_change(), CONVERSATION_CHANGE, attributes={CLAIM_ATTRIBUTE: "only"})

    assert ([(OURS, True, 1_700_000_000_000)], []) == (world.all("adopt"), world.told)
    assert ([], []) == (world.all("point_consumer_at"), world.all("save_state"))


@pytest.mark.parametrize(
    ("known", "foreign"),
    [(None, [(ACCOUNT, CONVERSATION)]), (Conversation(ACCOUNT, CONVERSATION, ""), [])],
)
def test_a_state_that_names_nobody_of_ours_is_another_channels(
    known: Conversation | None, foreign: list[tuple[str, str]], output: Output
) -> None:
    """That is remembered once."""
    world = World(NotificationState(known))
    state(world)

    assert (foreign, []) == (world.all("mark_foreign"), world.told)
    assert ["foreign_conversation"] == output.messages


# ── For the log ──


def test_a_log_line_names_account_and_conversation() -> None:
    """Where they can be read."""
    change = {"account_id": ACCOUNT, "type": MESSAGING_EVENT, "change": message_change()}

    assert {"account_id": ACCOUNT, "conversation_id": CONVERSATION} == describe(
        received(json.dumps(change))
    )
    assert {} == describe(received("no JSON"))
