"""
Retry with back-off, give up, dead-letter: what becomes of a message after a try.

After a transient failure the message is hidden and offered again; its group waits with it, other
groups are not affected. After a permanent failure (a poison message) it becomes a dead letter with
the reason in its attributes, and the group moves on. After a day of transient failures it becomes a
dead letter too, and the messages behind it in its group follow it, so that none overtakes it.

:func:`decide` is pure and holds the whole policy; :class:`RetryingConsumer` applies it.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeGuard

from ..domain.clock import Clock
from ..domain.errors import CircuitOpen, GroupHeld, Paused, Permanent, Transient, Unexpected
from ..domain.queue_messages import (
    CORRELATION_ATTRIBUTE,
    CUT_OFF_ATTRIBUTE,
    LETTER_ID_ATTRIBUTE,
    MOST_ATTRIBUTES,
    MOST_REDRIVES,
    OutgoingMessage,
    QueueMessage,
    iso,
    stable_id,
)
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome
from .ports import FailureStore, Outbox

# With the back-off below, this many tries take about a day.
MOST_TRIES = 100

# The waits after failed tries, by the error's pace. LivePerson's policy for 5xx is three retries
# after 5, 10 and 15 s, then one every 2 minutes, or doubling: ours are both, one after the other,
# since three failures of one message may still be bad luck. For 429 it is at least 1 s
# (https://developers.liveperson.com/retry-policy-recommendations.html). Later tries stay a quarter
# of an hour apart, so that the end of a long outage is noticed soon.
_DELAYS = {
    "failed": (5, 10, 15, 120, 120, 120, 240, 480, 900),
    "busy": (1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 900),
}

# How many tries that fail for one reason keep to the wait that the partner or the error names.
# Later ones slow down to the back-off, so that a day of retries stays far below the queue's limit
# of receives.
_NAMED_WAITS = 12

# The upper limit for a Retry-After: the outage may end sooner.
_LONGEST = 900

# The largest random part of a wait; it spreads the retries of many messages.
_JITTER = 0.25


class Tries(NamedTuple):
    """How often a message failed, this time included: in all, and at the pace of its error."""

    total: int
    at_pace: int


class Hold(Enum):
    """How a dead letter holds its group: for the first time, or once more after a redrive."""

    FIRST = "first"
    AGAIN = "again"


@dataclass(frozen=True)
class Decision:
    """
    What becomes of a message after a try.

    ``wait`` is how many seconds it is hidden before the queue offers it again; None lets it leave
    the queue, as a dead letter if ``is_dead``. ``hold`` makes the rest of its group follow it,
    ``releases`` ends one such hold. ``tries`` is the number that the log tells.
    """

    wait: int | None = None
    is_dead: bool = False
    hold: Hold | None = None
    releases: bool = False
    tries: int | None = None


def decide(
    error: Transient | Permanent | None,
    message: QueueMessage,
    tries: Tries | None,
    *,
    most_tries: int = MOST_TRIES,
    chance: float = 0.0,
) -> Decision:
    """
    Decide what becomes of ``message`` after a try that ended with ``error``; None is success.

    ``tries`` are those of an error that :func:`is_failed_try`; ``chance`` (0 to 1) spreads the
    next ones.
    """
    if error is None:
        return Decision(releases=_is_waited_for(message))
    if isinstance(error, Permanent):
        return Decision(is_dead=True, releases=_is_waited_for(message), tries=1)
    if not error.is_try:
        return Decision(wait=math.ceil(error.retry_after or 1))
    if tries and tries.total < most_tries:
        wait = delay(tries.at_pace, error.retry_after, chance, pace=error.pace)
        return Decision(wait=wait, tries=tries.total)
    return Decision(is_dead=True, hold=_hold_of(message), tries=tries.total if tries else 1)


def is_failed_try(error: Transient | Permanent | None) -> TypeGuard[Transient]:
    """
    Whether ``error`` uses up one of a message's tries.

    A wait does not, and :class:`GroupHeld` is final at once: the message follows its group.
    """
    return isinstance(error, Transient) and error.is_try and not isinstance(error, GroupHeld)


@dataclass(frozen=True)
class RetryingConsumer:
    """
    Handles messages of a queue with ``handle``; ``function`` names it in logs and metrics.

    ``hide`` takes a receipt handle and the seconds that its message waits. Without
    ``dead_letters`` a message given up is dropped; the schedule repeats its work anyway.
    ``refused`` is called with permanent errors, before their message becomes a dead letter.
    ``describe`` returns the ids in a message that its log lines carry.
    """

    function: str
    handle: Callable[[QueueMessage], None]
    hide: Callable[[str, int], None]
    dead_letters: Outbox | None
    failures: FailureStore
    clock: Clock = time.time
    chance: Callable[[], float] = random.random
    most_tries: int = MOST_TRIES
    refused: Callable[[QueueMessage, Permanent], None] | None = None
    describe: Callable[[QueueMessage], Mapping[str, Any]] = lambda _message: {}

    def process(self, message: QueueMessage) -> bool:
        """Handle one message; return False if the queue is to offer it again."""
        with outcomes.context(self.function, message.correlation_id, since=message.accepted_at):
            error = self._try(message)
            try:
                return self._conclude(message, error)
            except Transient as unavailable:  # the message comes back when its visibility times out
                outcomes.failure(unavailable, **self._ids(message))
                return False

    def _try(self, message: QueueMessage) -> Transient | Permanent | None:
        try:
            return self._handle(message)
        except Transient as error:
            return error
        except Exception as bug:  # noqa: BLE001 - one message's bug must not look like a time-out
            outcomes.unexpected_error(bug, **self._ids(message))
            return Unexpected(type(bug).__name__)

    def _handle(self, message: QueueMessage) -> Permanent | None:
        try:
            self.handle(message)
        except Permanent as error:
            if self.refused:
                self.refused(message, error)
            return error
        return None

    def _conclude(self, message: QueueMessage, error: Transient | Permanent | None) -> bool:
        tries, chance = None, 0.0
        if is_failed_try(error):
            pace = error.pace if error.retry_after is None else error.reason
            tries = Tries(*self.failures.count_try(message.message_id, pace))
            chance = self.chance()
        decision = decide(error, message, tries, most_tries=self.most_tries, chance=chance)
        self._apply(decision, message, error)
        return decision.wait is None

    def _apply(
        self, decision: Decision, message: QueueMessage, error: Transient | Permanent | None
    ) -> None:
        ids = self._ids(message) if error else {}
        if error:
            told = {"tries": decision.tries, "next_try_in_seconds": decision.wait}
            outcomes.failure(error, **told, **ids)
        if decision.wait is not None:
            outcomes.count(_wait_word(error))
            self.hide(message.receipt_handle, decision.wait)
        if error and decision.is_dead and self.dead_letters:
            self._hold(message.group, decision.hold)
            self.dead_letters.send([dead_letter(message, error, decision.tries or 1)])
            outcomes.outcome(Outcome.DEAD_LETTERED, reason=error.reason, **ids)
        if decision.releases:
            self.failures.release_one(message.group)

    def _hold(self, group: str, hold: Hold | None) -> None:
        if hold is Hold.FIRST:
            self.failures.hold(group)
        elif hold is Hold.AGAIN:
            self.failures.hold_redriven(group)

    def _ids(self, message: QueueMessage) -> Mapping[str, Any]:
        return {"message_id": message.message_id, **self.describe(message)}


def _wait_word(error: Transient | Permanent | None) -> Outcome:
    """Return the word that counts a wait: alarms tell an outage from a pause by it."""
    if isinstance(error, Paused):
        return Outcome.PAUSED
    return Outcome.WAITING if isinstance(error, CircuitOpen) else Outcome.RETRY_LATER


def _hold_of(message: QueueMessage) -> Hold | None:
    """Return how ``message`` as a dead letter holds its group; None after its last redrive."""
    if not was_redriven(message):
        return Hold.FIRST
    return Hold.AGAIN if message.redrives < MOST_REDRIVES else None


def _is_waited_for(message: QueueMessage) -> bool:
    """
    Whether the hold of a message's group counts it.

    SQS made a dead letter of a message whose worker was cut off; no hold has counted that one.
    """
    return was_redriven(message) and CUT_OFF_ATTRIBUTE not in message.attributes


def was_redriven(message: QueueMessage) -> bool:
    """Whether a message was a dead letter before."""
    return "redrives" in message.attributes


def check_group_hold(message: QueueMessage, is_held: bool, redrive_failed_at: float = 0.0) -> None:
    """
    Raise :class:`GroupHeld` if a message's group waits for dead letters before it.

    A redriven message waits only if an earlier one became a dead letter again after it was sent.
    """
    put_back_at = message.sent_at.timestamp() if was_redriven(message) else -math.inf
    if is_held and put_back_at <= redrive_failed_at:
        raise GroupHeld("earlier messages of its group are dead letters")


def delay(tries: int, retry_after: float | None, chance: float, *, pace: str) -> int:
    """
    Return how many seconds a message waits after its ``tries``-th try failed at this ``pace``.

    ``retry_after`` is the wait that the partner or the error names; ``chance`` (0 to 1) spreads
    the tries.
    """
    delays = _DELAYS[pace]
    usual = delays[min(tries, len(delays)) - 1]
    if retry_after is None:
        seconds: float = usual
    elif tries <= _NAMED_WAITS:
        seconds = min(max(retry_after, 1.0), _LONGEST)
    else:
        seconds = min(max(retry_after, usual), _LONGEST)
    return max(1, round(seconds * (1 + _JITTER * chance)))


def dead_letter(message: QueueMessage, error: Transient | Permanent, tries: int) -> OutgoingMessage:
    """
    Return the message as a dead letter: its body as it was, and why it is there.

    It keeps the message's other attributes, up to the number that SQS takes.
    """
    known = {
        "reason": error.reason,
        "problem": _plain(str(error)),
        "http_status": str(error.http_status) if error.http_status else "",
        "error_code": error.error_code or "",
        "attempts": str(tries),
        "first_failed_at": message.attributes.get("first_failed_at")
        or iso(message.first_received_at),
        LETTER_ID_ATTRIBUTE: message.letter_id,
        "redrives": message.attributes.get("redrives"),
        CORRELATION_ATTRIBUTE: message.attributes.get(CORRELATION_ATTRIBUTE),
    }
    carried = {
        name: value
        for name, value in message.attributes.items()
        if name not in known and name != CUT_OFF_ATTRIBUTE
    }
    present = [(name, value) for name, value in {**known, **carried}.items() if value]
    return OutgoingMessage(
        body=message.body,
        group=message.group,
        deduplication_id=stable_id(message.message_id),
        attributes=dict(present[:MOST_ATTRIBUTES]),
    )


def _plain(text: str) -> str:
    """Make a partner's words fit a message attribute, which takes no control characters."""
    printable = "".join(char if char.isprintable() else " " for char in text[:500])
    return printable.encode("ascii", "backslashreplace").decode()
