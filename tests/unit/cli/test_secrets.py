"""When a previous client secret may go: what signed a webhook is read from the logs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector_cli.logs import Line
from connector_cli.secrets import CURRENT, PREVIOUS, Usage

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CHANGED_AT = NOW - HOUR


def usage(*uses: tuple[str, datetime], has_previous: bool = True) -> Usage:
    """Read what was logged of webhooks, around a change an hour ago."""
    lines = [Line(at, "webhook_intake", what, {}, "stream") for what, at in uses]
    return Usage.of(lines, CHANGED_AT, has_previous=has_previous)


def reason(*uses: tuple[str, datetime]) -> str:
    """Ask why the previous secret must stay; empty if it need not."""
    return usage(*uses).reason_to_keep() or ""


def test_a_secret_in_use_stays() -> None:
    """Whatever else is known."""
    assert "may have been signed with it" in reason((CURRENT, NOW), (PREVIOUS, NOW - MINUTE))


@pytest.mark.parametrize("before", [-HOUR, -MINUTE, timedelta(0), 4 * MINUTE])
def test_what_was_current_before_the_change_is_the_previous_now(before: timedelta) -> None:
    """And in the minutes after it, as long as a container may not have noticed the change."""
    assert "may have been signed with it" in reason((CURRENT, CHANGED_AT + before), (CURRENT, NOW))


def test_a_quiet_time_is_counted_from_the_last_use_of_either_name() -> None:
    """The newest counts, in whatever order the lines come."""
    found = usage((CURRENT, NOW), (PREVIOUS, NOW - HOUR / 2), (CURRENT, CHANGED_AT - HOUR))

    assert (NOW, NOW - HOUR / 2) == (found.current, found.previous)


def test_a_secret_stays_until_the_new_one_is_seen() -> None:
    """Silence proves nothing."""
    assert "no webhook has been signed with the new one" in reason()


def test_a_secret_out_of_use_may_go() -> None:
    """The new one signs, and the old one has not for as long as was looked back."""
    assert not reason((CURRENT, CHANGED_AT + 6 * MINUTE))


def test_without_a_previous_secret_all_uses_are_the_current_ones() -> None:
    """An account that was just written again has signed with the same secret before."""
    found = usage((CURRENT, CHANGED_AT - HOUR), has_previous=False)

    assert (CHANGED_AT - HOUR, None) == (found.current, found.previous)
