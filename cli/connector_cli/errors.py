"""What ends a command early: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from liveperson_connector.domain.errors import ConnectorError

_EXPIRED = {
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidClientTokenId",
    "UnrecognizedClientException",
}
_DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


class Problem(click.ClickException):
    """A command cannot go on: exit code 1. A wrong use of the command line is 2, by click."""

    def __init__(self, problem: str, mend: str = "") -> None:
        super().__init__(problem)
        self.mend = mend

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it on standard error."""
        click.echo(f"connector: {self.message}", err=True, file=file)
        if self.mend:
            click.echo(f"  do: {self.mend}", err=True, file=file)


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors of AWS and of the connector's own code into a :class:`Problem`."""
    try:
        yield
    except ClientError as failure:
        raise of_aws(failure) from None
    except (NoCredentialsError, ProfileNotFound) as failure:
        raise Problem(str(failure), "sign in to AWS, or set AWS_PROFILE") from None
    except NoRegionError:
        raise Problem("no AWS region is set", "set AWS_REGION") from None
    except EndpointConnectionError as failure:
        raise Problem(str(failure), "check AWS_REGION, AWS_ENDPOINT_URL and the network") from None
    except BotoCoreError as failure:
        raise Problem(f"AWS: {failure}") from None
    except ConnectorError as failure:
        raise Problem(f"{failure.reason}: {failure}") from None


def of_aws(failure: ClientError) -> Problem:
    """Say which call AWS refused, and why."""
    code = failure.response.get("Error", {}).get("Code", "unknown")
    said = failure.response.get("Error", {}).get("Message", "")
    problem = f"AWS refused {failure.operation_name}: {code}: {said}"
    if code in _EXPIRED:
        return Problem(problem, "sign in to AWS again")
    if code in _DENIED:
        return Problem(problem, "use a role that may; docs/troubleshooting.md lists the rights")
    return Problem(problem)
