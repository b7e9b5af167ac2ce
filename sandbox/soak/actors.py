"""The actors of a soak: consumers on their channel, and the brand's side in LivePerson."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Any

import requests

from sandbox.channel import ConnectorClient
from sandbox.soak import tagged_texts
from sandbox.soak.plan import Action
from sandbox.system import System
from simulator import ControlRefused, SimulatedLivePerson, sign

PUT_OFF_SECONDS = 1.0
TRIES_APART_SECONDS = (0.5, 1.0, 2.0)
GIVE_UP_SECONDS = 300.0


def consumer_id(number: int) -> str:
    """Return a consumer's id on the channel: a telephone number, or something else."""
    return f"+49 151/{number:04d}" if number % 2 else f"consumer.{number}@example.com 😀"


@dataclass(frozen=True)
class Posted:
    """A consumer event, the connector's last answer, and the number of attempts."""

    action: Action
    status: int
    tries: int
    at: float
    """When the last answer came."""


@dataclass(frozen=True)
class Said:
    """A message of the brand's side in one of the connector's conversations."""

    tag: str
    consumer: int
    conversation_id: str
    sequence: int
    at: float


class Consumers:
    """Every consumer in its own thread: each waits for a 202 before its next event."""

    def __init__(self, system: System, actions: Iterable[Action], began: float) -> None:
        self.posted: list[Posted] = []
        self._where = system.endpoints
        self._began = began
        self._heard: dict[int, tuple[str, list[int]]] = {}
        mine = [action for action in actions if action.what.startswith("consumer_")]
        self._threads = [
            threading.Thread(target=self._live, args=([a for a in mine if a.consumer == who],))
            for who in sorted({action.consumer for action in mine})
        ]

    def start(self) -> None:
        """Start every consumer."""
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def are_done(self) -> bool:
        """Whether every event was posted and answered."""
        return not any(thread.is_alive() for thread in self._threads)

    def _live(self, actions: list[Action]) -> None:
        where = self._where
        client = ConnectorClient(where.channel_api_url, where.channel_api_key, where.account_id)
        for action in actions:
            _wait_until(self._began + action.at)
            self.posted.append(_post(client, action))


def event_of(action: Action) -> dict[str, Any]:
    """Return the consumer event of an action."""
    kind = action.what.removeprefix("consumer_")
    fields: dict[str, dict[str, Any]] = {
        "text": {"text": action.text},
        "repeats": {"text": action.text},
        "typing": {"state": "composing"},
        "receipt": {"status": "read", "sequences": [0]},
        "close": {"survey": False},
        "profile": {"personal": {"firstname": f"Consumer {action.consumer}"}},
    }
    name = "text" if kind == "repeats" else kind
    return {"id": action.event_id, "type": name, **fields[kind]}


def _post(client: ConnectorClient, action: Action) -> Posted:
    """Post an event as a good channel does: again, with the same id, until it is answered."""
    who, event = consumer_id(action.consumer), event_of(action)
    began, tries = time.time(), 0
    while True:
        tries += 1
        status = _try(client, who, event)
        over = time.time() - began > GIVE_UP_SECONDS
        if over or not (status in {0, 429} or status >= 500):
            return Posted(action, status, tries, time.time())
        time.sleep(TRIES_APART_SECONDS[min(tries, len(TRIES_APART_SECONDS)) - 1])


def _try(client: ConnectorClient, who: str, event: dict[str, Any]) -> int:
    try:
        return client.send(who, event).status
    except requests.RequestException:
        return 0


class Brand:
    """Agents who answer, other channels' conversations, and webhooks that are sent again."""

    def __init__(self, system: System, actions: Iterable[Action], began: float) -> None:
        self.said: list[Said] = []
        self.notes = 0
        self.unsaid = 0
        """How many actions found no open conversation until the end."""
        self._liveperson = _simulated(system)
        self._account = system.account
        self._webhook_url = system.endpoints.webhook_url
        self._began = began
        self._stopped = threading.Event()
        self._due = [
            (action.at, action) for action in actions if not action.what.startswith("consumer_")
        ]
        heapify(self._due)
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        """Start acting."""
        self._thread.start()

    def stop(self) -> None:
        """Stop acting; count what was not said."""
        self._stopped.set()
        self._thread.join()
        self.unsaid = len(self._due)

    def _live(self) -> None:
        while self._due and not self._stopped.is_set():
            at, action = self._due[0]
            if not _sleep_until(self._began + at, self._stopped):
                return
            heappop(self._due)
            if not self._do(action):
                heappush(self._due, (time.time() - self._began + PUT_OFF_SECONDS, action))

    def _do(self, action: Action) -> bool:
        """Carry out one action; return False if it has to wait, for example for a conversation."""
        handlers: dict[str, Callable[[Action], bool]] = {
            "agent_text": self._answer,
            "agent_note": self._note,
            "agent_closes": self._close,
            "foreign_conversation": self._pass_by,
            "webhook_again": self._send_again,
        }
        try:
            return handlers[action.what](action)
        except ControlRefused:  # the conversation was closed in between
            return False

    def _answer(self, action: Action) -> bool:
        conversation_id = self._open_conversation(action.consumer)
        if not conversation_id:
            return False
        account = self._account.account_id
        sequence = self._liveperson.agent_text(account, conversation_id, action.text)
        [tag] = tagged_texts.tags(action.text)
        self.said.append(Said(tag, action.consumer, conversation_id, sequence, time.time()))
        return True

    def _note(self, action: Action) -> bool:
        conversation_id = self._open_conversation(action.consumer)
        if conversation_id:
            self._liveperson.private_note(self._account.account_id, conversation_id, action.text)
            self.notes += 1
        return bool(conversation_id)

    def _close(self, action: Action) -> bool:
        conversation_id = self._open_conversation(action.consumer)
        if conversation_id:
            self._liveperson.close(self._account.account_id, conversation_id)
        return bool(conversation_id)

    def _pass_by(self, action: Action) -> bool:
        self._liveperson.foreign_conversation(self._account.account_id, list(action.texts))
        return True

    def _send_again(self, action: Action) -> bool:
        """Send an earlier webhook again, as LivePerson may for three days."""
        past = [
            each
            for each in self._liveperson.deliveries(self._account.account_id)
            if each["delivered"]
        ]
        if not past:
            return False
        chosen = past[int(action.pick * len(past))]
        kind = chosen["kind"]
        document = {"kind": "notification", "body": {"changes": chosen["changes"]}, "type": kind}
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "content-type": "application/json",
            "x-liveperson-account-id": self._account.account_id,
            "x-liveperson-client-id": self._account.client_id,
            "x-liveperson-signature": sign(body, self._account.client_secret),
        }
        with suppress(requests.RequestException):
            requests.post(self._webhook_url, data=body, headers=headers, timeout=10)
        return True

    def _open_conversation(self, consumer: int) -> str:
        """Return the id of a consumer's open conversation by its texts; empty without one."""
        mark = f"[c{consumer}-"
        for each in reversed(self._liveperson.conversations(self._account.account_id)):
            ours = each["stage"] == "OPEN" and not each["foreign"]
            if ours and any(mark in line.get("text", "") for line in each["transcript"]):
                return str(each["conversation_id"])
        return ""


def _simulated(system: System) -> SimulatedLivePerson:
    if system.liveperson is None:
        raise TypeError("a soak needs the simulated LivePerson")
    return system.liveperson


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def _sleep_until(moment: float, stopped: threading.Event) -> bool:
    """Wait for a moment; return False if stopped before."""
    return not stopped.wait(max(0.0, moment - time.time()))
