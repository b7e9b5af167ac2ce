"""One prediction of the model, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What was predicted, as ``reckoned``, and what was measured, both in ``unit``."""

    what: str
    reckoned: str
    predicted: float
    measured: float
    unit: str
