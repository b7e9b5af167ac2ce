"""
Messages wait while their destination is down, and a probe finds out when it is back.

There is one breaker for each account and destination, kept in the table, so that all containers
know at once and one brand's outage never slows another's. Its state comes with the one read that
a worker makes anyway; it is written only when something fails, or when an outage is over.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from ..domain.clock import Clock
from ..domain.errors import CircuitOpen, Transient
from ..domain.outages import CircuitState
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome
from .ports import Outages

LIVEPERSON = "liveperson"
CHANNEL = "channel"


@dataclass(frozen=True)
class CircuitBreaker:
    """The breaker of one destination, for all accounts."""

    destination: str
    store: Outages
    clock: Clock = time.time
    chance: Callable[[], float] = random.random

    def enter(self, account_id: str, outage: CircuitState | None) -> None:
        """Let a message through, or raise :class:`CircuitOpen` while its destination is down."""
        if outage is None or not outage.is_open:
            return
        now = self.clock()
        interval = outage.interval(now)
        if now >= outage.next_probe_at and self.store.probe(
            account_id, self.destination, now, now + interval
        ):
            outcomes.outcome(Outcome.PROBE, account_id=account_id, to=self.destination)
            return
        # Spread over an interval: after the outage the waiting messages come one by one.
        wait = max(outage.next_probe_at - now, 0.0) + interval * self.chance()
        raise CircuitOpen(f"{self.destination} is down for this account", retry_after=wait)

    def failed(
        self, account_id: str, outage: CircuitState | None, error: Transient, group: str
    ) -> None:
        """
        Note that a call came to nothing, if that speaks of the destination.

        Raises :class:`CircuitOpen` if it was a probe: an outage must not use up the tries of those
        who look whether it is over.
        """
        if error.outage_of != self.destination:
            return
        was_certain = outage is not None and outage.is_open
        now = self.store.note_failure(account_id, self.destination, outage, self.clock(), group[:8])
        if now.is_open and not was_certain:
            outcomes.outcome(Outcome.BREAKER_OPENED, account_id=account_id, to=self.destination)
        if was_certain:
            raise CircuitOpen(
                f"{self.destination} is still down for this account: {error}",
                retry_after=now.interval(self.clock()) * (1 + self.chance()),
            ) from error

    def succeeded(self, account_id: str, outage: CircuitState | None) -> None:
        """Note that a call went through, if there was any doubt."""
        if outage is None:
            return
        self.store.outage_over(account_id, self.destination)
        if outage.is_open:
            outcomes.outcome(Outcome.BREAKER_CLOSED, account_id=account_id, to=self.destination)
