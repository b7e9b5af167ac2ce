"""``connector key``: the API keys by which a brand's channel acts, and their rate."""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import ClientError

from liveperson_connector.domain.intake_settings import BRAND_KEY_PREFIX, IntakeSettings

from . import output
from .errors import Problem, invalid_input_explained
from .groups import Commands
from .key_files import key_file_option, write_key
from .options import Command, as_json, on_a_stack, yes
from .parameters import CHANNEL, Parameters
from .stack import Stack

MOST_KEYS = 2
"""So many keys act for an account: the present one and, during a change, the next."""

DEFAULT_RATE, DEFAULT_BURST = 50, 100

_ALPHANUMERIC = string.ascii_letters + string.digits
_RANDOM_CHARACTERS = 40  # 238 bits; a value has 128 characters at most

# API Gateway tells the usage of 90 days at most.
_USAGE_DAYS = 89


def rate_options(command: Command) -> Command:
    """Give a command ``--rate`` and ``--burst``."""
    rate = click.option(
        "--rate",
        type=click.IntRange(1),
        metavar="N",
        help=f"Requests a second that the account's keys may make. Default: {DEFAULT_RATE}.",
    )
    burst = click.option(
        "--burst",
        type=click.IntRange(1),
        metavar="N",
        help=f"Requests that may come at once. Default: {DEFAULT_BURST}, or twice the rate.",
    )
    return rate(burst(command))


@dataclass(frozen=True)
class Limits:
    """A rate in requests a second, and a burst of requests at once."""

    rate: int
    burst: int

    @classmethod
    def of(cls, rate: int | None, burst: int | None) -> Limits | None:
        """Return what was given, with defaults for the rest; None if nothing was given."""
        if rate is None and burst is None:
            return None
        rate = rate or DEFAULT_RATE
        return cls(rate, burst or 2 * rate)

    def __str__(self) -> str:
        """Say both."""
        return f"{self.rate} requests a second, {self.burst} at once"


