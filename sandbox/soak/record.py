"""What happened in a soak, as plain values: the only input of the invariants."""

import json
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.soak import tagged_texts
from sandbox.soak.actors import Posted, Said
from sandbox.soak.channel import Call
from sandbox.soak.fault_injection import PastDisruption
from sandbox.soak.plan import Plan
from sandbox.system import System
from simulator import SimulatedLivePerson

MAIN_QUEUES = ("consumer-events.fifo", "notifications.fifo")
MISSING_FILES = "ModuleNotFoundError"
"""Seen on a busy machine after workers were killed: the emulator keeps a layer's files in a folder
for each worker. Such a request is answered 500 and posted again; it is only counted."""
DEAD_LETTERS = ("consumer-events-dlq.fifo", "notifications-dlq.fifo")


@dataclass(frozen=True)
class Heard:
    """A consumer's message in LivePerson's transcript."""

    tags: tuple[str, ...]
    text: str
    conversation_id: str
    dialog_id: str
    sequence: int
    at: float


@dataclass(frozen=True)
class Arrival:
    """The first webhook of a message that the connector answered 200."""

    conversation_id: str
    dialog_id: str
    sequence: int
    at: float


@dataclass(frozen=True)
class Dead:
    """A dead letter."""

    queue: str
    reason: str
    tags: tuple[str, ...]
    event_id: str
    consumer_id: str


@dataclass(frozen=True)
class AppliedFault:
    """One request or webhook that a fault spoilt."""

    at: float
    service: str
    kind: str
    delay_ms: float
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Waiting:
    """A message that is still in a queue."""

    queue: str
    receives: int
    visible: bool
    body: str = field(repr=False)


@dataclass
class Record:
    """The whole evidence of a soak."""

    plan: Plan
    posted: list[Posted]
    said: list[Said]
    heard: list[Heard]
    arrivals: list[Arrival]
    calls: list[Call]
    dead: list[Dead]
    applied_faults: list[AppliedFault]
    past_disruptions: list[PastDisruption]
    began: float
    calm_at: float
    """When the last fault ended."""
    settled_at: float | None
    """When nothing was in transit any more; None if that was not reached in time."""
    waiting: list[Waiting] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    sentinel_calls: int = 0
    would_be_disabled: bool = False
    webhooks: int = 0
    notes: int = 0
    unsaid: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """How often each outcome is in the functions' logs."""
    bugs: list[str] = field(default_factory=list)
    """Log lines of unexpected errors."""
    missing_files: int = 0


def heard(liveperson: SimulatedLivePerson, account_id: str) -> list[Heard]:
    """List consumers' messages in LivePerson's order, conversation by conversation."""
    return [
        Heard(
            tuple(tagged_texts.tags(line["text"])),
            line["text"],
            conversation["conversation_id"],
            line["dialog_id"],
            line["sequence"],
            line["at"] / 1000,
        )
        for conversation in liveperson.conversations(account_id)
        if not conversation["foreign"]
        for line in conversation["transcript"]
        if line["role"] == "CONSUMER" and "text" in line
    ]


def arrivals(liveperson: SimulatedLivePerson, account_id: str) -> list[Arrival]:
    """List the messages whose webhooks were accepted, in the order of acceptance."""
    first: dict[tuple[str, int], Arrival] = {}
    for attempt in liveperson.deliveries(account_id):
        if not attempt["delivered"]:
            continue
        for change in attempt["changes"]:
            if "sequence" in change and "dialogId" in change:
                key = (change["dialogId"], change["sequence"])
                first.setdefault(key, Arrival(attempt["conversation_id"], *key, attempt["at"]))
    return list(first.values())


def applied_faults(liveperson: SimulatedLivePerson) -> list[AppliedFault]:
    """List the faults that the simulated LivePerson applied."""
    return [
        AppliedFault(
            each["at"],
            each["service"],
            each["kind"],
            each["delay_ms"],
            tuple(tagged_texts.tags(each["body"] or "")),
        )
        for each in liveperson.faults_applied()
    ]


def dead(system: System) -> list[Dead]:
    """List the dead letters without receiving them."""
    return [
        Dead(
            name,
            _attribute(letter, "reason"),
            tuple(tagged_texts.tags(json.dumps(_body(letter), ensure_ascii=False))),
            str(_body(letter).get("event", {}).get("id", "")),
            str(_body(letter).get("consumer_id", "")),
        )
        for name in DEAD_LETTERS
        for letter in peek(system, name)
    ]


def waiting(system: System) -> list[Waiting]:
    """List the messages that are still in the main queues."""
    return [
        Waiting(name, message["ReceiveCount"], message["IsVisible"], message["Body"])
        for name in MAIN_QUEUES
        for message in peek(system, name)
    ]


def peek(system: System, queue: str) -> list[dict[str, Any]]:
    """Return all messages of a queue; the emulator can show them without delivering them."""
    query = urllib.parse.urlencode({"QueueUrl": system.endpoints.queues[queue]})
    url = f"{system.endpoints.aws_endpoint_url}/_ministack/sqs/messages?{query}"
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 (loopback)
        accounts = json.load(answer)["messages"]
    return [
        message
        for regions in accounts.values()
        for queues in regions.values()
        for messages in queues.values()
        for message in messages
    ]


def log_lines(system: System) -> Iterator[dict[str, Any]]:
    """Read the functions' structured log lines."""
    logs = system.aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        for page in pages:
            for event in page["events"]:
                yield from _lines(event["message"])


def outcomes(lines: Iterable[dict[str, Any]]) -> Counter[str]:
    """Count the outcomes in log lines, by function."""
    return Counter(f"{line['function']}: {line['message']}" for line in lines if "function" in line)


def bugs(lines: Iterable[dict[str, Any]]) -> list[str]:
    """List the unexpected errors with the places where they were raised."""
    return [
        f"{line.get('function')}: {line.get('kind')} at {line.get('places')}"
        for line in lines
        if _is_unexpected(line) and line.get("kind") != MISSING_FILES
    ]


def missing_files(lines: Iterable[dict[str, Any]]) -> int:
    """Count the requests that failed because a worker's files were gone."""
    return sum(_is_unexpected(line) and line.get("kind") == MISSING_FILES for line in lines)


def _is_unexpected(line: Mapping[str, Any]) -> bool:
    return line.get("message") == "unexpected" and line.get("level") == "ERROR"


def since(began: float) -> float:
    """Return how many seconds ago a moment was."""
    return time.time() - began


def _lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict) and "message" in document:
            yield document


def _attribute(letter: Mapping[str, Any], name: str) -> str:
    found = letter["MessageAttributes"].get(name, {})
    return str(found.get("StringValue", ""))


def _body(letter: Mapping[str, Any]) -> dict[str, Any]:
    body = json.loads(letter["Body"])
    return body if isinstance(body, dict) else {}
