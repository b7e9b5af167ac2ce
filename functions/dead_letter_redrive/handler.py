"""Dead letters go back to the queue they came from: on schedule, or as an operator asks."""

from collections.abc import Mapping
from typing import Any, Protocol

from liveperson_connector.entrypoints.container import container
from liveperson_connector.flows.dead_letter_redrive import Request
from liveperson_connector.telemetry import outcomes

# What EventBridge Scheduler sends by itself; a person's request has none of it.
_SCHEDULED = "aws.scheduler"


class Context(Protocol):
    """What Lambda tells of an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still run."""
        ...


def handler(event: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Redrive what ``event`` asks for; the answer says what was moved, what was left and why."""
    asked = {} if event.get("source") == _SCHEDULED else event
    with outcomes.context("dead_letter_redrive"):
        return container().dead_letter_redrive.redrive(
            Request.read(asked), lambda: context.get_remaining_time_in_millis() / 1000
        )
