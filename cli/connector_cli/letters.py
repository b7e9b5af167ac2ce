"""
Dead letters, looked at without being changed, or thrown away.

SQS shows a letter only by lending it. Letters are borrowed for as long as it takes to see them, and
then given back as they are. Of a group it shows the first letters alone; the others are counted.
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

from .stack import Stack

QUEUES = {"consumer-events": "ConsumerEvents", "notifications": "Notifications"}
"""The queues that have dead letters, by the names that dead_letter_redrive knows."""

# So many at once have a connection of their own each: boto3 keeps ten.
_WALKERS = 8

# A borrowed letter is shown again by itself after 360 s; a walk must be over by then.
_SECONDS = 300


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
        """What the operator calls it: the same however often it is sent again."""
        return self.received.letter_id

    @property
    def reason(self) -> str:
        """Why it is dead."""
        return reason_of(self.received)

    @cached_property
    def _named(self) -> Mapping[str, str]:
        return facts_of(self.received)

    @property
    def account_id(self) -> str:
        """Whose it is."""
        return self._named["account_id"]

    @property
    def consumer_id(self) -> str:
        """The channel's own id of its consumer, which is not shown; empty where it names none."""
        return self._named["consumer_id"]

    @property
    def consumer(self) -> str:
        """The pseudonym of its consumer, as in the logs; empty where the letter names none."""
        if not self.consumer_id:
            return ""
        return short(consumer_key(self.salt, self.account_id, self.consumer_id))

    @property
    def conversation_id(self) -> str:
        """Its conversation; empty for a consumer's event."""
        return self._named["conversation_id"]

    @property
    def event_id(self) -> str:
        """The id that the channel gave a consumer's event; empty for a notification."""
        return str(self._part("event").get("id") or self._part("failure").get("event_id") or "")

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
            "dead_since": self.received.accepted_at,
            "expires_at": expires_at(self.received),
            "account_id": self.account_id,
            "consumer": self.consumer or None,
            "conversation_id": self.conversation_id or None,
            "event_id": self.event_id or None,
            "type": self.body.get("type") or self._part("event").get("type"),
            "trace": self.received.correlation_id,
        }

    def _part(self, name: str) -> Mapping[str, Any]:
        part = self.body.get(name)
        return part if isinstance(part, dict) else {}


def _age(letter: Letter) -> tuple[str, datetime]:
    return letter.queue, letter.received.accepted_at


@dataclass(frozen=True)
class Found:
    """Letters, and about how many there are that were not seen."""

    letters: list[Letter]
    unseen: int
    lent: int = 0
    """How many of those another reader has at the moment."""


class DeadLetters:
    """The dead letters of a stack's two queues."""

    def __init__(self, stack: Stack) -> None:
        self._client = stack.client("sqs")
        self._salt = stack.consumer_id_salt
        self._owner = cache(ConversationStore(stack.client("dynamodb"), stack.table).owner)
        self._urls = {
            name: stack.physical(f"{logical}DeadLetters") for name, logical in QUEUES.items()
        }

    def look(self, queue: str | None = None) -> Found:
        """Return the letters that SQS shows of one queue or of both, and leave them as they are."""
        return self._walk(queue, lambda _letter: Fate.STAYS, lambda _letter: False)

    def discard(
        self,
        queue: str | None,
        is_doomed: Callable[[Letter], bool],
        may_go_behind: Callable[[Letter], bool],
    ) -> Found:
        """
        Delete letters for ever; return them, and about how many were not seen.

        Where one stays that hides others, it is sent behind them if ``may_go_behind``.
        """
        found = self._walk(
            queue, lambda letter: Fate.GONE if is_doomed(letter) else Fate.STAYS, may_go_behind
        )
        return replace(found, letters=[each for each in found.letters if is_doomed(each)])

    def matches(self, letter: Letter, filters: Mapping[str, str]) -> bool:
        """Whether a letter has all that ``filters`` name, as dead_letter_redrive understands it."""
        return is_asked_for(letter.received, filters, self._owner)

    def may_go_behind(self, letter: Letter, filters: Mapping[str, str]) -> bool:
        """Whether a letter may make room where others are looked for that match ``filters``."""
        return may_go_behind(letter.received, filters, self._owner)

    def _walk(
        self,
        queue: str | None,
        fate: Callable[[Letter], Fate],
        may_go_behind: Callable[[Letter], bool],
    ) -> Found:
        names = [name for name in QUEUES if queue in (None, name)]
        walks = [self._walk_through(name, fate, may_go_behind) for name in names]
        return Found(
            sorted((each for found in walks for each in found.letters), key=_age),
            sum(found.unseen for found in walks),
            sum(found.lent for found in walks),
        )

    def _walk_through(
        self,
        name: str,
        fate: Callable[[Letter], Fate],
        may_go_behind: Callable[[Letter], bool],
    ) -> Found:
        dead_letters, seen = Queue(self._client, self._urls[name]), list[Letter]()

        def decide(received: QueueMessage) -> Fate:
            letter = Letter(name, received, self._salt)
            seen.append(letter)
            return fate(letter)

        plan = Plan(
            decide,
            go_behind=lambda letters: dead_letters.send([to_go_behind(each) for each in letters]),
            may_go_behind=lambda received: may_go_behind(Letter(name, received, self._salt)),
        )
        until = time.monotonic() + _SECONDS
        unseen = Walk(
            dead_letters, plan, has_time=lambda: time.monotonic() < until, walkers=_WALKERS
        ).run()
        return Found(seen, unseen.total, unseen.lent)
