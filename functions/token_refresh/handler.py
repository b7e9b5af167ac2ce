"""AppJWTs are renewed: on schedule, when a worker asks, and when a refresh had failed."""

from collections.abc import Mapping
from typing import Any

from liveperson_connector.entrypoints.container import container
from liveperson_connector.entrypoints.sqs import process_batch
from liveperson_connector.telemetry import outcomes


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001
    """Refresh one account for ``{"account_id", "rejected"?}``, all of them on schedule."""
    if "Records" in event:
        return process_batch(event, container().failed_refreshes)
    refresh = container().token_refresh
    account_id = event.get("account_id")
    with outcomes.context("token_refresh", event.get("trace")):
        if account_id is None:
            return refresh.refresh_all()
        return {account_id: refresh.refresh(account_id, rejected=event.get("rejected"))}
