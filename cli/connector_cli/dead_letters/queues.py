"""
The dead-letter queues, read without changing them, or with some of their messages deleted.

SQS shows a message only by lending it: a read receives every message, and makes it visible again
when it is done. Of a group, SQS shows the first messages only; the others are counted as unseen.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.queues import Queue
from liveperson_connector.domain.pseudonyms import consumer_key, short
from liveperson_connector.domain.queue_messages import QueueMessage
from liveperson_connector.flows.dead_letter_redrive import (
    expires_at,
    facts_of,
    is_asked_for,
    may_go_behind,
    reason_of,
    to_go_behind,
)
from liveperson_connector.flows.dead_letter_walk import Fate, Plan, Walk

from ..stack import Stack

QUEUES = {"consumer-events": "ConsumerEvents", "notifications": "Notifications"}
"""The queues that have dead letters, by the names that dead_letter_redrive uses."""

# Each walker uses a connection of its own, and boto3 keeps ten.
_WALKERS = 8

# SQS shows a received message again after 360 s; a walk must be over by then.
_MAX_SECONDS = 300


@dataclass(frozen=True)
class DeadLetter:
    """A message in a dead-letter queue: the queue it came from, and what SQS returned."""

    queue: str
    received: QueueMessage
    salt: str

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The queued JSON object; empty if the body is not one."""
        try:
            read = json.loads(self.received.body)
        except ValueError:
            return {}
        return read if isinstance(read, dict) else {}

    @property
    def id(self) -> str:
        """The id that operators use; it stays the same however often the message is redriven."""
        return self.received.letter_id

    @property
    def reason(self) -> str:
        """Why the message was given up."""
        return reason_of(self.received)

    @cached_property
    def _owner(self) -> Mapping[str, str]:
        return facts_of(self.received)

    @property
    def account_id(self) -> str:
        """The LivePerson account; empty if the message names none."""
        return self._owner["account_id"]

    @property
    def consumer_id(self) -> str:
        """The channel's own id of the consumer, never printed; empty if the message has none."""
        return self._owner["consumer_id"]

    @property
    def consumer(self) -> str:
        """The consumer's pseudonym, as in the logs; empty if the message names no consumer."""
        if not self.consumer_id:
            return ""
        return short(consumer_key(self.salt, self.account_id, self.consumer_id, self.channel))

    @property
    def channel(self) -> str:
        """The name of the consumer's ready channel; empty for a channel of the brand's own."""
        return str(self.body.get("channel") or "")

    @property
    def conversation_id(self) -> str:
        """The conversation; empty for a consumer event."""
        return self._owner["conversation_id"]

    @property
    def event_id(self) -> str:
        """The id that the channel gave a consumer event; empty for a notification."""
        return str(self._part("event").get("id") or self._part("failure").get("event_id") or "")

    def facts(self) -> dict[str, Any]:
        """Return everything about the message except its content."""
        attributes = self.received.attributes
        return {
            "id": self.id,
            "queue": self.queue,
            "reason": self.reason,
            "problem": attributes.get("problem"),
            "http_status": attributes.get("http_status"),
            "error_code": attributes.get("error_code"),
            "attempts": attributes.get("attempts"),
            "redrives": self.received.redrives,
            "first_failed_at": attributes.get("first_failed_at"),
            "dead_since": self.received.accepted_at,
            "expires_at": expires_at(self.received),
            "account_id": self.account_id,
            "channel": self.channel or None,
            "consumer": self.consumer or None,
            "conversation_id": self.conversation_id or None,
            "event_id": self.event_id or None,
            "type": self.body.get("type") or self._part("event").get("type"),
            "trace": self.received.correlation_id,
        }

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.body.get(name)
        return part if isinstance(part, dict) else {}


def _age(letter: DeadLetter) -> tuple[str, datetime]:
    return letter.queue, letter.received.accepted_at


@dataclass(frozen=True)
class Found:
    """The dead letters that were read, and about how many were not."""

    letters: list[DeadLetter]
    unseen: int
    in_flight: int = 0
    """How many of the unseen ones another reader has received."""


class DeadLetters:
    """The dead letters of a stack's two queues."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("sqs")
        self._salt = stack.consumer_id_salt
        self._find_owner = cache(ConversationStore(stack.client("dynamodb"), stack.table).owner)
        self._urls = {
            name: stack.physical(f"{logical}DeadLetters") for name, logical in QUEUES.items()
        }

    def read(self, queue: str | None = None) -> Found:
        """Return the dead letters that SQS shows of one queue, or of both; change nothing."""
        return self._walk(queue, lambda _letter: Fate.STAYS, lambda _letter: False)

    def discard(
        self,
        queue: str | None,
        is_selected: Callable[[DeadLetter], bool],
        may_go_behind: Callable[[DeadLetter], bool],
    ) -> Found:
        """
        Delete the selected dead letters for good; return them, and about how many were not seen.

        A dead letter that stays and hides others is sent again behind them if ``may_go_behind``.
        """
        found = self._walk(
            queue, lambda letter: Fate.GONE if is_selected(letter) else Fate.STAYS, may_go_behind
        )
        return replace(found, letters=[each for each in found.letters if is_selected(each)])

    def matches(self, letter: DeadLetter, filters: Mapping[str, str]) -> bool:
        """Whether a dead letter matches ``filters``, read as dead_letter_redrive reads them."""
        return is_asked_for(letter.received, filters, self._find_owner)

    def may_go_behind(self, letter: DeadLetter, filters: Mapping[str, str]) -> bool:
        """Whether a dead letter may be sent behind others that may match ``filters``."""
        return may_go_behind(letter.received, filters, self._find_owner)

    def _walk(
        self,
        queue: str | None,
        fate: Callable[[DeadLetter], Fate],
        may_go_behind: Callable[[DeadLetter], bool],
    ) -> Found:
        names = [name for name in QUEUES if queue in (None, name)]
        walks = [self._walk_through(name, fate, may_go_behind) for name in names]
        return Found(
            sorted((each for found in walks for each in found.letters), key=_age),
            sum(found.unseen for found in walks),
            sum(found.in_flight for found in walks),
        )

    def _walk_through(
        self,
        name: str,
        fate: Callable[[DeadLetter], Fate],
        may_go_behind: Callable[[DeadLetter], bool],
    ) -> Found:
        queue, seen = Queue(self._client, self._urls[name]), list[DeadLetter]()

        def decide(received: QueueMessage) -> Fate:
            letter = DeadLetter(name, received, self._salt)
            seen.append(letter)
            return fate(letter)

        plan = Plan(
            decide,
            go_behind=lambda letters: queue.send([to_go_behind(each) for each in letters]),
            may_go_behind=lambda received: may_go_behind(DeadLetter(name, received, self._salt)),
        )
        until = time.monotonic() + _MAX_SECONDS
        unseen = Walk(
            queue, plan, has_time=lambda: time.monotonic() < until, walkers=_WALKERS
        ).run()
        return Found(seen, unseen.total, unseen.lent)
