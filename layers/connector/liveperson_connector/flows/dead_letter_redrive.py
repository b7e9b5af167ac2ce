"""
Dead letters go back to the queue they came from, in order, a limited number of times.

On schedule the transient ones come back by themselves; permanent ones wait for an operator who
names a consumer, a conversation or a reason.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..delivery.ports import DeadLetters, Holds, Outbox
from ..domain.clock import Clock
from ..domain.errors import Transient, transient_reasons
from ..domain.queue_messages import (
    CORRELATION_ATTRIBUTE,
    CUT_OFF_ATTRIBUTE,
    MOST_REDRIVES,
    OutgoingMessage,
    QueueMessage,
    new_id,
    stable_id,
)
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome

# The reason of a letter that SQS moved by itself: a worker was cut off again and again.
CUT_OFF = "cut_off"

# One run reads at most this many letters; the next run goes on.
MOST_LETTERS = 10_000

# Why a letter stays that had its chances: it waits for a person, and nobody waits for it.
_TOO_OFTEN = "redriven_too_often"

# The run that has looked at a letter and left it.
_SEEN = "seen_by"

_TRANSIENT = transient_reasons() | {CUT_OFF}
_FILTERS = ("account_id", "consumer_id", "conversation_id", "reason")


class BadRequest(Exception):
    """A redrive request with an unknown field or queue; the message says what is possible."""


@dataclass(frozen=True)
class Route:
    """A dead-letter queue and the queue its letters came from."""

    dead_letters: DeadLetters
    source: Outbox


@dataclass(frozen=True)
class Request:
    """Which dead letters: every field that is given must match."""

    queue: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False

    @classmethod
    def read(cls, event: Mapping[str, Any]) -> Request:
        """Read an operator's request, or raise :class:`BadRequest`."""
        known = {"queue", "dry_run", *_FILTERS}
        unknown = sorted(set(event) - known)
        if unknown:
            raise BadRequest(
                f"unknown: {', '.join(unknown)}; possible are {', '.join(sorted(known))}"
            )
        filters = {name: str(event[name]) for name in _FILTERS if event.get(name) is not None}
        return cls(event.get("queue"), filters, bool(event.get("dry_run", False)))

    @property
    def is_everything(self) -> bool:
        """Whether all transient letters are moved, as on schedule."""
        return not self.filters and not self.dry_run

    @property
    def includes_permanent(self) -> bool:
        """Whether somebody looked: a named consumer, conversation or reason includes them."""
        return bool(set(self.filters) - {"account_id"})


@dataclass(frozen=True)
class DeadLetterRedrive:
    """Redrives ``routes``, by the name of the queue that the letters came from."""

    routes: Mapping[str, Route]
    holds: Holds
    clock: Clock = time.time

    def redrive(self, request: Request) -> dict[str, Any]:
        """Move what ``request`` asks for; return what was moved, what was left, and why."""
        if request.queue is not None and request.queue not in self.routes:
            raise BadRequest(f"no queue {request.queue}; there are {', '.join(self.routes)}")
        chosen = [request.queue] if request.queue else list(self.routes)
        return {name: self._redrive(name, self.routes[name], request) for name in chosen}

    def _redrive(self, name: str, route: Route, request: Request) -> dict[str, Any]:
        began_at, run = self.clock(), new_id()
        moved: Counter[str] = Counter()
        left: Counter[str] = Counter()
        waiting: Counter[str] = Counter()  # by group: what will come back, or has just done so
        for letter in _letters(route, run):
            why = reason_to_leave(letter, request)
            if why is None and not request.dry_run:
                _put_back(route, letter)
            else:
                _put_behind(route, letter, run)
            if reason_of(letter) in _TRANSIENT and why != _TOO_OFTEN:
                waiting[letter.group] += 1
                self.holds.extend_hold(letter.group)
            (moved if why is None else left)[why or reason_of(letter)] += 1
        if request.is_everything:
            for group, letters in waiting.items():
                self.holds.recount(group, letters, began_at)
        what = Outcome.WOULD_REDRIVE if request.dry_run else Outcome.REDRIVEN
        outcomes.outcome(what, count=moved.total(), queue=name, left=left.total())
        return {"dry_run": request.dry_run, "moved": dict(moved), "left": dict(left)}


