"""
How an installed app differs from the manifest that this stack wants.

Names and descriptions are the brand's, and LivePerson adds fields of its own: neither is drift.
An engagement may be narrowed on purpose, so a difference there is told and is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FREE = {"client_name", "description"}
_CHOICE = "capabilities.engagement"


@dataclass(frozen=True)
class Difference:
    """A field that is installed otherwise than wanted; none where it is absent."""

    path: str
    wanted: object
    installed: object
    matters: bool


def differences(wanted: Mapping[str, Any], installed: Mapping[str, Any]) -> list[Difference]:
    """Compare field by field what is wanted with what is installed."""
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
    """Whether a field that we don't write changes what webhooks do."""
    return name not in wanted and path.startswith("capabilities.webhooks") and name != "headers"


def _comparable(path: str, value: object) -> object:
    if path == "enabled" and value is None:
        return True  # the documented default
    if path.endswith(".endpoint") and isinstance(value, str):
        return value.partition("?")[0]  # an endpoint may carry parameters of the brand's own
    if isinstance(value, list):
        return sorted(map(str, value))
    return value
