"""
Read the consumer events that a channel posts, by the contract of ``docs/channel-api.md``.

All problems of an event are reported at once, each with its path, so that the channel's engineer
can fix them together.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from ..domain.errors import InvalidEvent, Problem
from .queued_events import TYPES, ConsumerEvent

MAX_CONSUMER_ID = 256

# A lone surrogate, which UTF-8 cannot express.
_HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")

# What is passed on unchanged must fit one request to LivePerson, which may have 5,000 characters.
MAX_PASSED_ON = 3500


def read_event(account_id: str, consumer_id: str, body: bytes) -> ConsumerEvent:
    """Read a posted body, or raise :class:`InvalidEvent` with every problem found."""
    raw = _json_object(body)
    problems = [*_consumer_id_problems(consumer_id), *_event_problems(raw)]
    if problems:
        raise InvalidEvent(problems)
    return ConsumerEvent(account_id, consumer_id, raw)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        # json alone would take UTF-16 and UTF-32 too. A byte order mark is ignored (RFC 8259).
        text = body.decode("utf-8-sig")
        value = json.loads(text, parse_float=_number, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise InvalidEvent([Problem("", "the body is not JSON in UTF-8")]) from None
    if not isinstance(value, dict):
        raise InvalidEvent([Problem("", "the body is not a JSON object")])
    return value


def _number(digits: str) -> float | int:
    """Read ``2.0`` as a whole number, and refuse numbers that are not finite."""
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError("a number too large")
    return int(value) if value.is_integer() else value


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _consumer_id_problems(consumer_id: str) -> list[Problem]:
    if not consumer_id:
        return [Problem("consumer_id", "is empty")]
    if len(consumer_id) > MAX_CONSUMER_ID:
        return [Problem("consumer_id", f"is longer than {MAX_CONSUMER_ID} characters")]
    if "\N{REPLACEMENT CHARACTER}" in consumer_id or _HALF_A_CHARACTER.search(consumer_id):
        return [Problem("consumer_id", "is not percent-encoded UTF-8")]
    return []


def _event_problems(raw: Mapping[str, Any]) -> list[Problem]:
    # Imported here, so that only the intake loads the validator.
    from . import contract  # noqa: PLC0415

    kind = raw.get("type")
    known = isinstance(kind, str) and kind in TYPES
    schema = f"ConsumerEvent{str(kind).capitalize()}" if known else "AnyConsumerEvent"
    found = contract.problems(schema, raw) + contract.unpaired_or_deep(raw)
    return found[: contract.MAX_PROBLEMS] or _passed_on_problems(raw)


def _passed_on_problems(raw: Mapping[str, Any]) -> list[Problem]:
    """Return the problems of parts that are too large for LivePerson's requests."""
    parts = {"conversation.profile": raw.get("conversation", {}).get("profile")}
    if raw["type"] == "profile":
        parts[""] = {name: raw.get(name) for name in ("customer", "personal")}
    if raw["type"] == "reply":
        parts["metadata"] = [raw["metadata"], raw["text"]]  # they travel together
    words = f"is too much for LivePerson: more than {MAX_PASSED_ON} characters of JSON"
    return [Problem(path, words) for path, part in parts.items() if _size(part) > MAX_PASSED_ON]


def _size(value: object) -> int:
    """Count UTF-16 units: of the two possible meanings of LivePerson's limit, the stricter."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-16-le")) // 2
