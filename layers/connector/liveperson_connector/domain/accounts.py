"""
An account as the operator describes it: two parameters, each a small JSON object.

``credentials`` proves the connector to LivePerson and LivePerson to the connector; ``channel``
says where the account's channel is called back and how the calls are signed.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import MisconfiguredAccount

# LivePerson's site ids are digits, or "le" and digits on its test systems.
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

CALLBACKS = frozenset({"message", "typing", "receipt", "conversation", "failed"})
"""All types of callbacks."""

AGENTS_SHOWN = ("name", "name_and_picture", "hidden")
"""What a channel may be told of agents; the first is the default."""

REDACTIONS = frozenset({"card_number"})
"""What can be masked in texts of consumers."""

_SECRET_PREFIX = "whsec_"  # noqa: S105 - the prefix of the Standard Webhooks specification

# A secret has "between 24 bytes (192 bits) and 64 bytes (512 bits)"
# (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
_SECRET_BYTES = range(24, 64 + 1)


# In parameters, addresses, consumer ids and logs, so a narrow alphabet.
_CHANNEL_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")

# The functions' roles name parameters by how they end; a channel is not to be taken for another.
_RESERVED = frozenset({"app-jwt", "channel", "credentials"})


def is_channel_name(text: str) -> bool:
    """Whether ``text`` may name a ready channel of an account."""
    return _CHANNEL_NAME.fullmatch(text) is not None and text not in _RESERVED


def is_account_id(text: str) -> bool:
    """Whether ``text`` could be an account id, and so is safe in a parameter's name."""
    return _ACCOUNT_ID.fullmatch(text) is not None


@dataclass(frozen=True)
class Credentials:
    """
    The app install's id and secret; ``previous_client_secret`` while a new one is rolled out.

    ``signature_algorithm`` is the only one accepted for webhooks, if it is given: an account that
    was moved to ``sha256`` should no longer accept ``sha1``.
    """

    client_id: str
    client_secret: str = field(repr=False)
    previous_client_secret: str | None = field(default=None, repr=False)
    signature_algorithm: str | None = None

    @classmethod
    def parse(cls, text: str, *, parameter: str) -> Credentials:
        """Read the parameter's text; ``parameter`` is its name, for the error message."""
        form = '{"client_id": "…", "client_secret": "…"}'
        given = json_object(text, parameter, form)
        _require(given, ("client_id", "client_secret"), parameter, form)
        previous = given.get("previous_client_secret")
        if previous is not None and not (isinstance(previous, str) and previous):
            raise misconfigured(parameter, "'previous_client_secret' is not a text", form)
        algorithm = given.get("signature_algorithm")
        if algorithm not in (None, "sha1", "sha256"):
            raise misconfigured(parameter, "'signature_algorithm' is unknown", "sha1 or sha256")
        return cls(given["client_id"], given["client_secret"], previous, algorithm)


@dataclass(frozen=True)
class ChannelSettings:
    """
    A channel's callback URL, the key (as bytes) that signs callbacks, and its wishes.

    ``callbacks`` are the types that it receives, ``None`` for all; with ``automatic_receipts`` the
    connector confirms to LivePerson each message that the channel accepted; ``entry_point`` are the
    addresses by which the Monitoring API finds a campaign for a new conversation. ``agents`` is one
    of :data:`AGENTS_SHOWN`: what the channel is told of the agents who write.
    """

    callback_url: str
    signing_key: bytes = field(repr=False)
    callbacks: frozenset[str] | None = None
    automatic_receipts: bool = False
    entry_point: tuple[str, ...] = ()
    agents: str = AGENTS_SHOWN[0]

    def wants(self, callback: str) -> bool:
        """Whether the channel receives callbacks of this type."""
        return self.callbacks is None or callback in self.callbacks

    @classmethod
    def parse(cls, text: str, *, parameter: str) -> ChannelSettings:
        """Read the parameter's text; ``parameter`` is its name, for the error message."""
        form = '{"callback_url": "https://…", "signing_secret": "whsec_…"}'
        given = json_object(text, parameter, form)
        _require(given, ("callback_url", "signing_secret"), parameter, form)
        return cls(
            given["callback_url"],
            _signing_key(given["signing_secret"], parameter, form),
            wanted_callbacks(given.get("callbacks"), parameter),
            wants_automatic_receipts(given.get("receipts"), parameter),
            entry_points(given.get("entry_point"), parameter),
            agents_shown(given.get("agents"), parameter),
        )


