"""Runs of one schedule and of many, and the search for the smallest that still fails."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from .invariants import judge
from .scheduler import START
from .schedules import DAY, Schedule, make
from .simulation import World

# Smaller schedules are tried at most so often: most of what can be left out is, by then.
_MOST_TRIES = 150


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


def play_seed(seed: int) -> Result:
    """Play the schedule of a seed."""
    return play(make(seed))


def smallest(result: Result) -> Result:
    """Leave out of a failing schedule whatever can be left out without mending it."""
    names = promises(result)

    def still_fails(schedule: Schedule) -> Result | None:
        again = play(schedule)
        return again if promises(again) & names else None

    return _shrink(result, still_fails)


def promises(result: Result) -> set[str]:
    """Name the broken promises."""
    return {each.partition(":")[0] for each in result.broken}


def _shrink(result: Result, still_fails: Callable[[Schedule], Result | None]) -> Result:
    tries, size, parts = 0, 8, ("faults", "deeds")
    while size >= 1:
        smaller = None
        for part in parts:
            for candidate in _without(result.schedule, part, size):
                tries += 1
                if tries > _MOST_TRIES:
                    return result
                if smaller := still_fails(candidate):
                    break
            if smaller:
                break
        if smaller:
            result = smaller
        else:
            size //= 2
    return result


def _without(schedule: Schedule, part: str, size: int) -> list[Schedule]:
    things = getattr(schedule, part)
    if len(things) < size:
        return []
    return [
        replace(schedule, **{part: things[:start] + things[start + size :]})
        for start in range(0, len(things), size)
    ]
