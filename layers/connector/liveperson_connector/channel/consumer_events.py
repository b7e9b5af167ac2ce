"""
What a channel sends us: consumer events, checked against the contract of ``docs/channel-api.md``.

Everything wrong with an event is found at once, each problem with its path, so that the channel's
engineer mends it in one go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidEvent, Problem, UnreadableMessage

MAX_CONSUMER_ID = 256

_EVENT_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


@dataclass(frozen=True)
class ConsumerEvent:
    """One event of one consumer, as it is queued. ``raw`` is the channel's own JSON object."""

    account_id: str
    consumer_id: str
    raw: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The channel's id of the event, unique per consumer."""
        return str(self.raw["id"])

    @property
    def type(self) -> str:
        """The kind of event, for example ``text``."""
        return str(self.raw["type"])

    @property
    def text(self) -> str:
        """The words of a text event."""
        return str(self.raw["text"])


def read_event(account_id: str, consumer_id: str, body: bytes) -> ConsumerEvent:
    """Read a posted body, or raise :class:`InvalidEvent` with every problem found."""
    raw = _json_object(body)
    problems = [*_consumer_id_problems(consumer_id), *_event_problems(raw)]
    if problems:
        raise InvalidEvent(problems)
    return ConsumerEvent(account_id, consumer_id, raw)


def read_queued(body: str) -> ConsumerEvent:
    """Read back what :func:`to_queue` wrote, or raise :class:`UnreadableMessage`."""
    try:
        queued = json.loads(body)
        event = ConsumerEvent(queued["account_id"], queued["consumer_id"], queued["event"])
        problems = _event_problems(event.raw)
    except (ValueError, KeyError, TypeError):
        raise UnreadableMessage("the queued message is not a consumer event") from None
    if problems:
        raise UnreadableMessage(f"the queued consumer event is wrong: {InvalidEvent(problems)}")
    return event


def to_queue(event: ConsumerEvent) -> str:
    """Write an event as the queue and the dead letters keep it: plain JSON."""
    return json.dumps(
        {
            "account_id": event.account_id,
            "consumer_id": event.consumer_id,
            "event": event.raw,
        }
    )


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidEvent([Problem("", "the body is not JSON in UTF-8")]) from None
    if not isinstance(value, dict):
        raise InvalidEvent([Problem("", "the body is not a JSON object")])
    return value


def _consumer_id_problems(consumer_id: str) -> list[Problem]:
    if not consumer_id:
        return [Problem("consumer_id", "is empty")]
    if len(consumer_id) > MAX_CONSUMER_ID:
        return [Problem("consumer_id", f"is longer than {MAX_CONSUMER_ID} characters")]
    if "\N{REPLACEMENT CHARACTER}" in consumer_id:
        return [Problem("consumer_id", "is not percent-encoded UTF-8")]
    return []


def _event_problems(raw: Mapping[str, Any]) -> list[Problem]:
    problems = _id_problems(raw.get("id"))
    check = _TYPES.get(raw["type"]) if isinstance(raw.get("type"), str) else None
    if check is None:
        return [*problems, Problem("type", f"must be one of: {', '.join(sorted(_TYPES))}")]
    return [*problems, *check(raw)]


def _id_problems(event_id: object) -> list[Problem]:
    if isinstance(event_id, str) and _EVENT_ID.fullmatch(event_id):
        return []
    return [Problem("id", "must be a text of 1 to 128 of the characters A-Za-z0-9_.:-")]


def _text_problems(raw: Mapping[str, Any]) -> list[Problem]:
    text = raw.get("text")
    if not isinstance(text, str):
        return [Problem("text", "must be a text")]
    if not text.strip():
        return [Problem("text", "is empty")]
    if any("\ud800" <= char <= "\udfff" for char in text):
        return [Problem("text", "contains half a character (an unpaired surrogate)")]
    return []


_TYPES = {"text": _text_problems}