class BrandKeys:
    """
    The keys of one account, and the usage plan that limits them.

    The plan is named after the stack and the account, and has the stages of the stack's own key.
    """

    def __init__(self, stack: Stack, account_id: str) -> None:
        self._stack, self.account_id = stack, account_id
        self._client = stack.client("apigateway")
        self._name = f"{stack.name}-{account_id}"

    @cached_property
    def plan(self) -> Mapping[str, Any] | None:
        """The account's usage plan, if there is one."""
        pages = self._client.get_paginator("get_usage_plans").paginate()
        plans = (each for page in pages for each in page["items"])
        return next((each for each in plans if each["name"] == self._name), None)

    @property
    def limits(self) -> Limits | None:
        """The plan's limits."""
        throttle = (self.plan or {}).get("throttle")
        return Limits(int(throttle["rateLimit"]), throttle["burstLimit"]) if throttle else None

    def create(self, limits: Limits | None = None) -> str:
        """Create a key in the account's plan, which is made if there is none; return its id."""
        plan_id = self.plan["id"] if self.plan else self._create_plan(limits)
        if self.plan and limits:
            self.limit(limits)
        value = "".join(secrets.choice(_ALPHANUMERIC) for _ in range(_RANDOM_CHARACTERS))
        key = self._client.create_api_key(
            name=f"{self._name}-{datetime.now(UTC):%Y%m%d%H%M%S}",
            description=f"The channel of account {self.account_id}",
            enabled=True,
            value=f"{BRAND_KEY_PREFIX}{value}",
        )
        self._client.create_usage_plan_key(usagePlanId=plan_id, keyId=key["id"], keyType="API_KEY")
        return str(key["id"])

    def limit(self, limits: Limits) -> None:
        """Change the limits of the account's plan."""
        if self.plan is None:
            raise Problem(
                f"account {self.account_id} has no key of its own",
                f"connector key add {self.account_id}",
            )
        values = {"rateLimit": limits.rate, "burstLimit": limits.burst}
        self._client.update_usage_plan(
            usagePlanId=self.plan["id"],
            patchOperations=[
                {"op": "replace", "path": f"/throttle/{name}", "value": str(value)}
                for name, value in values.items()
            ],
        )

    def describe(self, key_id: str) -> dict[str, Any]:
        """Return when a key was made and last used; it may have been deleted by hand."""
        key = self._find(key_id)
        if key is None:
            return {"key_id": key_id, "created": None, "enabled": False, "last_used": None}
        return {
            "key_id": key_id,
            "created": key["createdDate"],
            "enabled": key["enabled"],
            "last_used": self._last_used(key_id),
        }

    def is_enabled(self, key_id: str) -> bool:
        """Whether API Gateway takes a key."""
        key = self._find(key_id)
        return key is not None and bool(key["enabled"])

    def _find(self, key_id: str) -> Mapping[str, Any] | None:
        try:
            key: Mapping[str, Any] = self._client.get_api_key(apiKey=key_id)
        except ClientError as failure:
            if failure.response["Error"]["Code"] != "NotFoundException":
                raise
            return None
        return key

    def delete(self, key_id: str) -> None:
        """Delete a key: API Gateway refuses it from then on."""
        try:
            self._client.delete_api_key(apiKey=key_id)
        except ClientError as failure:
            if failure.response["Error"]["Code"] != "NotFoundException":
                raise

    def delete_plan(self) -> None:
        """Delete the account's plan; one with stages cannot be deleted."""
        if self.plan is None:
            return
        stages = [f"{each['apiId']}:{each['stage']}" for each in self.plan.get("apiStages", [])]
        self._client.update_usage_plan(
            usagePlanId=self.plan["id"],
            patchOperations=[
                {"op": "remove", "path": "/apiStages", "value": each} for each in stages
            ],
        )
        self._client.delete_usage_plan(usagePlanId=self.plan["id"])

    def _create_plan(self, limits: Limits | None) -> str:
        limits = limits or Limits(DEFAULT_RATE, DEFAULT_BURST)
        key_id = self._stack.output("ChannelApiKeyId")
        own = self._client.get_usage_plans(keyId=key_id)["items"][0]
        stages = [{name: each[name] for name in ("apiId", "stage")} for each in own["apiStages"]]
        plan = self._client.create_usage_plan(
            name=self._name,
            description=f"The channel of account {self.account_id}",
            apiStages=stages,
            throttle={"rateLimit": limits.rate, "burstLimit": limits.burst},
        )
        return str(plan["id"])

    def _last_used(self, key_id: str) -> date | None:
        """Return the last day on which a key was used; None if API Gateway knows of none."""
        if self.plan is None:
            return None
        first = datetime.now(UTC).date() - timedelta(days=_USAGE_DAYS)
        try:
            usage = self._client.get_usage(
                usagePlanId=self.plan["id"],
                keyId=key_id,
                startDate=first.isoformat(),
                endDate=datetime.now(UTC).date().isoformat(),
            )
        except ClientError:  # an emulator has no such figures
            return None
        days = [used for used, _remaining in usage.get("items", {}).get(key_id, [])]
        used = [number for number, count in enumerate(days) if count]
        return first + timedelta(days=used[-1]) if used else None


@dataclass(frozen=True)
class ChannelKey:
    """A key by which a channel acts."""

    stack: Stack
    id: str

    def value(self) -> str:
        """Read its value, which is a secret."""
        answer = self.stack.client("apigateway").get_api_key(apiKey=self.id, includeValue=True)
        return str(answer["value"])


def channel_key(stack: Stack, parameters: Parameters, account_id: str | None) -> ChannelKey:
    """Return the newest key that an account names, otherwise the stack's."""
    named = named_keys(parameters, account_id) if account_id else []
    return ChannelKey(stack, named[-1] if named else stack.output("ChannelApiKeyId"))


@click.group(cls=Commands)
def key() -> None:
    """List, add and remove the API keys of an account's channel, and limit their rate."""


@key.command("list")
@click.argument("account_id")
@as_json
@on_a_stack
def list_keys(stack: Stack, account_id: str, as_json: bool) -> None:
    """List the keys that act for an account, when each was last used, and their rate."""
    brand = BrandKeys(stack, account_id)
    rows = [brand.describe(each) for each in named_keys(Parameters(stack), account_id)]
    if as_json:
        limits = brand.limits
        told = {"rate": limits.rate, "burst": limits.burst} if limits else None
        output.data({"account_id": account_id, "keys": rows, "limits": told})
    elif rows:
        output.table(("key", "made", "last used"), [tuple(_row(each)) for each in rows])
        output.say(f"rate: {brand.limits or 'not limited by a usage plan of the account'}")
    else:
        output.say(f"account {account_id} names no keys, so the stack's key acts for it")


