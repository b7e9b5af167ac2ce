"""Queue messages as a worker receives them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from liveperson_connector.domain.queue_messages import QueueMessage

from .accounts import ACCOUNT
from .clocks import Clock

PHONE = "+4915112345678"


def received(body: str = "{}", **spoilt: Any) -> QueueMessage:
    """Give a message at its first try, when the clock stands; ``spoilt`` replaces fields."""
    now = datetime.fromtimestamp(Clock().now, UTC)
    message = QueueMessage(
        message_id="message-1",
        receipt_handle="receipt-1",
        body=body,
        group="group-1",
        receive_count=1,
        sent_at=now,
        first_received_at=now,
        attributes={},
    )
    return replace(message, **spoilt)


def text_event(event_id: str = "m-1", text: str = "Hello", **spoilt: Any) -> dict[str, Any]:
    """Give a text event as a channel posts it."""
    return {"id": event_id, "type": "text", "text": text, **spoilt}


def posted(event: object) -> bytes:
    """Write an event as a channel posts it."""
    return json.dumps(event, ensure_ascii=False).encode()


def queued_event(event: dict[str, Any], consumer_id: str = PHONE, account_id: str = ACCOUNT) -> str:
    """Write an event as the queue keeps it."""
    return json.dumps({"account_id": account_id, "consumer_id": consumer_id, "event": event})
