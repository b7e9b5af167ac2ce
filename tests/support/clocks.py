"""A clock that stands still until a test lets time pass."""

from __future__ import annotations


class Clock:
    """Seconds since 1970, wherever the code asks for the time."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