@key.command()
@click.argument("account_id")
@rate_options
@key_file_option
@yes
@on_a_stack
def add(
    stack: Stack,
    account_id: str,
    rate: int | None,
    burst: int | None,
    key_file: Path | None,
    yes: bool,
) -> None:
    """
    Make a key for an account's channel, two at most, and name it in the account's parameter.

    The first key of an account takes the place of the stack's key, which acts for the account no
    longer within five minutes: let the channel change to the new one at once. A second key works
    beside the first, so that a change has no gap.
    """
    parameters = Parameters(stack)
    named = named_keys(parameters, account_id)
    if len(named) >= MOST_KEYS:
        raise Problem(
            f"account {account_id} has {MOST_KEYS} keys already",
            f"connector key remove {account_id} {named[0]}, when nothing uses it any more",
        )
    question = f"Make another key for account {account_id}?"
    if not named:
        question = f"Make a key for account {account_id}, in place of the stack's key?"
    output.confirm(question, yes=yes)
    brand = BrandKeys(stack, account_id)
    key_id = brand.create(Limits.of(rate, burst))
    _name_keys(parameters, account_id, [*named, key_id])
    output.say(f"✓ key {key_id} acts for account {account_id}")
    if key_file:
        write_key(key_file, ChannelKey(stack, key_id).value())
    else:
        output.say(f"  its value: connector handover {account_id} --key-file FILE")


@key.command()
@click.argument("account_id")
@click.argument("key_id")
@yes
@on_a_stack
def remove(stack: Stack, account_id: str, key_id: str, yes: bool) -> None:
    """Delete a key of an account: requests with it are refused from then on."""
    parameters = Parameters(stack)
    named = named_keys(parameters, account_id)
    if key_id not in named:
        raise Problem(
            f"account {account_id} does not name the key {key_id}",
            f"connector key list {account_id}",
        )
    if named == [key_id]:
        raise Problem(
            f"{key_id} is the only key of account {account_id}, and the stack's key would act",
            f"connector key add {account_id} first",
        )
    output.confirm(f"Delete the key {key_id} of account {account_id}?", yes=yes)
    BrandKeys(stack, account_id).delete(key_id)
    _name_keys(parameters, account_id, [each for each in named if each != key_id])
    output.say(f"✓ key {key_id} is deleted")


@key.command()
@click.argument("account_id")
@rate_options
@on_a_stack
def limit(stack: Stack, account_id: str, rate: int | None, burst: int | None) -> None:
    """Change how many requests the keys of an account may make; more are answered 429."""
    limits = Limits.of(rate, burst)
    if limits is None:
        raise Problem("no limit is given", "give --rate, --burst or both")
    BrandKeys(stack, account_id).limit(limits)
    output.say(f"✓ account {account_id}: {limits}")


def named_keys(parameters: Parameters, account_id: str) -> list[str]:
    """Return the ids of the keys that an account names; none if it takes the stack's key."""
    if CHANNEL not in parameters.of(account_id):
        raise Problem(
            f"account {account_id} has no channel of its own: providers use no key",
            f"connector account add {account_id}, if it is to have one",
        )
    given = parameters.raw(account_id, CHANNEL)
    name = parameters.store.name(account_id, CHANNEL)
    with invalid_input_explained():
        IntakeSettings.parse(json.dumps(given), parameter=name)
    return list(given.get("api_key_ids") or [])


def _name_keys(parameters: Parameters, account_id: str, key_ids: list[str]) -> None:
    given = parameters.raw(account_id, CHANNEL)
    parameters.write(account_id, CHANNEL, {**given, "api_key_ids": key_ids})


def _row(found: Mapping[str, Any]) -> Iterator[str]:
    yield found["key_id"]
    yield output.ago(found["created"]) if found["created"] else "not there"
    yield found["last_used"].isoformat() if found["last_used"] else "not in 90 days"
