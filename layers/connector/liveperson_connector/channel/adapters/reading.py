"""
Reads a provider's JSON by type: what is not of the documented form is :class:`Unreadable`.

A webhook is proven before it is read, but a provider may change its form, and whoever knows a
channel's secret may send anything. No other exception leaves this module, and nothing of the wrong
type does.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .interface import Incoming, Unreadable


def json_object(body: bytes | str) -> Fields:
    """Read a JSON object; raises :class:`Unreadable` if ``body`` is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable("the body is not JSON in UTF-8") from None
    return Fields(value, "the body")


def event_id(provider_id: str) -> str:
    """Return the id itself, or a hash of it if an event's id may not be written so."""
    if re.fullmatch("[A-Za-z0-9_.:-]{1,128}", provider_id):
        return provider_id
    return hashlib.sha256(provider_id.encode()).hexdigest()


def filled(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not empty."""
    return {name: value for name, value in fields.items() if value not in ("", None)}


def report(person: str, message: str, status: str, reason: str = "") -> Incoming:
    """Make the event that tells what became of a message of ours; once for each status."""
    once = event_id(f"{message}:{status}")
    told = {"id": once, "type": "report", "message": message, "status": status}
    return Incoming(person, told | filled(reason=reason))


def location(place: Fields, title: str, address: str) -> dict[str, Any]:
    """Make the event of a place that has ``latitude`` and ``longitude``."""
    degrees = {name: place.number(name) for name in ("latitude", "longitude")}
    return {"type": "location", **degrees, **filled(title=title, address=address)}


def quoting(event: Mapping[str, Any], message: str) -> dict[str, Any]:
    """Add the message that an event answers to, if any; a choice knows its own."""
    is_answer = message and event["type"] not in ("choice", "reaction")
    return {**event, "quotes": {"message": message}} if is_answer else {**event}


class Fields:
    """
    An object of JSON whose fields are read by type.

    A field that is missing or null is the ``default``, or :class:`Unreadable` without one. Half a
    character (an unpaired surrogate), which no later step takes, becomes U+FFFD.
    """

    def __init__(self, value: object, place: str = "a value") -> None:
        if not isinstance(value, Mapping):
            raise Unreadable(f"{place} is not an object")
        self._value = value

    def __contains__(self, name: str) -> bool:
        return self._value.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; one that must be there must not be empty either."""
        value = self._get(name, default, str)
        if value == "" and default is None:
            raise Unreadable(f"{name} is empty")
        return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole number."""
        value = self._get(name, default, int)
        if isinstance(value, bool) or abs(value) >= 2**63:
            raise Unreadable(f"{name} is not a whole number of 64 bits")
        return int(value)

    def number(self, name: str, default: float | None = None) -> float:
        """Return a finite number."""
        value = self._get(name, default, int | float)
        if isinstance(value, bool) or not math.isfinite(value) or abs(value) >= 2**63:
            raise Unreadable(f"{name} is not a finite number")
        return float(value)

    def true(self, name: str) -> bool:
        """Whether the field is there and true."""
        return self._value.get(name) is True

    def within(self, name: str) -> Fields:
        """Return an object; an empty one for a field that is missing."""
        value = self._value.get(name)
        return Fields({} if value is None else value, name)

    def each(self, name: str) -> Iterator[Fields]:
        """Return the objects of a list; none for a field that is missing."""
        for one in self._get(name, [], list):
            yield Fields(one, f"an entry of {name}")

    def _get(self, name: str, default: Any, kind: Any) -> Any:
        value = self._value.get(name)
        if value is None:
            value = default
        if value is None:
            raise Unreadable(f"{name} is missing")
        if not isinstance(value, kind):
            raise Unreadable(f"{name} is of the wrong type")
        return value
