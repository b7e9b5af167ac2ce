"""
Try the model in simulated time, where a machine cannot be too slow for it.

The real flows on the queues of ``tests/simulation``, between partners that take exactly as long as
they say. So also a thousand messages a second can be had: their half that consumers write.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "layers" / "connector")]

from tests.simulation.connector import EVENTS  # noqa: E402
from tests.simulation.kernel import START  # noqa: E402
from tests.simulation.schedules import Deed, Schedule  # noqa: E402
from tests.simulation.simulation import World  # noqa: E402
from tools.load import each, folders  # noqa: E402
from tools.scale_model import drain_seconds  # noqa: E402
from tools.scale_row import Row  # noqa: E402

# How long calls take in the simulation, and until a free worker has its next message.
AWS_SECONDS, LIVEPERSON_SECONDS, HAND_OVER_SECONDS = 0.004, 0.08, 0.02

CONSUMERS = 200
_WARM_UP = 120.0  # everybody's conversation is opened before
_LOOKS = 20  # a second


@dataclass(frozen=True)
class Look:
    """What there was at a moment, in seconds since the first message."""

    at: float
    running: int
    waiting: int


def rows() -> Iterator[Row]:
    """Let messages come steadily, and faster than the workers can do."""
    for rate in (100, 500):
        yield stream(rate)
    yield from too_much()


def stream(rate: int, seconds: float = 6) -> Row:
    """Count the executions of all functions, with workers enough."""
    looks = [look for look in simulate(rate, seconds, workers=rate) if 1 < look.at < seconds]
    one = LIVEPERSON_SECONDS + sum(calls(folder) for folder in folders()) * AWS_SECONDS
    return Row(
        f"simulated: executions at a time, {rate} consumer events a second",
        f"{rate} × {one:.3f} s, all functions",
        rate * one,
        statistics.mean(look.running for look in looks),
        "",
    )


def too_much(rate: int = 500, seconds: float = 5, workers: int = 20) -> Iterator[Row]:
    """Count what waits when workers are too few, and how long it takes them afterwards."""
    looks = simulate(rate, seconds, workers)
    one = LIVEPERSON_SECONDS + calls("outbound_messaging") * AWS_SECONDS + HAND_OVER_SECONDS
    drained = workers / one
    waiting = next(look.waiting for look in looks if look.at >= seconds)
    yield Row(
        f"simulated: waiting after {seconds:.0f} s of {rate} a second, {workers} at a time",
        f"({rate} − {workers} ÷ {one:.3f} s) × {seconds:.0f} s",
        (rate - drained) * seconds,
        waiting,
        "messages",
    )
    empty = next(look.at for look in looks if look.at > seconds and look.waiting <= 1)
    yield Row(
        "simulated: and until all of it is done",
        f"{waiting} ÷ ({workers} ÷ {one:.3f} s)",
        drain_seconds(waiting, drained, arriving=0),
        empty - seconds,
        "s",
    )


def calls(folder: str) -> float:
    """Give a function's calls of AWS for one message."""
    return each(folder, "aws_calls") / each(folder, "invocations")


def simulate(rate: int, seconds: float, workers: int, afterwards: float = 20) -> list[Look]:
    """Let consumers write in turn, ``rate`` a second in all, and look on."""
    first = [Deed(60 + who / _LOOKS, "says", who) for who in range(CONSUMERS)]
    number = round(rate * seconds)
    then = [Deed(_WARM_UP + n / rate, "says", n % CONSUMERS) for n in range(number)]
    schedule = Schedule(
        seed=1,
        consumers=CONSUMERS,
        workers=workers,
        webhook_seconds=0.05,
        repeat_webhooks=0.0,
        deeds=(*first, *then),
    )
    world, looks = World(schedule), list[Look]()

    def look() -> None:
        at = world.kernel.now - START - _WARM_UP
        looks.append(Look(at, world.functions.running, len(world.queues[EVENTS].messages)))

    for tick in range(round((seconds + afterwards) * _LOOKS)):
        world.kernel.at(START + _WARM_UP + tick / _LOOKS, look)
    world.play()
    return looks
