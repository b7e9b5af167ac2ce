"""
Write the table by which texts are cut between characters.

    python tools/grapheme_classes.py

It asks the package ``regex`` for the properties that UAX #29 names, and writes
``layers/connector/liveperson_connector/support/grapheme_classes.py``. A newer ``regex`` may
know a newer
Unicode: then a test fails and names this command.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import regex  # type: ignore[import-untyped]

TABLE = (
    Path(__file__).parents[1] / "layers/connector/liveperson_connector/support/grapheme_classes.py"
)

WIDTH = 96

# The classes of https://www.unicode.org/reports/tr29/#Default_Grapheme_Cluster_Table, the marks
# and consonants divided as rule GB9c asks. What is later in the list stands before what is earlier.
PROPERTIES = {
    "c": r"\p{Grapheme_Cluster_Break=Control}",
    "r": r"\p{Grapheme_Cluster_Break=CR}",
    "n": r"\p{Grapheme_Cluster_Break=LF}",
    "R": r"\p{Grapheme_Cluster_Break=Regional_Indicator}",
    "P": r"\p{Grapheme_Cluster_Break=Prepend}",
    "s": r"\p{Grapheme_Cluster_Break=SpacingMark}",
    "L": r"\p{Grapheme_Cluster_Break=L}",
    "V": r"\p{Grapheme_Cluster_Break=V}",
    "T": r"\p{Grapheme_Cluster_Break=T}",
    "E": r"\p{Extended_Pictographic}",
    "C": r"\p{Indic_Conjunct_Break=Consonant}",
    "e": r"\p{Grapheme_Cluster_Break=Extend}",
    "x": r"[\p{Grapheme_Cluster_Break=Extend}&&\p{Indic_Conjunct_Break=Extend}]",
    "k": r"\p{Indic_Conjunct_Break=Linker}",
    "l": r"[\p{Grapheme_Cluster_Break=Extend}&&\p{Indic_Conjunct_Break=Linker}]",
    "z": r"\p{Grapheme_Cluster_Break=ZWJ}",
}
OTHER = "o"

HEAD = '''\
"""
The classes of code points that ``graphemes.py`` looks up.

Written by ``tools/grapheme_classes.py`` from the Unicode Character Database, which is under the
Unicode License V3 (https://www.unicode.org/license.txt). Each letter is the class of a run of code
points, the number before it the length of the run before. Hangul syllables are left out.
"""

CLASSES = (
'''


def table() -> str:
    """Return the source text of the table."""
    runs, end = [], 0
    for letter, start in _runs():
        runs.append(f"{start - end}{letter}")
        end = start
    lines = "".join(f'    "{line}"\n' for line in _folded(runs))
    return HEAD + lines + ")\n"


def _runs() -> Iterator[tuple[str, int]]:
    """Give each run of code points of one class: its letter, and where it begins."""
    start = 0
    for letter, run in groupby(_letters()):
        yield letter, start
        start += sum(1 for _ in run)


def _letters() -> list[str]:
    """Give the letter of every code point."""
    everything = "".join(map(chr, range(0x110000)))
    letters = [OTHER] * len(everything)
    for letter, properties in PROPERTIES.items():
        for found in regex.finditer(rf"(?V1){properties}", everything):
            letters[found.start()] = letter
    return letters


def _folded(runs: list[str]) -> Iterator[str]:
    line = ""
    for each in runs:
        if len(line) + len(each) > WIDTH - len('    ""'):
            yield line
            line = ""
        line += each
    yield line


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
