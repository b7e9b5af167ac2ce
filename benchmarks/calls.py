"""
How many calls an event costs, once its container is warm.

Counted, not timed: calls of AWS as boto3 sends them, calls of LivePerson and connections as they
arrive there. The functions run in this process, one at a time, on the emulated AWS; see
``tests/support/call_counts.py``. ``tests/integration/flows/test_calls.py`` keeps it so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from liveperson_connector.aws.clients import retrying
from sandbox.channel import DemoChannel
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET
from tests.support.call_counts import (
    CONNECTIONS,
    READS,
    WRITES,
    Toll,
    TollGate,
    count_of,
    toll_gate,
)
from tests.support.emulators import emulated_aws, new_fifo_queue, table_of_template
from tests.support.harness import CONSUMER_EVENTS, Bench

from .environment import quiet, set_environment
from .measuring import Row, Section, once

EVENTS = 20

_ABOUT = f"""\
{EVENTS} texts travel each way through containers that have just begun. What the first one of each
costs more, once in the life of a container, stands in the second table. Calls of AWS are counted
as they leave, repeats included; receiving from a queue and deleting there is Lambda's own doing.
"""

_CLOSING = """\
the consumer's next words must get their new place before the channel is told, whatever the channel
says to it; that the channel was told can be written only after it. Two moments, two writes; one of
them, and a crash between would lose the callback or send words into a closed conversation."""


def measure(rounds: int) -> list[Section]:
    """Return how many calls an event costs; a count is the same each time."""
    with counting_bench() as bench, toll_gate(bench) as gate:
        consumers = [gate.consumer_text() for _ in range(EVENTS)]
        agents = [gate.agent_text() for _ in range(EVENTS)]
        tolls = {name: [each[name] for each in consumers] for name in consumers[0]}
        tolls |= {name: [each[name] for each in agents] for name in agents[0]}
        others = dict(_others(gate))
    section = Section("Calls per event", _ABOUT)
    section.rows = [*_rows(section.title, tolls), *_closing(section.title, others)]
    section.appendix = _table(tolls, others)
    return [section]


@contextmanager
def counting_bench() -> Iterator[Bench]:
    """Put the functions on a bench of their own."""
    with (
        TemporaryDirectory() as folder,
        quiet(),
        emulated_aws(Path(folder)) as url,
        SimulatedLivePerson() as liveperson,
    ):
        set_environment(url)
        liveperson.add_account(ACCOUNT, CLIENT_ID, CLIENT_SECRET, time_scale=0.01)
        channel = DemoChannel(SIGNING_SECRET)
        channel.start()
        sqs, table = retrying("sqs"), table_of_template(retrying("dynamodb"), "calls")
        with Bench(liveperson, channel, table, lambda: new_fifo_queue(sqs), stack="calls") as bench:
            yield bench
        channel.stop()


def _rows(section: str, tolls: Mapping[str, Sequence[Toll]]) -> Iterator[Row]:
    warm = {name: each[1:] for name, each in tolls.items()}
    for name in ("webhook_intake", "message_intake"):
        yield _dearest(section, f"{name}: calls of AWS, to SQS", warm[name], _is_aws, 1)
    for name, what in (("outbound_messaging", "text"), ("channel_delivery", "message")):
        for kind, operations in (("reads of", READS), ("writes to", WRITES)):
            said = f"{name}: {kind} DynamoDB a {what}"
            yield _dearest(section, said, warm[name], operations.__contains__, 1)
    outbound = warm["outbound_messaging"]
    said = "outbound_messaging: reads of Parameter Store a text"
    yield _dearest(section, said, outbound, _is_of_parameters, 0)
    yield _dearest(
        section, "outbound_messaging: calls of LivePerson a text", outbound, _is_liveperson, 1
    )
    yield Row(
        section,
        f"outbound_messaging: connections to LivePerson, a container and {EVENTS} texts",
        "",
        once(sum(each[CONNECTIONS] for each in tolls["outbound_messaging"])),
        "–",
        most=1,
        note="the simulated LivePerson has one host for all services, the real one two that a "
        "worker needs: the Domain API's is called once an hour, the Send API's stays connected.",
    )


def _dearest(
    section: str, what: str, tolls: Sequence[Toll], counts: Callable[[str], bool], most: int
) -> Row:
    """Make a row of the dearest of some events."""
    found = [sum(number for name, number in toll.items() if counts(name)) for toll in tolls]
    return Row(section, what, "", once(max(found)), "–", most=most)


def _is_aws(name: str) -> bool:
    return name[0].isupper()


def _is_of_parameters(name: str) -> bool:
    return "Parameter" in name


def _is_liveperson(name: str) -> bool:
    return name[0].islower() and name != CONNECTIONS


# ── What is not the steady state ──


def _others(gate: TollGate) -> Iterator[tuple[str, Toll]]:
    """Let other things happen, each once, and tell what the worker paid for it."""
    bench, simulated = gate.bench, gate.bench.liveperson
    conversation = bench.conversation_id

    def event(kind: str, **fields: object) -> Toll:
        bench.post({"id": f"{kind}-{len(fields)}", "type": kind, **fields})
        return gate.toll(lambda: bench.work(CONSUMER_EVENTS))

    bench.without_webhooks()
    yield "receipt", event("receipt", status="read", sequences=[1])
    yield "typing", event("typing", state="composing")
    yield "a text that ends typing", event("text", text="typed")
    bench.with_webhooks()
    joins = gate.notified(lambda: simulated.agent_joins(ACCOUNT, conversation, "MANAGER"))
    yield "a manager joins: nothing is told", joins["channel_delivery"]
    reads = gate.notified(lambda: simulated.agent_receipt(ACCOUNT, conversation, [0]))
    yield "receipt of the agent", reads["channel_delivery"]
    closed = gate.notified(lambda: simulated.close(ACCOUNT, conversation))
    assert bench.told("conversation")[-1]["event"] == "closed"
    yield _CLOSED, closed["channel_delivery"]


_CLOSED = "a conversation is closed"


def _closing(section: str, others: Mapping[str, Toll]) -> Iterator[Row]:
    """Make the row of the one callback that costs a write more."""
    what = "channel_delivery: writes to DynamoDB when a conversation is closed"
    found = once(count_of(others[_CLOSED], WRITES))
    yield Row(section, what, "", found, "–", most=1, note=_CLOSING)


def _table(tolls: Mapping[str, Sequence[Toll]], others: Mapping[str, Toll]) -> str:
    lines = ["| event | in a warm container | the first of a container |", "|---|---|---|"]
    lines += [f"| {name} | {_said(each[1])} | {_said(each[0])} |" for name, each in tolls.items()]
    lines += [f"| {name} | {_said(each)} | |" for name, each in others.items()]
    return "\n".join(lines)


def _said(toll: Toll) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(toll.items()))
