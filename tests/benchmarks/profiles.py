"""Where the processor time of an event goes: by library, and by the functions of our own."""

from __future__ import annotations

import cProfile
import pstats
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import liveperson_connector

LEAST = 0.05
"""What takes less of the time is told of as the rest."""

_LAYER = Path(liveperson_connector.__file__).parent
_PROJECT = Path(__file__).parents[2]
_BUILT_IN = "~"

Place = tuple[str, int, str]
"""A function as ``pstats`` names it: file, line, name."""

Callers = Mapping[Place, tuple[int, int, float, float]]


@dataclass(frozen=True)
class Profile:
    """
    Shares of the whole processor time, each of the two together everything.

    ``libraries`` are by who wrote the code; ``functions`` are the connector's own, each with what
    it calls of others, but without what it calls of the connector's.
    """

    libraries: Mapping[str, float]
    functions: Mapping[str, float]


def profiled(work: Callable[[], object]) -> Profile:
    """Do some work, threads that it begins included, and tell where the time went."""
    profiles: list[cProfile.Profile] = []

    def begin(*_: object) -> None:
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].enable()

    threading.setprofile(begin)
    begin()
    work()
    profiles[0].disable()
    threading.setprofile(None)
    stats = pstats.Stats(*profiles)
    return _read(stats.stats)  # type: ignore[attr-defined]


def _read(found: Mapping[Place, tuple[int, int, float, float, Callers]]) -> Profile:
    libraries: defaultdict[str, float] = defaultdict(float)
    functions: defaultdict[str, float] = defaultdict(float)
    for place, (_, _, own_time, all_time, callers) in found.items():
        for caller, seconds in _charged(place, own_time, callers):
            libraries[_library(caller)] += seconds
        if _is_ours(place):
            functions[_function(place)] += all_time
            for caller, (_, _, _, seconds) in callers.items():
                if _is_ours(caller):
                    functions[_function(caller)] -= seconds
    return Profile(_shares(libraries), _shares(functions))


def _shares(times: Mapping[str, float]) -> dict[str, float]:
    """Turn times into parts of the whole, the greatest first, small ones as the rest."""
    whole = sum(times.values())
    shares = sorted(((name, each / whole) for name, each in times.items()), key=lambda e: -e[1])
    told = {name: share for name, share in shares if share >= LEAST}
    return {**told, "the rest": 1 - sum(told.values())}


def _is_ours(place: Place) -> bool:
    path = Path(place[0])
    return path.is_relative_to(_LAYER) or path.is_relative_to(_PROJECT / "functions")


def _function(place: Place) -> str:
    path = Path(place[0]).with_suffix("")
    root = _LAYER if path.is_relative_to(_LAYER) else _PROJECT
    return f"{path.relative_to(root)}.{place[2]}"


def _charged(place: Place, seconds: float, callers: Callers) -> Iterator[tuple[Place, float]]:
    """Charge what is written in C to who called it."""
    if place[0] != _BUILT_IN or not callers:
        yield place, seconds
        return
    for caller, (_, _, own_time, _) in callers.items():
        yield caller, own_time


def _library(place: Place) -> str:
    """Name a library, or a part of one that does different things."""
    path = Path(place[0])
    if _is_ours(place):
        return "the connector"
    parts = path.parts
    if "site-packages" not in parts:
        return _PARTS_OF_PYTHON.get(path.stem) or _PARTS_OF_PYTHON.get(
            path.parent.name, "Python's own"
        )
    first = parts[parts.index("site-packages") + 1]
    name = first.removesuffix(".py")
    return (
        f"botocore: {_PARTS_OF_BOTOCORE.get(path.stem, 'the rest')}" if name == "botocore" else name
    )


_PARTS_OF_PYTHON = {
    "json": "json",
    "socket": "sockets, HTTP",
    "selectors": "sockets, HTTP",
    "client": "sockets, HTTP",
    "parser": "headers",
    "feedparser": "headers",
    "message": "headers",
    "logging": "logging",
    "threading": "threads",
}

_PARTS_OF_BOTOCORE = {
    "auth": "signing",
    "signers": "signing",
    "awsrequest": "sending",
    "httpsession": "sending",
    "endpoint": "sending",
    "hooks": "events",
    "validate": "checking parameters",
    "serialize": "writing requests",
    "parsers": "reading answers",
    "regions": "endpoints",
    "endpoint_provider": "endpoints",
}
