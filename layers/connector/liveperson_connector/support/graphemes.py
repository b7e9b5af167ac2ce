"""
What a reader sees as one character: the extended grapheme clusters of Unicode.

The rules are those of UAX #29, Unicode Text Segmentation, revision 49
(https://www.unicode.org/reports/tr29/#Grapheme_Cluster_Boundary_Rules). Python implements neither
the rules nor, in ``unicodedata``, all the properties that they use. So each code point is replaced
by a letter for its class (``grapheme_classes.py``), and one regular expression, modelled on table
1c of the annex, finds the clusters among the letters in linear time.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from .grapheme_classes import CLASSES

# Precomposed syllables end in a vowel (H, every 28th) or in a consonant (J).
_HANGUL = range(0xAC00, 0xD7A4)

_CLUSTER = re.compile(
    r"""
    rn | [rnc]                               # GB3 to GB5: a line end, a control
    | P*                                     # GB9b: what belongs to the next one
      (?: [lk][xz]*+C                        # GB9c: a linker and the consonant it joins
        | L*(?:V+|HV*|J)T* | L+ | T+         # GB6 to GB8: a Hangul syllable
        | RR                                 # GB12, GB13: a flag
        | E(?:[xle]*+zE)*                    # GB11: emoji joined by zero-width joiners
        | [^rnc] )
      (?: l[xz]*+C | [xlezs] )*+             # GB9, GB9a, GB9c: marks, and what a linker joins
    """,
    re.VERBOSE,
)


def clusters(text: str) -> Iterator[str]:
    """Yield the grapheme clusters of ``text`` in order; joined they are the text."""
    for found in _CLUSTER.finditer(text.translate(_letters)):
        yield text[found.start() : found.end()]


class _Letters(dict[int, str]):
    """Letters of code points, each looked up once."""

    def __init__(self) -> None:
        super().__init__()
        runs = re.findall(r"(\d+)(\D)", CLASSES)
        self._starts = [int(length) for length, _ in runs]
        for index in range(1, len(runs)):
            self._starts[index] += self._starts[index - 1]
        self._of_run = [letter for _, letter in runs]

    def __missing__(self, code: int) -> str:
        if code in _HANGUL:
            letter = "J" if (code - _HANGUL.start) % 28 else "H"
        else:
            letter = self._of_run[bisect_right(self._starts, code) - 1]
        self[code] = letter
        return letter


_letters = _Letters()
