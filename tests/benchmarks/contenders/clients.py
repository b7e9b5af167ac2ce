"""The AWS clients of all contenders but ours: with the settings that ours have."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    user_agent="liveperson-connector",
    parameter_validation=False,
    connect_timeout=0.5,
    read_timeout=1.5,
    retries={"mode": "standard", "total_max_attempts": 1},
)


def client(service: str) -> Any:
    """Make a client that does no more and waits no longer than ours."""
    return boto3.client(service, config=CONFIG)  # type: ignore[call-overload]
