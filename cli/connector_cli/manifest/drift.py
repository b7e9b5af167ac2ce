"""
Compare an installed app with the manifest of this stack.

Names and descriptions are the brand's choice, and LivePerson adds fields of its own: neither is
drift. A brand may narrow its engagement on purpose, so a difference there is reported but is no
fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FREE = {"client_name", "description"}
_CHOICE = "capabilities.engagement"


@dataclass(frozen=True)
class Difference:
    """A field whose installed value is not the wanted one; None for an absent field."""

    path: str
    wanted: object
    installed: object
    matters: bool


def differences(wanted: Mapping[str, Any], installed: Mapping[str, Any]) -> list[Difference]:
    """Return the fields in which the installed app differs."""
    return [
        Difference(path, mine, theirs, not path.startswith(_CHOICE))
        for path, mine, theirs in _walk(wanted, installed, "")
        if path not in _FREE
    ]


def _walk(wanted: object, installed: object, path: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(wanted, Mapping):
        theirs = installed if isinstance(installed, Mapping) else {}
        names = [*wanted, *(extra for extra in theirs if _is_extra(path, extra, wanted))]
        for name in names:
            inner = f"{path}.{name}" if path else str(name)
            yield from _walk(wanted.get(name), theirs.get(name), inner)
    elif _comparable(path, wanted) != _comparable(path, installed):
        yield path, wanted, installed


def _is_extra(path: str, name: str, wanted: Mapping[str, Any]) -> bool:
    """Whether a field that we do not write changes how webhooks are sent."""
    return name not in wanted and path.startswith("capabilities.webhooks") and name != "headers"


def _comparable(path: str, value: object) -> object:
    if path == "enabled" and value is None:
        return True  # the documented default
    if path.endswith(".endpoint") and isinstance(value, str):
        return value.partition("?")[0]  # the brand may add query parameters to an endpoint
    if isinstance(value, list):
        return sorted(map(str, value))
    return value
