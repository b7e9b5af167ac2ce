"""
Long texts, cut into messages that LivePerson takes.

A request of more than 5,000 characters of JSON is refused. LivePerson's guide counts the whole
request and does not say whether a character outside the Basic Multilingual Plane is one or two;
we count two, keep room for the envelope, and cut at white space where there is some nearby, and
never inside what a reader sees as one character.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

LIMIT = 4000
"""How large one message may become in JSON, of the request's 5,000 characters."""

# White space this close to the limit is where a person would break the text.
_LOOK_BACK = 400

_ZERO_WIDTH_JOINER = "\u200d"
_REGIONAL_INDICATORS = ("\U0001f1e6", "\U0001f1ff")
_SKIN_TONES = ("\U0001f3fb", "\U0001f3ff")
_TAGS = ("\U000e0020", "\U000e007f")
_HANGUL_SYLLABLES = ("\uac00", "\ud7a3")
_HANGUL_JAMO = (("\u1100", "\u11ff"), ("\ua960", "\ua97c"), ("\ud7b0", "\ud7fb"))

# They have the category of a letter or of a format, and belong to the character before:
# zero-width non-joiner, Thai and Lao AM, voiced marks of half-width katakana.
_EXTENDING = frozenset("\u200c\u200d\u0e33\u0eb3\uff9e\uff9f")

# The combining class of a virama: it joins two Indic consonants into one shape.
_VIRAMA = 9


def split_text(text: str, *, limit: int = LIMIT) -> list[str]:
    """Cut ``text`` into parts of at most ``limit``; joined they are the text again."""
    return list(_parts(text, limit))


def size(text: str) -> int:
    """Count the UTF-16 units that ``text`` takes inside a JSON string."""
    escaped = json.dumps(text, ensure_ascii=False)[1:-1]
    return len(escaped) + sum(char > "\uffff" for char in escaped)


def _parts(text: str, limit: int) -> Iterator[str]:
    rest = text
    while size(rest) > limit:
        cut = _cut(rest, _fitting(rest, limit))
        yield rest[:cut]
        rest = rest[cut:]
    yield rest


def _fitting(text: str, limit: int) -> int:
    """Return how many characters from the start fit the limit; at least one."""
    used = 0
    for index, char in enumerate(text):
        used += size(char)
        if used > limit:
            return max(index, 1)
    return len(text)


def _cut(text: str, longest: int) -> int:
    """Return the best place to cut at or before ``longest``."""
    for index in range(longest, max(longest - _LOOK_BACK, 0), -1):
        if text[index - 1].isspace() and _is_boundary(text, index):
            return index
    for index in range(longest, 0, -1):
        if _is_boundary(text, index):
            return index
    return longest  # one "character" longer than a whole message: nothing better can be done


def _is_boundary(text: str, index: int) -> bool:
    """Whether a reader sees one character end before ``index`` and another begin there."""
    before, after = text[index - 1], text[index]
    return not (
        _extends(after)
        or before == _ZERO_WIDTH_JOINER
        or (before == "\r" and after == "\n")
        or unicodedata.combining(before) == _VIRAMA
        or _splits_hangul(before, after)
        or _splits_flag(text, index)
    )


def _extends(char: str) -> bool:
    """Whether ``char`` belongs to the one before: accents, joiners, skin tones, flag tags."""
    return (
        unicodedata.category(char) in {"Mn", "Me", "Mc"}
        or char in _EXTENDING
        or _within(char, _SKIN_TONES)
        or _within(char, _TAGS)
    )


def _splits_hangul(before: str, after: str) -> bool:
    # Of two neighbours at least one is a jamo, a part of a syllable: they may be of the same one.
    jamo = [any(_within(char, ends) for ends in _HANGUL_JAMO) for char in (before, after)]
    whole = [_within(char, _HANGUL_SYLLABLES) for char in (before, after)]
    return any(jamo) and all(one or other for one, other in zip(jamo, whole, strict=True))


def _splits_flag(text: str, index: int) -> bool:
    # Flags are pairs of regional indicators, counted from the first of their run.
    if not _within(text[index], _REGIONAL_INDICATORS):
        return False
    run = 0
    while run < index and _within(text[index - 1 - run], _REGIONAL_INDICATORS):
        run += 1
    return run % 2 == 1


def _within(char: str, ends: tuple[str, str]) -> bool:
    return ends[0] <= char <= ends[1]
