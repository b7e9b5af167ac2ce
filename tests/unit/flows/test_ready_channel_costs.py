"""What a ready channel asks of the table beyond a webhook one is what the page of costs says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.simulation.table import Table
from tests.unit.flows.outbound_messaging.outbound import Outbound
from tests.unit.flows.ready import Ready
from tools.cost import READY_CHANNELS

Units = tuple[int, int]


class Counted(Table):
    """Counts units: one for each item that is read, or written; two in a transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = self.writes = 0

    def batch_get_item(self, **asked: Any) -> Any:
        """Read several items."""
        ((_, wanted),) = asked["RequestItems"].items()
        self.reads += len(wanted["Keys"])
        return super().batch_get_item(**asked)

    def put_item(self, **put: Any) -> Any:
        """Write one item."""
        self.writes += 1
        return super().put_item(**put)

    def update_item(self, **update: Any) -> Any:
        """Change one item."""
        self.writes += 1
        return super().update_item(**update)

    def transact_write_items(self, **asked: Any) -> Any:
        """Do all of several writes, each of which is counted once more by its own operation."""
        self.writes += len(asked["TransactItems"])
        return super().transact_write_items(**asked)


class Webhook(Outbound):
    """A brand with a channel of its own, whose table counts."""

    table_of = Counted


class Counting(Ready):
    """A brand with a ready channel, whose table counts."""

    table_of = Counted


def counted(bench: Outbound, act: Callable[[], None]) -> Units:
    """Count what one thing asks of the table."""
    table = bench.table
    assert isinstance(table, Counted)
    before = table.reads, table.writes
    act()
    return table.reads - before[0], table.writes - before[1]


def beyond(ready: Units, webhook: Units) -> Units:
    """Subtract what a channel of one's own asks for."""
    return ready[0] - webhook[0], ready[1] - webhook[1]


def of_webhook(way: str) -> Units:
    """Count one text of a channel of one's own, in a conversation that is under way."""
    bench = Webhook()
    bench.say("Hello", "m-0")
    bench.hear()
    if way == "in":
        return counted(bench, lambda: bench.say("Hello", "m-1"))
    conversation = bench.liveperson.conversations[bench.consumer().conversation_id or ""]
    bench.liveperson.agent_says(conversation, "joins")
    bench.hear()
    bench.liveperson.agent_says(conversation, "Hello")
    return counted(bench, bench.hear)


def of_ready(way: str, **can: Any) -> Units:
    """Count one text of a ready channel."""
    ready = Counting(can={"reports": frozenset(), **can})
    ready.write("Hello", "p-0")
    ready.hear()
    if way == "in":
        return counted(ready, lambda: ready.write("Hello", "p-1"))
    conversation = ready.liveperson.conversations[ready.conversation_id]
    ready.liveperson.agent_says(conversation, "joins")
    ready.hear()
    ready.liveperson.agent_says(conversation, "Hello")
    return counted(ready, ready.hear)


@pytest.mark.parametrize(
    ("what", "way", "can"),
    [
        ("a text from a person", "in", {}),
        ("… of a channel with a window, read marks or typing", "in", {"window_seconds": 86_400}),
        ("a text to a person", "out", {}),
        ("… of a channel with reports", "out", {"reports": frozenset({"read"})}),
    ],
)
def test_a_text_costs_what_the_page_says(what: str, way: str, can: dict[str, Any]) -> None:
    """Beyond what a text of a channel of one's own costs."""
    assert READY_CHANNELS[what] == beyond(of_ready(way, **can), of_webhook(way))


def test_a_report_costs_what_the_page_says() -> None:
    """All of it: there is nothing like it of a channel of one's own."""
    ready = Counting()
    ready.write("Hello", "p-0")
    ready.agent(message="Hello")
    report = {"id": "r-1", "from": "ann", "message": "sent-1", "type": "read"}

    assert READY_CHANNELS["a report"] == counted(ready, lambda: ready.webhook(report))
