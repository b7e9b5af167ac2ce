"""
Put dead letters back into the queue they came from, in order, a limited number of times.

The schedule redrives letters with transient failures; those with permanent ones wait for an
operator who names a consumer, a conversation or a reason. No letter is kept for longer than two
weeks after its first failure, although SQS counts anew whenever one is sent.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from ..delivery.ports import DeadLetters, FailureStore, Outbox
from ..domain.clock import Clock
from ..domain.errors import transient_reasons
from ..domain.queue_messages import (
    CUT_OFF_ATTRIBUTE,
    LETTER_ID_ATTRIBUTE,
    MOST_REDRIVES,
    OutgoingMessage,
    QueueMessage,
    iso,
    stable_id,
)
from ..telemetry import outcomes
from ..telemetry.logs import SECONDS
from ..telemetry.outcomes import Measurement, Outcome
from .dead_letter_walk import WALKERS, Fate, Plan, Walk, spread

# The reason of a letter that SQS moved by itself: the worker was killed again and again.
CUT_OFF = "cut_off"

KEPT_SECONDS = 14 * 86_400
"""When a letter is deleted, counted from its first failure: SQS counts anew at each send."""

# Time for the batch that is under way when a run's time ends, with repeated calls.
_RESERVE_SECONDS = 30.0
_NO_LIMIT_SECONDS = 1e9

NOT_ASKED_FOR = "not_asked_for"

# The reason to leave a letter that used up its redrives: it waits for an operator, and its group
# goes on.
_TOO_OFTEN = "redriven_too_often"

_TRANSIENT = transient_reasons() | {CUT_OFF}
_FILTERS = ("account_id", "consumer_id", "conversation_id", "reason")

# Attributes that describe the failure; they are removed when a letter goes back.
_OF_THE_FAILURE = {"reason", "problem", "http_status", "error_code", "attempts"}

# Earlier versions wrote it on letters that they sent behind the others.
_OUTDATED_MARK = "seen_by"

Owner = Callable[[str, str], str | None]
"""Returns the consumer id for an account and conversation, ``None`` if it is unknown."""


class BadRequest(Exception):
    """A redrive request with an unknown field or queue; the message says what is possible."""


@dataclass(frozen=True)
class Route:
    """A dead-letter queue and the queue its letters came from."""

    dead_letters: DeadLetters
    source: Outbox


@dataclass(frozen=True)
class Request:
    """Which dead letters to redrive: every given field must match."""

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
        """Whether all transient letters are redriven, as on schedule."""
        return not self.filters and not self.dry_run

    @property
    def includes_permanent(self) -> bool:
        """Whether an operator chose letters by consumer, conversation or reason."""
        return bool(set(self.filters) - {"account_id"})


@dataclass(frozen=True)
class DeadLetterRedrive:
    """
    Redrives ``routes``, by the name of the queue that the letters came from.

    ``owner`` finds the channel's id of the consumer of an account's conversation.
    """

    routes: Mapping[str, Route]
    failures: FailureStore
    owner: Callable[[str, str], str | None]
    clock: Clock = time.time
    walkers: int = WALKERS

    def redrive(
        self, request: Request, seconds_left: Callable[[], float] = lambda: _NO_LIMIT_SECONDS
    ) -> dict[str, Any]:
        """
        Redrive what ``request`` asks for; return what was moved, left and expired, by reason.

        ``seconds_left`` returns how long the function may still run: each queue gets its share, and
        letters that are not reached are counted as ``unseen``. Raises :class:`BadRequest`.
        """
        if request.queue is not None and request.queue not in self.routes:
            raise BadRequest(f"no queue {request.queue}; there are {', '.join(self.routes)}")
        chosen = [request.queue] if request.queue else list(self.routes)
        answer = {}
        for place, name in enumerate(chosen):
            share = (seconds_left() - _RESERVE_SECONDS) / (len(chosen) - place)
            ends_at = self.clock() + share
            run = _Run(self, name, request, ends_at)
            answer[name] = run.go()
        return answer


@dataclass
class _Run:
    """One run through one queue, and what it found."""

    redrive: DeadLetterRedrive
    name: str
    request: Request
    ends_at: float
    moved: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    expired: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    """How many letters of each group will come back, or have just been put back."""
    oldest: float = 0.0
    _owners: dict[tuple[str, str], str | None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def route(self) -> Route:
        return self.redrive.routes[self.name]

    def go(self) -> dict[str, Any]:
        """Walk through the queue, and return what was found."""
        began_at = self.redrive.clock()
        walk = Walk(
            self.route.dead_letters,
            self._plan(),
            has_time=self._has_time,
            walkers=self.redrive.walkers,
            clock=self.redrive.clock,
        )
        unseen = walk.run().total
        if self.request.is_everything and not unseen:
            self._recount(began_at)
        self._tell(unseen)
        found = {"moved": self.moved, "left": self.left, "expired": self.expired}
        counted = {what: dict(counts) for what, counts in found.items()}
        return {"dry_run": self.request.dry_run, **counted, "unseen": unseen}

    def _plan(self) -> Plan:
        if self.request.dry_run:
            return Plan(self._decide)
        return Plan(
            self._decide,
            put_back=self._put_back,
            go_behind=self._go_behind,
            may_go_behind=lambda each: may_go_behind(each, self.request.filters, self._owner),
            drops_copies=True,
        )

    def _decide(self, letter: QueueMessage) -> Fate:
        why = reason_to_leave(letter, self.request, self._owner)
        if why != NOT_ASKED_FOR and self._age(letter) > KEPT_SECONDS:
            return self._expire(letter)
        if reason_of(letter) in _TRANSIENT and why != _TOO_OFTEN:
            self._wait_for(letter.group)
        with self._lock:
            (self.moved if why is None else self.left)[why or reason_of(letter)] += 1
            if why:
                self.oldest = max(self.oldest, self._age(letter))
        return Fate.BACK if why is None and not self.request.dry_run else Fate.STAYS

    def _expire(self, letter: QueueMessage) -> Fate:
        with self._lock:
            self.expired[reason_of(letter)] += 1
        if self.request.dry_run:
            return Fate.STAYS
        outcomes.warning(Outcome.EXPIRED, **_ids(letter))
        return Fate.GONE

    def _put_back(self, letters: Sequence[QueueMessage]) -> None:
        self.route.source.send([to_put_back(each) for each in letters])
        for each in letters:
            outcomes.log(Outcome.PUT_BACK, redrives=each.redrives + 1, **_ids(each))

    def _go_behind(self, letters: Sequence[QueueMessage]) -> None:
        self.route.dead_letters.send([to_go_behind(each) for each in letters])

    def _wait_for(self, group: str) -> None:
        """Count a letter that comes back, and extend the hold of its group once in a run."""
        with self._lock:
            self.waiting[group] += 1
            is_first = self.waiting[group] == 1
        if is_first and not self.request.dry_run:
            self.redrive.failures.extend_hold(group)

    def _recount(self, began_at: float) -> None:
        def recount(counted: tuple[str, int]) -> None:
            if self.redrive.clock() < self.ends_at + _RESERVE_SECONDS / 2:
                self.redrive.failures.recount(*counted, began_at)

        spread(recount, list(self.waiting.items()), self.redrive.walkers)

    def _owner(self, account_id: str, conversation_id: str) -> str | None:
        key = (account_id, conversation_id)
        if key not in self._owners:
            self._owners[key] = self.redrive.owner(*key)
        return self._owners[key]

    def _age(self, letter: QueueMessage) -> float:
        return self.redrive.clock() - letter.accepted_at.timestamp()

    def _has_time(self) -> bool:
        return self.redrive.clock() < self.ends_at

    def _tell(self, unseen: int) -> None:
        counts = {"left": self.left.total(), "unseen": unseen, "queue": self.name}
        what = Outcome.WOULD_REDRIVE if self.request.dry_run else Outcome.REDRIVEN
        outcomes.outcome(what, count=self.moved.total(), **counts)
        if self.expired and not self.request.dry_run:
            count = self.expired.total()
            outcomes.outcome(Outcome.EXPIRED, count=count, queue=self.name, letters=count)
        if self.request.is_everything:
            outcomes.measure(Measurement.OLDEST_LETTER_AGE, round(self.oldest), unit=SECONDS)


def to_put_back(letter: QueueMessage) -> OutgoingMessage:
    """
    Write a letter for the queue that it came from, without the attributes of its failure.

    Its identity is new each time: within the five minutes in which SQS drops repeats, it may be put
    back twice.
    """
    redrives = str(letter.redrives + 1)
    known = {
        **_lasting(letter),
        "redrives": redrives,
        CUT_OFF_ATTRIBUTE: "yes" if reason_of(letter) == CUT_OFF else "",
    }
    attributes = {
        name: value for name, value in known.items() if value and name not in _OF_THE_FAILURE
    }
    identity = stable_id(letter.message_id, redrives)
    return OutgoingMessage(letter.body, letter.group, identity, attributes)


def to_go_behind(letter: QueueMessage) -> OutgoingMessage:
    """
    Write a letter to go behind the others of its group, with all its attributes.

    Its identity is the same in every run, so that runs that are cut off here leave one copy.
    """
    identity = stable_id(letter.message_id, "behind")
    return OutgoingMessage(letter.body, letter.group, identity, _lasting(letter))


def _lasting(letter: QueueMessage) -> dict[str, str]:
    """Return a letter's attributes, with its name and age, which a send would otherwise reset."""
    return {
        **{name: value for name, value in letter.attributes.items() if name != _OUTDATED_MARK},
        LETTER_ID_ATTRIBUTE: letter.letter_id,
        "first_failed_at": iso(letter.accepted_at),
    }


