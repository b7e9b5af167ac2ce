"""The table of what the connector covers is whole, and every row is shown by a test that exists."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/coverage.md").read_text(encoding="utf-8")
SECTIONS = {
    each["section"]: each
    for each in json.loads((ROOT / "tests/data/capabilities.json").read_text(encoding="utf-8"))[
        "sections"
    ]
}

SHOWN = {"supported", "passed through"}
STATUS = re.compile(
    r"supported|passed through|not (?:sent|delivered|used|used yet), because \S.*"
    r"|not offered by LivePerson to connectors"
)


@dataclass(frozen=True)
class Row:
    """A row of the table: what, what becomes of it, how, and the test that shows it."""

    section: str
    what: str
    status: str
    here: str
    test: str

    @property
    def capabilities(self) -> set[str]:
        """What the row answers for: itself as a whole, and each field that it names."""
        return {self.what, *re.findall(r"`([^`]+)`", self.what)}


def read_rows() -> list[Row]:
    """Read the rows of every section's table."""
    rows = []
    section = ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if section and line.startswith("| ") and cells[0] != "what":
            rows.append(Row(section, *cells))
    return rows


ROWS = read_rows()


@cache
def names_in(path: str) -> frozenset[str]:
    """Name the tests of a file."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    inside = [(f"{each.name}::", each.body) for each in tree.body if isinstance(each, ast.ClassDef)]
    return frozenset(
        prefix + each.name
        for prefix, body in [("", tree.body), *inside]
        for each in body
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
    )


@pytest.mark.parametrize("section", SECTIONS)
def test_every_capability_is_in_the_table(section: str) -> None:
    """What LivePerson's page names is answered in the section of that page, linked there."""
    answered = {each for row in ROWS if row.section == section for each in row.capabilities}

    assert set() == set(SECTIONS[section]["capabilities"]) - answered
    assert f"## {section}\n\n[LivePerson's page]({SECTIONS[section]['page']})\n" in PAGE


def test_nothing_is_in_the_table_that_livepersons_pages_do_not_name() -> None:
    """A row that answers no question is a slip, or a capability that the list lacks."""
    asked = {section: set(each["capabilities"]) for section, each in SECTIONS.items()}

    assert [] == [row.what for row in ROWS if not row.capabilities & asked.get(row.section, set())]


def test_no_capability_is_listed_twice() -> None:
    """Each has one answer."""
    for section, each in SECTIONS.items():
        assert len(set(each["capabilities"])) == len(each["capabilities"]), section


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.section}: {row.what[:40]}")
def test_a_row_says_what_becomes_of_it_and_what_shows_it(row: Row) -> None:
    """A status that the page explains; and a test that exists, where something is done."""
    assert STATUS.fullmatch(row.status)
    if row.status in SHOWN:
        assert row.test
    if row.test:
        path, _, name = row.test.strip("`").partition("::")
        assert name in names_in(path)


# ── docs/reliability.md ──

RELIABILITY = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")
RULES = {
    "simulation": ROOT / "tests/simulation/invariants.py",
    "soak": ROOT / "sandbox/soak/invariants.py",
}


def test_every_test_that_holds_a_promise_exists() -> None:
    """A promise whose test was renamed or removed is noticed here."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", RELIABILITY)

    assert len(named) > 50
    assert [] == [f"{path}::{name}" for path, name in named if name not in names_in(path)]


@pytest.mark.parametrize("run", RULES)
def test_every_rule_that_holds_a_promise_exists(run: str) -> None:
    """Named as the run itself prints it."""
    named = [
        rule
        for rules in re.findall(rf'{run}: ((?:"[^"]+"(?:, )?)+)', RELIABILITY)
        for rule in re.findall(r'"([^"]+)"', rules)
    ]
    known = RULES[run].read_text(encoding="utf-8")

    assert len(named) > 5
    assert [] == [rule for rule in named if f'"{rule}"' not in known]
