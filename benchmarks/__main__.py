"""
Measure all that ``docs/benchmarks.md`` tells, and write it.

    python -m benchmarks [--only cold_starts] [--quick]
"""

from __future__ import annotations

import argparse
import time
from importlib import import_module

from . import report
from .measuring import Section

# In the order of the report. Each module has ``measure(rounds)``, which returns its sections.
PARTS = {
    "cold_starts": 15,
    "layer": 1,
    "calls": 1,
    "end_to_end": 9,
    "throughput": 9,
}
QUICK_ROUNDS = 3


def main() -> None:
    """Run the parts asked for; only a whole run is written into the documents."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part alone")
    parser.add_argument("--quick", action="store_true", help="few rounds: to try it, not to quote")
    asked = parser.parse_args()
    began = time.monotonic()
    sections = [
        section
        for name in asked.only or PARTS
        for section in _measured(
            name, min(PARTS[name], QUICK_ROUNDS) if asked.quick else PARTS[name]
        )
    ]
    seconds = time.monotonic() - began
    if asked.only or asked.quick:
        print(report.text(sections))
    else:
        report.write(sections, seconds)
    print(f"took {seconds:.0f} s")


def _measured(name: str, rounds: int) -> list[Section]:
    began = time.monotonic()
    sections: list[Section] = import_module(f".{name}", __package__).measure(rounds)
    print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
    return sections


if __name__ == "__main__":
    main()
