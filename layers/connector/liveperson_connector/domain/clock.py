"""Where time comes from."""

from __future__ import annotations

from collections.abc import Callable

Clock = Callable[[], float]
"""Seconds since 1970; passed in wherever age matters, so that tests set the time."""
