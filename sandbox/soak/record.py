"""What happened in a soak, as plain values: all that the judge gets to see."""

import json
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.soak import tagged_texts as words
from sandbox.soak.actors import Posted, Said
from sandbox.soak.channel import Call
from sandbox.soak.fault_injection import Happened
from sandbox.soak.plan import Plan
from sandbox.system import System
from simulator import SimulatedLivePerson

MAIN_QUEUES = ("consumer-events.fifo", "notifications.fifo")
MISSING_FILES = "ModuleNotFoundError"
"""Seen on a busy machine after workers were killed: the emulator keeps a layer's files in a folder
for each worker. Such a request is answered 500 and posted again; it is counted, not judged."""
DEAD_LETTERS = ("consumer-events-dlq.fifo", "notifications-dlq.fifo")


@dataclass(frozen=True)
class Heard:
    """A message of a consumer, as LivePerson has it."""

    tags: tuple[str, ...]
    text: str
    conversation_id: str
    dialog_id: str
    sequence: int
    at: float


@dataclass(frozen=True)
class Arrival:
    """A message whose webhook the connector answered 200, for the first time."""

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
class Struck:
    """One request or webhook that was spoilt."""

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
    """Everything that is to be judged."""

    plan: Plan
    posted: list[Posted]
    said: list[Said]
    heard: list[Heard]
    arrivals: list[Arrival]
    calls: list[Call]
    dead: list[Dead]
    struck: list[Struck]
    happened: list[Happened]
    began: float
    calm_at: float
    """When the last fault was over."""
    settled_at: float | None
    """When nothing was on its way any more; none if that was not reached in time."""
    waiting: list[Waiting] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    sentinel_calls: int = 0
    would_be_disabled: bool = False
    webhooks: int = 0
    notes: int = 0
    unsaid: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    """What the functions' own logs count."""
    bugs: list[str] = field(default_factory=list)
    """Log lines of errors that nobody foresaw."""
    missing_files: int = 0


def heard(liveperson: SimulatedLivePerson, account_id: str) -> list[Heard]:
    """List what consumers said, in LivePerson's order: conversation by conversation."""
    return [
        Heard(
            tuple(words.tags(line["text"])),
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
    """List the messages whose webhooks got through, in the order in which they did."""
    first: dict[tuple[str, int], Arrival] = {}
    for attempt in liveperson.deliveries(account_id):
        if not attempt["delivered"]:
            continue
        for change in attempt["changes"]:
            if "sequence" in change and "dialogId" in change:
                key = (change["dialogId"], change["sequence"])
                first.setdefault(key, Arrival(attempt["conversation_id"], *key, attempt["at"]))
    return list(first.values())


def struck(liveperson: SimulatedLivePerson) -> list[Struck]:
    """List what LivePerson's side spoilt."""
    return [
        Struck(
            each["at"],
            each["service"],
            each["kind"],
            each["delay_ms"],
            tuple(words.tags(each["body"] or "")),
        )
        for each in liveperson.faults_applied()
    ]


def dead(system: System) -> list[Dead]:
    """List the dead letters, without taking them."""
    return [
        Dead(
            name,
            _attribute(letter, "reason"),
            tuple(words.tags(json.dumps(_body(letter), ensure_ascii=False))),
            str(_body(letter).get("event", {}).get("id", "")),
            str(_body(letter).get("consumer_id", "")),
        )
        for name in DEAD_LETTERS
        for letter in peek(system, name)
    ]


def waiting(system: System) -> list[Waiting]:
    """List what is still on its way."""
    return [
        Waiting(name, message["ReceiveCount"], message["IsVisible"], message["Body"])
        for name in MAIN_QUEUES
        for message in peek(system, name)
    ]


def peek(system: System, queue: str) -> list[dict[str, Any]]:
    """Look at all messages of a queue; the emulator can show them without handing them out."""
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
    """Count what the functions said they came to."""
    return Counter(f"{line['function']}: {line['message']}" for line in lines if "function" in line)


def bugs(lines: Iterable[dict[str, Any]]) -> list[str]:
    """List the errors nobody foresaw, with the places where they arose."""
    return [
        f"{line.get('function')}: {line.get('kind')} at {line.get('places')}"
        for line in lines
        if _is_unforeseen(line) and line.get("kind") != MISSING_FILES
    ]


def missing_files(lines: Iterable[dict[str, Any]]) -> int:
    """Count the requests that failed since a worker's files were gone."""
    return sum(_is_unforeseen(line) and line.get("kind") == MISSING_FILES for line in lines)


def _is_unforeseen(line: Mapping[str, Any]) -> bool:
    return line.get("message") == "unexpected" and line.get("level") == "ERROR"


def since(began: float) -> float:
    """Say how long ago something was."""
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
