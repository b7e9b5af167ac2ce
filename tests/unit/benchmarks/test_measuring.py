"""What is compared takes turns, and what counts is the ratio of each turn."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

from benchmarks.measuring import OURS, Row, Samples, once, rotated, take_turns


def row(ours: tuple[float, ...], theirs: tuple[float, ...] | None, **goal: float | bool) -> Row:
    against = Samples(theirs) if theirs else None
    return Row("s", "what", "ms", Samples(ours), "floor", against, **goal)  # type: ignore[arg-type]


def test_contenders_alternate() -> None:
    """None does all its turns at once, and none always follows the same neighbour."""
    order: list[str] = []

    def contender(name: str) -> Callable[[], float]:
        return lambda: order.append(name) or 1.0  # type: ignore[func-returns-value]

    take_turns({name: contender(name) for name in "abc"}, 3)

    assert ["abc", "abc", "bca", "cab"] == textwrap.wrap("".join(order), 3)


def test_the_first_round_does_not_count() -> None:
    """It warms files, connections and code."""
    costs = iter([100.0, 1.0, 2.0])

    assert {OURS: Samples((1.0, 2.0))} == take_turns({OURS: lambda: next(costs)}, 2)


def test_a_ratio_is_of_one_turn() -> None:
    """A machine that is slow for a while is slow for both; the sums would say something else."""
    slow_for_a_while = row((2.0, 20.0, 2.0), (1.0, 10.0, 1.0))

    assert slow_for_a_while.ratios == Samples((2.0, 2.0, 2.0))
    assert 2.0 == slow_for_a_while.figure


def test_a_disturbed_turn_moves_nothing() -> None:
    """The median stands in the middle."""
    assert 1.0 == row((1.0, 1.0, 90.0), (1.0, 1.0, 1.0)).figure


def test_turns_that_do_not_belong_together_are_no_ratio() -> None:
    """One contender lost a turn: that is an error of the measurement."""
    with pytest.raises(ValueError, match="zip"):
        _ = row((1.0, 1.0), (1.0,)).ratios


def test_the_spread_is_half_the_way_between_the_quartiles() -> None:
    """As a part of the median."""
    assert 0.5 == Samples((1.0, 2.0, 3.0)).spread * 2
    assert 0.0 == once(5).spread


@pytest.mark.parametrize(
    ("figure", "below", "met"),
    [(1.24, False, True), (1.25, False, True), (1.26, False, False), (1.25, True, False)],
)
def test_a_goal_is_met_or_not(figure: float, below: bool, met: bool) -> None:
    """At most is with the goal itself, faster than is without."""
    assert met == row((figure,), (1.0,), most=1.25, below=below).met


def test_a_figure_without_a_floor_is_its_own() -> None:
    """Then the goal is the highest value."""
    assert row((5.0,), None, most=5.0).met
    assert not row((5.1,), None, most=5.0).met


def test_without_a_goal_nothing_is_met_or_missed() -> None:
    """It is reported."""
    assert row((5.0,), (1.0,)).met is None


def test_rotating_goes_round() -> None:
    """After as many turns as there are contenders it begins anew."""
    assert ["c", "a", "b"] == rotated(["a", "b", "c"], 5)
