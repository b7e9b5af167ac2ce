"""
A destination that seems to be down: LivePerson or the channel, for one account.

While it is down its messages wait, without calls and without counting as tries; now and then one
of them looks whether it is back. How long they wait grows with the outage, so a short one is over
for them soon, and a long one does not use up what the queue has of patience.
"""

from __future__ import annotations

from dataclasses import dataclass

OPEN_AFTER = 5
"""So many failures in a row, and the destination counts as down…"""

OPEN_GROUPS = 2
"""… if they are of so many groups: one message that always fails says nothing of others."""

# Failures further apart than this are not "in a row".
FORGET_SECONDS = 600

_SHORTEST = 5.0
_LONGEST = 600.0


@dataclass(frozen=True)
class CircuitState:
    """
    Failures in a row, since when, and when somebody may look next (seconds since 1970).

    ``groups`` are those that the failed messages belong to. Until it is certain, everybody goes on.
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
        """Return how many seconds pass between looks: a quarter of the outage, within limits."""
        return min(max((now - self.since) / 4, _SHORTEST), _LONGEST)
