"""
Mask numbers of payment cards in what consumers write, before it is queued.

A card's number has 13 to 19 digits, the last of which is a check digit by Luhn's algorithm
(ISO/IEC 7812-1). Digits may stand in groups, as on the card. What is masked keeps its last four
digits, by which consumer and agent can still tell cards apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_RUN = re.compile(r"\+?[0-9]+(?:[ \u00a0.-][0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_LENGTHS = range(13, 19 + 1)

_TEXTS = ("text", "caption")
"""The fields of an event in which a consumer writes."""


def redacted(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an event with the card numbers in its texts masked; None if it has none."""
    masked = {name: mask(raw[name]) for name in _TEXTS if isinstance(raw.get(name), str)}
    changed = {name: text for name, text in masked.items() if text != raw[name]}
    return {**raw, **changed} if changed else None


def mask(text: str) -> str:
    """Replace each card number of a text by what says that there was one."""
    return _RUN.sub(lambda run: _masked_run(run[0]), text)


def _masked_run(run: str) -> str:
    """Mask the first card number in groups of digits, then those behind it."""
    groups = list(_GROUP.finditer(run))
    for first, group in enumerate(groups):
        if first == 0 and run.startswith("+"):
            continue  # a phone number in international form
        digits = ""
        for last in groups[first:]:
            digits += last[0]
            if len(digits) in _LENGTHS and _has_check_digit(digits):
                rest = _masked_run(run[last.end() :])
                return f"{run[: group.start()]}[card number ending in {digits[-4:]}]{rest}"
    return run


def _has_check_digit(digits: str) -> bool:
    """Whether the last digit is right by Luhn's algorithm; zeros alone are no number."""
    doubled = (int(each) * 2 for each in digits[-2::-2])
    total = sum(map(int, digits[-1::-2])) + sum(each - 9 if each > 9 else each for each in doubled)
    return total % 10 == 0 and digits.strip("0") != ""