def _letters(route: Route, run: str) -> Iterator[QueueMessage]:
    """Give every letter once; those that this run has put behind are shown again at the end."""
    seen_twice: list[QueueMessage] = []
    given = 0
    while given < MOST_LETTERS and (batch := route.dead_letters.receive()):
        for letter in sorted(batch, key=_age):
            if letter.attributes.get(_SEEN) == run:
                seen_twice.append(letter)
            else:
                given += 1
                yield letter
    for letter in seen_twice:
        _show_again(route, letter)


def _age(letter: QueueMessage) -> str:
    """
    Give what orders letters as their messages were: when they were first tried.

    One that was put back and dies again stands behind those that died meanwhile, and came before
    them.
    """
    return letter.attributes.get("first_failed_at", "")


def _put_back(route: Route, letter: QueueMessage) -> None:
    """Put a letter back on its queue; sent before it is deleted, since twice is done once."""
    redrives = str(letter.redrives + 1)
    known = {
        "redrives": redrives,
        "first_failed_at": letter.attributes.get("first_failed_at", ""),
        CUT_OFF_ATTRIBUTE: "yes" if reason_of(letter) == CUT_OFF else "",
        CORRELATION_ATTRIBUTE: letter.attributes.get(CORRELATION_ATTRIBUTE, ""),
    }
    attributes = {name: value for name, value in known.items() if value}
    identity = stable_id(letter.message_id, redrives)
    route.source.send([OutgoingMessage(letter.body, letter.group, identity, attributes)])
    route.dead_letters.delete(letter.receipt_handle)
    outcomes.log(
        Outcome.PUT_BACK, trace=letter.correlation_id, reason=reason_of(letter), redrives=redrives
    )


def _put_behind(route: Route, letter: QueueMessage, run: str) -> None:
    """
    Put a letter that stays behind the others of its group, which keep their order among them.

    As long as it is held, its group shows no further letters: those behind it would never be seen.
    Its identity is the same in every run, so that of two runs that are cut off here one is enough.
    """
    attributes = {**letter.attributes, _SEEN: run}
    identity = stable_id(letter.message_id, "behind")
    route.dead_letters.send([OutgoingMessage(letter.body, letter.group, identity, attributes)])
    route.dead_letters.delete(letter.receipt_handle)


def _show_again(route: Route, letter: QueueMessage) -> None:
    try:
        route.dead_letters.hide(letter.receipt_handle, 0)
    except Transient:  # its time-out has passed already, or will
        return


def reason_of(letter: QueueMessage) -> str:
    """Return why a letter is dead."""
    return letter.attributes.get("reason", CUT_OFF)


def reason_to_leave(letter: QueueMessage, request: Request) -> str | None:
    """Return why ``request`` does not mean ``letter``, or none if it is to be moved."""
    facts = _facts(letter)
    if any(facts.get(name) != value for name, value in request.filters.items()):
        return "not_asked_for"
    if request.includes_permanent:
        return None
    if reason_of(letter) not in _TRANSIENT:
        return "permanent"
    if letter.redrives >= MOST_REDRIVES:
        return _TOO_OFTEN
    return None


def _facts(letter: QueueMessage) -> dict[str, object]:
    """Return what a letter can be chosen by; an unreadable one by its reason alone."""
    try:
        body = _mapping(json.loads(letter.body))
    except ValueError:
        body = {}
    change = _mapping(body.get("change"))
    result = _mapping(change.get("result"))
    failure = _mapping(body.get("failure"))
    return {
        "account_id": body.get("account_id"),
        "consumer_id": body.get("consumer_id") or failure.get("consumer_id"),
        "conversation_id": (
            change.get("conversationId") or result.get("convId") or change.get("dialogId")
        ),
        "reason": reason_of(letter),
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
