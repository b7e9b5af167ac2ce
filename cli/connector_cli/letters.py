"""
Dead letters, read without being moved.

SQS shows a message only by lending it. Letters are borrowed for as long as it takes to see them,
and then given back. Of a group with more than ten SQS shows ten: the others are only counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from liveperson_connector.aws.queues import Queue
from liveperson_connector.domain.errors import Transient
from liveperson_connector.domain.pseudonyms import consumer_key, short
from liveperson_connector.domain.queue_messages import QueueMessage
from liveperson_connector.flows.dead_letter_redrive import (
    Request,
    reason_of,
    reason_to_leave,
)

from .stack import Stack

QUEUES = {"consumer-events": "ConsumerEvents", "notifications": "Notifications"}
"""The queues that have dead letters, by the names that dead_letter_redrive knows."""

_MOST = 10_000


@dataclass(frozen=True)
class Letter:
    """A dead letter: which queue it is of, and what SQS lends."""

    queue: str
    received: QueueMessage
    salt: str

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """What was queued; empty if it cannot be read."""
        try:
            read = json.loads(self.received.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def id(self) -> str:
        """What the operator calls it."""
        return self.received.message_id

    @property
    def reason(self) -> str:
        """Why it is dead."""
        return reason_of(self.received)

    @property
    def account_id(self) -> str:
        """Whose it is."""
        return str(self.body.get("account_id", ""))

    @property
    def consumer_id(self) -> str:
        """The channel's own id of its consumer, which is not shown; empty where it names none."""
        named = self.body.get("consumer_id") or self._part("failure").get("consumer_id")
        return str(named or "")

    @property
    def consumer(self) -> str:
        """The pseudonym of its consumer, as in the logs; empty where the letter names none."""
        if not self.consumer_id:
            return ""
        return short(consumer_key(self.salt, self.account_id, self.consumer_id))

    @property
    def conversation_id(self) -> str:
        """Its conversation; empty for a consumer's event."""
        change = self._part("change")
        result = change.get("result")
        named = change.get("conversationId") or change.get("dialogId")
        return str(named or (result.get("convId") if isinstance(result, dict) else "") or "")

    def facts(self) -> dict[str, Any]:
        """Tell everything about it but what was said in it."""
        told = self.received.attributes
        return {
            "id": self.id,
            "queue": self.queue,
            "reason": self.reason,
            "problem": told.get("problem"),
            "http_status": told.get("http_status"),
            "error_code": told.get("error_code"),
            "attempts": told.get("attempts"),
            "redrives": self.received.redrives,
            "first_failed_at": told.get("first_failed_at"),
            "dead_since": self.received.sent_at,
            "account_id": self.account_id,
            "consumer": self.consumer or None,
            "conversation_id": self.conversation_id or None,
            "event_id": self.body.get("id") or self._part("event").get("id"),
            "type": self.body.get("type") or self._part("event").get("type"),
            "trace": self.received.correlation_id,
        }

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.body.get(name)
        return part if isinstance(part, dict) else {}


class DeadLetters:
    """The dead letters of a stack's two queues."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("sqs")
        self._salt = stack.consumer_id_salt
        self._urls = {
            name: stack.physical(f"{logical}DeadLetters") for name, logical in QUEUES.items()
        }

    @contextmanager
    def borrowed(self, queue: str | None = None) -> Iterator[list[Letter]]:
        """Lend the letters of one queue or of both; those that are still there are given back."""
        found = [letter for name in QUEUES if queue in (None, name) for letter in self._take(name)]
        try:
            yield found
        finally:
            for letter in found:
                self._give_back(letter)

    def read(self, queue: str | None = None) -> list[Letter]:
        """Return the letters as they are, and leave them."""
        with self.borrowed(queue) as letters:
            return letters

    def count(self, queue: str | None = None) -> int:
        """Return how many there are, about, with those that SQS does not show."""
        return sum(self._count(name) for name in QUEUES if queue in (None, name))

    def discard(self, letter: Letter) -> None:
        """Delete a borrowed letter for ever."""
        self._queue(letter.queue).delete(letter.received.receipt_handle)

    def _take(self, name: str) -> list[Letter]:
        found: dict[str, Letter] = {}
        if not self._count(name):
            return []
        while len(found) < _MOST and (batch := self._queue(name).receive()):
            for received in batch:
                found[received.message_id] = Letter(name, received, self._salt)
        return list(found.values())

    def _count(self, name: str) -> int:
        numbers = self._client.get_queue_attributes(
            QueueUrl=self._urls[name], AttributeNames=["All"]
        )["Attributes"]
        waiting = int(numbers["ApproximateNumberOfMessages"])
        return waiting + int(numbers["ApproximateNumberOfMessagesNotVisible"])

    def _give_back(self, letter: Letter) -> None:
        try:
            self._queue(letter.queue).hide(letter.received.receipt_handle, 0)
        except Transient:  # it was discarded, or its time is over anyway
            return

    def _queue(self, name: str) -> Queue:
        return Queue(self._client, self._urls[name])


def matching(letters: list[Letter], filters: Mapping[str, str]) -> list[Letter]:
    """Choose letters as dead_letter_redrive does: every filter must match."""
    request = Request(filters=filters)
    return [
        letter for letter in letters if reason_to_leave(letter.received, request) != "not_asked_for"
    ]
