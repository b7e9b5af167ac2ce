"""
The circuit of a destination, LivePerson or the channel, for one account.

While it is open, messages wait without calls and without counting as tries; from time to time one
message is the probe. The interval between probes grows with the outage: after a short one messages
go on soon, and a long one does not use up the queue's limit of receives.
"""

from __future__ import annotations

from dataclasses import dataclass

OPEN_AFTER = 5
"""Failures in a row that open the circuit…"""

OPEN_GROUPS = 2
"""… if they are of this many groups: one message that always fails proves no outage."""

# Failures further apart than this many seconds are not in a row.
FORGET_SECONDS = 600

_SHORTEST = 5.0
_LONGEST = 600.0


@dataclass(frozen=True)
class CircuitState:
    """
    Failures in a row, since when, and when the next probe may go (seconds since 1970).

    ``groups`` are those of the failed messages. Until the circuit is open, all messages go ahead.
    """

    failures: int
    since: float
    next_probe_at: float
    groups: frozenset[str] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether messages wait."""
        return self.failures >= OPEN_AFTER and len(self.groups) >= OPEN_GROUPS

    def interval(self, now: float) -> float:
        """Return the seconds between probes: a quarter of the outage so far, within limits."""
        return min(max((now - self.since) / 4, _SHORTEST), _LONGEST)
