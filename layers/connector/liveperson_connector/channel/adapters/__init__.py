"""
Ready channels: one module for each provider, all with the interface of ``interface``.

A provider's module is imported when a channel of its kind is met for the first time, so that more
kinds slow no function down.
"""

from __future__ import annotations

from importlib import import_module

from .interface import Adapter

READY_KINDS = ("telegram", "whatsapp", "twilio", "sinch", "line")
"""The kinds of ready channels. Each is a module here that has an ``ADAPTER``."""


def adapter_of(kind: str) -> Adapter:
    """Return the adapter of a kind; raises :class:`KeyError` for one that there is not."""
    if kind not in READY_KINDS:
        raise KeyError(kind)
    found: Adapter = import_module(f"{__name__}.{kind}").ADAPTER
    return found
