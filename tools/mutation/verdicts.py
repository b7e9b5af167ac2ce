"""What became of the mutants: killed or survived, by module."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.copying import PACKAGE

# How mutmut's child ends: a test failed, pytest itself did, or it ran far longer than the tests.
_KILLED = {1, 3}
_HUNG = {24, -24, 36, 152, 255, -9}
_UNTESTED = {5, 33}
_NOT_RUN = {None, 2}


@dataclass(frozen=True)
class Verdicts:
    """How every mutant's tests ended, by module and mutant."""

    exits: Mapping[str, Mapping[str, int | None]]

    @property
    def total(self) -> Counter[str]:
        """Everything, counted by what became of it."""
        return sum(map(_count, self.exits.values()), Counter())

    @property
    def share_killed(self) -> float:
        """How much of it was noticed; what hangs is noticed too."""
        total = self.total
        return (total["killed"] + total["hung"]) / max(_tried(total), 1)

    @property
    def survivors(self) -> list[str]:
        """The names of the mutants that nothing noticed."""
        return [
            name
            for exits in self.exits.values()
            for name, code in exits.items()
            if _verdict(code) in {"survived", "untested"}
        ]

    def lines(self) -> Iterator[str]:
        """Give a table with a line for each module."""
        yield f"{'module':30} mutants   killed     hung survived untested"
        counts = {module: _count(exits) for module, exits in self.exits.items()}
        for module, count in {**counts, "together": self.total}.items():
            kinds = [count[kind] for kind in ("killed", "hung", "survived", "untested")]
            yield f"{module:28}" + "".join(f"{each:9}" for each in [_tried(count), *kinds])


def read_verdicts(folder: Path) -> Verdicts:
    """Read what mutmut wrote beside the mutated modules."""
    package = folder / "mutants" / "src" / PACKAGE
    exits = {
        str(path.relative_to(package)).removesuffix(".py.meta"): json.loads(path.read_text())
        for path in sorted(package.rglob("*.meta"))
    }
    return Verdicts({module: found["exit_code_by_key"] for module, found in exits.items()})


def _count(exits: Mapping[str, int | None]) -> Counter[str]:
    return Counter(map(_verdict, exits.values()))


def _tried(count: Counter[str]) -> int:
    return count.total() - count["not run"]


def _verdict(code: int | None) -> str:
    if code in _NOT_RUN:
        return "not run"
    if code in _KILLED:
        return "killed"
    if code in _HUNG:
        return "hung"
    return "untested" if code in _UNTESTED else "survived"
