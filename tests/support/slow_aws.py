"""
SQS and DynamoDB whose calls take ten milliseconds, and that many threads may call at once.

It has what a walk through dead letters calls. Ten milliseconds are about what AWS takes from a
function in its own region, so that what is measured against it can be compared.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

CALL_SECONDS = 0.01

Answer = dict[str, Any]


@dataclass
class _Message:
    message_id: str
    group: str
    entry: Mapping[str, Any]


@dataclass
class _Queue:
    """A FIFO queue: while one of a group is received, the others of the group are not shown."""

    groups: dict[str, deque[_Message]] = field(default_factory=dict)
    received: dict[str, list[_Message]] = field(default_factory=dict)
    sent: int = 0

    def put(self, *entries: Mapping[str, Any]) -> None:
        for entry in entries:
            self.sent += 1
            message = _Message(f"message-{self.sent}", entry["MessageGroupId"], entry)
            self.groups.setdefault(message.group, deque()).append(message)

    def take(self, most: int) -> list[_Message]:
        taken: list[_Message] = []
        for group in [each for each in self.groups if each not in self.received][:most]:
            waiting = self.groups[group]
            while waiting and len(taken) < most:
                taken.append(waiting.popleft())
                self.received.setdefault(group, []).append(taken[-1])
        return taken

    def drop(self, entries: Sequence[Answer]) -> None:
        for group, message_id in map(_receipt, entries):
            left = [each for each in self.received.pop(group) if each.message_id != message_id]
            if left:
                self.received[group] = left
            elif not self.groups[group]:
                del self.groups[group]

    def show(self, entries: Sequence[Answer]) -> None:
        for group, _ in map(_receipt, entries):
            self.groups[group].extendleft(reversed(self.received.pop(group, [])))

    def time_out(self) -> None:
        """Show what was received and neither deleted nor shown."""
        for group, messages in self.received.items():
            self.groups[group].extendleft(reversed(messages))
        self.received = {}


def _receipt(entry: Answer) -> tuple[str, str]:
    group, _, message_id = entry["ReceiptHandle"].partition("/")
    return group, message_id


class SlowSqs:
    """The client of SQS, with queues by URL."""

    def __init__(self, *names: str) -> None:
        self.queues = {name: _Queue() for name in names}
        self.calls = 0
        self._lock = Lock()

    def bodies(self, url: str) -> list[str]:
        """Give what stands in a queue, group by group."""
        return [m.entry["MessageBody"] for g in self.queues[url].groups.values() for m in g]

    def send_message(self, *, QueueUrl: str, **entry: Any) -> Answer:  # noqa: N803
        """Queue a message."""
        return self._call(QueueUrl, lambda queue: queue.put(entry))

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Answer]) -> Answer:  # noqa: N803
        """Queue up to ten."""
        return self._call(QueueUrl, lambda queue: queue.put(*Entries))

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, **_: Any) -> Answer:  # noqa: N803
        """Receive up to ten, of each group as many as there are."""
        taken: list[_Message] = []
        self._call(QueueUrl, lambda queue: taken.extend(queue.take(MaxNumberOfMessages)))
        return {"Messages": [_as_received(each) for each in taken]}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[Answer]) -> Answer:  # noqa: N803
        """Remove up to ten."""
        return self._call(QueueUrl, lambda queue: queue.drop(Entries))

    def change_message_visibility_batch(self, *, QueueUrl: str, Entries: list[Answer]) -> Answer:  # noqa: N803
        """Show up to ten again."""
        return self._call(QueueUrl, lambda queue: queue.show(Entries))

    def get_queue_attributes(self, *, QueueUrl: str, **_: Any) -> Answer:  # noqa: N803
        """Count."""
        queue = self.queues[QueueUrl]
        waiting = sum(map(len, queue.groups.values()))
        in_flight = sum(map(len, queue.received.values()))
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(waiting),
                "ApproximateNumberOfMessagesNotVisible": str(in_flight),
            }
        }

    def _call(self, url: str, act: Callable[[_Queue], object]) -> Answer:
        time.sleep(CALL_SECONDS)
        with self._lock:
            self.calls += 1
            act(self.queues[url])
        return {}


def _as_received(message: _Message) -> Answer:
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": f"{message.group}/{message.message_id}",
        "Body": message.entry["MessageBody"],
        "Attributes": {"MessageGroupId": message.group, "SentTimestamp": "1700000000000"},
        "MessageAttributes": message.entry["MessageAttributes"],
    }


class SlowTable:
    """A client of DynamoDB in front of another one that is quick."""

    def __init__(self, quick: object) -> None:
        self._quick = quick
        self._lock = Lock()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """Give an operation that takes its time."""
        act = getattr(self._quick, operation)

        def call(**request: Any) -> Any:
            time.sleep(CALL_SECONDS)
            with self._lock:
                return act(**request)

        return call
