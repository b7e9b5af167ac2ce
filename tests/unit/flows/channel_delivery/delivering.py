"""
The way from LivePerson to the channel, in this process: the real flow and store, a modelled wire.

A test hands over what was queued, and says what the channel answers. What went over the wire, what
the table remembers and what was queued are there to look at.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.channel.callbacks import Callbacks
from liveperson_connector.delivery.circuit_breaker import CHANNEL, CircuitBreaker
from liveperson_connector.domain.accounts import ChannelSettings
from liveperson_connector.domain.conversations import (
    AgentProfile,
    Consumer,
    Conversation,
    NotificationState,
)
from liveperson_connector.domain.errors import (
    ConnectorError,
    LivePersonRefused,
    MisconfiguredAccount,
)
from liveperson_connector.domain.outages import OPEN_AFTER, CircuitState
from liveperson_connector.flows.channel_delivery.agent_files import AgentFileCopier
from liveperson_connector.flows.channel_delivery.agents import Agents
from liveperson_connector.flows.channel_delivery.conversation_changes import ConversationChanges
from liveperson_connector.flows.channel_delivery.flow import ChannelDelivery
from liveperson_connector.flows.channel_delivery.messages import Messages
from liveperson_connector.flows.channel_delivery.notifier import Notifier
from liveperson_connector.flows.failed_events import EVENT_FAILED
from liveperson_connector.liveperson.notifications import CONVERSATION_CHANGE, MESSAGING_EVENT
from liveperson_connector.support.cache import Cache
from liveperson_connector.support.http_client import Answer
from tests.simulation.table import Table
from tests.support.accounts import ACCOUNT, channel_settings
from tests.support.clocks import Clock
from tests.support.in_process import InProcessQueue
from tests.support.logs import Output
from tests.support.messages import received
from tests.support.webhooks import AGENT, CONSUMER, CONVERSATION, conversation_change

CALLBACK_URL = "https://channel.example/cb"
FILES_URL = "https://connector.example/v1"
KEY = "0123456789abcdef"
PERSON = Consumer(ACCOUNT, "+49151", KEY, CONSUMER, "the-jws")
OURS = Conversation(ACCOUNT, CONVERSATION, "+49151", consumer_key=KEY, lp_consumer_id=CONSUMER)

HEARD = "2023-11-14T22:13:20.000Z"
COMMON = {
    "account_id": ACCOUNT,
    "consumer_id": "+49151",
    "conversation_id": CONVERSATION,
    "dialog_id": CONVERSATION,
    "dialog_type": "main",
    "sent_at": HEARD,
}
SENDER = {"sender": {"id": AGENT, "role": "ASSIGNED_AGENT", "kind": "agent"}}
TYPING_EVENT = {"type": "ChatStateEvent", "chatState": "COMPOSING"}
READ_EVENT = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1, 2]}
FAILURE = {
    "consumer_id": "+49151",
    "event_id": "e-1",
    "event_type": "text",
    "reason": "liveperson_refused",
    "message": "LivePerson answered 400: no",
    "http_status": 400,
    "error_code": None,
}


def file_event(path: str = "/a.png") -> dict[str, Any]:
    """Give an agent's file."""
    message = {"caption": "Look", "relativePath": path, "fileType": "PNG"}
    return {"type": "ContentEvent", "contentType": "hosted/file", "message": message}


@dataclass
class ChannelWire:
    """The way to the channel: notes what goes over it, and answers 200 unless a test lines up."""

    answers: deque[int] = field(default_factory=deque)
    calls: list[tuple[str, Mapping[str, str], dict[str, Any]]] = field(default_factory=list)

    def call(self, _method: str, address: object, **request: Any) -> Answer:
        """Take a request."""
        self.calls.append((str(address), request["headers"], json.loads(request["body"])))
        return Answer(self.answers.popleft() if self.answers else 200)


@dataclass
class LivePersonsFiles:
    """LivePerson's storage: a file lies at every path but one, for whoever has a token."""

    fetched: list[str] = field(default_factory=list)

    def call_as(self, consumer: Consumer, call: Callable[[object], Any]) -> tuple[Consumer, Any]:
        """Call LivePerson for a consumer."""
        return consumer, call(None)

    def download(self, _who: object, path: str) -> bytes:
        """Give a file."""
        self.fetched.append(path)
        if path == "/gone":
            raise LivePersonRefused("gone", http_status=404)
        return b"content"


@dataclass
class LivePersonsProfiles:
    """LivePerson's public profiles: an agent has an empty one unless a test says otherwise."""

    profiles: dict[str, AgentProfile] = field(default_factory=dict)
    failure: ConnectorError | None = None
    asked: list[str] = field(default_factory=list)

    def find(self, _account_id: str, agent_id: str) -> AgentProfile:
        """Give a profile."""
        self.asked.append(agent_id)
        if self.failure:
            raise self.failure
        return self.profiles.get(agent_id, AgentProfile())


