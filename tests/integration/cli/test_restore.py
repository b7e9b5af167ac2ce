"""A stack that is made anew knows its consumers: the salt survives, and the table is restored."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from connector_cli.restore import LASTING
from connector_cli.salt import parameter_name
from tests.support.accounts import SALT
from tests.support.moto_stack import STACK, MotoStack, moto_stack

LOST = "the-lost-table"
TOMORROW = int(time.time()) + 86_400


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    """Give a new stack, and the table of a lost one."""
    with moto_stack() as stack:
        stack.client("dynamodb").create_table(
            TableName=LOST,
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield stack


def put(stack: MotoStack, table: str, pk: str, expires_at: int = TOMORROW, words: str = "") -> None:
    """Write an item."""
    item = {"pk": {"S": pk}, "expires_at": {"N": str(expires_at)}, "words": {"S": words}}
    stack.client("dynamodb").put_item(TableName=table, Item=item)


def restore(stack: MotoStack, *options: str) -> dict[str, Any]:
    """Restore from the lost table; return what the command tells a program."""
    said = stack.connector("restore", "--from", LOST, "--yes", "--json", *options)
    assert 0 == said.exit_code, said.stderr
    told: dict[str, Any] = json.loads(said.stdout)
    return told


# ── The table ──


def test_what_lasts_is_restored_and_nothing_else(stack: MotoStack) -> None:
    """Consumers and what was done for them; not the lost stack's outages, holds, tries, leases."""
    for kind in sorted({*LASTING, "outage", "hold", "tries", "lease", "sought"}):
        put(stack, LOST, f"{kind}#1")

    told = restore(stack)

    assert {f"{kind}#1" for kind in LASTING} == set(stack.items())
    assert dict.fromkeys(LASTING, 1) == told["restored"]


def test_what_has_expired_stays_forgotten(stack: MotoStack) -> None:
    """DynamoDB deletes expired items late; a restoration gives them no second life."""
    put(stack, LOST, "consumer#1", expires_at=int(time.time()) - 1)

    assert {} == restore(stack)["restored"]
    assert [] == stack.items()


def test_what_the_new_stack_knows_is_newer(stack: MotoStack) -> None:
    """It stays as it is, and a second run after an interruption finds it there."""
    put(stack, LOST, "consumer#1", words="old")
    put(stack, LOST, "consumer#2")
    put(stack, stack.table, "consumer#1", words="new")

    first, second = restore(stack), restore(stack)

    assert ({"consumer": 1}, 1) == (first["restored"], first["there_already"])
    assert ({}, 2) == (second["restored"], second["there_already"])
    answer = stack.client("dynamodb").get_item(
        TableName=stack.table, Key={"pk": {"S": "consumer#1"}}
    )
    assert "new" == answer["Item"]["words"]["S"]


def test_a_dry_run_writes_nothing(stack: MotoStack) -> None:
    """It tells what would be restored."""
    put(stack, LOST, "consumer#1")

    assert {"consumer": 1} == restore(stack, "--dry-run")["restored"]
    assert [] == stack.items()


@pytest.mark.parametrize("source", ["no-such-table", "its-own"])
def test_a_wrong_table_is_refused(stack: MotoStack, source: str) -> None:
    """With what to do."""
    name = stack.table if source == "its-own" else source
    said = stack.connector("restore", "--from", name, "--yes")

    assert 1 == said.exit_code
    assert name in said.stderr
    assert [] == stack.items()


# ── The salt ──


def kept(stack: MotoStack) -> str:
    """Return the salt that is kept."""
    answer = stack.client("ssm").get_parameter(Name=parameter_name(STACK), WithDecryption=True)
    assert "SecureString" == answer["Parameter"]["Type"]
    return str(answer["Parameter"]["Value"])


def doctor(stack: MotoStack) -> tuple[int, str]:
    """Return the exit code and the level of the doctor's finding about the salt."""
    said = stack.connector("doctor", "--only", "salt", "--json")
    (finding,) = json.loads(said.stdout)
    return said.exit_code, finding["level"]


def test_the_doctor_warns_until_the_salt_is_kept(stack: MotoStack) -> None:
    """A warning, because nothing is wrong yet; the command is named, and does it."""
    assert (0, "warning") == doctor(stack)

    said = stack.connector("salt", "keep")

    assert 0 == said.exit_code
    assert SALT == kept(stack)
    assert SALT not in said.stdout
    assert (0, "ok") == doctor(stack)


def test_a_stack_with_another_salt_than_the_kept_one_is_wrong(stack: MotoStack) -> None:
    """Its consumers are strangers; the kept salt is never overwritten."""
    stack.client("ssm").put_parameter(
        Name=parameter_name(STACK), Value="the former", Type="SecureString"
    )

    assert (1, "wrong") == doctor(stack)
    assert 1 == stack.connector("salt", "keep").exit_code
    assert "the former" == kept(stack)
