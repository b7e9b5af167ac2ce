"""
AWS clients, with time-outs that fit who waits for them.

They are made as boto3 makes them, by botocore's session. Importing boto3 itself would load its
resources and S3 transfers too, which nothing here uses, while LivePerson waits for a cold start
(docs/decisions/0029-cold-starts.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session

from ..errors import AwsUnavailable

# A tenth of a call's processor time: botocore composes a longer name of its own anew, twice a
# call, and checks the form of what we send, which is always the same, before AWS does.
_LEAN = Config(user_agent="liveperson-connector", parameter_validation=False)

# The webhook intake must answer within two seconds: one try, no longer than that.
_HURRIED = _LEAN.merge(
    Config(
        connect_timeout=0.5, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1}
    )
)

# A worker has a queue behind it: a few tries here are cheaper than another invocation.
_PATIENT = _LEAN.merge(
    Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
)


def hurried(service: str) -> Any:
    """Make a client for the webhook intake, where LivePerson waits for the answer."""
    return session().create_client(service, config=_HURRIED)


def patient(service: str, **overrides: Any) -> Any:
    """Make a client for a worker; ``overrides`` are botocore settings."""
    return session().create_client(service, config=_PATIENT.merge(Config(**overrides)))


@cache
def session() -> Session:
    """Return what all clients have in common: credentials, region, handlers of events."""
    return get_session()


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
