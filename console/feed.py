"""What happened, in order, for every page that looks."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

Entry = dict[str, Any]

KEPT = 5_000
"""So many entries are kept for a page that is opened later."""

IDLE_SECONDS = 15.0
"""After so long without an entry a reader gets an empty batch: a sign of life."""


class Feed:
    """Entries with a number each; what replaces an earlier entry of the same `key` is kept once."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, Entry]] = deque(maxlen=KEPT)
        self._latest: dict[tuple[str, str], tuple[int, Entry]] = {}
        self._number = 0
        self._changed = threading.Condition()
        self._closed = False

    def add(self, kind: str, entry: Entry) -> None:
        """Add what happened."""
        with self._changed:
            self._number += 1
            self._entries.append((self._number, {**entry, "kind": kind}))
            self._changed.notify_all()

    def replace(self, kind: str, key: str, entry: Entry) -> None:
        """Tell the newest state of something, unless it is as it was."""
        entry = {**entry, "kind": kind}
        with self._changed:
            if self._latest.get((kind, key), (0, None))[1] == entry:
                return
            self._number += 1
            self._latest[kind, key] = (self._number, entry)
            self._changed.notify_all()

    def close(self) -> None:
        """End every reader."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def batches(self, after: int = 0) -> Iterator[list[tuple[int, Entry]]]:
        """Yield what is newer than the entry `after`, batch by batch, until the feed is closed."""
        while not self._closed:
            with self._changed:
                if self._number <= after:
                    self._changed.wait(IDLE_SECONDS)
                batch = self._newer(after)
            after = batch[-1][0] if batch else after
            yield batch

    def _newer(self, after: int) -> list[tuple[int, Entry]]:
        found = [each for each in (*self._entries, *self._latest.values()) if each[0] > after]
        return sorted(found, key=lambda each: each[0])
