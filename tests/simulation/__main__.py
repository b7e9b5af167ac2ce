"""
Many schedules, on all processors, and a table of what they showed.

    python -m tests.simulation --schedules 10000 --seed 1
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from sandbox import arguments

from .running import CHUNK, Result, search


@dataclass
class Summary:
    """What many schedules came to."""

    schedules: int = 0
    days: float = 0.0
    recovery: float = 0.0
    most_calls: float = 0.0
    slowest: float = 0.0
    families: Counter[str] = field(default_factory=Counter)
    figures: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        """Add one schedule's result."""
        self.schedules += 1
        self.days += result.days
        self.recovery = max(self.recovery, result.recovery)
        self.most_calls = max(self.most_calls, result.most_calls)
        self.slowest = max(self.slowest, result.seconds)
        self.families[result.schedule.family] += 1
        self.figures += result.figures
        self.faults += result.faults
        if result.broken:
            self.broken.update(result.promises)

    def rows(self) -> list[tuple[str, str]]:
        """Write it as a table."""
        return [
            ("schedules", f"{self.schedules:,}"),
            ("simulated days", f"{self.days:,.0f}"),
            *(
                (f"schedules of family {name}", f"{n:,}")
                for name, n in sorted(self.families.items())
            ),
            *((name, f"{n:,}") for name, n in sorted(self.figures.items())),
            *((f"faults: {name}", f"{n:,}") for name, n in sorted(self.faults.items())),
            ("longest recovery", f"{self.recovery:,.0f} s"),
            ("most calls in a day of outage", f"{self.most_calls:,.0f}"),
            ("slowest schedule", f"{self.slowest:.1f} s"),
            *((f"BROKEN {name}", f"{n:,} schedules") for name, n in sorted(self.broken.items())),
        ]


def main() -> int:
    """Run as many schedules as asked for; 0 if every promise was kept."""
    given = _arguments()
    began, summary = time.monotonic(), Summary()
    seeds = range(given.seed, given.seed + -(-given.schedules // CHUNK))
    with ProcessPoolExecutor(given.processes) as pool:
        for found in pool.map(search, seeds):
            for result in found.results:
                summary.add(result)
            if found.smallest:
                say(f"\nThe smallest schedule found that breaks a promise:\n{found.smallest}\n")
            if summary.schedules % 500 < len(found.results):
                say(f"… {summary.schedules:,} schedules")
    for name, value in summary.rows():
        say(f"{name:<45}{value:>16}")
    say(f"{'took':<45}{time.monotonic() - began:>14,.0f} s")
    return 1 if summary.broken else 0


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--schedules", type=arguments.count, default=10_000)
    parser.add_argument(
        "--seed", type=arguments.whole_number, default=1, help=f"of the first {CHUNK}; it counts up"
    )
    parser.add_argument("--processes", type=arguments.count, default=os.cpu_count())
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
