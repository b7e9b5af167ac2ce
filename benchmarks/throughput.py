"""
How many events a flow handles on one core, when nobody keeps it waiting.

LivePerson, the channel and AWS answer at once, from a process of their own; what is measured is
the processor time of ours alone. A real event waits for its partners for much longer than that,
but waiting costs no processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import cycle, islice
from multiprocessing import get_context
from typing import Any

from .environment import quiet
from .events import webhook
from .flows import Flow, bare, cost, flows
from .measuring import OURS, Row, Samples, Section, take_turns
from .webhook_floor import webhook_floor
from .wire import Wire
from .world import world

EVENTS = 40
CONVERSATIONS = 10
FLOWS = ("message_intake", "outbound_messaging", "webhook_intake", "channel_delivery")
BARE = "the same calls, bare"
FLOORS = {"bare floor": 1.1, "lean floor": 1.2}
"""The floors of the webhook intake, and what ours may cost at most, as a multiple of each."""

_ABOUT = """\
Each flow handles texts in a process of its own, against partners that answer at once from another.
Beside it the very calls that it made are made by the same libraries with the same settings, and
nothing around them: one of SQS for an intake; a read and a write of DynamoDB and one HTTP call for
a worker. Processor time is what is compared; the rate is what one core could do if it did nothing
else. It has no goal: it shows what is ours to save.

The webhook intake has two more floors, with goals. The *bare floor* takes the account's secret,
read from Parameter Store once, checks Base64 and HMAC of the raw bytes in constant time, parses the
JSON, sends it with group and deduplication id, answers. It has no deadline for its answer, no limit
of the body's size, no second secret for a rotation, no hexadecimal signatures, no check of the
client id, no word about what is missing; more than one change, or a conversation that does not fit,
is an error there. It writes no line and no metric, and sends no correlation id by which a message
is followed. Ours does all of these within its figure. The *lean floor* is the same, with clients
that check no parameters and write no user agent anew for each call, as ours are.
"""


def measure(rounds: int) -> list[Section]:
    """Return what an event costs in each flow."""
    section = Section("Throughput of a flow on one core", _ABOUT)
    section.rows = [
        row for name in FLOWS for row in _rows(section.title, name, _apart(name, rounds))
    ]
    section.appendix = "\n".join(
        [*_RATES, *map(_rate, (row for row in section.rows if row.against == BARE))]
    )
    return [section]


def _rows(section: str, name: str, taken: Mapping[str, Samples]) -> Iterator[Row]:
    what = f"{name}: processor time an event"
    yield Row(section, what, "ms", taken[OURS], BARE, taken[BARE])
    for floor, most in FLOORS.items():
        if floor in taken:
            yield Row(section, what, "ms", taken[OURS], floor, taken[floor], most=most)


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
        if name == "webhook_intake":
            for floor in FLOORS:
                handle = webhook_floor(lean=floor == "lean floor")
                contenders[floor] = partial(_cost_of_floor, handle)
        flow.event(0)()  # what only the first event of a container asks for
        before = around.counts()
        taken = take_turns(contenders, rounds)
        _check(flow, before, around.counts(), len(contenders) * EVENTS * (rounds + 1))
        return taken


def _flow(name: str, around: Wire) -> Flow:
    (found,) = [each for each in flows(around, CONVERSATIONS) if each.name == name]
    return found


def _consumers() -> Iterator[int]:
    return islice(cycle(range(CONVERSATIONS)), EVENTS)


def _cost_of_floor(handle: Callable[[Mapping[str, Any]], int]) -> float:
    return cost([partial(handle, webhook(number)) for number in _consumers()])


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
