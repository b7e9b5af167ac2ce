"""The report: ``docs/benchmarks.md`` for people, ``benchmarks.json`` for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .measuring import Row, Samples, Section

DOCS = Path(__file__).parents[1] / "docs"
PAGE, DATA = DOCS / "benchmarks.md", DOCS / "benchmarks.json"

_HEAD = """\
# Benchmarks

How fast and how small the connector is, against the least that the same work can cost. Written by
`make bench`; nothing here is written by hand.

Every figure is a ratio of two things that took turns in the same run, since machines are noisy: the
median of the turns' ratios. `±` is half the distance between the quartiles. Absolute figures
are of the machine named at the end and say nothing of another one.
"""


def write(sections: Sequence[Section], seconds: float) -> None:
    """Write page and data."""
    rows = [row for section in sections for row in section.rows]
    PAGE.write_text(f"{_HEAD}\n{summary(rows)}\n\n{text(sections)}\n\n{machine(seconds)}\n")
    DATA.write_text(json.dumps([_data(row) for row in rows], indent=1) + "\n")


def summary(rows: Sequence[Row]) -> str:
    """Return how many goals are met, and which are not."""
    goals = [row for row in rows if row.met is not None]
    missed = [row for row in goals if not row.met]
    said = f"**{len(goals) - len(missed)} of {len(goals)} goals are met.**"
    if missed:
        named = "; ".join(f"{row.what} ({_figure(row)}, goal {_goal(row)})" for row in missed)
        said += f" Not met: {named}."
    return said


def text(sections: Sequence[Section]) -> str:
    """Return the sections in Markdown."""
    return "\n\n".join(map(_section, sections))


def machine(seconds: float) -> str:
    """Return where and when this was measured, and how long it took."""
    return (
        "## Where and when\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, in {seconds / 60:.0f} minutes, on {_processor()} with "
        f"{os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}, "
        f"boto3 {version('boto3')}, Powertools {version('aws-lambda-powertools')}."
    )


def _section(section: Section) -> str:
    lines = [
        f"## {section.title}",
        "",
        section.about.strip(),
        "",
        "| what | ours | against | theirs | ratio | goal | met |",
        "|---|---:|---|---:|---:|---:|---|",
        *map(_line, section.rows),
    ]
    notes = [f"{row.what}: {row.note}" for row in section.rows if row.note]
    lines += [line for note in notes for line in ("", note)]
    return "\n".join([*lines, *(["", section.appendix.strip()] if section.appendix else [])])


def _line(row: Row) -> str:
    theirs = _value(row.theirs, row.unit) if row.theirs else "–"
    ratio = f"{row.ratios.median:.2f}{_apart(row.ratios)}" if row.ratios else "–"
    met = {True: "yes", False: "**no**", None: "–"}[row.met]
    ours = _value(row.ours, row.unit)
    return f"| {row.what} | {ours} | {row.against} | {theirs} | {ratio} | {_goal(row)} | {met} |"


def _goal(row: Row) -> str:
    if row.most is None:
        return "–"
    sign = "<" if row.below else "≤"
    return f"{sign} {row.most:g}" + ("" if row.theirs else f" {row.unit}".rstrip())


def _figure(row: Row) -> str:
    return f"{row.figure:.2f}"


def _value(samples: Samples, unit: str) -> str:
    digits = 0 if samples.median >= 100 or samples.median == int(samples.median) else 2
    return f"{samples.median:,.{digits}f} {unit}".rstrip()


def _apart(samples: Samples) -> str:
    return f" ± {samples.spread:.0%}" if len(samples.values) > 1 else ""


def _data(row: Row) -> dict[str, object]:
    return {
        "section": row.section,
        "what": row.what,
        "unit": row.unit,
        "against": row.against,
        "ours": row.ours.median,
        "theirs": row.theirs.median if row.theirs else None,
        "ratio": row.ratios.median if row.ratios else None,
        "spread": row.ratios.spread if row.ratios else row.ours.spread,
        "turns": len(row.ours.values),
        "goal": row.most,
        "met": row.met,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(each.partition(": ")[2] for each in lines if each.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()
