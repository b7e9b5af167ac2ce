"""The limits of ``docs/scale.md``: their arithmetic, and that the page says what they say."""

from __future__ import annotations

import pytest

from tools import limits, load


def test_page_holds_the_current_table() -> None:
    """``make scale`` writes it again after a new measurement or a changed template."""
    page = limits.PAGE.read_text()

    assert limits.render(page) == page


@pytest.mark.parametrize("function", load.folders())
def test_executions_at_a_time_are_rate_times_duration(function: str) -> None:
    """Little's law."""
    expected = limits.invocations(function) * load.milliseconds(function) / 1000

    assert expected == pytest.approx(limits.running(function))


def test_environment_serves_ten_requests_a_second() -> None:
    """So a quick function needs more environments than it has executions."""
    needed = limits.environments("webhook_intake")

    assert limits.invocations("webhook_intake") / 10 == pytest.approx(needed)
    assert needed > limits.running("webhook_intake")


def test_limit_is_met_where_it_is_used_up() -> None:
    """At this rate the messages take all of it."""
    for limit in limits.limits():
        assert limit.value == pytest.approx(limit.met_at * limit.per_message)


def test_own_limit_is_the_templates() -> None:
    """The first two rows are the parameter of the stack."""
    own = [limit for limit in limits.limits() if "WorkerConcurrency" in limit.what]

    assert [50, 50] == [limit.value for limit in own]
