"""Ctrl-C for programs under test."""

from __future__ import annotations

import signal


def hear_interrupts() -> None:
    """Let a new process end on Ctrl-C: one that a shell began in the background would ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
