"""Runs of one schedule and of many; Hypothesis makes them, and a failing one smaller."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import hypothesis
from hypothesis import HealthCheck, Phase

from .invariants import judge
from .scheduler import START
from .schedules import DAY, SCHEDULES, Schedule
from .simulation import World

CHUNK = 20
"""So many schedules are one search, with a seed of its own: processes share the searches."""


@dataclass
class Result:
    """What one schedule came to."""

    schedule: Schedule
    broken: list[str]
    figures: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    recovery: float = 0.0
    most_calls: float = 0.0
    days: float = 0.0
    seconds: float = 0.0

    @property
    def promises(self) -> set[str]:
        """Name the broken promises."""
        return {each.partition(":")[0] for each in self.broken}

    def __str__(self) -> str:
        """Write what is broken, and the schedule as code."""
        return "\n".join([*self.broken, "", str(self.schedule)])


def play(schedule: Schedule) -> Result:
    """Play one schedule and judge what came of it."""
    began = time.perf_counter()
    world = World(schedule)
    world.play()
    verdict = judge(world)
    return Result(
        schedule,
        verdict.broken,
        verdict.figures,
        world.faults.struck,
        verdict.recovery,
        verdict.most_calls,
        (world.kernel.now - START) / DAY,
        time.perf_counter() - began,
    )


@dataclass
class Search:
    """The results of many schedules; ``smallest`` is the last that failed, made smaller."""

    results: list[Result] = field(default_factory=list)
    smallest: Result | None = None


class _Broken(Exception):
    """A schedule broke a promise."""


def search(seed: int, schedules: int = CHUNK) -> Search:
    """
    Play ``schedules`` of them; the same ``seed`` gives the same.

    The first that breaks a promise ends the search. What can be left out of it is left out.
    """
    found = Search()

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=schedules,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(SCHEDULES)
    def look(schedule: Schedule) -> None:
        result = play(schedule)
        if not found.smallest:
            found.results.append(result)
        if result.broken:
            found.smallest = result  # the smallest is played last
            raise _Broken

    with suppress(_Broken):
        look()
    return found
