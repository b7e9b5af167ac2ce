"""A consumer event from the queue is said to LivePerson."""

from collections.abc import Mapping
from typing import Any

from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.sqs import process_batch, queue_of


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """Take the event's message; the answer tells the queue whether to offer it again."""
    if queue_of(event).endswith("typing-timers"):
        return process_batch(event, container().typing_timers)
    return process_batch(event, container().outbound_messaging)
