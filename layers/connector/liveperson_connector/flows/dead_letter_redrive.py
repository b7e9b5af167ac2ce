"""
Dead letters go back to the queue they came from, in order, a limited number of times.

On schedule the transient ones come back by themselves; permanent ones wait for an operator who
names a consumer, a conversation or a reason.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import observe
from ..errors import transient_reasons
from ..messages import Letter, Received, token
from .ports import DeadLetters, Outbox

FUNCTION = "dead_letter_redrive"

# The reason of a letter that SQS moved by itself: a worker was cut off again and again.
CUT_OFF = "cut_off"

# A letter that failed for a day, this many times over, is not a matter of patience any more.
MOST_REDRIVES = 5

# One run reads at most this many letters; the next run goes on.
MOST_LETTERS = 10_000

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
    def includes_permanent(self) -> bool:
        """Whether somebody looked: a named consumer, conversation or reason includes them."""
        return bool(set(self.filters) - {"account_id"})


@dataclass(frozen=True)
class DeadLetterRedrive:
    """Redrives ``routes``, by the name of the queue that the letters came from."""

    routes: Mapping[str, Route]

    def redrive(self, request: Request) -> dict[str, Any]:
        """Move what ``request`` asks for; return what was moved, what was left, and why."""
        if request.queue is not None and request.queue not in self.routes:
            raise BadRequest(f"no queue {request.queue}; there are {', '.join(self.routes)}")
        chosen = [request.queue] if request.queue else list(self.routes)
        return {name: self._redrive(name, self.routes[name], request) for name in chosen}

    def _redrive(self, name: str, route: Route, request: Request) -> dict[str, Any]:
        moved: Counter[str] = Counter()
        left: Counter[str] = Counter()
        kept: list[Received] = []
        while batch := self._next(route, len(kept) + moved.total()):
            for letter in batch:
                why = reason_to_leave(letter, request)
                if why is None and not request.dry_run:
                    self._move(route, letter)
                else:
                    kept.append(letter)
                (moved if why is None else left)[why or reason_of(letter)] += 1
        for letter in kept:  # offered again at once, to the next run or to an operator
            route.dead_letters.hide(letter.receipt_handle, 0)
        observe.outcome(FUNCTION, "redriven", count=moved.total(), queue=name)
        return {"dry_run": request.dry_run, "moved": dict(moved), "left": dict(left)}

    @staticmethod
    def _next(route: Route, seen: int) -> Sequence[Received]:
        return route.dead_letters.receive() if seen < MOST_LETTERS else []

    @staticmethod
    def _move(route: Route, letter: Received) -> None:
        """Send before deleting: a letter that stands in both places is done once all the same."""
        redrives = int(letter.attributes.get("redrives", "0")) + 1
        kept = {
            name: value for name, value in letter.attributes.items() if name == "first_failed_at"
        }
        route.source.send(
            [
                Letter(
                    body=letter.body,
                    group=letter.group,
                    identity=token(letter.message_id, str(redrives)),
                    attributes={**kept, "redrives": str(redrives)},
                )
            ]
        )
        route.dead_letters.delete(letter.receipt_handle)


def reason_of(letter: Received) -> str:
    """Return why a letter is dead."""
    return letter.attributes.get("reason", CUT_OFF)


def reason_to_leave(letter: Received, request: Request) -> str | None:
    """Return why ``request`` does not mean ``letter``, or none if it is to be moved."""
    facts = _facts(letter)
    if any(facts.get(name) != value for name, value in request.filters.items()):
        return "not_asked_for"
    if request.includes_permanent:
        return None
    if reason_of(letter) not in _TRANSIENT:
        return "permanent"
    if int(letter.attributes.get("redrives", "0")) >= MOST_REDRIVES:
        return "redriven_too_often"
    return None


def _facts(letter: Received) -> dict[str, object]:
    """Return what a letter can be chosen by; an unreadable one by its reason alone."""
    try:
        body = _mapping(json.loads(letter.body))
    except ValueError:
        body = {}
    change = _mapping(body.get("change"))
    result = _mapping(change.get("result"))
    return {
        "account_id": body.get("account_id"),
        "consumer_id": body.get("consumer_id"),
        "conversation_id": (
            change.get("conversationId") or result.get("convId") or change.get("dialogId")
        ),
        "reason": reason_of(letter),
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
