"""The matrix of ready channels says what the adapters declare, and names a test for each column."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from liveperson_connector.channel.adapters.interface import Capabilities
from tests.support.adapters import Samples, all_samples, written_kinds

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/channels.md").read_text(encoding="utf-8")
PAGES = ROOT / "docs/channels"
NOT_THERE = "—"
UNITS = {"characters": "characters", "utf16": "UTF-16 units", "bytes": "bytes"}


def yes(there: object) -> str:
    return "yes" if there else NOT_THERE


def sizes(types: Mapping[str, int]) -> str:
    """Write file types by their largest size."""
    by_size: dict[int, list[str]] = {}
    for name, size in types.items():
        by_size.setdefault(size, []).append(name)
    return (
        "; ".join(f"{', '.join(names)} to {size / 1024**2:g} MB" for size, names in by_size.items())
        or NOT_THERE
    )


def only(can: Capabilities, *names: str, without: tuple[str, ...] = ()) -> dict[str, int]:
    return {
        name: size
        for name, size in can.files.items()
        if (name in names if names else name not in without)
    }


PICTURES = ("JPG", "JPEG", "PNG", "GIF", "WEBP")
COLUMNS: dict[str, Callable[[Capabilities], str]] = {
    "text": lambda can: f"{can.text:,} {UNITS[can.unit]}",
    "split": lambda can: yes(can.text),
    "buttons": lambda can: (
        f"{can.buttons} of {can.button_title}, {can.link_buttons or 'no'} links"
        if can.buttons
        else NOT_THERE
    ),
    "lists": lambda can: f"{can.rows} of {can.row_title}" if can.rows else NOT_THERE,
    "pictures to people": lambda can: sizes(only(can, *PICTURES)),
    "documents to people": lambda can: sizes(only(can, without=PICTURES)),
    "files from people": lambda can: sizes(can.consumer_files),
    "location": lambda can: {
        (True, True): "both ways",
        (True, False): "from people",
        (False, True): "to people",
        (False, False): NOT_THERE,
    }[(can.location_in, can.location_out)],
    "typing": lambda can: {
        (True, True): "both ways",
        (True, False): "from people",
        (False, True): "to people",
        (False, False): NOT_THERE,
    }[(can.typing_in, can.typing_out)],
    "receipts": lambda can: ", ".join(sorted(can.reports)) or NOT_THERE,
    "read marks": lambda can: yes(can.read_marks),
    "edits": lambda can: (
        ", ".join(
            name for name in ("edits", "deletions", "reactions", "quotes") if getattr(can, name)
        )
        or NOT_THERE
    ),
    "window": lambda can: f"{can.window_seconds // 3600} h" if can.window_seconds else NOT_THERE,
    "safe repeat": lambda can: yes(can.safe_repeat),
}


def tables() -> list[list[list[str]]]:
    """Read the page's tables: lists of rows, the head included, the rule left out."""
    blocks = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    return [
        [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in block.splitlines()
            if set(line) != {"|", "-"}
        ]
        for block in blocks
    ]


def matrix() -> dict[str, dict[str, str]]:
    """Return the cells by column and kind."""
    head, *rows = next(table for table in tables() if table[0][0] == "what")
    return {
        what: dict(
            zip((re.sub(r"[\[\]]|\(.*\)", "", each) for each in head[1:]), cells, strict=True)
        )
        for what, *cells in rows
    }


def test_matrix_has_every_kind_and_every_capability() -> None:
    """A new kind is a new column, a new capability a new row."""
    found = matrix()

    assert list(COLUMNS) == list(found)
    assert all(list(cells) == written_kinds() for cells in found.values())


@pytest.mark.parametrize("of", [pytest.param(of, id=of.kind) for of in all_samples()])
def test_matrix_says_what_is_declared(of: Samples) -> None:
    """Each cell, with the settings of the conformance suite's samples."""
    can = of.adapter.capabilities(of.settings)

    declared = {what: write(can) for what, write in COLUMNS.items()}
    assert declared == {what: cells[of.kind] for what, cells in matrix().items()}


def test_every_row_names_tests_that_are_there() -> None:
    """One row of the second table for each of the first; a renamed test is noticed."""
    _, *rows = next(table for table in tables() if table[0][0] == "row")

    assert list(COLUMNS) == [row[0] for row in rows]
    for _, shown in rows:
        named = re.findall(r"`([^`]+)::(\w+)`", shown)
        assert named
        for file, name in named:
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), (file, name)


@pytest.mark.parametrize("kind", [page.stem for page in sorted(PAGES.glob("*.md"))])
def test_kinds_page_is_whole(kind: str) -> None:
    """With what the operator needs, what is carried, what it costs, and what was judged by what."""
    page = (PAGES / f"{kind}.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", page, re.MULTILINE)

    wanted = ["What you need", "Step by step", "What is carried", "Costs and limits"]
    assert [*wanted, "What was judged by what"] == titles
    for each in next(of for of in all_samples() if of.kind == kind).adapter.settings:
        assert f"`{each.name}`" in page, each.name
