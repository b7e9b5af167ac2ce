"""A consumer event from the queue is said to LivePerson."""

from collections.abc import Mapping
from typing import Any

from liveperson_connector import wiring
from liveperson_connector.workers import process, queue_of


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """Take the event's message; the answer tells the queue whether to offer it again."""
    if queue_of(event).endswith("typing-timers"):
        return process(event, wiring.typing_timers())
    return process(event, wiring.outbound_messaging())
