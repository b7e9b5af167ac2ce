"""When a destination counts as down, and how often somebody looks."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.outages import OPEN_AFTER, OPEN_GROUPS, CircuitState

GROUPS = frozenset({"a", "b"})


@pytest.mark.parametrize(
    ("failures", "groups", "is_certain"),
    [
        (OPEN_AFTER, GROUPS, True),
        (OPEN_AFTER + 1, GROUPS | {"c"}, True),
        (OPEN_AFTER - 1, GROUPS, False),
        (OPEN_AFTER, frozenset({"a"}), False),
        (999, frozenset(), False),
    ],
)
def test_many_failures_of_several_groups_are_an_outage(
    failures: int, groups: frozenset[str], is_certain: bool
) -> None:
    """A few failures, or one message that always fails, say nothing of others."""
    assert is_certain == CircuitState(failures, 0.0, 0.0, groups).is_open
    assert OPEN_GROUPS == len(GROUPS)


@pytest.mark.parametrize(
    ("seconds", "interval"),
    [(0, 5), (19, 5), (21, 5.25), (400, 100), (2399, 599.75), (2404, 600), (86_400, 600)],
)
def test_the_longer_it_lasts_the_rarer_somebody_looks(seconds: float, interval: float) -> None:
    """A quarter of what it has lasted: from five seconds to ten minutes."""
    assert interval == CircuitState(9, 1000.0, 0.0, GROUPS).interval(1000.0 + seconds)
