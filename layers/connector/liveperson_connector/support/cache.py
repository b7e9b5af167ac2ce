"""Cache values per key for a while, and keep serving them while their source fails."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from ..domain.clock import Clock
from ..domain.errors import Transient

Value = TypeVar("Value")

# The least seconds between two reloads from a source that fails.
_PATIENCE = 5.0


@dataclass
class _Entry(Generic[Value]):
    value: Value
    loaded_at: float
    asked_at: float


class Throttle:
    """Allows ``most`` uses within ``seconds``."""

    def __init__(self, most: int, seconds: float, *, clock: Clock = time.time) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._times: deque[float] = deque(maxlen=most)

    def allows(self) -> bool:
        """Return True and record a use if the limit allows one now."""
        now = self._clock()
        if len(self._times) == self._most and now - self._times[0] < self._seconds:
            return False
        self._times.append(now)
        return True


class Cache(Generic[Value]):
    """
    Values by key, loaded when first asked for and again when older than ``ttl`` seconds.

    A value that is false, for example None for a parameter that is not written, is kept for
    ``empty_ttl`` seconds instead, if that is given.
    If loading again fails with a :class:`Transient` error, the last good value is kept and
    served. At most ``size`` keys are remembered, the least recently used are forgotten, so that
    invented keys cannot fill the memory. A key that is not remembered and that ``may_exist`` denies
    is neither loaded nor remembered: its value is None.
    """

    def __init__(  # noqa: PLR0913
        self,
        load: Callable[[str], Value],
        *,
        ttl: float | Callable[[Value], float],
        empty_ttl: float | None = None,
        clock: Clock = time.time,
        size: int = 1000,
        may_exist: Callable[[str], bool] = lambda _key: True,
    ) -> None:
        self._load = load
        self._ttl = ttl
        self._empty_ttl = ttl if empty_ttl is None else empty_ttl
        self._clock = clock
        self._size = size
        self._may_exist = may_exist
        self._entries: OrderedDict[str, _Entry[Value]] = OrderedDict()

    def get(self, key: str) -> Value:
        """Return the value of ``key``; the loader's errors pass through if none was ever loaded."""
        entry = self._entries.get(key)
        if entry is None:
            return self._load_first(key)
        self._entries.move_to_end(key)
        now = self._clock()
        ttl = self._ttl if entry.value else self._empty_ttl
        seconds = ttl(entry.value) if callable(ttl) else ttl
        return (
            entry.value
            if now - entry.loaded_at < seconds
            else self._reload(key, entry, at_least=_PATIENCE)
        )

    def refresh(self, key: str, *, at_least: float) -> Value:
        """Load ``key`` again, unless that was already tried within ``at_least`` seconds."""
        entry = self._entries.get(key)
        return self._reload(key, entry, at_least=at_least) if entry else self._load_first(key)

    def forget(self, key: str) -> None:
        """Make the next :meth:`get` load again, keeping the value in case that fails."""
        if entry := self._entries.get(key):
            entry.loaded_at = entry.asked_at = 0.0

    def _load_first(self, key: str) -> Value:
        if not self._may_exist(key):
            return cast("Value", None)
        return self._remember(key)

    def _reload(self, key: str, entry: _Entry[Value], *, at_least: float) -> Value:
        now = self._clock()
        if now - entry.asked_at < at_least:
            return entry.value
        entry.asked_at = now
        try:
            return self._remember(key)
        except Transient:
            return entry.value

    def _remember(self, key: str) -> Value:
        value = self._load(key)
        now = self._clock()
        self._entries[key] = _Entry(value, loaded_at=now, asked_at=now)
        self._entries.move_to_end(key)
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return value
