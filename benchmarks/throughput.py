"""
How many events a flow handles on one core, when nobody keeps it waiting.

LivePerson, the channel and AWS answer at once, from a process of their own; what is measured is
the processor time of ours alone. A real event waits for its partners for much longer than that,
but waiting costs no processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing import get_context

from .environment import quiet
from .flows import Flow, bare, cost, flows
from .measuring import OURS, Row, Samples, Section, take_turns
from .wire import Wire
from .world import world

EVENTS = 40
CONVERSATIONS = 10
FLOWS = ("message_intake", "outbound_messaging", "webhook_intake", "channel_delivery")
BARE = "the same calls, bare"

_ABOUT = """\
Each flow handles texts in a process of its own, against partners that answer at once from another.
Beside it the very calls that it made are made by the same libraries with the same settings, and
nothing around them: one of SQS for an intake; a read and a write of DynamoDB and one HTTP call for
a worker. Processor time is what is compared; the rate is what one core could do if it did nothing
else. No goal: it shows what is ours to save.
"""


def measure(rounds: int) -> list[Section]:
    """Return what an event costs in each flow."""
    section = Section("Throughput of a flow on one core", _ABOUT)
    section.rows = [_row(section.title, name, _apart(name, rounds)) for name in FLOWS]
    section.appendix = "\n".join([*_RATES, *map(_rate, section.rows)])
    return [section]


def _row(section: str, name: str, taken: Mapping[str, Samples]) -> Row:
    what = f"{name}: processor time an event"
    return Row(section, what, "ms", taken[OURS], BARE, taken[BARE])


def _apart(name: str, rounds: int) -> dict[str, Samples]:
    """Measure a flow in a process of its own, where nothing else was imported or remembered."""
    with (
        world(CONVERSATIONS) as around,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        return process.submit(_measured, name, rounds, around).result()


# ── In the process of its own ──


def _measured(name: str, rounds: int, around: Wire) -> dict[str, Samples]:
    with quiet():
        flow = _flow(name, around)
        calls = bare(flow, around, CONVERSATIONS)
        flow = _flow(name, around)
        contenders: dict[str, Callable[[], float]] = {
            OURS: lambda: flow.cost(_consumers()),
            BARE: lambda: cost([calls] * EVENTS),
        }
        before = around.counts()
        taken = take_turns(contenders, rounds)
        _check(flow, before, around.counts(), 2 * EVENTS * (rounds + 1))
        return taken


def _flow(name: str, around: Wire) -> Flow:
    (found,) = [each for each in flows(around, CONVERSATIONS) if each.name == name]
    return found


def _consumers() -> Iterator[int]:
    return islice(cycle(range(CONVERSATIONS)), EVENTS)


def _check(flow: Flow, before: Mapping[str, int], after: Mapping[str, int], events: int) -> None:
    """Fail unless every event asked the partners for just what it should."""
    asked = {name: after.get(name, 0) - before.get(name, 0) for name in flow.calls}
    if asked != {name: number * events for name, number in flow.calls.items()}:
        raise RuntimeError(f"{flow.name}: {events} events came to {asked}")


# ── Told ──

_RATES = ["| flow | events a second | the calls alone |", "|---|---:|---:|"]


def _rate(row: Row) -> str:
    assert row.theirs
    name = row.what.partition(":")[0]
    return f"| {name} | {1000 / row.ours.median:,.0f} | {1000 / row.theirs.median:,.0f} |"
