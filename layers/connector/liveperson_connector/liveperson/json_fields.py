"""
Read LivePerson's JSON by the types that its documentation gives to fields.

A field of another type is as if it were absent: LivePerson adds fields and values without notice,
and none of them may break anything.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Fields = Mapping[str, Any]
"""
The documented fields of an object by name: each of one of the types below, ``Fields`` for an object
within it, or ``[Fields]`` for an array of objects.
"""

Types = frozenset[type]

STRING: Types = frozenset({str})
NUMBER: Types = frozenset({int})
ARRAY: Types = frozenset({list})
ANYTHING: Types = frozenset({str, int, float, bool, dict, list})

IDENTIFIER: Types = frozenset({str, int})
"""An id, which LivePerson writes as a string in one place and as a number in another."""

MOMENT: Types = frozenset({int, datetime})
"""A time stamp in milliseconds since 1970, read as a :class:`datetime`, see :func:`moment`."""

# Everything LivePerson numbers fits 64 bits; a larger number is not one of its.
_BEYOND_NUMBERS = 2**63


def typed(value: object, fields: Fields) -> dict[str, Any]:
    """
    Return the fields of an object that have their documented type; others are left out.

    Numbers are whole and at least 0; ``true`` is none, though Python takes it for 1. An object or
    an array of objects is always there: empty where it is absent.
    """
    known = value if isinstance(value, dict) else {}
    found: dict[str, Any] = {}
    for name, expected in fields.items():
        each: Any = known.get(name)
        if isinstance(expected, dict):
            found[name] = typed(each, expected)
        elif isinstance(expected, list):
            array = each if isinstance(each, list) else []
            found[name] = [typed(one, expected[0]) for one in array if isinstance(one, dict)]
        elif type(each) in expected and (type(each) is not int or 0 <= each < _BEYOND_NUMBERS):
            found[name] = moment(each) if expected is MOMENT else each
    return found


def numbers(array: list[Any]) -> tuple[int, ...]:
    """Return the numbers of an array, as :func:`typed` takes them."""
    return tuple(each for each in array if type(each) is int and 0 <= each < _BEYOND_NUMBERS)


def moment(milliseconds: int) -> datetime | None:
    """Return a time stamp of LivePerson's; ``None`` for 0 and for what no calendar has."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
    except (ValueError, OverflowError, OSError):
        return None


def read_json(text: str | bytes) -> Any:
    """
    Read JSON by its standard: Python would also take, and write on, ``NaN``.

    Raises :class:`ValueError`, or :class:`RecursionError` for what is nested too deep.
    """
    return json.loads(text, parse_constant=_finite, parse_float=_finite)


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError("a number is not finite")
    return value
