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

MOST_PAUSE_SECONDS = 10 * 86_400
"""
How long an operator's pause lasts at most; then messages go on by themselves.

SQS forgets a message after 14 days, paused or not
(https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html).
"""

# The wait between two looks at a pause is a sixtieth of what it has lasted. So messages go on soon
# after a short pause, and the longest one takes some 600 of the queue's 1000 receives.
_PAUSE_SHORTEST = 15.0
_PAUSE_LONGEST = 3600.0


@dataclass(frozen=True)
class CircuitState:
    """
    Failures in a row, since when, and when the next probe may go (seconds since 1970).

    ``groups`` are those of the failed messages. Until the circuit is open, all messages go ahead.
    ``paused_at`` is when an operator paused the account's messages to the destination; 0 if none
    has. The failures of a paused circuit do not count.
    """

    failures: int
    since: float
    next_probe_at: float
    groups: frozenset[str] = frozenset()
    paused_at: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether messages wait for the end of an outage."""
        return self.failures >= OPEN_AFTER and len(self.groups) >= OPEN_GROUPS

    @property
    def is_paused(self) -> bool:
        """Whether messages wait for an operator."""
        return self.paused_at > 0

    def interval(self, now: float) -> float:
        """Return the seconds between probes: a quarter of the outage so far, within limits."""
        return min(max((now - self.since) / 4, _SHORTEST), _LONGEST)

    def pause_interval(self, now: float) -> float:
        """Return the seconds that a message of a paused account waits before it looks again."""
        return min(max((now - self.paused_at) / 60, _PAUSE_SHORTEST), _PAUSE_LONGEST)
