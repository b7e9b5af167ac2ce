"""A queue's message: before it is sent, and as a worker receives it."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .errors import UnreadableMessage

CUT_OFF_ATTRIBUTE = "cut_off"
"""On a redriven message whose worker was cut off on every receive: it may have been sent."""

CORRELATION_ATTRIBUTE = "trace"
"""The id of the request by which a message came in; log lines carry it from hop to hop."""

LETTER_ID_ATTRIBUTE = "letter_id"
"""The lasting name of a dead letter: the id that its message had when it failed first."""

MOST_ATTRIBUTES = 10
"""
The most attributes that a message of SQS may have.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

MOST_REDRIVES = 5
"""A dead letter that failed for a day, this many times over, is left for an operator."""

REPEAT_SECONDS = 5 * 86_400
"""
How long a repeat is known as one: LivePerson may resend for three days
(https://developers.liveperson.com/connector-api-webhooks-retry-policy.html), a channel may repeat
for four, and a day on top.
"""


@dataclass(frozen=True)
class OutgoingMessage:
    """
    A message to send: its group keeps order.

    Of two with one ``deduplication_id`` SQS silently drops the second if it comes within five
    minutes, whatever became of the first. So an id belongs to one act of sending, which may be
    repeated when no answer came; the table decides whether a message repeats an earlier one.
    """

    body: str
    group: str
    deduplication_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QueueMessage:
    """A message as a worker gets it: how often it was received, and when first."""

    message_id: str
    receipt_handle: str
    body: str
    group: str
    receive_count: int
    sent_at: datetime
    first_received_at: datetime
    attributes: Mapping[str, str]

    @classmethod
    def read(
        cls,
        message_id: str,
        receipt_handle: str,
        body: str,
        system: Mapping[str, str],
        attributes: Mapping[str, str],
    ) -> QueueMessage:
        """Read a message by SQS's system attributes and the texts among its own attributes."""
        return cls(
            message_id=message_id,
            receipt_handle=receipt_handle,
            body=body,
            group=system.get("MessageGroupId", ""),
            receive_count=int(system.get("ApproximateReceiveCount", 1)),
            sent_at=_time(system.get("SentTimestamp", "0")),
            first_received_at=_time(system.get("ApproximateFirstReceiveTimestamp", "0")),
            attributes=attributes,
        )

    @property
    def correlation_id(self) -> str:
        """The id by which the message is followed through the logs."""
        return self.attributes.get(CORRELATION_ATTRIBUTE) or self.message_id

    @property
    def letter_id(self) -> str:
        """
        The name of a dead letter, the same however often it is sent again.

        Before the first time it is the message's own id, which SQS keeps when it moves a message
        to the dead letters.
        """
        return self.attributes.get(LETTER_ID_ATTRIBUTE) or self.message_id

    @property
    def redrives(self) -> int:
        """How often it was redriven."""
        text = self.attributes.get("redrives", "0")
        return int(text) if text.isdigit() else 0

    def json(self) -> dict[str, Any]:
        """Return the JSON object that the body is, or raise :class:`UnreadableMessage`."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise UnreadableMessage("the queued message is not a JSON object")
        return value

    @property
    def accepted_at(self) -> datetime:
        """When the queue first took it; of a redriven message, about then."""
        try:
            return min(self.sent_at, datetime.fromisoformat(self.attributes["first_failed_at"]))
        except (KeyError, ValueError, TypeError):
            return self.sent_at


@dataclass(frozen=True)
class QueueCounts:
    """
    About how many messages a queue has: those that wait, and those that a reader has received.

    Messages behind a received one of their group wait
    (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html).
    """

    waiting: int
    in_flight: int


def _time(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def stable_id(*parts: str) -> str:
    """Return a text that SQS takes as a group or a deduplication id, whatever the parts contain."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def iso(moment: datetime) -> str:
    """Write a moment as an attribute has it, for example ``2026-01-02T12:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id() -> str:
    """Return a deduplication id that no other message has."""
    return uuid.uuid4().hex
