"""
How everything is measured here: ours and what it is compared with take turns, in the same run.

A machine that is slow for a while is slow for both. So what counts is the ratio of each turn, and
of those the median; how far they lie apart is told beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Contender = Callable[[], float]
"""Does the work once and returns what it cost, in the unit of its row."""

OURS = "ours"


@dataclass(frozen=True)
class Samples:
    """What the turns of one contender cost."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one, which a disturbed turn does not move."""
        return statistics.median(self.values)

    @property
    def spread(self) -> float:
        """Half of the distance between the quartiles, as a part of the median."""
        if len(self.values) < 2 or not self.median:
            return 0.0
        low, _, high = statistics.quantiles(self.values, n=4, method="inclusive")
        return (high - low) / 2 / self.median


@dataclass(frozen=True)
class Row:
    """
    One line of the report: what ours costs, and against what.

    ``most`` is the goal, the highest ratio of ours to ``against`` that is good enough; for a
    figure with no floor, ``against`` has no samples and the goal is the highest value itself.
    """

    section: str
    what: str
    unit: str
    ours: Samples
    against: str
    theirs: Samples | None = None
    most: float | None = None
    below: bool = False
    """Whether the goal itself is too much: faster than, not at most."""
    note: str = ""

    @property
    def ratios(self) -> Samples | None:
        """Ours to theirs, turn by turn."""
        if self.theirs is None:
            return None
        pairs = zip(self.ours.values, self.theirs.values, strict=True)
        return Samples(tuple(ours / theirs for ours, theirs in pairs))

    @property
    def figure(self) -> float:
        """What the goal is about: the median ratio, or the value where there is no floor."""
        return self.ratios.median if self.ratios else self.ours.median

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; none where there is no goal."""
        if self.most is None:
            return None
        return self.figure < self.most if self.below else self.figure <= self.most


@dataclass
class Section:
    """Rows that belong together, and what a reader must know of how they came about."""

    title: str
    about: str
    rows: list[Row] = field(default_factory=list)
    appendix: str = ""
    """More in Markdown that stands below the table, for example a profile."""


def take_turns(contenders: Mapping[str, Contender], rounds: int) -> dict[str, Samples]:
    """
    Let each contender do its work ``rounds`` times, and return what it cost.

    Each round begins with another one, so that none always follows the same neighbour. A first
    round is not counted: it warms files, connections and code.
    """
    names = list(contenders)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for each in contenders.values():
        each()
    for turn in range(rounds):
        for name in rotated(names, turn):
            taken[name].append(contenders[name]())
    return {name: Samples(tuple(values)) for name, values in taken.items()}


def rotated(names: Sequence[str], by: int) -> list[str]:
    """Return ``names`` beginning with another one."""
    start = by % len(names)
    return [*names[start:], *names[:start]]


def once(value: float) -> Samples:
    """Return a figure that is counted, not measured: it is the same each time."""
    return Samples((value,))
