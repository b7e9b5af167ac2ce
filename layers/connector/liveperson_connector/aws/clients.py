"""boto3 clients, with time-outs that fit who waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import AwsUnavailable

# The webhook intake must answer within two seconds: one try, no longer than that.
_HURRIED = Config(
    connect_timeout=0.5, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1}
)

# A worker has a queue behind it: a few tries here are cheaper than another invocation.
_PATIENT = Config(
    connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)


def hurried(service: str) -> Any:
    """Make a client for the webhook intake, where LivePerson waits for the answer."""
    return boto3.client(service, config=_HURRIED)  # type: ignore[call-overload]


def patient(service: str, **overrides: Any) -> Any:
    """Make a client for a worker; ``overrides`` are botocore settings."""
    return boto3.client(service, config=_PATIENT.merge(Config(**overrides)))  # type: ignore[call-overload]


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn boto3's errors into :class:`AwsUnavailable`, saying what we were ``doing``."""
    try:
        yield
    except ClientError as failure:
        raise AwsUnavailable(
            f"{doing}: {error_code(failure)}", error_code=error_code(failure)
        ) from None
    except BotoCoreError as failure:
        raise AwsUnavailable(f"{doing}: {type(failure).__name__}") from None


def error_code(failure: ClientError) -> str:
    """Return AWS's code of an error, for example ``ThrottlingException``."""
    return str(failure.response.get("Error", {}).get("Code", "unknown"))
