"""
What an event costs as the connector has more to remember.

One process handles events on three tables in turn: with 10, 10 thousand and a million
conversations. What grows is the table alone; a function finds all it needs by key.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from .environment import quiet
from .flows import Flow, flows
from .measuring import Row, Samples, Section, take_turns
from .wire import Wire
from .world import STORE_CALLS, STORE_MICROSECONDS, table_name, world

SIZES = (10, 10_000, 1_000_000)
EVENTS = 12
FLAT = 1.05

_ABOUT = """\
Each flow handles texts of consumers chosen at random among so many, every one with an open
conversation in the table, and the sizes take turns in one process. Processor time is measured: our
part. The table is a stand-in, sorted keys in a file in a process of its own; its part is told
below. DynamoDB's part cannot be measured here: it promises answers in milliseconds at any size to
who asks by key, as the connector does for everything (it has one key, no index, and never queries
or scans). The intakes do not look at the table at all.
"""


def measure(rounds: int) -> list[Section]:
    """Return what an event costs in each flow at each size, against the smallest."""
    section = Section("As state grows", _ABOUT)
    with (
        world(*SIZES) as around,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        for name, taken in process.submit(_measured, rounds, around).result().items():
            section.rows += _rows(section.title, name, taken)
        section.appendix = "\n".join(_of_the_store(around.counts()))
    return [section]


def _rows(section: str, flow: str, taken: Mapping[str, Samples]) -> Iterator[Row]:
    smallest, *larger = SIZES
    floor = taken[str(smallest)]
    for size in larger:
        what = f"{flow}: processor time an event with {size:,} conversations"
        yield Row(section, what, "ms", taken[str(size)], f"with {smallest}", floor, most=FLAT)


def _of_the_store(counts: Mapping[str, int]) -> Iterator[str]:
    yield "| conversations | the stand-in's time for a call of its table |"
    yield "|---:|---:|"
    for size in SIZES:
        name = table_name(size)
        calls, took = counts[STORE_CALLS.format(name)], counts[STORE_MICROSECONDS.format(name)]
        yield f"| {size:,} | {took / calls / 1000:.2f} ms |"


# ── In the process of its own ──


def _measured(rounds: int, around: Wire) -> dict[str, dict[str, Samples]]:
    with quiet():
        by_size = {size: flows(around, size) for size in SIZES}
        before = around.counts()
        names = [flow.name for flow in by_size[SIZES[0]]]
        taken = {name: take_turns(dict(_contenders(name, by_size)), rounds) for name in names}
        _check(by_size[SIZES[0]], before, around.counts(), EVENTS * len(SIZES) * (rounds + 1))
        return taken


def _contenders(
    name: str, by_size: Mapping[int, list[Flow]]
) -> Iterator[tuple[str, Callable[[], float]]]:
    chance = random.Random(1)  # noqa: S311 - it only chooses consumers
    for size, found in by_size.items():
        (flow,) = [each for each in found if each.name == name]
        yield str(size), partial(_cost, flow, size, chance)


def _cost(flow: Flow, size: int, chance: random.Random) -> float:
    return flow.cost([chance.randrange(size) for _ in range(EVENTS)])


def _check(
    found: list[Flow], before: Mapping[str, int], after: Mapping[str, int], events: int
) -> None:
    """Fail unless every event asked the partners for just what it should."""
    wanted: dict[str, int] = {}
    for flow in found:
        for call, number in flow.calls.items():
            wanted[call] = wanted.get(call, 0) + number * events
    asked = {name: after.get(name, 0) - before.get(name, 0) for name in wanted}
    if asked != wanted:
        raise RuntimeError(f"{events} events of each flow came to {asked}")
