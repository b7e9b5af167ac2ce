"""The accounts' parameters in Parameter Store, as operators read and write them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from liveperson_connector.aws.parameters import TIER, ParameterStore
from liveperson_connector.domain.accounts import (
    ChannelSettings,
    Credentials,
    is_account_id,
)

from .errors import Problem
from .stack import Stack

CREDENTIALS = "credentials"
CHANNEL = "channel"
APP_JWT = "app-jwt"
KINDS = (CREDENTIALS, CHANNEL, APP_JWT)

SECURE = "SecureString"

# Parameter Store keeps this many versions of a parameter.
_KEPT_VERSIONS = 100

# Parameter Store allows a few writes a second; in this mode the client slows down by itself.
_MANY_RETRIES = {"mode": "adaptive", "total_max_attempts": 20}


@dataclass(frozen=True)
class Written:
    """A parameter without its value."""

    name: str
    type: str
    modified: datetime
    version: int


class Parameters:
    """Every account of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._client = stack.client("ssm")
        self._path = f"/{stack.name}/accounts"
        self.store = ParameterStore(self._client, f"/{stack.name}")

    @cached_property
    def written(self) -> Mapping[str, Mapping[str, Written]]:
        """The parameters that exist, by account and kind."""
        pages = self._client.get_paginator("get_parameters_by_path").paginate(
            Path=self._path, Recursive=True, WithDecryption=False
        )
        found: dict[str, dict[str, Written]] = {}
        for each in (each for page in pages for each in page["Parameters"]):
            account_id, _, kind = each["Name"].removeprefix(f"{self._path}/").partition("/")
            found.setdefault(account_id, {})[kind] = Written(
                each["Name"], each["Type"], each["LastModifiedDate"], each["Version"]
            )
        return found

    @property
    def account_ids(self) -> list[str]:
        """Every account that has any parameter."""
        return sorted(self.written)

    def of(self, account_id: str) -> Mapping[str, Written]:
        """Return an account's parameters; raise a :class:`Problem` if there are none."""
        if account_id not in self.written:
            self._stack.check_exists()
            known = ", ".join(self.account_ids) or "none"
            raise Problem(
                f"account {account_id} is not set up (set up: {known})",
                f"connector account add {account_id}",
            )
        return self.written[account_id]

    def credentials(self, account_id: str) -> Credentials:
        """Return the app install's credentials."""
        return self.store.credentials(account_id)

    def channel(self, account_id: str) -> ChannelSettings:
        """Return the channel's settings."""
        return self.store.channel(account_id)

    def raw(self, account_id: str, kind: str) -> dict[str, Any]:
        """Return a parameter's JSON object as stored; empty if it is missing or not an object."""
        name = self.store.name(account_id, kind)
        if kind not in self.written.get(account_id, {}):
            return {}
        answer = self._client.get_parameter(Name=name, WithDecryption=True)
        try:
            value = json.loads(answer["Parameter"]["Value"])
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def write(self, account_id: str, kind: str, value: Mapping[str, Any]) -> None:
        """Write a parameter, encrypted."""
        name = self.store.name(account_id, kind)
        self._drop_if_plain(account_id, kind)
        self._client.put_parameter(
            Name=name, Value=json.dumps(value), Type=SECURE, Tier=TIER, Overwrite=True
        )

    def clear_history(self, account_id: str, kind: str) -> int:
        """
        Push every older value of a parameter out of its history; return how many are left.

        Parameter Store keeps the last hundred versions. The only other way to remove one is to
        delete the parameter, and the account would be unknown until it is written again. So write
        the present value until all hundred versions have it
        (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html).
        """
        name = self.store.name(account_id, kind)
        client = self._stack.client("ssm", retries=_MANY_RETRIES)
        present = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
        same = {"Name": name, "Value": present["Value"], "Type": present["Type"]}
        if key := _versions(client, name)[present["Version"]].get("KeyId"):
            same["KeyId"] = key
        for number in range(1, _KEPT_VERSIONS + 1):
            written = client.put_parameter(**same, Overwrite=True)
            if written["Version"] != present["Version"] + number:
                raise Problem(
                    f"{name} was changed by another command at the same time",
                    f"check it with connector account show {account_id}, then run this again",
                )
        return sum(version <= present["Version"] for version in _versions(client, name))

    def delete(self, account_id: str) -> list[str]:
        """Delete every parameter of an account, and return their names."""
        names = [each.name for each in self.of(account_id).values()]
        for start in range(0, len(names), 10):
            self._client.delete_parameters(Names=names[start : start + 10])
        return names

    def delete_one(self, account_id: str, kind: str) -> None:
        """Delete one parameter of an account."""
        self._client.delete_parameter(Name=self.of(account_id)[kind].name)

    def _drop_if_plain(self, account_id: str, kind: str) -> None:
        """Delete a parameter of another type: Parameter Store cannot change a parameter's type."""
        there = self.written.get(account_id, {}).get(kind)
        if there is not None and there.type != SECURE:
            self._client.delete_parameter(Name=there.name)


def _versions(client: Any, name: str) -> Mapping[int, Mapping[str, Any]]:
    """Return the versions that Parameter Store has, without their values."""
    pages = client.get_paginator("get_parameter_history").paginate(Name=name)
    return {each["Version"]: each for page in pages for each in page["Parameters"]}


def checked_account_id(account_id: str) -> str:
    """Return ``account_id``; raise a :class:`Problem` if it does not have the form of one."""
    if not is_account_id(account_id):
        raise Problem(
            f"{account_id!r} is not an account id",
            "give LivePerson's site id: digits; on its test systems, le and digits",
        )
    return account_id
