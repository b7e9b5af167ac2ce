"""
The frame around a worker: what becomes of a message that could not be handled.

A transient failure lets the message wait and be offered again; its group waits with it, other
groups do not notice. A permanent one goes to the dead letters with the reason written on it, and
the group moves on. A transient one that lasted a day goes there too, and what is behind it in its
group follows, so that nothing is overtaken by what was said later.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.clock import Clock
from ..domain.errors import CircuitOpen, GroupHeld, Permanent, Transient, Unexpected
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
from .ports import Holds, Inbox, Outbox

# With the delays below, so many tries are about a day.
MOST_TRIES = 100

# The waits after failed tries, by the error's pace. LivePerson's policy for 5xx is three retries
# after 5, 10 and 15 s, then one every 2 minutes, or doubling: ours are both, one after the other,
# since so many failures of one message may still be bad luck. For 429 it is at least 1 s
# (https://developers.liveperson.com/retry-policy-recommendations.html). Later tries stay a quarter
# of an hour apart, so that the end of a long outage is noticed soon.
_DELAYS = {
    "failed": (5, 10, 15, 120, 120, 120, 240, 480, 900),
    "busy": (1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 900),
}

# A wait that the partner or the error names is kept to for the first tries that fail for this
# reason. What goes on failing slows down all the same, so that a day of patience stays far below
# the queue's limit of receives.
_NAMED_WAITS = 12

# The upper limit for a Retry-After: the outage may end sooner.
_LONGEST = 900

# The largest random part of a wait; it keeps a crowd from coming back together.
_JITTER = 0.25


@dataclass(frozen=True)
class RetryingConsumer:
    """
    Handles messages of ``inbox`` with ``handle``; ``function`` names it in logs and metrics.

    Without ``dead_letters`` a message given up is dropped: then somebody will ask again.
    ``refused`` is told of permanent errors, before their message goes to the dead letters;
    ``describe`` finds the ids in a message by which a log line can be followed.
    """

    function: str
    handle: Callable[[QueueMessage], None]
    inbox: Inbox
    dead_letters: Outbox | None
    holds: Holds
    clock: Clock = time.time
    chance: Callable[[], float] = random.random
    most_tries: int = MOST_TRIES
    refused: Callable[[QueueMessage, Permanent], None] | None = None
    describe: Callable[[QueueMessage], Mapping[str, Any]] = lambda _message: {}

    def process(self, message: QueueMessage) -> bool:
        """Handle one message; false if it is to be offered again."""
        with outcomes.context(self.function, message.correlation_id, since=message.accepted_at):
            return self._process(message)

    def _process(self, message: QueueMessage) -> bool:
        error = self._try(message)
        try:
            return self._conclude(message, error)
        except Transient as unavailable:  # then it comes back when its visibility times out
            outcomes.failure(unavailable, **self._ids(message))
            return False

    def _conclude(self, message: QueueMessage, error: Transient | Permanent | None) -> bool:
        if isinstance(error, Transient) and not error.is_try:
            self._hide(message, error, math.ceil(error.retry_after or 1))
            return False
        tries = 1
        if isinstance(error, Transient) and not isinstance(error, GroupHeld):
            pace = error.pace if error.retry_after is None else error.reason
            tries, at_this_pace = self.holds.count_try(message.message_id, pace)
            if tries < self.most_tries:
                seconds = delay(at_this_pace, error.retry_after, self.chance(), pace=pace)
                self._hide(message, error, seconds, tries)
                return False
        self._let_go(message, error, tries)
        return True

    def _let_go(
        self, message: QueueMessage, error: Transient | Permanent | None, tries: int
    ) -> None:
        """Be done with a message: it was handled, or it becomes a dead letter."""
        came_back = was_redriven(message)
        if error:
            outcomes.failure(error, tries=tries, **self._ids(message))
        if error and self.dead_letters:
            if isinstance(error, Transient):
                self._hold(message)
            self.dead_letters.send([dead_letter(message, error, tries)])
            ids = self._ids(message)
            outcomes.outcome(Outcome.DEAD_LETTERED, reason=error.reason, **ids)
        # What was cut off was never counted: nobody was there to do it.
        was_counted = came_back and CUT_OFF_ATTRIBUTE not in message.attributes
        if was_counted and not isinstance(error, Transient):
            self.holds.release_one(message.group)

    def _hold(self, message: QueueMessage) -> None:
        """Let the rest of the group follow, unless the letter had all its chances."""
        if not was_redriven(message):
            self.holds.hold(message.group)
        elif message.redrives < MOST_REDRIVES:
            self.holds.hold_redriven(message.group)

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

    def _hide(
        self, message: QueueMessage, error: Transient, seconds: int, tries: int | None = None
    ) -> None:
        outcomes.failure(error, tries=tries, next_try_in_seconds=seconds, **self._ids(message))
        is_down = isinstance(error, CircuitOpen)
        outcomes.count(Outcome.WAITING if is_down else Outcome.RETRY_LATER)
        self.inbox.hide(message.receipt_handle, seconds)

    def _ids(self, message: QueueMessage) -> Mapping[str, Any]:
        return {"message_id": message.message_id, **self.describe(message)}


def was_redriven(message: QueueMessage) -> bool:
    """Whether a message was a dead letter before."""
    return "redrives" in message.attributes


def check_group_hold(message: QueueMessage, is_held: bool, redrive_failed_at: float = 0.0) -> None:
    """
    Raise :class:`GroupHeld` if a message's group waits for dead letters before it.

    One that was put back itself waits if an earlier one died again since then.
    """
    put_back_at = message.sent_at.timestamp() if was_redriven(message) else -math.inf
    if is_held and put_back_at <= redrive_failed_at:
        raise GroupHeld("earlier messages of its group are dead letters")


def delay(tries: int, retry_after: float | None, chance: float, *, pace: str = "failed") -> int:
    """
    Return how many seconds a message waits after its ``tries``-th try failed at this ``pace``.

    ``retry_after`` is the wait that the partner or the error names; ``chance`` (0 to 1) spreads
    the tries.
    """
    delays = _DELAYS.get(pace, _DELAYS["failed"])
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

    What the message carried besides it carries on, as far as SQS takes so many attributes.
    """
    known = {
        "reason": error.reason,
        "problem": _plain(str(error)),
        "http_status": str(error.http_status) if error.http_status else "",
        "error_code": error.error_code or "",
        "attempts": str(tries),
        "first_failed_at": message.attributes.get(
            "first_failed_at", iso(message.first_received_at)
        ),
        LETTER_ID_ATTRIBUTE: message.letter_id,
        "redrives": message.attributes.get("redrives", ""),
        CORRELATION_ATTRIBUTE: message.attributes.get(CORRELATION_ATTRIBUTE, ""),
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
        identity=stable_id(message.message_id),
        attributes=dict(present[:MOST_ATTRIBUTES]),
    )


def _plain(text: str) -> str:
    """Make a partner's words fit a message attribute, which takes no control characters."""
    printable = "".join(char if char.isprintable() else " " for char in text[:500])
    return printable.encode("ascii", "backslashreplace").decode()
