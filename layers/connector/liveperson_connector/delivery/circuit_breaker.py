"""
Circuit breaker: stop calling a destination that is down; find out by a probe when it is back.

There is one circuit for each account and destination, kept in the table, so that all containers
know at once and one brand's outage never slows another's. Its state comes with the one read that
a worker makes anyway; it is written only when something fails, or when an outage is over::

    closed ──OPEN_AFTER failures in a row──▶ open ──interval over──▶ half-open
      ▲                                       ▲                        │    │
      │                                       └──────probe failed──────┘    │
      └───────────────────────────probe answered───────────────────────────┘

An operator may pause an account's messages to a destination. The pause is an attribute of the same
item, so it costs no read either; no message is a probe, and what calls say meanwhile is not noted.

=========== ==================================================================
closed      calls go ahead; the circuit counts failures in a row
open        messages wait without a call and without spending a try
half-open   the first message whose turn it is goes ahead as the probe
=========== ==================================================================
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..domain.clock import Clock
from ..domain.errors import CircuitOpen, ConnectorError, Paused, ProbeFailed
from ..domain.outages import CircuitState
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome
from .ports import FailureStore

LIVEPERSON = "liveperson"
CHANNEL = "channel"


@dataclass(frozen=True)
class CircuitBreaker:
    """
    The circuits of one ``destination``, one for each account.

    A ready channel is a destination of its own, ``channel:`` and its name, so that the channels of
    a brand do not disturb each other.
    """

    destination: str
    store: FailureStore
    clock: Clock = time.time
    chance: Callable[[], float] = random.random

    @contextmanager
    def guard(self, account_id: str, state: CircuitState | None, group: str) -> Iterator[None]:
        """
        Call the destination within, and count what the calls say of it.

        ``state`` is what the table knows of the circuit, ``group`` the message's. Success closes
        the circuit, and so does an error with the destination's answer (``answer_of``). An error
        that speaks of an outage (``outage_of``) counts as a failure; others count as neither.

        Raises :class:`CircuitOpen` instead of going ahead while the circuit is open,
        :class:`Paused` during a pause, and :class:`ProbeFailed` in place of a probe's own error.
        """
        self._admit(account_id, state)
        try:
            yield
        except ConnectorError as error:
            if error.answer_of == self._partner:
                self._close(account_id, state)
            elif error.outage_of == self._partner:
                self._count_failure(account_id, state, error, group)
            raise
        self._close(account_id, state)

    def check_pause(self, state: CircuitState | None) -> None:
        """Raise :class:`Paused` if an operator has paused the messages to the destination."""
        if state is None or not state.is_paused:
            return
        wait = state.pause_interval(self.clock()) * (1 + self.chance() / 4)
        raise Paused(f"{self.destination} is paused for this account", retry_after=wait)

    @property
    def _partner(self) -> str:
        """The destination as errors name it."""
        return self.destination.partition(":")[0]

    def _admit(self, account_id: str, state: CircuitState | None) -> None:
        self.check_pause(state)
        if state is None or not state.is_open:
            return
        now = self.clock()
        interval = state.interval(now)
        if now >= state.next_probe_at and self.store.probe(
            account_id, self.destination, now, now + interval
        ):
            outcomes.outcome(Outcome.PROBE, account_id=account_id, to=self.destination)
            return
        # Spread over an interval: after the outage the waiting messages come one by one.
        wait = max(state.next_probe_at - now, 0.0) + interval * self.chance()
        raise CircuitOpen(f"{self.destination} is down for this account", retry_after=wait)

    def _count_failure(
        self, account_id: str, state: CircuitState | None, error: ConnectorError, group: str
    ) -> None:
        was_probe = state is not None and state.is_open
        now = self.store.note_failure(account_id, self.destination, state, self.clock(), group[:8])
        if now.is_open and not was_probe:
            outcomes.outcome(Outcome.BREAKER_OPENED, account_id=account_id, to=self.destination)
        if was_probe:
            raise ProbeFailed(
                f"{self.destination} is still down for this account: {error}",
                retry_after=now.interval(self.clock()) * (1 + self.chance()),
            ) from error

    def _close(self, account_id: str, state: CircuitState | None) -> None:
        if state is None:
            return
        self.store.outage_over(account_id, self.destination)
        if state.is_open:
            outcomes.outcome(Outcome.BREAKER_CLOSED, account_id=account_id, to=self.destination)
