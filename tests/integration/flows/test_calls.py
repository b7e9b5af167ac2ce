"""
What an event may cost in calls, once its container is warm.

A brand pays for each call, and each is a moment longer. The same is shown by ``make bench``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.call_counts import (
    CONNECTIONS,
    READS,
    WRITES,
    TollGate,
    count_of,
    toll_gate,
)
from tests.support.harness import Bench


@pytest.fixture(name="gate")
def _gate(bench: Bench) -> Iterator[TollGate]:
    """Give warm containers and an open conversation."""
    with toll_gate(bench) as gate:
        gate.consumer_text()
        gate.agent_text()
        yield gate


def test_an_intake_makes_one_call(gate: TollGate) -> None:
    """A consumer event and a notification cost one call each: the queue's."""
    assert Counter(SendMessage=1) == gate.consumer_text()["message_intake"]
    assert Counter(SendMessage=1) == gate.agent_text()["webhook_intake"]


def test_a_text_is_said_with_one_read_one_write_and_one_send(gate: TollGate) -> None:
    """Parameter Store is left alone, and the connection to LivePerson is kept."""
    toll = gate.consumer_text()["outbound_messaging"]

    assert {"BatchGetItem": 1, "TransactWriteItems": 1, "send": 1} == toll


def test_a_message_is_told_with_one_read_and_one_write(gate: TollGate) -> None:
    """The read tells all that is known of it, the write that the channel has it."""
    assert {"BatchGetItem": 1, "PutItem": 1} == gate.agent_text()["channel_delivery"]


def test_a_container_connects_to_liveperson_once(bench: Bench) -> None:
    """From its first event on, the look-up of addresses included."""
    with toll_gate(bench) as gate:
        tolls = [gate.consumer_text()["outbound_messaging"] for _ in range(5)]

    assert [1, 0, 0, 0, 0] == [each[CONNECTIONS] for each in tolls]
    assert {"domain": 1, "send": 5} == {
        name: sum(each[name] for each in tolls) for name in ("domain", "send")
    }
    assert [1] * 5 == [count_of(each, READS) for each in tolls]
    assert [1] * 5 == [count_of(each, WRITES) for each in tolls]
