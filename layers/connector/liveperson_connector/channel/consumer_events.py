"""
What a channel sends us: consumer events, checked against the contract of ``docs/channel-api.md``.

Everything wrong with an event is found at once, each problem with its path, so that the channel's
engineer mends it in one go.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.errors import InvalidEvent, Problem, TooLarge, UnreadableMessage
from ..domain.pseudonyms import consumer_key, short
from ..domain.queue_messages import stable_id

TYPES = frozenset({"text", "file", "reply", "typing", "receipt", "close", "rating", "profile"})

READY_TYPES = TYPES | {"choice", "report"}
"""What the events of ready channels may be besides, until the table resolves them."""

MAX_CONSUMER_ID = 256

# SQS takes 1 MiB; a dead letter needs some of it for the attributes that say why it is one.
MAX_QUEUED_BYTES = 1_000_000

# Of a pair of UTF-16 units one alone, which no UTF-8 has.
_HALF_A_CHARACTER = re.compile(r"[\ud800-\udfff]")

# What we pass on as it is must fit one request to LivePerson, which has 5,000 characters.
MAX_PASSED_ON = 3500


@dataclass(frozen=True)
class ConsumerEvent:
    """
    One event of one consumer, as it is queued. ``raw`` is the channel's own JSON object.

    ``accepted_at`` is when its 202 was given, in seconds since 1970; zero where that is unknown.
    An event ``is_automatic`` if the connector made it itself, as the channel's settings ask.
    ``channel`` names the ready channel that it came by, and is empty for the ``webhook`` one.
    """

    account_id: str
    consumer_id: str
    raw: Mapping[str, Any]
    accepted_at: float = 0.0
    is_automatic: bool = False
    channel: str = ""

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
        """The words of a text or of a reply."""
        return str(self.raw["text"])

    @property
    def conversation(self) -> Mapping[str, Any]:
        """How to open a conversation, should this event open one; empty if it does not say."""
        found: Mapping[str, Any] = self.raw.get("conversation") or {}
        return found

    def key(self, salt: str) -> str:
        """Return the pseudonym of the event's consumer."""
        return consumer_key(salt, self.account_id, self.consumer_id, self.channel)

    def log_ids(self, key: str) -> dict[str, Any]:
        """Return the ids of the event that log lines carry; ``key`` is its consumer's pseudonym."""
        return {"account_id": self.account_id, "consumer": short(key), "event_id": self.id}


def read_event(account_id: str, consumer_id: str, body: bytes) -> ConsumerEvent:
    """Read a posted body, or raise :class:`InvalidEvent` with every problem found."""
    raw = _json_object(body)
    problems = [*_consumer_id_problems(consumer_id), *_event_problems(raw)]
    if problems:
        raise InvalidEvent(problems)
    return ConsumerEvent(account_id, consumer_id, raw)


def automatic_receipt(  # noqa: PLR0913
    account_id: str,
    consumer_id: str,
    dialog_id: str,
    sequence: int,
    accepted_at: float,
    *,
    status: str = "accepted",
    channel: str = "",
) -> ConsumerEvent:
    """Make the receipt that says a message has reached the channel, or never will."""
    raw = {
        "id": f"{status}:{stable_id(dialog_id, str(sequence))[:32]}",
        "type": "receipt",
        "status": status,
        "sequences": [sequence],
        "dialog_id": dialog_id,
    }
    return ConsumerEvent(
        account_id, consumer_id, raw, accepted_at, is_automatic=True, channel=channel
    )


def read_queued(body: str) -> ConsumerEvent:
    """
    Read back what :func:`to_queue` wrote, or raise :class:`UnreadableMessage`.

    Its fields were checked before it was queued; here it is the envelope that counts.
    """
    try:
        queued = json.loads(body)
        event = ConsumerEvent(
            queued["account_id"],
            queued["consumer_id"],
            queued["event"],
            accepted_at=float(queued.get("accepted_at", 0.0)),
            is_automatic=queued.get("automatic") is True,
            channel=str(queued.get("channel", "")),
        )
        readable = bool(event.id) and event.type in (READY_TYPES if event.channel else TYPES)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise UnreadableMessage("the queued message is not a consumer event") from None
    if not readable:
        raise UnreadableMessage("the queued consumer event has no id or an unknown type")
    return event


def to_queue(event: ConsumerEvent, *, accepted_at: float | None = None) -> str:
    """
    Write an event as the queue and the dead letters keep it: plain JSON.

    Raises :class:`TooLarge` when it is more than the queue carries: in ASCII, which is what the
    queue surely takes, a character outside of it has six times the size.
    """
    queued = {
        "account_id": event.account_id,
        "consumer_id": event.consumer_id,
        "accepted_at": event.accepted_at if accepted_at is None else accepted_at,
        "event": event.raw,
    }
    marks = {"automatic": event.is_automatic, "channel": event.channel}
    body = json.dumps({**queued, **{name: mark for name, mark in marks.items() if mark}})
    if len(body) > MAX_QUEUED_BYTES:
        raise TooLarge(f"written for the queue, it has more than {MAX_QUEUED_BYTES} bytes")
    return body


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
    """Read ``2.0`` as the whole number it is, and refuse what only Python can write again."""
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
    # Imported here: the workers, which read what was checked before, load no validator.
    from . import contract  # noqa: PLC0415

    kind = raw.get("type")
    known = isinstance(kind, str) and kind in TYPES
    schema = f"ConsumerEvent{str(kind).capitalize()}" if known else "AnyConsumerEvent"
    found = contract.problems(schema, raw) + contract.unpaired_or_deep(raw)
    return found[: contract.MAX_PROBLEMS] or _passed_on_problems(raw)


def _passed_on_problems(raw: Mapping[str, Any]) -> list[Problem]:
    """Return what would not fit LivePerson's requests, of an event that is right otherwise."""
    parts = {"conversation.profile": raw.get("conversation", {}).get("profile")}
    if raw["type"] == "profile":
        parts[""] = {name: raw.get(name) for name in ("customer", "personal")}
    if raw["type"] == "reply":
        parts["metadata"] = [raw["metadata"], raw["text"]]  # they travel together
    words = f"is too much for LivePerson: more than {MAX_PASSED_ON} characters of JSON"
    return [Problem(path, words) for path, part in parts.items() if _size(part) > MAX_PASSED_ON]


def _size(value: object) -> int:
    """Count UTF-16 units, the larger of the two things that LivePerson may mean by characters."""
    return len(json.dumps(value, ensure_ascii=False).encode("utf-16-le")) // 2
