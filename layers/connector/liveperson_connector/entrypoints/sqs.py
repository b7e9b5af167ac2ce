"""
How SQS calls a worker: each message of the batch is handled, and those that failed are named.

A failed message blocks the rest of its own group, which keeps the order; there is no head-of-line
blocking between groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..delivery.retries import RetryingConsumer
from ..domain.queue_messages import QueueMessage


def process_batch(
    event: Mapping[str, Any], worker: RetryingConsumer
) -> dict[str, list[dict[str, str]]]:
    """
    Handle an SQS event's messages in order, and name those to be offered again.

    After a message that waits, the rest of its group waits too: they must not overtake it. The
    answer must have exactly this form: Lambda repeats the whole batch after any other.
    """
    waiting: list[dict[str, str]] = []
    held_groups: set[str] = set()
    for record in event["Records"]:
        message = from_record(record)
        held = message.group in held_groups if message.group else False
        if held or not worker.process(message):
            waiting.append({"itemIdentifier": message.message_id})
            held_groups.add(message.group)
    return {"batchItemFailures": waiting}


def from_record(record: Mapping[str, Any]) -> QueueMessage:
    """Read one record of the event that Lambda makes of SQS messages."""
    attributes = record.get("messageAttributes", {})
    return QueueMessage.read(
        record["messageId"],
        record["receiptHandle"],
        record["body"],
        record["attributes"],
        {name: each["stringValue"] for name, each in attributes.items() if "stringValue" in each},
    )


def queue_of(event: Mapping[str, Any]) -> str:
    """Return the name of the queue that an SQS event's messages come from."""
    return str(event["Records"][0]["eventSourceARN"]).rsplit(":", 1)[-1]