def reason_of(letter: QueueMessage) -> str:
    """Return why a letter failed."""
    return letter.attributes.get("reason", CUT_OFF)


def expires_at(letter: QueueMessage) -> datetime:
    """Return when a letter is deleted at the latest."""
    return letter.accepted_at + timedelta(seconds=KEPT_SECONDS)


def reason_to_leave(letter: QueueMessage, request: Request, owner: Owner) -> str | None:
    """Return why ``letter`` is not to be moved by ``request``; ``None`` if it is."""
    if not is_asked_for(letter, request.filters, owner):
        return NOT_ASKED_FOR
    if request.includes_permanent:
        return None
    if reason_of(letter) not in _TRANSIENT:
        return "permanent"
    return None if comes_back(letter) else _TOO_OFTEN


def comes_back(letter: QueueMessage) -> bool:
    """Whether the schedule puts a letter back."""
    return reason_of(letter) in _TRANSIENT and letter.redrives < MOST_REDRIVES


def may_go_behind(letter: QueueMessage, filters: Mapping[str, str], owner: Owner) -> bool:
    """
    Whether a letter that stays may be sent behind those that it hides.

    Never one that the schedule will put back: if the run were cut off, it would come back after
    letters that it precedes. And only if a letter that ``filters`` ask for may be behind it: all
    letters of a group belong to one consumer, or to one conversation.
    """
    others = {name: wanted for name, wanted in filters.items() if name != "reason"}
    return not comes_back(letter) and is_asked_for(letter, others, owner)


