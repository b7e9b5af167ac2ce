"""
The way from the channel to LivePerson, in this process: real flows and store, a modelled wire.

A test posts what a channel posts, says what LivePerson answers, and lets time pass. What was sent,
what stands in the queues and what the table remembers is there to look at.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from random import Random
from typing import Any

from liveperson_connector.channel.ready_channels import AdapterOf
from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.domain.conversations import Consumer, Progress
from liveperson_connector.domain.pseudonyms import consumer_key
from liveperson_connector.entrypoints.sqs import process_batch
from liveperson_connector.flows.dead_letter_redrive import Request
from tests.simulation.connector import (
    DEAD_EVENTS,
    DEAD_NOTIFICATIONS,
    EVENTS,
    NOTIFICATIONS,
    REFRESHES,
    TIMERS,
    Partner,
    Surroundings,
    new_container,
    parameters_of,
)
from tests.simulation.fake_http import Call, Reply, Wire
from tests.simulation.fake_partners import Channel, LivePerson
from tests.simulation.faults import Faults
from tests.simulation.scheduler import Scheduler
from tests.simulation.schedules import Fault, Schedule
from tests.simulation.services import Client, Fifo, Message, Sqs, Ssm, as_record
from tests.simulation.table import Table
from tests.support.accounts import ACCOUNT, SALT, channel_settings
from tests.support.messages import PHONE, posted
from tests.support.webhooks import signed_webhook

Object = dict[str, Any]

SIGNING_KEY = channel_settings("https://channel.example.com").signing_key


class Scripted(Faults):
    """Faults that a test lines up, by the name of what they spoil."""

    def __init__(self, kernel: Scheduler) -> None:
        super().__init__(Schedule(seed=1), kernel, [ACCOUNT])
        self.upcoming: defaultdict[str, deque[str]] = defaultdict(deque)

    def strikes(self, *targets: str, kinds: str = "", **_: str) -> Fault | None:
        """Return the next fault of a target, if there is one."""
        for target in targets:
            if self.upcoming[target] and not kinds:
                return Fault(self.upcoming[target].popleft(), target, 0.0, 0.0)
        return None


class Listened(LivePerson):
    """A LivePerson that notes what it is asked, and says once what a test wants to hear."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.asked: list[tuple[str, Object]] = []
        self.answers: defaultdict[str, deque[Reply]] = defaultdict(deque)

    def receive(self, call: Call) -> Callable[[], Reply]:
        """Take a request."""
        if call.service in {"send", "conversation"}:
            self.asked.append((call.service, json.loads(call.body)))
        if self.answers[call.service]:
            reply = self.answers[call.service].popleft()
            return lambda: reply
        if stored := self._stored(call):
            return lambda: stored
        return super().receive(call)

    @staticmethod
    def _stored(call: Call) -> Reply | None:
        """Answer as the storage of files does; what is in them is nobody's business here."""
        if call.service == "swift":
            return Reply(201) if call.method == "PUT" else Reply(200, b"a file of the agent's")
        asked = json.loads(call.body) if call.service == "send" else {}
        if asked.get("type", "").startswith("ms.GenerateURL"):
            place = {"relativePath": "/stored", "queryParams": {"key": "1"}}
            return Reply(200, {"code": "OK", "body": place})
        if asked.get("body", {}).get("event", {}).get("contentType") == "hosted/file":
            return Reply(200, {"code": "OK", "body": {"sequence": 100}})
        return None


class Bucket:
    """Keeps files, and makes addresses that show them."""

    def put_object(self, **_: Any) -> Object:
        """Keep a file."""
        return {}

    def generate_presigned_url(self, _operation: str, *, Params: Object, ExpiresIn: int) -> str:  # noqa: N803
        """Make an address."""
        return f"https://files.example.com/{Params['Key']}?for={ExpiresIn}"


