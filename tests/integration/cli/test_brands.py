"""A brand has keys and a rate of its own, and can be paused: what the commands leave behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector_cli.keys import MOST_KEYS
from liveperson_connector.aws.delivery_state import OUTAGE_PK
from liveperson_connector.domain.intake_settings import BRAND_KEY_PREFIX
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET
from tests.support.moto_stack import STACK, MotoStack, moto_stack

ANOTHER = "12345678"
ADD = (
    *("account", "add", ANOTHER, "--client-id", CLIENT_ID, "--skip-checks", "--yes"),
    *("--callback-url", "https://channel.example.com/callbacks"),
)
TYPED = f"{CLIENT_SECRET}\n{SIGNING_SECRET}\n"


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    """Give a stack with an account whose parameters were written by hand, and that names no key."""
    with moto_stack() as stack:
        stack.write_parameter("credentials", {"client_id": "a", "client_secret": "b"})
        channel = {"callback_url": "https://a.example.com", "signing_secret": SIGNING_SECRET}
        stack.write_parameter("channel", channel)
        yield stack


def run(stack: MotoStack, *arguments: str, typed: str = "") -> str:
    """Run a command that succeeds; give what it says."""
    said = stack.connector(*arguments, typed=typed)
    assert 0 == said.exit_code, said.stderr
    return said.stdout + said.stderr


def refused(stack: MotoStack, *arguments: str) -> str:
    """Run a command that is refused; give what it says."""
    said = stack.connector(*arguments)
    assert 1 == said.exit_code
    return said.stderr


def named(stack: MotoStack, account_id: str = ACCOUNT) -> list[str]:
    """Give the keys that an account's parameter names."""
    name = f"/{STACK}/accounts/{account_id}/channel"
    found = stack.client("ssm").get_parameter(Name=name, WithDecryption=True)
    keys: list[str] = json.loads(found["Parameter"]["Value"]).get("api_key_ids", [])
    return keys


def keys(stack: MotoStack) -> dict[str, str]:
    """Give the values of all keys, by their ids."""
    found = stack.client("apigateway").get_api_keys(includeValues=True)["items"]
    return {each["id"]: each["value"] for each in found}


def plan(stack: MotoStack, account_id: str) -> dict[str, Any] | None:
    """Give an account's usage plan."""
    plans = stack.client("apigateway").get_usage_plans()["items"]
    return next((each for each in plans if each["name"] == f"{STACK}-{account_id}"), None)


def test_new_account_has_a_key_and_a_rate_of_its_own(stack: MotoStack, tmp_path: Path) -> None:
    """The key's value is in the file alone; the plan is of the stack's stage."""
    said = run(stack, *ADD, "--rate", "20", typed=TYPED)
    (key_id,) = named(stack, ANOTHER)
    value = keys(stack)[key_id]
    said += run(stack, "handover", ANOTHER, "--key-file", str(tmp_path / "key"))
    made = plan(stack, ANOTHER)

    assert made
    assert {"rateLimit": 20.0, "burstLimit": 40} == made["throttle"]
    assert [("an-api", "v1")] == [(each["apiId"], each["stage"]) for each in made["apiStages"]]
    assert value.startswith(BRAND_KEY_PREFIX)
    assert value.isalnum()
    assert value not in said
    assert f"{value}\n" == (tmp_path / "key").read_text()


def test_account_that_exists_keeps_its_keys(stack: MotoStack) -> None:
    """Overwriting its settings makes no key, and one can do without: then the stack's acts."""
    run(stack, *ADD, "--stack-key", typed=TYPED)
    assert [] == named(stack, ANOTHER)
    run(stack, "key", "add", ANOTHER, "--yes")
    before = named(stack, ANOTHER)
    run(stack, *ADD, typed=TYPED)

    assert before == named(stack, ANOTHER)
    assert 2 == len(keys(stack))


def test_change_of_keys_has_no_gap(stack: MotoStack) -> None:
    """Two act at a time; a third has to wait, and the last one stays."""
    for _ in range(MOST_KEYS):
        run(stack, "key", "add", ACCOUNT, "--yes")
    old, new = named(stack)
    assert f"connector key remove {ACCOUNT} {old}" in refused(stack, "key", "add", ACCOUNT, "--yes")
    run(stack, "key", "remove", ACCOUNT, old, "--yes")

    assert [new] == named(stack)
    assert old not in keys(stack)
    assert "the stack's key would act" in refused(stack, "key", "remove", ACCOUNT, new, "--yes")
    assert "does not name" in refused(stack, "key", "remove", ACCOUNT, "another", "--yes")


def test_keys_are_listed_with_their_rate(stack: MotoStack) -> None:
    """And the rate can be changed."""
    assert "the stack's key acts" in run(stack, "key", "list", ACCOUNT)
    assert "key add" in refused(stack, "key", "limit", ACCOUNT, "--rate", "5")
    run(stack, "key", "add", ACCOUNT, "--yes")
    run(stack, "key", "limit", ACCOUNT, "--rate", "5", "--burst", "7")
    told = json.loads(run(stack, "key", "list", ACCOUNT, "--json"))

    assert {"rate": 5, "burst": 7} == told["limits"]
    assert named(stack) == [each["key_id"] for each in told["keys"]]


def test_removed_account_leaves_no_key(stack: MotoStack) -> None:
    """Nor a usage plan, which would keep the stack from being deleted."""
    run(stack, "key", "add", ACCOUNT, "--yes")
    run(stack, "account", "remove", ACCOUNT, "--yes")

    assert (1, None) == (len(keys(stack)), plan(stack, ACCOUNT))


def test_pause_is_seen_and_ended(stack: MotoStack) -> None:
    """By destination; the status of the stack names it without calling it a problem."""
    run(stack, "account", "pause", ACCOUNT, "--to", "channel", "--yes")
    assert [OUTAGE_PK.format(ACCOUNT, "channel")] == stack.items()
    assert "wait already" in run(stack, "account", "pause", ACCOUNT, "--yes")
    assert 2 == len(stack.items())
    run(stack, "account", "resume", ACCOUNT, "--to", "liveperson", "--yes")
    doctor = stack.connector("doctor", ACCOUNT, "--only", "pauses").stdout
    assert "messages to channel wait" in doctor
    assert "liveperson" not in doctor
    run(stack, "account", "resume", ACCOUNT, "--yes")

    assert [] == stack.items()
