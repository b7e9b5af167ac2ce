"""What is written to Parameter Store, as it leaves for AWS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connector_cli.parameters import Parameters
from connector_cli.stack import Stack
from liveperson_connector.aws.clients import retrying
from liveperson_connector.aws.parameters import ParameterStore
from tests.support.servers import Request, json_answer, serving


def by_token_refresh() -> None:
    """Store an AppJWT as the function does."""
    ParameterStore(retrying("ssm"), "/s").store_app_jwt("12345678", "a.b.c")


def by_the_command_line() -> None:
    """Write an account's settings as an operator does."""
    Parameters(Stack("s")).write("12345678", "channel", {})


def nothing_there(request: Request) -> object:
    """Answer as Parameter Store does before the first parameter is written."""
    listing = request.headers["x-amz-target"].endswith("GetParametersByPath")
    return {"Parameters": []} if listing else {"Version": 1}


@pytest.mark.parametrize("write", [by_token_refresh, by_the_command_line])
def test_a_value_longer_than_four_kilobytes_can_be_written(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[], None]
) -> None:
    """Its tier grows with it; it is encrypted in any tier."""
    with serving(lambda request: json_answer(nothing_there(request))) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        write()
    written = aws.requests[-1].json()

    assert ("SecureString", "Intelligent-Tiering") == (written["Type"], written["Tier"])
