"""The AWS clients of all contenders but ours: they wait no longer and try no oftener than ours."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

CONFIG = Config(
    connect_timeout=0.5, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1}
)
LEAN = CONFIG.merge(Config(user_agent="liveperson-connector", parameter_validation=False))
"""All settings that ours have."""


def client(service: str, config: Config = CONFIG) -> Any:
    """Make a client as a function does that uses boto3."""
    return boto3.client(service, config=config)  # type: ignore[call-overload]
