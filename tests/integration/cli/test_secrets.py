"""A secret that was forgotten cannot be read any more, nor in Parameter Store's history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.accounts import ACCOUNT
from tests.support.moto_stack import STACK, MotoStack, moto_stack

OLD, NEW = "the0old0secret0of0the0tests", "the0new0secret0of0the0tests"
NAME = f"/{STACK}/accounts/{ACCOUNT}/credentials"


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    """Give a stack whose account has a new secret and keeps the old one."""
    with moto_stack() as stack:
        app = {"client_id": "an-app"}
        stack.write_parameter("credentials", {**app, "client_secret": OLD})
        both = {**app, "client_secret": NEW, "previous_client_secret": OLD}
        stack.write_parameter("credentials", both)
        yield stack


def history(stack: MotoStack) -> list[str]:
    """Give every value of the credentials that can be read."""
    pages = stack.client("ssm").get_paginator("get_parameter_history")
    found: Any = pages.paginate(Name=NAME, WithDecryption=True)
    return [each["Value"] for page in found for each in page["Parameters"]]


def test_what_is_forgotten_stands_in_no_older_version(stack: MotoStack) -> None:
    """The account has its secret all the while; only what was before is gone."""
    assert any(OLD in each for each in history(stack))
    stack.write_parameter("credentials", {"client_id": "an-app", "client_secret": NEW})

    said = stack.connector("secrets", "clear-history", ACCOUNT, "--yes")

    assert (0, "✓ Parameter Store has no older value of credentials") == (
        said.exit_code,
        said.stdout.strip(),
    )
    assert {NEW} == {json.loads(each)["client_secret"] for each in history(stack)}
    assert not any(OLD in each for each in history(stack))


def test_a_value_that_is_kept_by_a_label_is_told(stack: MotoStack) -> None:
    """Parameter Store does not let go of a labelled version; the command says whose."""
    stack.client("ssm").label_parameter_version(Name=NAME, ParameterVersion=1, Labels=["keep"])

    said = stack.connector("secrets", "clear-history", ACCOUNT, "--yes")

    assert 1 == said.exit_code
    assert "ParameterMaxVersionLimitExceeded" in said.stderr
    assert OLD not in said.stderr
