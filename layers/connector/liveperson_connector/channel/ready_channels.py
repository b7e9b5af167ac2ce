"""
A ready channel as the operator describes it: a parameter of its own, a small JSON object.

``kind`` names the provider, whose adapter declares the further settings; what is common to all
kinds is read here. ``docs/settings.md`` has every field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..domain.accounts import (
    entry_points,
    json_object,
    misconfigured,
    redactions,
    wanted_callbacks,
    wants_automatic_receipts,
)
from .adapters import READY_KINDS, adapter_of
from .adapters.interface import Adapter, Capabilities, Setting, Settings, Template

SENTENCES: Mapping[str, str] = {
    "not_carried": "[{what}: not carried here]",
    "edited": "edited: {text}",
    "deleted": "[a message was deleted]",
    "reaction": "reaction: {text}",
    "reply_to": "reply to “{quoted}”: {text}",
    "location": "[location] {text}",
    "closed": "",
}
"""
What agents are told in words, by what happened. An operator writes them in the account's language.

``closed`` is for the consumer: it is said when a conversation ends, unless it is empty.
"""

SWITCHES = ("edits", "deletions", "reactions", "quotes")
"""What can be left out of what agents are told; a switch that is not given is on."""

_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")

AdapterOf = Callable[[str], Adapter]
"""Finds the adapter of a kind; raises :class:`KeyError` for an unknown one."""


@dataclass(frozen=True)
class ReadyChannel:
    """
    A ready channel of an account.

    ``settings`` are the kind's, and ``previous`` those that were replaced while a secret is
    rotated. ``callbacks``, ``automatic_receipts``, ``entry_point`` and ``redact`` are as in
    :class:`~liveperson_connector.domain.accounts.ChannelSettings`; ``conversation`` is how its
    conversations are opened. ``words`` translate what is not carried, such as ``voice message``.
    ``address`` is the webhook's public one, if the parameter names it.
    """

    account_id: str
    name: str
    adapter: Adapter
    settings: Settings = field(repr=False)
    previous: Settings = field(default_factory=dict, repr=False)
    callbacks: frozenset[str] | None = None
    automatic_receipts: bool = False
    entry_point: tuple[str, ...] = ()
    conversation: Mapping[str, Any] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=lambda: SENTENCES)
    words: Mapping[str, str] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    template: Template | None = None
    address: str = ""
    redact: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """The provider, such as ``telegram``."""
        return self.adapter.kind

    @cached_property
    def capabilities(self) -> Capabilities:
        """What it can carry."""
        return self.adapter.capabilities(self.settings)

    def proofs(self) -> Iterator[Settings]:
        """Yield the settings by which a webhook may be proven: the current, then the previous."""
        yield self.settings
        if self.previous:
            yield {**self.settings, **self.previous}

    def wants(self, callback: str) -> bool:
        """Whether its people are told of callbacks of this type."""
        return self.callbacks is None or callback in self.callbacks

    def tells(self, what: str) -> bool:
        """Whether agents are told of ``what``, one of :data:`SWITCHES`."""
        return what not in self.switched_off

    def sentence(self, name: str, **values: str) -> str:
        """Write one of :data:`SENTENCES` with what is known put into it."""
        text = self.sentences[name]
        return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), text).strip()

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        account_id: str,
        name: str,
        parameter: str,
        adapters: AdapterOf = adapter_of,
    ) -> ReadyChannel:
        """
        Read the parameter's text; ``parameter`` is its name, for the error message.

        Raises :class:`MisconfiguredAccount`, whose message says what to write and shows no value.
        """
        given = json_object(text, parameter, '{"kind": "telegram", …}')
        adapter = _adapter(given.get("kind"), parameter, adapters)
        sentences, words = _sentences(given.get("sentences"), parameter)
        return cls(
            account_id=account_id,
            name=name,
            adapter=adapter,
            settings=_settings(given, adapter.settings, parameter),
            previous=_previous(given.get("previous"), adapter.settings, parameter),
            sentences=sentences,
            words=words,
            **_options(given, parameter),
        )


def _options(given: Mapping[str, Any], parameter: str) -> dict[str, Any]:
    """Read what every kind of channel may have and may leave out, by the field's name."""
    return {
        "callbacks": wanted_callbacks(given.get("callbacks"), parameter),
        "automatic_receipts": wants_automatic_receipts(given.get("receipts"), parameter),
        "entry_point": entry_points(given.get("entry_point"), parameter),
        "conversation": _conversation(given, parameter),
        "switched_off": _switched_off(given, parameter),
        "template": _template(given, parameter),
        "address": _address(given, parameter),
        "redact": redactions(given.get("redact"), parameter),
    }


