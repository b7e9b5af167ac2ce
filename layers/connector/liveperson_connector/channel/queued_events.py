"""
Consumer events as they are queued between the intakes and the worker that sends them.

An event is queued as ``{"account_id": …, "consumer_id": …, "accepted_at": …, "event": …}``, where
``event`` is the channel's own JSON object, with ``automatic`` and ``channel`` where they apply.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..domain.errors import TooLarge, UnreadableMessage
from ..domain.pseudonyms import consumer_key
from ..domain.queue_messages import stable_id

TYPES = frozenset({"text", "file", "reply", "typing", "receipt", "close", "rating", "profile"})

READY_TYPES = TYPES | {"choice", "report"}
"""The further types of ready channels' events, until the table resolves them."""

# SQS accepts 1 MiB; a dead letter needs some of it for the attributes that describe the failure.
MAX_QUEUED_BYTES = 1_000_000


@dataclass(frozen=True)
class ConsumerEvent:
    """
    One event of a consumer. ``raw`` is the channel's own JSON object.

    ``accepted_at`` is when it was answered 202, in seconds since 1970; 0 if that is unknown. An
    event ``is_automatic`` if the connector created it on behalf of the channel. ``channel`` names
    the ready channel that it came from; it is empty for the ``webhook`` channel.
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
        """The type of event, for example ``text``."""
        return str(self.raw["type"])

    @property
    def text(self) -> str:
        """The text of a text or a reply."""
        return str(self.raw["text"])

    @property
    def conversation(self) -> Mapping[str, Any]:
        """How to open a conversation if this event opens one; empty if it does not say."""
        found: Mapping[str, Any] = self.raw.get("conversation") or {}
        return found

    def key(self, salt: str) -> str:
        """Return the pseudonym of the event's consumer."""
        return consumer_key(salt, self.account_id, self.consumer_id, self.channel)

    def log_ids(self, key: str) -> dict[str, Any]:
        """Return the fields of the event's log lines; ``key`` is its consumer's pseudonym."""
        return {"account_id": self.account_id, "consumer": key, "event_id": self.id}


def automatic_receipt(  # noqa: PLR0913
    account_id: str,
    consumer_id: str,
    dialog_id: str,
    sequence: int,
    accepted_at: float,
    *,
    status: str = "accepted",
    channel: str = "",
    conversation_id: str = "",
) -> ConsumerEvent:
    """
    Create the receipt that a message has reached the channel, or never will.

    ``conversation_id`` is the message's: the receipt is pointless once the consumer has another.
    """
    raw = {
        "id": f"{status}:{stable_id(dialog_id, str(sequence))[:32]}",
        "type": "receipt",
        "status": status,
        "sequences": [sequence],
        "dialog_id": dialog_id,
        "conversation_id": conversation_id,
    }
    return ConsumerEvent(
        account_id, consumer_id, raw, accepted_at, is_automatic=True, channel=channel
    )


def read_queued(body: str) -> ConsumerEvent:
    """
    Read what :func:`to_queue` wrote, or raise :class:`UnreadableMessage`.

    The intake validated the event; only the envelope is checked here.
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
    Write an event for the queue: JSON in ASCII, which SQS accepts whatever the text is.

    Raises :class:`TooLarge` if it does not fit: a character outside ASCII takes six bytes.
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
