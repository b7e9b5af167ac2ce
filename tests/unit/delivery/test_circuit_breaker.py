"""The circuit breaker on the real store: who goes ahead, who waits, what opens and closes it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from liveperson_connector.aws.delivery_state import OUTAGE_PK, DeliveryState, read_circuit
from liveperson_connector.aws.table import Table
from liveperson_connector.delivery.circuit_breaker import CHANNEL, LIVEPERSON, CircuitBreaker
from liveperson_connector.domain.errors import (
    AppJwtMissing,
    AppJwtRejected,
    AwsUnavailable,
    ChannelRefused,
    ChannelUnavailable,
    CircuitOpen,
    ConnectorError,
    ConsumerJwsRejected,
    ConversationNotReady,
    ConversationUnknown,
    FileRefused,
    LivePersonBusy,
    LivePersonConflict,
    LivePersonRefused,
    LivePersonUnavailable,
    NoConversation,
    ProbeFailed,
)
from liveperson_connector.domain.outages import OPEN_AFTER, OPEN_GROUPS, CircuitState
from tests.simulation.table import Table as InProcessTable
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.logs import Output

SHORTEST = 5.0
"""The interval between the probes of an outage that has just begun."""


def unavailable() -> LivePersonUnavailable:
    """Make the failure that speaks of an outage."""
    return LivePersonUnavailable("no answer")


class Circuit:
    """One account's circuit towards one destination, and all that the table has of it."""

    def __init__(self, destination: str = LIVEPERSON) -> None:
        self.clock = Clock()
        self.chance = 0.0
        self.dynamodb = cast("Any", InProcessTable())
        store = DeliveryState(self.dynamodb, "table", clock=self.clock)
        self.breaker = CircuitBreaker(destination, store, self.clock, lambda: self.chance)

    @property
    def state(self) -> CircuitState | None:
        """What the table has, as a worker reads it with its message."""
        return self.state_of(ACCOUNT)

    def state_of(self, account_id: str) -> CircuitState | None:
        """Give what the table has of an account's circuit."""
        pk = OUTAGE_PK.format(account_id, self.breaker.destination)
        item = Table(self.dynamodb, "table", clock=self.clock).get([pk]).get(pk)
        return read_circuit(item) if item else None

    def call(self, error: Exception | None = None, group: str = "group") -> None:
        """Make a call that ends with ``error``."""
        self.overlapping(self.state, error, group)

    def overlapping(
        self, state: CircuitState | None, error: Exception | None = None, group: str = "group"
    ) -> None:
        """Make a call that began when the circuit was in ``state``."""
        with self.breaker.guard(ACCOUNT, state, group):
            if error:
                raise error

    def fails(self, error: Exception, group: str = "group") -> None:
        """Make a call that fails with ``error``, and with no other."""
        with pytest.raises(type(error)) as raised:
            self.call(error, group)
        assert error is raised.value

    def open(self) -> None:
        """Let as many calls fail as open the circuit."""
        for number in range(OPEN_AFTER):
            self.fails(unavailable(), f"group-{number}"[-8:])


@pytest.fixture(name="circuit")
def _circuit() -> Circuit:
    return Circuit()


@pytest.fixture(name="opened")
def _opened(circuit: Circuit, output: Output) -> Circuit:
    circuit.open()
    return circuit


# ── Closed ──


def test_circuit_without_failures_costs_the_table_nothing(circuit: Circuit) -> None:
    """A success writes nothing as long as nothing has failed."""
    circuit.call()

    assert {} == circuit.dynamodb.items


def test_circuit_stays_closed_below_its_threshold(circuit: Circuit) -> None:
    """Calls go ahead until the failures in a row are enough."""
    for number in range(OPEN_AFTER - 1):
        circuit.fails(unavailable(), f"group-{number}")
    circuit.call()

    assert circuit.state is None


def test_circuit_stays_closed_for_one_group(circuit: Circuit, output: Output) -> None:
    """One message that always fails says nothing of the others."""
    for _ in range(OPEN_AFTER * 2):
        circuit.fails(unavailable())

    assert circuit.state
    assert not circuit.state.is_open
    assert "breaker_opened" not in output.messages


def test_circuit_knows_groups_by_their_beginning(circuit: Circuit) -> None:
    """A short form of a group's name is enough to tell groups apart."""
    circuit.fails(unavailable(), "0123456789abcdef")

    assert circuit.state
    assert {"01234567"} == circuit.state.groups


def test_circuit_opens_once_and_tells_it(circuit: Circuit, output: Output) -> None:
    """An operator sees when an outage began, also with calls that were on their way meanwhile."""
    circuit.open()
    with pytest.raises(LivePersonUnavailable):
        circuit.overlapping(CircuitState(1, circuit.clock(), 0.0), unavailable())
    opened = [line for line in output.lines if line["message"] == "breaker_opened"]

    assert circuit.state
    assert circuit.state.is_open
    assert (ACCOUNT, LIVEPERSON) == (opened[0]["account_id"], opened[0]["to"])
    assert OPEN_GROUPS <= len(circuit.state.groups)


