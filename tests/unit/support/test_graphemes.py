r"""
Grapheme clusters, judged by the package ``regex``, whose ``\X`` keeps to Unicode's UAX #29.

The table of classes is made by ``tools/grapheme_classes.py``.
"""

from __future__ import annotations

import itertools
import sys
import unicodedata

import regex  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.support.graphemes import clusters
from tools.grapheme_classes import PROPERTIES, TABLE, table

# One code point of each class, and of Hangul, from which all of the rules can be seen.
EVERYTHING = "".join(map(chr, range(sys.maxunicode + 1)))
CLASSES = {
    **{letter: regex.compile(rf"(?V1){each}") for letter, each in PROPERTIES.items()},
    "H": regex.compile(r"\p{Grapheme_Cluster_Break=LV}"),
    "J": regex.compile(r"\p{Grapheme_Cluster_Break=LVT}"),
    "other": regex.compile("a"),
}
OF_EACH_CLASS = [each.search(EVERYTHING)[0] for each in CLASSES.values()]


def test_the_table_is_what_unicode_says() -> None:
    """Of every code point. If this fails: ``python tools/grapheme_classes.py``."""
    assert table() == TABLE.read_text(encoding="utf-8")


def test_every_rule_wherever_it_applies() -> None:
    """Whatever three classes stand one after the other, and each of them alone and in pairs."""
    for length in (1, 2, 3):
        for characters in itertools.product(OF_EACH_CLASS, repeat=length):
            text = "".join(characters)
            assert regex.findall(r"\X", text) == list(clusters(text)), ascii(text)


@given(st.lists(st.sampled_from(OF_EACH_CLASS), min_size=4, max_size=12).map("".join))
def test_long_sequences(text: str) -> None:
    """Flags, families and conjuncts of any length."""
    assert regex.findall(r"\X", text) == list(clusters(text))


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever the characters are."""
    assert regex.findall(r"\X", text) == list(clusters(text))


def test_every_code_point_beside_a_letter_and_beside_a_mark() -> None:
    """None is looked up wrongly."""
    assigned = (each for each in EVERYTHING if unicodedata.category(each) not in {"Cn", "Cs", "Co"})
    text = "".join(f"a{each}\u0301{each}" for each in assigned if not "一" < each < "鿿")

    assert regex.findall(r"\X", text) == list(clusters(text))


def test_no_text_is_no_cluster() -> None:
    """Nothing is nothing."""
    assert [] == list(clusters(""))
