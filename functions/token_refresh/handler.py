"""AppJWTs are renewed: on schedule, when a worker asks, and when a refresh had failed."""

from collections.abc import Mapping
from typing import Any

from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.sqs import process_batch
from liveperson_connector.telemetry import outcomes


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """Refresh all accounts on schedule, one for ``{"account_id", "rejected"?}``."""
    if "Records" in event:
        return process_batch(event, container().failed_refreshes)
    with outcomes.context("token_refresh", event.get("trace")):
        return container().token_refresh.answer(event)
