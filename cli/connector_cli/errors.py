"""The errors that end a command: what is wrong, and what to do about it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import click
import requests
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's name of the base of them all
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from liveperson_connector.domain.errors import ConnectorError, MisconfiguredAccount

from . import region

_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}
_PASSING = {
    *("Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"),
    *("InternalError", "InternalFailure", "ServiceUnavailable"),
}

# The environment variables that decide which account and region a command uses.
_PLACE = ("AWS_PROFILE", *region.VARIABLES, "AWS_ENDPOINT_URL")


class Problem(click.ClickException):
    """
    A command cannot continue and exits with 1; ``fix`` says what to do about it.

    A wrong use of the command line is a :class:`click.UsageError`, and exits with 2.
    """

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.fix = fix


class NotReached(Problem):
    """The command found no stack; perhaps it should use another account, region or sandbox."""


@contextmanager
def errors_explained() -> Iterator[None]:
    """Turn the errors of AWS, of the network and of the layer into a :class:`Problem`."""
    try:
        yield
    except ClientError as failure:
        raise of_aws(failure) from None
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as failure:
        fix = "sign in to AWS, or set AWS_PROFILE to a profile of ~/.aws/config"
        raise NotReached(str(failure), fix) from None
    except NoRegionError:
        raise NotReached("no AWS region is set", "set AWS_REGION") from None
    except ConnectionError as failure:
        raise NotReached(str(failure), f"check the network{_place()}") from None
    except BotoCoreError as failure:
        raise Problem(
            f"AWS: {failure}", f"check the AWS settings of this shell{_place()}"
        ) from None
    except requests.RequestException as failure:
        raise of_network(failure) from None
    except ConnectorError as failure:
        raise of_connector(failure) from None


def of_aws(failure: ClientError) -> Problem:
    """Return a Problem that says which call AWS refused, and why."""
    code = failure.response.get("Error", {}).get("Code", "unknown")
    said = failure.response.get("Error", {}).get("Message", "")
    problem = f"AWS refused {failure.operation_name}: {code}: {said}".removesuffix(": ")
    if code in _EXPIRED:
        return NotReached(problem, "sign in to AWS again")
    if code in _DENIED:
        return Problem(
            problem, "use a role with this right; docs/troubleshooting.md lists the rights"
        )
    if code in _PASSING:
        return Problem(problem, "wait a minute and run the command again")
    return Problem(problem, f"check the names that were given{_place()}")


def of_network(failure: requests.RequestException) -> Problem:
    """Return a Problem that names the host that did not answer, without the request."""
    host = urlsplit(failure.request.url or "").netloc if failure.request else ""
    return Problem(
        f"{host or 'an address'} did not answer ({type(failure).__name__})",
        "check the network and the proxy settings",
    )


def of_connector(failure: ConnectorError) -> Problem:
    """Return a Problem for an error of the layer, and the command that tells more."""
    if isinstance(failure, MisconfiguredAccount):
        problem, _, form = str(failure).partition("; write ")
        fix = "connector account add ACCOUNT writes it again"
        return Problem(problem, f"{fix}, as {form}" if form else fix)
    return Problem(str(failure), "connector doctor")


@contextmanager
def invalid_input_explained() -> Iterator[None]:
    """Turn the error of a secret or an option that was just given into a :class:`Problem`."""
    try:
        yield
    except MisconfiguredAccount as failure:
        problem = str(failure).partition("; write ")[0].rpartition(": ")[2]
        raise Problem(
            f"{problem}; nothing was changed",
            "run the command again with a valid value; docs/settings.md shows the form of each",
        ) from None


def _place() -> str:
    given = [f"{name}={os.environ[name]}" for name in _PLACE if os.environ.get(name)]
    return f", and {', '.join(given)}" if given else ""
