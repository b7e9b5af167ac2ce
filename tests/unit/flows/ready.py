"""
A brand with a ready channel, in this process: real flows and store, both partners modelled.

The provider is the one that there is not, of ``tests/support/sixth_channel.py``; it notes what its
person would see, and answers as a test says.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from liveperson_connector.channel.adapters.interface import Adapter, Capabilities, Settings
from liveperson_connector.channel.ready_channels import AdapterOf
from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.ready_channels import Person
from tests.simulation.connector import DEAD_NOTIFICATIONS, PREFIX, Partner, parameters_of
from tests.simulation.fake_http import Call, Reply
from tests.support.accounts import ACCOUNT, SALT
from tests.support.ready_channels import NAME, SETTINGS, said, webhook
from tests.support.sixth_channel import Pigeon
from tests.support.webhooks import message_change, notification
from tests.unit.flows.outbound_messaging.outbound import Outbound, key_of

PICTURE = b"\xff\xd8\xff\xe0 a picture, as its first bytes say"


class Able(Pigeon):
    """The test's adapter with other capabilities."""

    def __init__(self, **can: Any) -> None:
        self.can = can

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what it can carry."""
        return replace(super().capabilities(settings), **self.can)


class Provider:
    """Takes requests, notes them, and answers with an id unless a test lines up something else."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: deque[Reply] = deque()
        self.pictures: dict[str, Reply] = {}

    @staticmethod
    def unlucky(_call: Call) -> bool:
        """Treat every request alike."""
        return False

    def route(self, url: str, _headers: Mapping[str, str]) -> tuple[str, str]:
        """Name the service."""
        assert url.startswith("https://api.pigeon.example/"), url
        return "provider", ACCOUNT

    def receive(self, call: Call) -> Callable[[], Reply]:
        """Take a request."""
        self.calls.append(call)
        if self.answers:
            answer = self.answers.popleft()
            return lambda: answer
        if call.method == "GET":
            return lambda: self.pictures[call.url.rpartition("/")[2]]
        return lambda: Reply(201, {"id": f"sent-{len(self.sent)}"})

    @property
    def sent(self) -> list[dict[str, Any]]:
        """What was sent to persons, in order."""
        return [json.loads(each.body) for each in self.calls if each.method == "POST"]


class Ready(Outbound):
    """All of it, both ways."""

    def __init__(self, *, can: Mapping[str, Any] | None = None, **settings: Any) -> None:
        self.given = {**SETTINGS, **settings}
        self.pigeons = Provider()
        self.adapter: Adapter = Able(**(can or {}))
        super().__init__()

    def parameters(self) -> dict[str, str]:
        """Write the account's parameters, one of a ready channel among them."""
        name = f"{PREFIX}/accounts/{ACCOUNT}/channels/{NAME}"
        return {**parameters_of(ACCOUNT, receipts=False), name: json.dumps(self.given)}

    def provider(self) -> tuple[Partner, AdapterOf]:
        """Give the provider, and what finds its adapter."""
        return self.pigeons, lambda kind: {"pigeon": self.adapter}[kind]

    def write_parameter(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a parameter, as an operator does."""
        self.ssm.put_parameter(Name=name, Value=json.dumps(value))

    def webhook(self, *messages: Mapping[str, Any]) -> None:
        """Let the provider tell something, and carry it out."""
        request = webhook(*map(dict, messages))
        self.container.provider_intake.receive(ACCOUNT, NAME, request)
        self.work()

    def write(self, text: str, message_id: str = "p-1") -> None:
        """Let the person write something."""
        self.webhook(said(text, message_id))

    def agent(self, sequence: int = 1, **event: Any) -> None:
        """Let the agent do something in the person's conversation, and let it travel."""
        said_ = {"type": "ContentEvent", "contentType": "text/plain", **event}
        self.told(
            message_change(
                sequence=sequence,
                conversation_id=self.conversation_id,
                serverTimestamp=int(self.clock() * 1000),
                event=said_,
            )
        )

    def told(self, *changes: Mapping[str, Any]) -> None:
        """Let LivePerson tell something, and let it travel."""
        self.webhooks.append(notification(*changes))
        self.hear()

    def later(self, seconds: float) -> None:
        """Let time pass, and what waited on its way to the person travel."""
        self.clock.now += seconds
        self.hear()

    @property
    def texts(self) -> list[str]:
        """What the person reads."""
        return [each["text"] for each in self.pigeons.sent if "text" in each]

    @property
    def dead(self) -> list[str]:
        """Why notifications are dead letters."""
        letters = self.queues[DEAD_NOTIFICATIONS].messages
        return [each.attributes["reason"]["StringValue"] for each in letters]

    def receipts(self) -> list[tuple[str, list[int]]]:
        """Give what LivePerson was told of messages."""
        self.work()
        told = self.events("AcceptStatusEvent")
        return [(each["status"], each["sequenceList"]) for each in told]

    @property
    def key(self) -> str:
        """The person's pseudonym."""
        return key_of(f"{NAME}:ann", NAME)

    @property
    def person(self) -> Person:
        """What is remembered of the person."""
        return self.container.persons.load_person(ACCOUNT, self.key)

    def conversation(self) -> Conversation:
        """Give what is remembered of the person's conversation."""
        known = self.container.store.load_conversation(ACCOUNT, self.conversation_id)
        assert known
        return known

    @property
    def conversation_id(self) -> str:
        """The person's open conversation."""
        return self.consumer(f"{NAME}:ann", NAME).conversation_id or ""


__all__ = ["SALT", "Ready"]
