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
from datetime import UTC, datetime
from typing import Any

from .. import observe
from ..cache import Clock
from ..errors import HeldBehind, OutageWaited, Permanent, Transient, Unexpected
from ..messages import (
    CUT_OFF_ATTRIBUTE,
    MOST_REDRIVES,
    TRACE_ATTRIBUTE,
    Letter,
    Received,
    token,
)
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

# The pace of a wait that the partner or the error names. It is kept to for the first tries; what
# goes on failing slows down all the same, so that a day of patience stays far below the queue's
# limit of receives.
_NAMED = "named"
_NAMED_WAITS = 12

# The upper limit for a Retry-After: the outage may end sooner.
_LONGEST = 900

# The largest random part of a wait; it keeps a crowd from coming back together.
_JITTER = 0.25


@dataclass(frozen=True)
class Worker:
    """
    Handles messages of ``inbox`` with ``handle``; ``function`` names it in logs and metrics.

    Without ``dead_letters`` a message given up is dropped: then somebody will ask again.
    ``refused`` is told of permanent errors, before their message goes to the dead letters;
    ``describe`` finds the ids in a message by which a log line can be followed.
    """

    function: str
    handle: Callable[[Received], None]
    inbox: Inbox
    dead_letters: Outbox | None
    holds: Holds
    clock: Clock = time.time
    chance: Callable[[], float] = random.random
    most_tries: int = MOST_TRIES
    refused: Callable[[Received, Permanent], None] | None = None
    describe: Callable[[Received], Mapping[str, Any]] = lambda _message: {}

    def process(self, message: Received) -> bool:
        """Handle one message; false if it is to be offered again."""
        with observe.handling(message.trace, since=message.accepted_at):
            return self._process(message)

    def _process(self, message: Received) -> bool:
        error = self._try(message)
        try:
            return self._conclude(message, error)
        except Transient as unavailable:  # then it comes back when its visibility times out
            observe.failure(self.function, unavailable, **self._ids(message))
            return False

    def _conclude(self, message: Received, error: Transient | Permanent | None) -> bool:
        if isinstance(error, Transient) and not error.is_try:
            self._hide(message, error, math.ceil(error.retry_after or 1))
            return False
        tries = 1
        if isinstance(error, Transient) and not isinstance(error, HeldBehind):
            pace = error.pace if error.retry_after is None else _NAMED
            tries, at_this_pace = self.holds.count_try(message.message_id, pace)
            if tries < self.most_tries:
                seconds = delay(at_this_pace, error.retry_after, self.chance(), pace=pace)
                self._hide(message, error, seconds, tries)
                return False
        self._let_go(message, error, tries)
        return True

    def _let_go(self, message: Received, error: Transient | Permanent | None, tries: int) -> None:
        """Be done with a message: it was handled, or it becomes a dead letter."""
        came_back = was_redriven(message)
        if error:
            observe.failure(self.function, error, tries=tries, **self._ids(message))
        if error and self.dead_letters:
            if isinstance(error, Transient):
                self._hold(message)
            self.dead_letters.send([dead_letter(message, error, tries)])
            ids = self._ids(message)
            observe.outcome(self.function, "dead_lettered", reason=error.reason, **ids)
        # What was cut off was never counted: nobody was there to do it.
        was_counted = came_back and CUT_OFF_ATTRIBUTE not in message.attributes
        if was_counted and not isinstance(error, Transient):
            self.holds.unhold(message.group)

    def _hold(self, message: Received) -> None:
        """Let the rest of the group follow, unless the letter had all its chances."""
        if not was_redriven(message):
            self.holds.hold(message.group)
        elif message.redrives < MOST_REDRIVES:
            self.holds.hold_again(message.group)

    def _try(self, message: Received) -> Transient | Permanent | None:
        try:
            return self._handle(message)
        except Transient as error:
            return error
        except Exception as bug:  # noqa: BLE001 - one message's bug must not look like a time-out
            observe.bug(self.function, bug, **self._ids(message))
            return Unexpected(type(bug).__name__)

    def _handle(self, message: Received) -> Permanent | None:
        try:
            self.handle(message)
        except Permanent as error:
            if self.refused:
                self.refused(message, error)
            return error
        return None

    def _hide(
        self, message: Received, error: Transient, seconds: int, tries: int | None = None
    ) -> None:
        observe.failure(
            self.function, error, tries=tries, next_try_in_seconds=seconds, **self._ids(message)
        )
        is_down = isinstance(error, OutageWaited)
        observe.count(self.function, "waiting" if is_down else "retry_later")
        self.inbox.hide(message.receipt_handle, seconds)

    def _ids(self, message: Received) -> Mapping[str, Any]:
        return {"message_id": message.message_id, **self.describe(message)}


def was_redriven(message: Received) -> bool:
    """Whether a message was a dead letter before."""
    return "redrives" in message.attributes


def check_hold(message: Received, is_held: bool, died_again_at: float = 0.0) -> None:
    """
    Raise :class:`HeldBehind` if a message's group waits for dead letters before it.

    One that was put back itself waits if an earlier one died again since then.
    """
    put_back_at = message.sent_at.timestamp() if was_redriven(message) else -math.inf
    if is_held and put_back_at <= died_again_at:
        raise HeldBehind("earlier messages of its group are dead letters")


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


def dead_letter(message: Received, error: Transient | Permanent, tries: int) -> Letter:
    """Return the message as a dead letter: its body as it was, and why it is there."""
    known = {
        "reason": error.reason,
        "problem": _plain(str(error)),
        "http_status": str(error.http_status) if error.http_status else "",
        "error_code": error.error_code or "",
        "attempts": str(tries),
        "first_failed_at": message.attributes.get(
            "first_failed_at", _iso(message.first_received_at)
        ),
        "redrives": message.attributes.get("redrives", ""),
        TRACE_ATTRIBUTE: message.attributes.get(TRACE_ATTRIBUTE, ""),
    }
    return Letter(
        body=message.body,
        group=message.group,
        identity=token(message.message_id),
        attributes={name: value for name, value in known.items() if value},
    )


def _plain(text: str) -> str:
    """Make a partner's words fit a message attribute, which takes no control characters."""
    printable = "".join(char if char.isprintable() else " " for char in text[:500])
    return printable.encode("ascii", "backslashreplace").decode()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
