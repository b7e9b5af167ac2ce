"""A notification from the queue is told to the channel."""

from collections.abc import Mapping
from typing import Any

from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.sqs import process_batch


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """Take the event's message; the answer tells the queue whether to offer it again."""
    return process_batch(event, container().channel_delivery)
