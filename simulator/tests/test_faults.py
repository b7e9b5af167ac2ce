"""What faults promise: the right thing breaks, so many times, and is counted."""

from __future__ import annotations

import time

import pytest
import requests

from simulator import ControlRefused, SimulatedLivePerson
from simulator.tests.helpers import ACCOUNT, Connector, Endpoint


def texts(lp: SimulatedLivePerson) -> list[str]:
    return [line["text"] for line in lp.conversations(ACCOUNT)[0]["transcript"]]


def test_a_status_is_answered_so_many_times(lp: SimulatedLivePerson, connector: Connector) -> None:
    """A 429 with Retry-After is answered `times` times, without doing anything."""
    connector.opened()
    headers = {"Retry-After": "3"}
    lp.add_fault(service="send", kind="status", status=429, headers=headers, times=2)

    answers = [connector.text(text) for text in "abc"]

    assert [each.status_code for each in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "3"
    assert texts(lp) == ["c"]
    assert lp.counts()["faults"] == 2


@pytest.mark.parametrize(
    ("kind", "seen"), [("reset_before", []), ("reset_after", ["a"]), ("lost_answer", ["a"])]
)
def test_a_reset_comes_before_or_after_the_work(
    lp: SimulatedLivePerson, connector: Connector, kind: str, seen: list[str]
) -> None:
    """The client sees a broken connection in each case; only one of them did nothing."""
    connector.opened()
    lp.add_fault(service="send", kind=kind, times=1)

    with pytest.raises(requests.ConnectionError):
        connector.text("a")

    assert texts(lp) == seen
    assert connector.text("b").status_code == 200


@pytest.mark.parametrize("kind", ["slow", "slow_answer"])
def test_a_slow_service_does_its_work(
    lp: SimulatedLivePerson, connector: Connector, kind: str
) -> None:
    """A slow request takes at least the delay, and is done."""
    connector.opened()
    lp.add_fault(service="send", kind=kind, delay_ms=80, times=1)
    started = time.monotonic()

    assert connector.text("a").status_code == 200
    assert time.monotonic() - started >= 0.08


def test_rules_are_tried_in_order_and_can_be_cleared(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """The first rule that fits is used; a rule for another account or text never is."""
    connector.opened()
    lp.add_fault(service="send", kind="status", status=500, account="another")
    lp.add_fault(service="send", kind="status", status=501, match="magic word")
    lp.add_fault(service="send", kind="status", status=503)

    answers = [connector.text("the magic word"), connector.text("other")]
    lp.clear_faults()

    assert [each.status_code for each in answers] == [501, 503]
    assert connector.text("other").status_code == 200


def test_chance_can_be_repeated(lp: SimulatedLivePerson, connector: Connector) -> None:
    """The same seed strikes the same requests."""
    connector.opened()

    def run() -> list[int]:
        lp.clear_faults()
        lp.add_fault(service="send", kind="status", status=500, probability=0.5, seed=7)
        return [connector.text("x").status_code for _ in range(12)]

    first = run()
    assert first == run()
    assert set(first) == {200, 500}


def test_a_webhook_can_come_twice(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """A duplicate is the same event again, and counts as delivered once."""
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    lp.add_fault(service="webhook_sender", kind="duplicate", times=1)
    lp.agent_text(ACCOUNT, conversation_id, "twice")
    assert lp.wait_idle(5)

    assert endpoint.texts() == ["twice", "twice"]


def test_two_webhooks_can_change_places(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """A reordered webhook comes after the next of its conversation, or alone after a while."""
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    lp.add_fault(service="webhook_sender", kind="reorder", times=1, match="first")
    lp.add_fault(service="webhook_sender", kind="reorder", times=1, match="last", delay_ms=30)
    for text in ("first", "second", "last"):
        lp.agent_text(ACCOUNT, conversation_id, text)
    assert lp.wait_idle(5)

    assert endpoint.texts() == ["second", "first", "last"]


def test_webhooks_can_be_late_or_lost(
    lp: SimulatedLivePerson, connector: Connector, endpoint: Endpoint
) -> None:
    """A slow one keeps its place; a dropped one never comes and the others do."""
    conversation_id = connector.opened()
    assert lp.wait_idle(5)
    lp.add_fault(service="webhook_sender", kind="slow", times=1, match="slow", delay_ms=50)
    lp.add_fault(service="webhook_sender", kind="drop", times=1, match="lost")
    for text in ("slow", "lost", "last"):
        lp.agent_text(ACCOUNT, conversation_id, text)
    assert lp.wait_idle(5)

    assert endpoint.texts() == ["slow", "last"]
    assert lp.counts()["webhooks"]["dropped"] == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"service": "mars", "kind": "status"},
        {"service": "send", "kind": "duplicate"},
        {"service": "webhook_sender", "kind": "status"},
        {"service": "send", "kind": "status", "colour": "red"},
    ],
)
def test_a_rule_without_sense_is_refused(lp: SimulatedLivePerson, rule: dict[str, str]) -> None:
    """A rule that could never apply is refused when it is added."""
    with pytest.raises(ControlRefused):
        lp.add_fault(**rule)
