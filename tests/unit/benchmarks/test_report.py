"""The page tells every goal, met or not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.measuring import Row, Samples, Section, once

MET = Row("s", "a < b", "ms", Samples((1.0, 1.2)), "floor", Samples((1.0, 1.0)), most=1.25)
MISSED = Row("s", "cold", "ms", Samples((1.5,)), "peer", Samples((1.0,)), most=1.0, below=True)
COUNTED = Row("s", "layer", "MB", once(4.2), "", most=5.0)
REPORTED = Row("s", "rate", "", once(1234), "")


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in ("PAGE", "DATA"):
        monkeypatch.setattr(report, name, tmp_path / name)
    return tmp_path


def test_a_missed_goal_is_said_first() -> None:
    """Nobody has to look for it in the tables."""
    said = report.summary([MET, MISSED, COUNTED, REPORTED])

    assert "**2 of 3 goals are met.** Not met: cold (1.50, goal < 1)." == said


def test_nothing_is_missed_when_all_is_met() -> None:
    """Then there is nothing more to say."""
    assert "**1 of 1 goals are met.**" == report.summary([MET, REPORTED])


def test_each_row_tells_both_sides_and_the_ratio() -> None:
    """And the goal, and whether it is met."""
    text = report.text([Section("Title", "About.", [MET, MISSED, COUNTED, REPORTED], "More.")])

    assert "## Title\n\nAbout." in text
    assert "| a < b | 1.10 ms | floor | 1 ms | 1.10 ± 5% | ≤ 1.25 | yes |" in text
    assert "| cold | 1.50 ms | peer | 1 ms | 1.50 | < 1 | **no** |" in text
    assert "| layer | 4.20 MB |  | – | – | ≤ 5 MB | yes |" in text
    assert "| rate | 1,234 |  | – | – | – | – |" in text
    assert text.endswith("\n\nMore.")


def test_a_note_stands_below_the_table() -> None:
    """It names its row."""
    noted = Row("s", "rate", "", once(1), "", note="counted on the wire")

    assert "rate: counted on the wire" in report.text([Section("T", "A", [noted])])


def test_run_leaves_a_page_and_data(docs: Path) -> None:
    """For people, and for programs."""
    report.write([Section("Title", "About.", [MET, MISSED])], seconds=600)

    page = (docs / "PAGE").read_text()
    assert "1 of 2 goals are met" in page
    assert "in 10 minutes" in page
    data = json.loads((docs / "DATA").read_text())
    assert [(1.1, True), (1.5, False)] == [(each["ratio"], each["met"]) for each in data]
