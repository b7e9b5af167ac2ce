"""The people of a soak: consumers on their channel, and the brand's side in LivePerson."""

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
from sandbox.soak import tagged_texts as words
from sandbox.soak.plan import Act
from sandbox.system import System
from simulator import ControlRefused, SimulatedLivePerson, sign

PUT_OFF_SECONDS = 1.0
TRIES_APART_SECONDS = (0.5, 1.0, 2.0)
GIVE_UP_SECONDS = 300.0


def consumer_id(number: int) -> str:
    """Return a consumer's id on the channel: some are telephone numbers, some are not."""
    return f"+49 151/{number:04d}" if number % 2 else f"consumer.{number}@example.com 😀"


@dataclass(frozen=True)
class Posted:
    """A consumer event, what the connector answered in the end, and after how many tries."""

    act: Act
    status: int
    tries: int
    at: float
    """When it was answered for the last time."""


@dataclass(frozen=True)
class Said:
    """Something the brand's side said in one of our conversations."""

    tag: str
    consumer: int
    conversation_id: str
    sequence: int
    at: float


class Consumers:
    """Every consumer in a thread of its own, so that each waits for a 202 before it goes on."""

    def __init__(self, system: System, acts: Iterable[Act], began: float) -> None:
        self.posted: list[Posted] = []
        self._where = system.endpoints
        self._began = began
        self._heard: dict[int, tuple[str, list[int]]] = {}
        mine = [act for act in acts if act.what.startswith("consumer_")]
        self._threads = [
            threading.Thread(target=self._live, args=([a for a in mine if a.consumer == who],))
            for who in sorted({act.consumer for act in mine})
        ]

    def start(self) -> None:
        """Let them talk."""
        for thread in self._threads:
            thread.daemon = True
            thread.start()

    def are_done(self) -> bool:
        """Say whether everything was posted and answered."""
        return not any(thread.is_alive() for thread in self._threads)

    def _live(self, acts: list[Act]) -> None:
        where = self._where
        client = ConnectorClient(where.channel_api_url, where.channel_api_key, where.account_id)
        for act in acts:
            _wait_until(self._began + act.at)
            self.posted.append(_post(client, act))


def event_of(act: Act) -> dict[str, Any]:
    """Write the consumer event of an act."""
    kind = act.what.removeprefix("consumer_")
    fields: dict[str, dict[str, Any]] = {
        "text": {"text": act.text},
        "repeats": {"text": act.text},
        "typing": {"state": "composing"},
        "receipt": {"status": "read", "sequences": [0]},
        "close": {"survey": False},
        "profile": {"personal": {"firstname": f"Consumer {act.consumer}"}},
    }
    name = "text" if kind == "repeats" else kind
    return {"id": act.event_id, "type": name, **fields[kind]}


def _post(client: ConnectorClient, act: Act) -> Posted:
    """Post an event as a well-behaved channel does: again, with the same id, until it is told."""
    who, event = consumer_id(act.consumer), event_of(act)
    began, tries = time.time(), 0
    while True:
        tries += 1
        status = _try(client, who, event)
        over = time.time() - began > GIVE_UP_SECONDS
        if over or not (status in {0, 429} or status >= 500):
            return Posted(act, status, tries, time.time())
        time.sleep(TRIES_APART_SECONDS[min(tries, len(TRIES_APART_SECONDS)) - 1])


def _try(client: ConnectorClient, who: str, event: dict[str, Any]) -> int:
    try:
        return client.send(who, event).status
    except requests.RequestException:
        return 0


class Brand:
    """Agents who answer, other channels' conversations, and LivePerson sending webhooks again."""

    def __init__(self, system: System, acts: Iterable[Act], began: float) -> None:
        self.said: list[Said] = []
        self.notes = 0
        self.unsaid = 0
        """What found no open conversation until the end."""
        self._liveperson = _simulated(system)
        self._account = system.account
        self._webhook_url = system.endpoints.webhook_url
        self._began = began
        self._stopped = threading.Event()
        self._due = [(act.at, act) for act in acts if not act.what.startswith("consumer_")]
        heapify(self._due)
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        """Let them work."""
        self._thread.start()

    def stop(self) -> None:
        """Let them go home; what is still to be said stays unsaid."""
        self._stopped.set()
        self._thread.join()
        self.unsaid = len(self._due)

    def _live(self) -> None:
        while self._due and not self._stopped.is_set():
            at, act = self._due[0]
            if not _sleep_until(self._began + at, self._stopped):
                return
            heappop(self._due)
            if not self._do(act):
                heappush(self._due, (time.time() - self._began + PUT_OFF_SECONDS, act))

    def _do(self, act: Act) -> bool:
        """Do one act; false if it has to wait, for example for a conversation."""
        deeds: dict[str, Callable[[Act], bool]] = {
            "agent_text": self._answer,
            "agent_note": self._note,
            "agent_closes": self._close,
            "foreign_conversation": self._pass_by,
            "webhook_again": self._send_again,
        }
        try:
            return deeds[act.what](act)
        except ControlRefused:  # it was closed at this very moment
            return False

    def _answer(self, act: Act) -> bool:
        conversation_id = self._open_conversation(act.consumer)
        if not conversation_id:
            return False
        account = self._account.account_id
        sequence = self._liveperson.agent_text(account, conversation_id, act.text)
        [tag] = words.tags(act.text)
        self.said.append(Said(tag, act.consumer, conversation_id, sequence, time.time()))
        return True

    def _note(self, act: Act) -> bool:
        conversation_id = self._open_conversation(act.consumer)
        if conversation_id:
            self._liveperson.private_note(self._account.account_id, conversation_id, act.text)
            self.notes += 1
        return bool(conversation_id)

    def _close(self, act: Act) -> bool:
        conversation_id = self._open_conversation(act.consumer)
        if conversation_id:
            self._liveperson.close(self._account.account_id, conversation_id)
        return bool(conversation_id)

    def _pass_by(self, act: Act) -> bool:
        self._liveperson.foreign_conversation(self._account.account_id, list(act.texts))
        return True

    def _send_again(self, act: Act) -> bool:
        """Send a webhook of the past once more, as LivePerson may for three days."""
        past = [
            each
            for each in self._liveperson.deliveries(self._account.account_id)
            if each["delivered"]
        ]
        if not past:
            return False
        chosen = past[int(act.pick * len(past))]
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
        """Find a consumer's open conversation by what was said in it."""
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
    """Wait for a moment; false if we were stopped before."""
    return not stopped.wait(max(0.0, moment - time.time()))
