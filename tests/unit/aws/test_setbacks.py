"""What went wrong and is not over, on a table in this process."""

from __future__ import annotations

from typing import cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.domain.outages import OPEN_AFTER, CircuitState
from tests.simulation.table import Table
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock


@pytest.fixture(name="setbacks")
def _setbacks(clock: Clock) -> DeliveryState:
    return DeliveryState(cast("DynamoDBClient", Table()), "table", clock=clock)


def fail(
    setbacks: DeliveryState, clock: Clock, known: CircuitState | None, group: str = "g-1"
) -> CircuitState:
    """Let a call fail that began when ``known`` was known of the destination."""
    return setbacks.note_failure(ACCOUNT, "liveperson", known, clock(), group)


def test_a_failure_after_the_end_of_an_outage_begins_another(
    setbacks: DeliveryState, clock: Clock
) -> None:
    """It knew of the old one, which another call's success ended meanwhile; this one is young."""
    old = fail(setbacks, clock, None)
    clock.pass_seconds(60)
    setbacks.outage_over(ACCOUNT, "liveperson")

    new = fail(setbacks, clock, old)
    assert (1, clock()) == (new.failures, new.since)
    for number in range(OPEN_AFTER):
        clock.pass_seconds(1)
        new = fail(setbacks, clock, new, f"g-{number}")
    assert new.is_open
    assert 5 == new.interval(clock())


def test_failures_in_a_row_are_one_outage(setbacks: DeliveryState, clock: Clock) -> None:
    """It is as old as its first failure."""
    first = fail(setbacks, clock, None)
    clock.pass_seconds(7)

    assert (2, first.since) == (
        fail(setbacks, clock, None).failures,
        fail(setbacks, clock, first).since,
    )


def test_tries_are_counted_in_all_and_at_their_pace(setbacks: DeliveryState) -> None:
    """By message."""
    counted = [setbacks.count_try("one", pace) for pace in ("failed", "busy", "failed")]

    assert [(1, 1), (2, 1), (3, 2)] == counted
    assert (1, 1) == setbacks.count_try("another", "failed")