def _adapter(kind: object, parameter: str, adapters: AdapterOf) -> Adapter:
    try:
        return adapters(str(kind))
    except KeyError:
        known = ", ".join(READY_KINDS)
        raise misconfigured(
            parameter, "'kind' is missing or unknown", f'"kind": one of {known}'
        ) from None


def _settings(
    given: Mapping[str, Any], declared: tuple[Setting, ...], parameter: str
) -> dict[str, str]:
    """Read the kind's settings; one with a default may be left out."""
    found = {
        each.name: _value(given.get(each.name, each.default), each, parameter) for each in declared
    }
    # For adapters whose provider is told it with every message.
    return {**found, "address": _address(given, parameter)}


def _value(given: object, setting: Setting, parameter: str) -> str:
    """Return a setting's value as a text; a number in JSON is as good. No error shows a value."""
    form = f'"{setting.name}": {setting.question}'
    if setting.example:
        form += f", for example {setting.example}"
    if given is None:
        raise misconfigured(parameter, f"'{setting.name}' is missing", form)
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise misconfigured(parameter, f"'{setting.name}' is not a text", form)
    text = str(given)
    # One that need not be given may be empty, as its default is.
    if text != setting.default and not setting.accepts(text):
        raise misconfigured(parameter, f"'{setting.name}' has not the right form", form)
    return text


def _previous(given: object, declared: tuple[Setting, ...], parameter: str) -> dict[str, str]:
    form = '"previous": {"a setting": "its former value"}'
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise misconfigured(parameter, "'previous' is not an object", form)
    known = {each.name: each for each in declared}
    if unknown := sorted(set(given) - set(known)):
        raise misconfigured(parameter, f"'previous' names no setting: {unknown[0]!r}", form)
    return {name: _value(value, known[name], parameter) for name, value in given.items()}


def _sentences(given: object, parameter: str) -> tuple[dict[str, str], dict[str, str]]:
    form = f'"sentences": texts for some of {", ".join((*SENTENCES, "words"))}'
    if not isinstance(given, dict | None):
        raise misconfigured(parameter, "'sentences' is not an object", form)
    texts = dict(given or {})
    words = texts.pop("words", {})
    if not isinstance(words, dict):
        raise misconfigured(parameter, "'words' in 'sentences' is not an object", form)
    if not set(texts) <= set(SENTENCES):
        raise misconfigured(parameter, "'sentences' has an unknown name", form)
    if not all(isinstance(each, str) for each in [*texts.values(), *words.values()]):
        raise misconfigured(parameter, "'sentences' has a value that is not a text", form)
    return {**SENTENCES, **texts}, words


def _switched_off(given: Mapping[str, Any], parameter: str) -> frozenset[str]:
    for name in SWITCHES:
        if not isinstance(given.get(name, True), bool):
            raise misconfigured(parameter, f"'{name}' is not a switch", f'"{name}": true or false')
    return frozenset(name for name in SWITCHES if given.get(name) is False)


def _template(given: Mapping[str, Any], parameter: str) -> Template | None:
    named = given.get("template")
    if named is None:
        return None
    match named:
        case {"name": str(name), "language": str(language)} if name and language:
            return Template(name, language)
    form = '"template": {"name": "…", "language": "en_US"}'
    raise misconfigured(parameter, "'template' has no name or no language", form)


def _conversation(given: Mapping[str, Any], parameter: str) -> dict[str, Any]:
    """Read how conversations are opened; the channel API says what may be in it."""
    form = '"conversation": {"routing": {…}, "profile": {…}, "features": ["…"]}'
    value = given.get("conversation", {})
    if not isinstance(value, dict):
        raise misconfigured(parameter, "'conversation' is not an object", form)
    for name, kind in (("routing", dict), ("profile", dict), ("features", list)):
        if not isinstance(value.get(name, kind()), kind):
            raise misconfigured(parameter, f"'{name}' of 'conversation' has not its form", form)
    return value


def _address(given: Mapping[str, Any], parameter: str) -> str:
    value = given.get("address", "")
    if not isinstance(value, str) or (value and not value.startswith(("https://", "http://"))):
        raise misconfigured(parameter, "'address' is not a web address", '"address": "https://…"')
    return value