def wanted_callbacks(given: object, parameter: str) -> frozenset[str] | None:
    """Read ``callbacks``: the types of callbacks that a channel is told of, None for all."""
    if given is None:
        return None
    if isinstance(given, list) and given and set(map(str, given)) <= CALLBACKS:
        return frozenset(given)
    known = ", ".join(sorted(CALLBACKS))
    raise misconfigured(parameter, "'callbacks' names an unknown type", f"some of: {known}")


def wants_automatic_receipts(given: object, parameter: str) -> bool:
    """Read ``receipts``: whether we tell LivePerson that a message was delivered."""
    if given not in (None, "automatic", "channel"):
        raise misconfigured(parameter, "'receipts' is unknown", '"automatic" or "channel"')
    return given == "automatic"


def entry_points(given: object, parameter: str) -> tuple[str, ...]:
    """Read ``entry_point``: addresses by which the Monitoring API finds a campaign."""
    addresses = [given] if isinstance(given, str) else given or []
    if isinstance(addresses, list) and all(isinstance(each, str) for each in addresses):
        return tuple(addresses)
    raise misconfigured(parameter, "'entry_point' is not a list of texts", '["https://…"]')


def redactions(given: object, parameter: str) -> frozenset[str]:
    """Read ``redact``: what is masked in texts of consumers; nothing by default."""
    if given is None:
        return frozenset()
    if isinstance(given, list) and set(map(str, given)) <= REDACTIONS:
        return frozenset(given)
    raise misconfigured(parameter, "'redact' names something unknown", '["card_number"]')


def agents_shown(given: object, parameter: str) -> str:
    """Read ``agents``: what the channel is told of the agents who write."""
    if given is None:
        return AGENTS_SHOWN[0]
    if isinstance(given, str) and given in AGENTS_SHOWN:
        return given
    raise misconfigured(parameter, "'agents' is unknown", " or ".join(AGENTS_SHOWN))


def _signing_key(secret: str, parameter: str, form: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        raise misconfigured(parameter, "'signing_secret' does not begin with whsec_", form)
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except ValueError:  # of which binascii.Error is one
        raise misconfigured(
            parameter, "'signing_secret' is not Base64 after whsec_", form
        ) from None
    if len(key) not in _SECRET_BYTES:
        limits = f"{_SECRET_BYTES[0]} to {_SECRET_BYTES[-1]}"
        raise misconfigured(
            parameter, f"'signing_secret' must have {limits} bytes; it has {len(key)}", form
        )
    return key


def json_object(text: str, parameter: str, form: str) -> dict[str, Any]:
    """Read a parameter's text as a JSON object; ``form`` tells how it should look."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise misconfigured(parameter, "it is not JSON", form) from None
    if not isinstance(value, dict):
        raise misconfigured(parameter, "it is not a JSON object", form)
    return value


def _require(
    given: Mapping[str, object], names: tuple[str, ...], parameter: str, form: str
) -> None:
    missing = [name for name in names if not (isinstance(given.get(name), str) and given[name])]
    if missing:
        raise misconfigured(parameter, f"{' and '.join(missing)} missing or not a text", form)


def misconfigured(parameter: str, problem: str, form: str) -> MisconfiguredAccount:
    """Make the error that names the parameter, what is wrong with it and what to write."""
    return MisconfiguredAccount(f"parameter {parameter}: {problem}; write {form}")