class Outbound:
    """All of it."""

    table_of: type[Table] = Table

    def __init__(self) -> None:
        self.clock = Scheduler()
        self.faults = Scripted(self.clock)
        self.table = self.table_of()
        self.webhooks: list[bytes] = []
        self.liveperson = Listened(self.clock, self.faults, Random(1), self._deliver)  # noqa: S311
        self.channel = Channel(self.clock, {ACCOUNT: SIGNING_KEY})
        names = (EVENTS, DEAD_EVENTS, NOTIFICATIONS, DEAD_NOTIFICATIONS, TIMERS, REFRESHES)
        self.queues = {name: Fifo(name, self.clock) for name in names}
        self.ssm = Ssm(self.parameters())
        self.container = new_container(self._surroundings())
        self.container.token_refresh.refresh_all()

    def _surroundings(self) -> Surroundings:
        services = {
            "dynamodb": self.table,
            "sqs": Sqs(self.queues, self.clock, self.faults),
            "ssm": self.ssm,
            "lambda": self,
            "s3": Bucket(),
        }
        clients = {
            name: Client(name, each, self.clock, self.faults) for name, each in services.items()
        }
        return Surroundings(
            self.clock,
            Random(1),  # noqa: S311
            clients,
            self.liveperson,
            self.channel,
            lambda partner: Wire(self.clock, self.faults, partner.route, partner.receive),
            *self.provider(),
        )

    def parameters(self) -> dict[str, str]:
        """Write the account's parameters."""
        return parameters_of(ACCOUNT, receipts=False)

    def provider(self) -> tuple[Partner, AdapterOf] | tuple[()]:
        """Give the provider of a ready channel and what finds its adapter, if there is one."""
        return ()

    def invoke(self, *, Payload: bytes, **_: Any) -> Object:  # noqa: N803
        """Be the client by which `token_refresh` is invoked."""
        self.container.token_refresh.answer(json.loads(Payload))
        return {}

    def _deliver(self, _account: str, _lane: str, _conversation: str, body: bytes, _: Any) -> None:
        self.webhooks.append(body)

    # ── What happens ──

    def post(self, event: Object, consumer_id: str = PHONE) -> None:
        """Let the channel post an event."""
        self.container.message_intake.accept(ACCOUNT, consumer_id, posted(event))

    def say(self, text: str = "Hello", event_id: str = "m-1", consumer_id: str = PHONE) -> None:
        """Let a consumer say something, and carry it out."""
        self.post({"id": event_id, "type": "text", "text": text}, consumer_id)
        self.work()

    def work(self) -> None:
        """Carry out all that can be carried out now."""
        self._work(EVENTS, self.container.outbound_messaging)

    def end_typing(self) -> None:
        """Let the timers ring whose time has come."""
        self._work(TIMERS, self.container.typing_timers)

    def _work(self, queue: str, worker: RetryingConsumer) -> None:
        while message := self.take(queue):
            receipt = message.receipt
            answer = process_batch({"Records": [as_record(message, queue)]}, worker)
            if not answer["batchItemFailures"] and (done := self.queues[queue].find(receipt)):
                self.queues[queue].drop(done)

    def take(self, queue: str = EVENTS) -> Message | None:
        """Receive the next message, as a try that is cut off does; it is hidden for a while."""
        return next(iter(self.queues[queue].take(1)), None)

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass, and carry out what waited."""
        self.clock.now += seconds
        self.work()

    def hear(self) -> None:
        """Let LivePerson's webhooks arrive, and be seen to."""
        while self.webhooks:
            body = self.webhooks.pop(0)
            self.container.webhook_intake.receive(signed_webhook(body).headers, body)
        self._work(NOTIFICATIONS, self.container.channel_delivery)

    def redrive(self) -> None:
        """Put transient dead letters back."""
        self.container.dead_letter_redrive.redrive(Request())

    def spoil(self, target: str, *kinds: str) -> None:
        """Let the next calls to a service go wrong."""
        self.faults.upcoming[target].extend(kinds)

    def answer(self, service: str, status: int, body: object = None) -> None:
        """Let LivePerson answer the next request so."""
        self.liveperson.answers[service].append(Reply(status, body or {"code": status}))

    # ── What there is to see ──

    def said(self) -> list[str]:
        """Give what LivePerson has of consumers, in order."""
        return [line.text for _, line in self.liveperson.spoken if line.role == "CONSUMER"]

    def requests(self, service: str = "send") -> list[Object]:
        """Give what LivePerson was asked."""
        return [body for name, body in self.liveperson.asked if name == service]

    def events(self, kind: str) -> list[Object]:
        """Give the events of one type that were published."""
        bodies = [each["body"].get("event", {}) for each in self.requests()]
        return [each for each in bodies if each.get("type") == kind]

    def reasons(self) -> list[str]:
        """Give why consumer events are dead letters."""
        letters = self.queues[DEAD_EVENTS].messages
        return [each.attributes["reason"]["StringValue"] for each in letters]

    def failures(self) -> list[Object]:
        """Give what the channel is to be told of failures."""
        bodies = [json.loads(each.body) for each in self.queues[NOTIFICATIONS].messages]
        return [each for each in bodies if "failure" in each]

    def consumer(self, consumer_id: str = PHONE, channel: str = "") -> Consumer:
        """Give what is remembered of a consumer."""
        known = self.container.store.load_consumer(ACCOUNT, key_of(consumer_id, channel))
        assert known is not None
        return known

    def progress(self, event_id: str = "m-1", consumer_id: str = PHONE) -> Progress:
        """Give how far an event has come."""
        key = key_of(consumer_id)
        return self.container.store.load_event(ACCOUNT, key, event_id, "no group").progress


def key_of(consumer_id: str = PHONE, channel: str = "") -> str:
    """Give the pseudonym of a consumer."""
    return consumer_key(SALT, ACCOUNT, consumer_id, channel)
