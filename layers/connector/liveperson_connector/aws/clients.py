"""boto3 clients, with time-outs that fit who waits for them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import AwsUnavailable

# An intake must answer within two seconds: two AWS calls of at most 0.8 s, and no second try.
_HURRIED = Config(
    connect_timeout=0.3, read_timeout=0.5, retries={"mode": "standard", "total_max_attempts": 1}
)

# A worker has a queue behind it: a few tries here are cheaper than another invocation.
_PATIENT = Config(
    connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3}
)


def hurried(service: str) -> Any:
    """Make a client for an intake, where someone waits for the answer."""
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
