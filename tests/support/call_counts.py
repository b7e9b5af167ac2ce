"""
What an event costs in calls: counted where they leave and where they arrive, one function a time.

A toll is a counter. Calls of AWS stand in it by operation, repeats included; calls of LivePerson
by service, in lower case; ``connections`` are those that LivePerson accepted.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from liveperson_connector.aws import clients

from .accounts import ACCOUNT
from .harness import CONSUMER_EVENTS, NOTIFICATIONS, Bench
from .messages import PHONE, text_event

Toll = Counter[str]

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem"})
CONNECTIONS = "connections"


@contextmanager
def calls_of_aws() -> Iterator[Toll]:
    """Count the calls of every client that is made within."""
    calls: Toll = Counter()

    def count(event_name: str, **_: Any) -> None:
        calls[event_name.rpartition(".")[2]] += 1

    session, handler = clients.session(), cast("Any", count)
    session.register("before-send", handler)
    try:
        yield calls
    finally:
        session.unregister("before-send", handler)


@dataclass(frozen=True)
class TollGate:
    """Lets things happen on a bench, and tells what they cost; ``aws`` counts the calls there."""

    bench: Bench
    aws: Toll
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def toll(self, work: Callable[[], object]) -> Toll:
        """Return what ``work`` cost."""
        before = self._so_far()
        work()
        return self._so_far() - before

    def consumer_text(self) -> dict[str, Toll]:
        """Let a consumer's text travel to LivePerson; its echo would be another function's."""
        bench, number = self.bench, next(self._numbers)
        event = text_event(f"m-{number}", f"Question {number}")
        bench.without_webhooks()
        tolls = {
            "message_intake": self.toll(lambda: bench.post(event)),
            "outbound_messaging": self.toll(lambda: bench.work(CONSUMER_EVENTS)),
        }
        bench.with_webhooks()
        assert event["text"] == bench.said()[-1]
        return tolls

    def agent_text(self) -> dict[str, Toll]:
        """Let an agent's text travel to the channel."""
        bench, text = self.bench, f"Answer {next(self._numbers)}"
        tolls = self.notified(
            lambda: bench.liveperson.agent_text(ACCOUNT, bench.conversation_id, text)
        )
        assert text == bench.texts()[-1]
        return tolls

    def notified(self, happens: Callable[[], object]) -> dict[str, Toll]:
        """Let something happen at LivePerson that it tells with one webhook."""

        def told() -> None:
            happens()
            self.bench.liveperson.wait_idle()

        return {
            "webhook_intake": self.toll(told),
            "channel_delivery": self.toll(lambda: self.bench.work(NOTIFICATIONS)),
        }

    def _so_far(self) -> Toll:
        counts = self.bench.liveperson.counts()
        services = Counter(counts["accounts"].get(ACCOUNT, {}))
        return self.aws + services + Counter({CONNECTIONS: counts[CONNECTIONS]})


@contextmanager
def toll_gate(bench: Bench) -> Iterator[TollGate]:
    """Open a conversation with an agent in it, then begin every container anew and count."""
    bench.say("Hello", consumer_id=PHONE)
    bench.liveperson.agent_joins(ACCOUNT, bench.conversation_id)
    bench.run()
    bench.new_containers()
    with calls_of_aws() as aws:
        yield TollGate(bench, aws)


def count_of(toll: Toll, operations: frozenset[str]) -> int:
    """Return how many of some operations are in a toll."""
    return sum(toll[name] for name in operations)
