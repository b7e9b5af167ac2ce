"""A destination that is down: who waits, who looks, and who is let through again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from liveperson_connector.delivery.circuit_breaker import CHANNEL, LIVEPERSON, CircuitBreaker
from liveperson_connector.domain.errors import (
    AwsUnavailable,
    ChannelUnavailable,
    CircuitOpen,
    LivePersonUnavailable,
)
from liveperson_connector.domain.outages import OPEN_AFTER, CircuitState
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.logs import Output

NOW = Clock().now
DOUBT = CircuitState(1, NOW, 0.0, frozenset({"a"}))
DOWN = CircuitState(OPEN_AFTER, NOW - 400, NOW + 30, frozenset({"a", "b"}))
"""For 400 seconds, so that somebody looks every 100."""


@dataclass
class Memory:
    """Outages by account and destination; ``asked`` is everything that was done to them."""

    becomes: CircuitState = DOUBT
    is_first: bool = True
    asked: list[tuple[object, ...]] = field(default_factory=list)

    def probe(self, account_id: str, destination: str, now: float, next_probe_at: float) -> bool:
        """Let one look."""
        self.asked.append(("probe", account_id, destination, now, next_probe_at))
        return self.is_first

    def note_failure(
        self, account_id: str, destination: str, outage: CircuitState | None, now: float, group: str
    ) -> CircuitState:
        """Note a failure."""
        self.asked.append(("failure", account_id, destination, outage, now, group))
        return self.becomes

    def outage_over(self, account_id: str, destination: str) -> None:
        """Forget an outage."""
        self.asked.append(("over", account_id, destination))


def breaker(
    memory: Memory, *, chance: float = 0.0, destination: str = LIVEPERSON
) -> CircuitBreaker:
    """Make a breaker whose clock stands still."""
    return CircuitBreaker(destination, memory, Clock(), lambda: chance)


# ── Who comes through ──


@pytest.mark.parametrize("outage", [None, DOUBT, replace(DOWN, failures=OPEN_AFTER - 1)])
def test_as_long_as_nothing_is_certain_everybody_goes_on(outage: CircuitState | None) -> None:
    """One failure is no outage, and nobody asks the table for leave."""
    memory = Memory()
    breaker(memory).enter(ACCOUNT, outage)

    assert [] == memory.asked


def test_while_it_is_down_messages_wait_for_the_next_look() -> None:
    """And nobody looks before its time."""
    memory = Memory()
    with pytest.raises(CircuitOpen) as waited:
        breaker(memory).enter(ACCOUNT, DOWN)

    assert (30.0, []) == (waited.value.retry_after, memory.asked)


def test_who_waits_comes_back_spread_over_an_interval() -> None:
    """After the outage the waiting messages do not come all at once."""
    with pytest.raises(CircuitOpen) as waited:
        breaker(Memory(), chance=0.5).enter(ACCOUNT, DOWN)

    assert 30.0 + 50.0 == waited.value.retry_after


@pytest.mark.parametrize("due", [NOW, NOW - 5])
def test_the_first_whose_turn_it_is_looks(due: float, output: Output) -> None:
    """The next look is an interval away, for everybody."""
    memory = Memory()
    breaker(memory).enter(ACCOUNT, replace(DOWN, next_probe_at=due))

    assert [("probe", ACCOUNT, LIVEPERSON, NOW, NOW + 100)] == memory.asked
    assert ["probe"] == output.messages


def test_of_a_crowd_one_looks_and_the_others_wait() -> None:
    """A look that is due is no reason for all to wait a shorter time than none."""
    memory = Memory(is_first=False)
    with pytest.raises(CircuitOpen) as waited:
        breaker(memory, chance=0.25).enter(ACCOUNT, replace(DOWN, next_probe_at=NOW - 5))

    assert 25.0 == waited.value.retry_after


# ── What failed ──


def test_a_failure_is_noted_with_its_group() -> None:
    """A short form of it is enough to tell groups apart."""
    memory = Memory()
    breaker(memory).failed(ACCOUNT, None, LivePersonUnavailable("no"), "0123456789abcdef")

    assert [("failure", ACCOUNT, LIVEPERSON, None, NOW, "01234567")] == memory.asked


@pytest.mark.parametrize("error", [ChannelUnavailable("no"), AwsUnavailable("no")])
def test_anothers_failure_says_nothing_of_this_destination(
    error: ChannelUnavailable | AwsUnavailable,
) -> None:
    """A channel that is down is no outage of LivePerson."""
    memory = Memory()
    breaker(memory).failed(ACCOUNT, DOWN, error, "group")

    assert [] == memory.asked


@pytest.mark.parametrize(
    ("before", "becomes", "said"),
    [
        (None, DOUBT, []),
        (DOUBT, DOUBT, []),
        (None, DOWN, ["breaker_opened"]),
        (DOUBT, DOWN, ["breaker_opened"]),
    ],
)
def test_what_becomes_certain_is_told_once(
    before: CircuitState | None, becomes: CircuitState, said: list[str], output: Output
) -> None:
    """An operator sees when an outage began."""
    memory = Memory(becomes)
    breaker(memory).failed(ACCOUNT, before, LivePersonUnavailable("no"), "group")

    assert said == output.messages
    assert before is memory.asked[0][3]


def test_a_look_that_fails_is_no_try() -> None:
    """Who looked waits like the others, for one interval to two."""
    memory = Memory(replace(DOWN, since=NOW - 800))
    no = LivePersonUnavailable("no")
    with pytest.raises(CircuitOpen, match="down for this account: no") as waited:
        breaker(memory, chance=0.25).failed(ACCOUNT, DOWN, no, "group")

    assert (250.0, no) == (waited.value.retry_after, waited.value.__cause__)


# ── What went through ──


@pytest.mark.parametrize(
    ("outage", "said", "asked"),
    [
        (None, [], []),
        (DOUBT, [], [("over", ACCOUNT, CHANNEL)]),
        (DOWN, ["breaker_closed"], [("over", ACCOUNT, CHANNEL)]),
    ],
)
def test_a_success_ends_every_doubt(
    outage: CircuitState | None, said: list[str], asked: list[tuple[str, ...]], output: Output
) -> None:
    """Without a doubt nothing is written; only an end of what was certain is told."""
    memory = Memory()
    breaker(memory, destination=CHANNEL).succeeded(ACCOUNT, outage)

    assert (said, asked) == (output.messages, memory.asked)