def test_circuit_of_another_account_stays_closed(opened: Circuit) -> None:
    """One brand's outage never slows another's."""
    assert opened.state
    assert opened.state_of("another") is None


# ── What counts ──


@pytest.mark.parametrize("error", [LivePersonUnavailable("no answer"), AppJwtMissing("none")])
def test_failure_of_the_destination_counts(circuit: Circuit, error: ConnectorError) -> None:
    """It did not answer, or there is no token to ask it with."""
    circuit.fails(error)

    assert circuit.state
    assert 1 == circuit.state.failures


@pytest.mark.parametrize(
    "error",
    [
        ChannelUnavailable("the channel's"),
        AwsUnavailable("AWS's"),
        LivePersonBusy("429"),
        AppJwtRejected("40102"),
        ChannelRefused("the channel's"),
        FileRefused("ours"),
        NoConversation("ours"),
        ZeroDivisionError(),
    ],
)
def test_other_error_counts_as_neither(circuit: Circuit, error: Exception) -> None:
    """It says nothing of LivePerson: not that it is down, nor that it is back."""
    circuit.fails(unavailable())
    circuit.fails(error)

    assert circuit.state
    assert 1 == circuit.state.failures


@pytest.mark.parametrize(
    "error",
    [
        LivePersonRefused("400"),
        ConsumerJwsRejected("40103"),
        LivePersonConflict("409"),
        ConversationUnknown("one is open"),
        ConversationNotReady("opened just now"),
    ],
)
def test_refusal_closes_the_circuit(opened: Circuit, output: Output, error: ConnectorError) -> None:
    """It is an answer: the destination is there."""
    opened.clock.pass_seconds(SHORTEST)
    opened.fails(error)

    assert opened.state is None
    assert "breaker_closed" in output.messages


def test_refusal_of_the_channel_closes_the_channels_circuit(output: Output) -> None:
    """As LivePerson's closes LivePerson's."""
    circuit = Circuit(CHANNEL)
    circuit.fails(ChannelUnavailable("no answer"))
    circuit.fails(ChannelRefused("410"))

    assert circuit.state is None
    assert [] == output.messages


def test_success_ends_a_doubt_without_a_word(circuit: Circuit, output: Output) -> None:
    """Only the end of an outage is told that was told before."""
    circuit.fails(unavailable())
    circuit.call()

    assert circuit.state is None
    assert [] == output.messages


# ── Open ──


def test_open_circuit_lets_nothing_through(opened: Circuit) -> None:
    """A message waits for the next probe; nothing is called and nothing written."""
    before = dict(opened.dynamodb.items)
    opened.clock.pass_seconds(2)
    with pytest.raises(CircuitOpen, match="liveperson is down for this account") as waits:
        opened.call(AssertionError("it was called"))

    assert (SHORTEST - 2, False) == (waits.value.retry_after, waits.value.is_try)
    assert before == opened.dynamodb.items


def test_waiting_messages_come_back_spread_over_an_interval(opened: Circuit) -> None:
    """After the outage they do not come all at once."""
    opened.chance = 0.5
    with pytest.raises(CircuitOpen) as waits:
        opened.call()

    assert SHORTEST * 1.5 == waits.value.retry_after


# ── Half-open ──


def test_probe_goes_ahead_and_closes_the_circuit(opened: Circuit, output: Output) -> None:
    """The first message after the interval finds out; both its call and the end are told."""
    opened.clock.pass_seconds(SHORTEST)
    opened.call()

    assert opened.state is None
    assert ["breaker_opened", "probe", "breaker_closed"] == output.messages
    assert [(ACCOUNT, LIVEPERSON)] * 3 == [(ln["account_id"], ln["to"]) for ln in output.lines]


def test_probe_is_one_of_a_crowd(opened: Circuit) -> None:
    """The others wait, no shorter than the interval tells."""
    opened.clock.pass_seconds(SHORTEST + 3)
    opened.chance = 0.25
    as_all_read_it = opened.state
    with opened.breaker.guard(ACCOUNT, as_all_read_it, "first"):
        with pytest.raises(CircuitOpen) as waits:
            opened.overlapping(as_all_read_it)
        taken = opened.state

    assert SHORTEST * 0.25 == waits.value.retry_after
    assert taken
    assert opened.clock() + SHORTEST == taken.next_probe_at


def test_probe_that_fails_is_no_try(opened: Circuit, output: Output) -> None:
    """It waits like the others, for one to two intervals, which are a quarter of the outage."""
    opened.clock.pass_seconds(400)
    opened.chance = 0.25
    error = unavailable()
    with pytest.raises(ProbeFailed, match="still down for this account: no answer") as waits:
        opened.call(error)

    assert (125.0, error) == (waits.value.retry_after, waits.value.__cause__)
    assert not waits.value.is_try
    assert opened.state
    assert opened.clock() + 100 == opened.state.next_probe_at
    assert 1 == output.messages.count("breaker_opened")


def test_probe_that_meets_another_error_keeps_it(opened: Circuit) -> None:
    """A 429 is the message's own matter; the circuit stays open until a probe is answered."""
    opened.clock.pass_seconds(SHORTEST)
    opened.fails(LivePersonBusy("429"))

    assert opened.state
    assert opened.state.is_open
