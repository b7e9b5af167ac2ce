"""
AWS clients, with time-outs that fit who waits for them.

They are made as boto3 makes them, by botocore's session. Importing boto3 itself would load its
resources and S3 transfers too, which nothing here uses, while LivePerson waits for a cold start
(docs/decisions/0029-cold-starts.md).
"""

from __future__ import annotations

import os
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


# Set where AWS is not at its own addresses, for example on an emulator.
_OTHER_ENDPOINTS = {"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"}


def hurried(service: str) -> Any:
    """Make a client for the webhook intake, where LivePerson waits for the answer."""
    return session().create_client(service, config=_HURRIED)


def patient(service: str, **overrides: Any) -> Any:
    """Make a client for a worker; ``overrides`` are botocore settings."""
    return session().create_client(service, config=_PATIENT.merge(Config(**overrides)))


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
    return patient("s3", signature_version="s3v4", s3=regional)


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
