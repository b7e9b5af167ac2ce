"""Where the feed comes from: the functions' logs, the simulated LivePerson, the demo channel."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from console.feed import Feed
from sandbox.console import skins
from sandbox.system import System

PAUSE_SECONDS = 0.5
STATE_SECONDS = 3.0

UP = "Up"
"""The state of LivePerson's retry mechanism in which all is well."""

# Lines come in a little after their own time stamp; so much is read again.
_OVERLAP_MS = 3_000

_NO_DETAILS = {"level", "location", "timestamp", "service", "message", "function", "xray_trace_id"}


class Watchers:
    """Threads that look for news until they are stopped."""

    def __init__(self, system: System, feed: Feed) -> None:
        self._system = system
        self._feed = feed
        self._stopping = threading.Event()
        self._callbacks = 0
        self._lines = LogLines(system)
        self._threads = [
            threading.Thread(target=self._repeat, args=(look, pause), daemon=True)
            for look, pause in (
                (self._look_at_logs, PAUSE_SECONDS),
                (self._look_at_partners, PAUSE_SECONDS),
                (self._look_at_state, STATE_SECONDS),
            )
        ]

    def start(self) -> None:
        """Begin to look."""
        for each in self._threads:
            each.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        for each in self._threads:
            each.join()

    def _repeat(self, look: Callable[[], None], pause: float) -> None:
        while not self._stopping.is_set():
            # The emulator may be busy, or on its way down; the next look tells.
            with suppress(BotoCoreError, ClientError, OSError):
                look()
            self._stopping.wait(pause)

    def _look_at_logs(self) -> None:
        for line in self._lines.new():
            self._feed.add("hop", line)

    def _look_at_partners(self) -> None:
        if channel := self._system.channel:
            callbacks = channel.callbacks()
            for each in callbacks[self._callbacks :]:
                looks = skins.looks(each.body) if isinstance(each.body, dict) else {}
                self._feed.add("callback", {**each.as_json(), "looks": looks})
            self._callbacks = len(callbacks)
        if liveperson := self._system.liveperson:
            for conversation in liveperson.conversations(self._system.account.account_id):
                if not conversation["foreign"]:
                    name = conversation["conversation_id"]
                    self._feed.replace("conversation", name, _for_the_desk(conversation))

    def _look_at_state(self) -> None:
        self._feed.replace("state", "", {"values": state(self._system)})


class LogLines:
    """The outcomes that the functions log, each once, as the page shows them."""

    def __init__(self, system: System) -> None:
        self._logs = system.aws.client("logs")
        self._since = int(time.time() * 1000)
        self._seen: dict[str, int] = {}

    def new(self) -> list[dict[str, Any]]:
        """Return the lines that came in since the last call, oldest first."""
        found = [
            line
            for group in self._groups
            for event in self._events(group)
            if self._is_new(event) and (line := hop(event))
        ]
        self._forget()
        return sorted(found, key=lambda line: line["at"])

    @cached_property
    def _groups(self) -> list[str]:
        pages = self._logs.get_paginator("describe_log_groups").paginate()
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    def _events(self, group: str) -> list[dict[str, Any]]:
        pages = self._logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=self._since
        )
        return [event for page in pages for event in page["events"]]

    def _is_new(self, event: dict[str, Any]) -> bool:
        name = f"{event['logStreamName']} {event['timestamp']} {event['message']}"  # no id locally
        is_new = name not in self._seen
        self._seen[name] = event["timestamp"]
        return is_new

    def _forget(self) -> None:
        newest = max(self._seen.values(), default=self._since)
        self._since = max(self._since, newest - _OVERLAP_MS)
        self._seen = {name: at for name, at in self._seen.items() if at >= self._since}


def hop(event: dict[str, Any]) -> dict[str, Any] | None:
    """Return what a log line says of one hop; None if it is none of the connector's outcomes."""
    try:
        said = json.loads(event["message"])
    except ValueError:
        return None
    if not isinstance(said, dict) or "_aws" in said or "function" not in said:
        return None
    return {
        "at": _said_at(said) or event["timestamp"] / 1000,
        "function": said["function"],
        "outcome": str(said.get("message", "")),
        "trace": str(said.get("trace", "")),
        "conversation_id": said.get("conversation_id", ""),
        "details": {name: value for name, value in said.items() if name not in _NO_DETAILS},
    }


def _said_at(said: dict[str, Any]) -> float | None:
    with suppress(KeyError, ValueError):
        return datetime.strptime(str(said["timestamp"]), "%Y-%m-%d %H:%M:%S,%f%z").timestamp()
    return None


def _for_the_desk(conversation: dict[str, Any]) -> dict[str, Any]:
    return {
        "conversation_id": conversation["conversation_id"],
        "state": conversation["state"],
        "messages": [_message(each) for each in conversation["transcript"]],
    }


def _message(line: dict[str, Any]) -> dict[str, Any]:
    content = line.get("event", {})
    message = content.get("message")
    text = line.get("text") or (message if isinstance(message, str) else "")
    if line["type"] == "RichContentEvent":
        text = "[structured content]"
    if isinstance(message, dict) and "relativePath" in message:
        text = f"[file] {message.get('caption', '')}"
    return {
        "sequence": line["sequence"],
        "role": line["role"],
        "is_note": line["audience"] != "ALL",
        "is_event": line["type"] in ("AcceptStatusEvent", "ChatStateEvent"),
        "text": text or _event_words(line["type"], content),
    }


def _event_words(kind: str, content: dict[str, Any]) -> str:
    if kind == "AcceptStatusEvent":
        return f"{content.get('status')} {content.get('sequenceList')}"
    if kind == "ChatStateEvent":
        return str(content.get("chatState", "")).lower()
    return kind


def state(system: System) -> list[dict[str, str]]:
    """Return what the page shows above, each value with whether it is well."""
    items = _items(system)
    down = [pk.split("#")[-1] for pk in items if pk.startswith("outage#")]
    held = sum(pk.startswith("hold#") for pk in items)
    values = [
        _value("circuit breakers", ", ".join(f"{each} open" for each in down), "closed"),
        _value("held groups", str(held) if held else "", "0"),
    ]
    for name, url in system.endpoints.queues.items():
        if "dlq" in name:
            letters = _depth(system, url)
            values.append(_value(name.replace(".fifo", ""), str(letters) if letters else "", "0"))
    if liveperson := system.liveperson:
        sender = liveperson.webhook_state(system.account.account_id)
        problem = "" if sender["state"] == UP else str(sender["state"])
        values.append(_value("webhooks", problem, UP))
    return values


def _value(name: str, problem: str, well: str) -> dict[str, str]:
    return {"name": name, "value": problem or well, "is": "bad" if problem else "good"}


def _items(system: System) -> list[str]:
    pages = system.aws.dynamodb.get_paginator("scan").paginate(
        TableName=system.endpoints.table_name, ProjectionExpression="pk"
    )
    return [item["pk"]["S"] for page in pages for item in page["Items"]]


def _depth(system: System, url: str) -> int:
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = system.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
    return sum(int(each) for each in found["Attributes"].values())