class Delivering:
    """
    A channel's delivery; the conversation is known unless ``is_known`` says otherwise.

    ``wishes`` are fields of the channel's settings.
    """

    def __init__(self, *, is_known: bool = True, **wishes: Any) -> None:
        self.clock, self.table, self.wire = Clock(), Table(), ChannelWire()
        self.store = ConversationStore(cast("Any", self.table), "table", clock=self.clock)
        self.setbacks = DeliveryState(cast("Any", self.table), "table", clock=self.clock)
        self.settings: ChannelSettings | None = replace(channel_settings(CALLBACK_URL), **wishes)
        self.consumer_events = InProcessQueue("consumer-events.fifo", self.clock)
        self.liveperson = LivePersonsFiles()
        self.profiles = LivePersonsProfiles()
        self.files: list[str] = []
        self.flow = self._flow()
        self.store.save_consumer(PERSON)
        if is_known:
            self.store.save_opened(self.person, CONVERSATION, ())

    def _flow(self) -> ChannelDelivery:
        channels = Cache(self._settings, ttl=0, clock=self.clock)
        agents = Agents(channels, self.store, self.profiles.find, clock=self.clock)
        notifier = Notifier(
            channels=channels,
            callbacks=Callbacks(cast("Any", self.wire), clock=self.clock),
            breaker=CircuitBreaker(CHANNEL, self.setbacks, self.clock, lambda: 0.0),
            agent_files=AgentFileCopier(
                cast("Any", self.liveperson),
                cast("Any", self.liveperson),
                lambda _account_id, file_id, *_: self.files.append(file_id),
                self.store.load_consumer,
                FILES_URL,
                show=lambda account_id, file_id: f"{account_id}/{file_id}",
            ),
            consumer_events=self.consumer_events,
            agents=agents,
            clock=self.clock,
        )
        return ChannelDelivery(
            self.store,
            ConversationChanges(self.store, notifier, agents.learn),
            Messages(self.store, notifier, self.clock, agents.learn),
            notifier,
        )

    def _settings(self, account_id: str) -> ChannelSettings:
        assert ACCOUNT == account_id
        if self.settings is None:
            raise MisconfiguredAccount("the parameter is missing")
        return self.settings

    # ── What happens ──

    def hear(self, raw: object, kind: str = MESSAGING_EVENT, **message: Any) -> None:
        """Deliver a change; ``message`` replaces fields of the queue's message."""
        self.handle({"account_id": ACCOUNT, "type": kind, "change": raw}, **message)

    def hear_state(self, **details: Any) -> None:
        """Deliver a state of the conversation."""
        self.hear(conversation_change(**details), CONVERSATION_CHANGE)

    def hear_failure(self, **other: Any) -> None:
        """Deliver what tells of an event that LivePerson refused."""
        failure = {**FAILURE, **other}
        self.handle({"account_id": ACCOUNT, "type": EVENT_FAILED, "failure": failure})

    def handle(self, body: object, **message: Any) -> None:
        """Deliver a queued message."""
        self.flow.handle(received(json.dumps(body), **message))

    def answer(self, *statuses: int) -> None:
        """Let the channel answer the next calls so."""
        self.wire.answers.extend(statuses)

    def save_state(self, **known: Any) -> Conversation:
        """Let a state of the conversation be known already."""
        state = replace(OURS, **known)
        self.store.save_state(state)
        return state

    def lose_pointer(self, **known: Any) -> None:
        """Let it be lost which conversation the consumer is in, and let that be sought."""
        self.store.point_consumer_at(OURS, replace(OURS, is_open=False, is_ended=True))
        self.save_state(**known)
        self.store.seek_conversation(ACCOUNT)
        assert self.person.conversation_id is None

    def break_circuit(self, failures: int = OPEN_AFTER) -> None:
        """Let the channel have failed so often, in several groups."""
        for number in range(failures):
            self.setbacks.note_failure(
                ACCOUNT, CHANNEL, self.circuit, self.clock(), f"group-{number}"
            )

    # ── What there is to see ──

    @property
    def told(self) -> list[dict[str, Any]]:
        """What the channel got, in order."""
        return [body for _, _, body in self.wire.calls]

    @property
    def ids(self) -> list[str]:
        """The ids of the callbacks."""
        return [headers["webhook-id"] for _, headers, _ in self.wire.calls]

    @property
    def person(self) -> Consumer:
        """What is known of the consumer."""
        known = self.store.load_consumer(ACCOUNT, KEY)
        assert known is not None
        return known

    @property
    def conversation(self) -> Conversation | None:
        """What is known of the conversation."""
        return self.store.load_conversation(ACCOUNT, CONVERSATION)

    @property
    def circuit(self) -> CircuitState | None:
        """What is known of the channel's circuit."""
        return self._known().outage

    def was_delivered(self, identity: str) -> bool:
        """Whether a notification counts as delivered."""
        return self._known(identity).was_delivered

    def _known(self, *identities: str) -> NotificationState:
        return self.store.load_notification(ACCOUNT, CONVERSATION, identities, (), "group-1")


def numbered(output: Output) -> list[tuple[str, int]]:
    """Give what the log says of which message."""
    return [(each["message"], each["sequence"]) for each in output.lines]
