"""
What the adapters' conformance suite knows of each kind: a module for each, with ``SAMPLES``.

A new adapter needs :class:`Samples` alone; ``tests/unit/channel/adapters`` does the rest.
Webhooks are written as the provider's documentation shows them, with made-up people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from liveperson_connector.channel import adapters
from liveperson_connector.channel.adapters import READY_KINDS, adapter_of
from liveperson_connector.channel.adapters.interface import (
    Adapter,
    Incoming,
    Piece,
    ProviderAnswer,
    Verdict,
    WebhookRequest,
)

ADDRESS = "https://connector.example/prod/accounts/12345678/channels/shop"
"""The public address of the webhook in all samples."""

FILE_URL = "https://files.example/agents/1.png?signature=abc"
"""Where an agent's file is fetched in all samples."""


@dataclass(frozen=True)
class Webhook:
    """A body that the provider sends, and what is read from it; nothing if it is ignored."""

    name: str
    body: bytes
    read: Sequence[Incoming] = ()


@dataclass(frozen=True)
class Sent:
    """A piece, and the request it becomes: method, path with query, and what its body says."""

    name: str
    piece: Piece
    method: str
    path: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A documented answer, and what it means."""

    name: str
    answer: ProviderAnswer
    means: Verdict


@dataclass(frozen=True)
class Fetched:
    """How a consumer's file is fetched: the answers so far, and the addresses asked for."""

    reference: Mapping[str, Any]
    answers: Sequence[ProviderAnswer]
    urls: Sequence[str]
    leads_nowhere: Sequence[Sequence[ProviderAnswer]] = ()


@dataclass(frozen=True)
class Samples:
    """
    All about one kind.

    ``settings`` are complete and right, ``foreign`` those of another channel of the kind.
    ``sign`` makes the request in which the provider would send a body to the channel with these
    settings. ``proof`` is the header it proves itself by; ``proves_body`` whether that covers the
    body. ``errors`` are the provider's documented ones; ``taken`` what it answers to a message.
    ``read_body`` reads what we send; ``write_body`` is given by a kind whose webhooks are forms and
    no JSON, and then ``read_body`` reads those, too.
    """

    kind: str
    settings: Mapping[str, str]
    foreign: Mapping[str, str]
    person: str
    sign: Callable[[bytes, Mapping[str, str]], WebhookRequest]
    proof: str
    proves_body: bool
    webhooks: Sequence[Webhook]
    ignored: Sequence[Webhook]
    sent: Sequence[Sent]
    taken: Refusal
    errors: Sequence[Refusal]
    read_body: Callable[[bytes], Mapping[str, Any]]
    fetched: Sequence[Fetched] = ()
    bad_settings: Mapping[str, Sequence[str]] = field(default_factory=dict)
    write_body: Callable[[Any], bytes] | None = None

    @property
    def adapter(self) -> Adapter:
        """The adapter of the kind."""
        return adapter_of(self.kind)

    @property
    def secrets(self) -> list[str]:
        """What must never be shown."""
        return [self.settings[each.name] for each in self.adapter.settings if each.secret]


def written_kinds() -> list[str]:
    """Return the kinds that have an adapter."""
    return [kind for kind in READY_KINDS if find_spec(f"{adapters.__name__}.{kind}")]


def samples(kind: str) -> Samples:
    """Return the samples of a kind."""
    found: Samples = import_module(f"{__name__}.{kind}").SAMPLES
    return found


def all_samples() -> list[Samples]:
    """Return the samples of every kind that has some."""
    return [samples(kind) for kind in READY_KINDS if find_spec(f"{__name__}.{kind}")]