def is_asked_for(letter: QueueMessage, filters: Mapping[str, str], owner: Owner) -> bool:
    """
    Whether a letter matches all ``filters``; an unreadable one has only its reason.

    A notification belongs to the consumer of its conversation, whom ``owner`` finds.
    """
    facts = facts_of(letter)
    if any(facts[name] != wanted for name, wanted in filters.items() if name != "consumer_id"):
        return False
    if "consumer_id" not in filters:
        return True
    found: str | None = facts["consumer_id"]
    if not found and facts["conversation_id"]:
        found = owner(facts["account_id"], facts["conversation_id"])
    return found == filters["consumer_id"]


def facts_of(letter: QueueMessage) -> dict[str, str]:
    """Return the fields that filters compare, each empty where a letter has none; never raise."""
    try:
        body = _mapping(json.loads(letter.body))
    except (ValueError, RecursionError):
        body = {}
    change, failure = _mapping(body.get("change")), _mapping(body.get("failure"))
    conversation = (
        change.get("conversationId")
        or _mapping(change.get("result")).get("convId")
        or change.get("dialogId")
    )
    return {
        "account_id": _text(body.get("account_id")),
        "consumer_id": _text(body.get("consumer_id") or failure.get("consumer_id")),
        "conversation_id": _text(conversation),
        "reason": reason_of(letter),
    }


def _ids(letter: QueueMessage) -> dict[str, Any]:
    """Return the fields of a letter's log lines."""
    return {
        "trace": letter.correlation_id,
        "letter_id": letter.letter_id,
        "reason": reason_of(letter),
        "first_failed_at": iso(letter.accepted_at),
    }


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
