"""
Cut long texts into messages that LivePerson accepts.

LivePerson refuses a request of more than 5,000 characters of JSON. Its guide
(https://livepersoninc.github.io/lp-devassist-connectors) counts the whole request and does not say
whether a character outside the Basic Multilingual Plane counts once or twice; we count it twice and
leave room for the envelope. Cuts are made at white space if there is some nearby, never inside an
address that fits into one message, and never inside what a reader sees as one character.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

LIMIT = 4000
"""How large one message may become in JSON, of the request's 5,000 characters."""

# White space this close to the limit is where a person would break the text.
_LOOK_BACK = 400

# White space in ECMAScript and in the published contract, but not in Python.
_BYTE_ORDER_MARK = "\ufeff"


def split_text(
    text: str, *, limit: int = LIMIT, measure: Callable[[str], int] | None = None
) -> list[str]:
    """
    Cut ``text`` into parts of at most ``limit`` units, as ``measure`` counts them.

    That is :func:`size` if nothing else is given.

    Parts of white space alone are left out: if LivePerson refused one, the parts after it would
    never be sent. Joined, the others are the text.
    """
    measure = measure or size
    parts = [text] if measure(text) <= limit else _parts(text, limit, measure)
    return [part for part in parts if not is_blank(part)]


def size(text: str) -> int:
    """Count the UTF-16 units that ``text`` takes inside a JSON string."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return len(escaped) + sum(char > "\uffff" for char in escaped)


def is_blank(text: str) -> bool:
    """Whether ``text`` has nothing but white space, as the contract's ``pattern`` of texts says."""
    return not text.replace(_BYTE_ORDER_MARK, "").strip()


def _parts(text: str, limit: int, measure: Callable[[str], int]) -> Iterator[str]:
    part: list[str] = []
    used = 0
    for piece, units in _pieces(text, limit, measure):
        while part and used + units > limit:
            cut = _cut(part)
            yield "".join(part[:cut])
            part = part[cut:]
            used = measure("".join(part))
        part.append(piece)
        used += units
    yield "".join(part)


def _pieces(text: str, limit: int, measure: Callable[[str], int]) -> Iterator[tuple[str, int]]:
    """Yield grapheme clusters with their sizes; one larger than ``limit``, by its code points."""
    # Imported here: most texts are short, so a cold start does not load the table of classes.
    from ..support.graphemes import clusters  # noqa: PLC0415

    sizes = _Sizes(measure)
    for cluster in clusters(text):
        for piece in (cluster,) if sizes[cluster] <= limit else cluster:
            yield piece, sizes[piece]


class _Sizes(dict[str, int]):
    """Sizes of pieces, each computed once: a text repeats few different ones."""

    def __init__(self, measure: Callable[[str], int]) -> None:
        super().__init__()
        self._measure = measure

    def __missing__(self, piece: str) -> int:
        self[piece] = units = self._measure(piece)
        return units


def _cut(part: list[str]) -> int:
    """
    Return after how many pieces to cut a full part.

    Cut after the last white space if it is near the end or an address follows it, unless only white
    space precedes it; otherwise cut at the end.
    """
    behind = next((index for index in range(len(part), 0, -1) if part[index - 1].isspace()), 0)
    is_near = len(part) - behind < _LOOK_BACK
    is_worth_it = is_near or "://" in "".join(part[behind:])
    return behind if is_worth_it and not is_blank("".join(part[:behind])) else len(part)
