"""
The frame around a worker: what becomes of a message that could not be handled.

A transient failure lets the message wait and be offered again; its group waits with it, other
groups do not notice. A permanent one, or a transient one that lasted a day, goes to the dead
letters with the reason written on it, and the group moves on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import observe
from ..cache import Clock
from ..errors import Permanent, Transient, Unexpected
from ..messages import Letter, Received, token
from .ports import Inbox, Outbox

GIVE_UP_SECONDS = 24 * 3600

# LivePerson's policy for 5xx: three retries after 5, 10 and 15 s, then minutes, doubling. Later
# tries stay a quarter of an hour apart, so that the end of a long outage is noticed soon.
_DELAYS = (5, 10, 15, 120, 240, 480, 900)

# A wait that was named is kept to for the first tries; what goes on failing slows down all the
# same, so that a day of patience stays far below the queue's limit of receives.
_NAMED_WAITS = 12

# Nobody's Retry-After makes us deaf for longer: the outage may end sooner.
_LONGEST = 900

# Its policy for 429 is at least 1 s; a random part keeps a crowd from coming back together.
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
    clock: Clock = time.time
    chance: Callable[[], float] = random.random
    give_up_seconds: float = GIVE_UP_SECONDS
    refused: Callable[[Received, Permanent], None] | None = None
    describe: Callable[[Received], Mapping[str, Any]] = lambda _message: {}

    def process(self, message: Received) -> bool:
        """Handle one message; false if it is to be offered again."""
        error = self._try(message)
        if error is None:
            return True
        if isinstance(error, Transient) and self._age(message) < self.give_up_seconds:
            self._wait(message, error)
            return False
        self._give_up(message, error)
        return True

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

    def _wait(self, message: Received, error: Transient) -> None:
        seconds = delay(message.receive_count, error.retry_after, self.chance())
        observe.failure(
            self.function,
            error,
            attempt=message.receive_count,
            next_try_in_seconds=seconds,
            **self._ids(message),
        )
        observe.count(self.function, "retry_later")
        try:
            self.inbox.hide(message.receipt_handle, seconds)
        except Transient as unavailable:  # then it comes back when its visibility times out
            observe.failure(self.function, unavailable, **self._ids(message))

    def _give_up(self, message: Received, error: Transient | Permanent) -> None:
        ids = self._ids(message)
        observe.failure(self.function, error, attempt=message.receive_count, **ids)
        if self.dead_letters:
            self.dead_letters.send([dead_letter(message, error)])
            observe.outcome(self.function, "dead_lettered", reason=error.reason, **ids)

    def _ids(self, message: Received) -> Mapping[str, Any]:
        return {"message_id": message.message_id, **self.describe(message)}

    def _age(self, message: Received) -> float:
        return self.clock() - message.first_received_at.timestamp()


def delay(receive_count: int, retry_after: float | None, chance: float) -> int:
    """
    Return how many seconds a message waits after its ``receive_count``-th try failed.

    ``retry_after`` is the wait that the partner or the error names; ``chance`` (0 to 1) spreads
    the tries.
    """
    usual = _DELAYS[min(receive_count, len(_DELAYS)) - 1]
    if retry_after is None:
        seconds: float = usual
    elif receive_count <= _NAMED_WAITS:
        seconds = min(max(retry_after, 1.0), _LONGEST)
    else:
        seconds = min(max(retry_after, usual), _LONGEST)
    return max(1, round(seconds * (1 + _JITTER * chance)))


def dead_letter(message: Received, error: Transient | Permanent) -> Letter:
    """Return the message as a dead letter: its body as it was, and why it is there."""
    known = {
        "reason": error.reason,
        "problem": _plain(str(error)),
        "http_status": str(error.http_status) if error.http_status else "",
        "error_code": error.error_code or "",
        "attempts": str(message.receive_count),
        "first_failed_at": message.attributes.get(
            "first_failed_at", _iso(message.first_received_at)
        ),
        "redrives": message.attributes.get("redrives", ""),
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
