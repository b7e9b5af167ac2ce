"""
AWS clients, with time-outs that fit their callers.

They are made as boto3 makes them, by botocore's session. Importing boto3 itself would load its
resources and S3 transfers too, which nothing here uses, while LivePerson waits for a cold start
(docs/decisions/0029-cold-starts.md).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
)
from botocore.session import Session, get_session

from ..domain.clock import Clock
from ..domain.errors import AwsUnavailable

# Saves a tenth of a call's processor time: by default botocore composes its user agent twice a
# call, and validates parameters, whose form is always the same here, before AWS does.
_LEAN = Config(user_agent="liveperson-connector", parameter_validation=False)

# The webhook intake must answer within two seconds: one try, no longer than that. A try on a dead
# connection does not count.
_HURRIED = _LEAN.merge(
    Config(
        connect_timeout=0.5, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1}
    )
)

# A worker has a queue behind it: a few tries here are cheaper than another invocation. The threads
# of dead_letter_redrive have a connection each; what is not needed is not opened.
_PATIENT = _LEAN.merge(
    Config(
        connect_timeout=1,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=16,
    )
)


# Set where AWS is not at its own addresses, for example on an emulator.
_OTHER_ENDPOINTS = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}


# A connection that was kept idle for longer is closed before it is used: while its container was
# frozen, AWS or what lies between may have forgotten it, with or without a word.
_IDLE_SECONDS = 20.0

# Errors of a connection that is dead or cannot be made. A call that it interrupts is safe to
# repeat: a message keeps its deduplication id, and all other calls are idempotent, too.
_BROKEN = (ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError)

# Two workers wrote to one item at the same time, one of them in a transaction. The loser must
# retry, which botocore does not do by itself
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
_CONFLICT = "TransactionConflict"
_CONFLICT_TRIES = 5
_CONFLICT_SECONDS = 0.02


def fail_fast(service: str, *, clock: Clock = time.time) -> Any:
    """Make a client for the webhook intake, where LivePerson waits for the answer."""
    return _client(service, _HURRIED, clock)


def retrying(service: str, *, clock: Clock = time.time, **overrides: Any) -> Any:
    """Make a client for a worker; ``overrides`` are botocore settings."""
    return _client(service, _PATIENT.merge(Config(**overrides)), clock)


def file_storage() -> Any:
    """
    Make a client for S3 whose presigned URLs work in every region.

    Unless told, botocore presigns for the global host, and in old regions with Signature Version 2.
    The global host redirects until a new bucket is known everywhere, a redirect breaks the
    signature, and opt-in regions are never known there. Only Amazon's own endpoints have a host
    name for each bucket.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html#VirtualHostingBackwardsCompatibility
    """
    style = "path" if os.environ.keys() & _OTHER_ENDPOINTS else "virtual"
    regional = {"addressing_style": style, "us_east_1_regional_endpoint": "regional"}
    return retrying("s3", signature_version="s3v4", s3=regional)


def _client(service: str, config: Config, clock: Clock) -> Any:
    client: Any = session().create_client(service, config=config)
    _KeptConnections(client, clock)
    client.meta.events.register_first("needs-retry.dynamodb", _repeat_after_conflict)
    return client


class _KeptConnections:
    """Closes a client's connections that may be dead, and repeats a call on a dead one at once."""

    def __init__(self, client: Any, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._used_at = clock()
        events, service = client.meta.events, client.meta.service_model.service_id.hyphenize()
        events.register(f"before-call.{service}", self._close_idle)
        events.register_first(f"needs-retry.{service}", self._repeat_once)

    def _close_idle(self, **_: Any) -> None:
        now = self._clock()
        if now - self._used_at > _IDLE_SECONDS:
            self._client.close()
        self._used_at = now

    def _repeat_once(
        self, attempts: int, caught_exception: Exception | None, **_: Any
    ) -> float | None:
        """Tell botocore after how many seconds to repeat a call; None for a call that it is not."""
        if attempts > 1 or not isinstance(caught_exception, _BROKEN):
            return None
        self._client.close()
        return 0.0


def _repeat_after_conflict(attempts: int, response: Any, **_: Any) -> float | None:
    """Tell botocore after how many seconds to repeat a write; None for one that met no conflict."""
    if attempts >= _CONFLICT_TRIES or _CONFLICT not in _codes(response[1] if response else {}):
        return None
    return random.uniform(0.5, 1.0) * _CONFLICT_SECONDS * 2.0**attempts  # noqa: S311 - a pause


def _codes(parsed: dict[str, Any]) -> set[str]:
    """Return the code of an error; of a cancelled transaction, also those of its reasons."""
    code = str(parsed.get("Error", {}).get("Code", ""))
    reasons = {str(each.get("Code")) for each in parsed.get("CancellationReasons", [])}
    return {code.removesuffix("Exception"), *reasons}


@cache
def session() -> Session:
    """Return what all clients have in common: credentials, region, handlers of events."""
    return get_session()


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
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
