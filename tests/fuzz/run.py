"""Inputs by number: the same seed and number bring the same input back."""

from __future__ import annotations

import faulthandler
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from .functions import Functions, deployed
from .inputs import channel, webhook
from .parsers import check_parser
from .promises import Broken, Late, check_channel, check_webhook

TARGETS = ("webhook", "channel", "parser")

Chunk = tuple[int, str, range]
"""A seed, a target, and the numbers of inputs."""

# For a chunk, which takes a few seconds.
_HANG_SECONDS = 180

# LivePerson waits 2.5 s, and our own deadline is before that. Measured is the processor's time: on
# a busy machine the clock on the wall tells of others. For the same reason an answer that was late
# by that clock, and so became a 503, is tried again.
MOST_SECONDS = 1.5
_TRIES = 3


@dataclass
class Tally:
    """What became of the inputs so far."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    slowest_input: str = ""

    def add(self, other: Tally) -> None:
        """Take another's into this one."""
        self.outcomes += other.outcomes
        self.failures += other.failures
        if other.slowest > self.slowest:
            self.slowest, self.slowest_input = other.slowest, other.slowest_input


def run(seed: int, target: str, numbers: Iterable[int], *, most_failures: int = 20) -> Tally:
    """Try inputs of one target; stop when so many have failed."""
    tally = Tally()
    with deployed() as functions:
        for number in numbers:
            _try_one(functions, tally, seed, target, number)
            if len(tally.failures) >= most_failures:
                break
    return tally


def run_chunk(chunk: Chunk) -> Tally:
    """Run a part in a process of its own, which shows where it hangs and ends itself if it does."""
    faulthandler.dump_traceback_later(_HANG_SECONDS, exit=True)
    try:
        return run(*chunk)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _try_one(functions: Functions, tally: Tally, seed: int, target: str, number: int) -> None:
    name = f"{target}:{number}"
    for tries_left in reversed(range(_TRIES)):
        try:
            outcome, seconds = _timed(functions, seed, target, number)
            break
        except Exception as failure:  # noqa: BLE001 - every failure is shown with its number
            functions.settle()
            functions.since()
            if isinstance(failure, Late) and tries_left:
                continue
            where = "" if isinstance(failure, Broken) else traceback.format_exc(limit=-4)
            words = f"{name} (seed {seed}) {type(failure).__name__}: {failure}\n{where}"
            tally.failures.append(words)
            return
    tally.outcomes[f"{target}: {outcome}"] += 1
    if seconds > tally.slowest:
        tally.slowest, tally.slowest_input = seconds, name


def _timed(functions: Functions, seed: int, target: str, number: int) -> tuple[str, float]:
    chance = Random(f"{seed}:{target}:{number}")  # noqa: S311 - repeatable, not secret
    check: Callable[[], str]
    if target == "webhook":
        given = webhook(chance)
        check = lambda: check_webhook(functions, given)  # noqa: E731
    elif target == "channel":
        given = channel(chance)
        check = lambda: check_channel(functions, given)  # noqa: E731
    else:
        check = lambda: check_parser(chance)  # noqa: E731
    began = time.process_time()
    outcome = check()
    seconds = time.process_time() - began
    if seconds > MOST_SECONDS:
        raise Late(f"an answer comes in time: {seconds:.2f} s")
    return outcome, seconds
