"""Search the functions' structured logs: one JSON line per outcome."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .stack import Stack

FUNCTIONS = {
    "message_intake": "MessageIntake",
    "outbound_messaging": "OutboundMessaging",
    "webhook_intake": "WebhookIntake",
    "provider_intake": "ProviderIntake",
    "channel_delivery": "ChannelDelivery",
    "token_refresh": "TokenRefresh",
    "dead_letter_redrive": "DeadLetterRedrive",
}
"""The functions' names in log lines, and their logical ids in the template."""

Texts = str | Sequence[str]

_LONGEST_PATTERN = 1024

_DURATION = re.compile(r"\bDuration: ([\d.]+) ms")


@dataclass(frozen=True)
class Line:
    """A log line: its time, the function, the outcome word and the fields."""

    at: datetime
    function: str
    message: str
    fields: Mapping[str, Any]
    stream: str


def ago(seconds: float) -> datetime:
    """Return the time ``seconds`` before now."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def lines(
    stack: Stack, since: datetime, *, having: Texts = "", functions: Iterable[str] = FUNCTIONS
) -> list[Line]:
    """Return the lines that contain ``having``, or one of several texts; oldest first."""
    found = [
        line
        for function in functions
        for event in _events(stack, function, since, having)
        if (line := _line(event)) is not None
    ]
    return sorted(found, key=lambda line: line.at)


def durations(stack: Stack, function: str, since: datetime) -> list[tuple[datetime, str, float]]:
    """Return when a function's invocations ended, their log stream, and their milliseconds."""
    found = []
    for event in _events(stack, function, since, "REPORT RequestId"):
        duration = _DURATION.search(event["message"])
        if duration:
            found.append((_moment(event), event["logStreamName"], float(duration[1])))
    return found


def _events(
    stack: Stack, function: str, since: datetime, having: Texts
) -> Iterator[Mapping[str, Any]]:
    texts = [having] if isinstance(having, str) else list(having)
    pages = (
        stack.client("logs")
        .get_paginator("filter_log_events")
        .paginate(
            logGroupName=stack.log_of(FUNCTIONS[function]),
            startTime=int(since.timestamp() * 1000),
            **_pattern(stack, texts),
        )
    )
    for page in pages:
        for event in page["events"]:
            if any(text in event["message"] for text in texts):
                yield event


def _pattern(stack: Stack, texts: Sequence[str]) -> dict[str, str]:
    """Return a CloudWatch filter that lets at least the matching lines through."""
    if len(texts) == 1:
        return {"filterPattern": json.dumps(texts[0])} if texts[0] else {}
    pattern = " ".join(f"?{json.dumps(text)}" for text in texts)
    # The emulator does not support alternatives, nor CloudWatch longer patterns.
    return {} if stack.is_local or len(pattern) > _LONGEST_PATTERN else {"filterPattern": pattern}


def _line(event: Mapping[str, Any]) -> Line | None:
    """Parse a line that our code logged; return None for Lambda's own lines and for metrics."""
    try:
        said = json.loads(event["message"])
    except ValueError:
        return None
    if not isinstance(said, dict) or "_aws" in said or "function" not in said:
        return None
    return Line(
        _said_at(said) or _moment(event),
        said["function"],
        str(said.get("message", "")),
        said,
        event["logStreamName"],
    )


def _said_at(said: Mapping[str, Any]) -> datetime | None:
    """Return the time that the line itself states: that of the outcome, not of its arrival."""
    try:
        return datetime.strptime(str(said["timestamp"]), "%Y-%m-%d %H:%M:%S,%f%z")
    except (KeyError, ValueError):
        return None


def _moment(event: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
