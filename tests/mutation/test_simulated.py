"""
A few schedules of the model: quick, and enough to notice most slips in the two pipelines.

What `make mutation` changes in the flows is tried on them, beside the unit tests. Thousands of
schedules are another matter, see tests/simulation.
"""

from __future__ import annotations

import pytest

from tests.simulation.running import play_seed


@pytest.mark.parametrize("seed", range(1, 13))
def test_a_schedule_keeps_every_promise(seed: int) -> None:
    """Nothing lost, nothing twice, nothing out of order, in small."""
    assert [] == play_seed(seed).broken
