"""A paused account's messages wait in their queues, in order, without a call and without a try."""

from __future__ import annotations

import pytest

from liveperson_connector.delivery.circuit_breaker import CHANNEL, LIVEPERSON
from liveperson_connector.delivery.retries import MOST_TRIES
from liveperson_connector.domain.outages import MOST_PAUSE_SECONDS, CircuitState
from tests.simulation.connector import EVENTS, NOTIFICATIONS
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output
from tests.support.messages import PHONE

from .ready import Ready


@pytest.fixture(name="brand")
def _brand() -> Ready:
    """Give a brand with both kinds of channels, and a conversation in each."""
    brand = Ready()
    brand.write("Hello", "p-0")
    brand.say("Hello", "m-0")
    return brand


def pause(brand: Ready, destination: str, account_id: str = ACCOUNT) -> None:
    """Pause an account, as the command line does."""
    assert brand.container.state.pause(account_id, destination)


def tries(brand: Ready) -> list[str]:
    """Give the counts of failed tries."""
    return [pk for pk in brand.table.items if pk.startswith("tries#")]


def metrics(output: Output) -> set[str]:
    """Give the names of all metrics."""
    return {name for each in output.metrics for name in each}


def test_consumers_words_wait_and_go_on_in_order(brand: Ready, output: Output) -> None:
    """LivePerson hears nothing meanwhile, and no try is spent, however long it takes."""
    calls = len(brand.liveperson.calls)
    pause(brand, LIVEPERSON)
    for number in range(1, 4):
        brand.say(f"text {number}", f"m-{number}")
    for _ in range(50):
        brand.pass_seconds(3600)
    assert (calls, [], []) == (len(brand.liveperson.calls), tries(brand), brand.reasons())

    assert brand.container.state.resume(ACCOUNT, LIVEPERSON)
    brand.pass_seconds(1.25 * 3600)

    assert ["text 1", "text 2", "text 3"] == brand.said()[-3:]
    assert "paused" in metrics(output)
    assert "waiting" not in metrics(output)  # which is what the alarms of an outage count


def test_typing_is_dropped_and_not_kept(brand: Ready) -> None:
    """A late indicator is wrong; the timer of one that began before makes no call either."""
    brand.post({"id": "t-1", "type": "typing", "state": "composing"})
    brand.work()
    calls = len(brand.liveperson.calls)
    pause(brand, LIVEPERSON)
    brand.post({"id": "t-2", "type": "typing", "state": "composing"})
    brand.work()
    brand.clock.now += 31
    brand.end_typing()

    assert (calls, []) == (len(brand.liveperson.calls), brand.queues[EVENTS].messages)


def test_agents_words_wait_for_every_kind_of_channel(brand: Ready) -> None:
    """A ready channel's too, though its circuit is its own; typing is dropped."""
    pause(brand, CHANNEL)
    brand.agent(1, message="for the person")
    brand.hear()
    brand.later(3600)
    assert ([], []) == (brand.texts, tries(brand))
    assert brand.queues[NOTIFICATIONS].messages

    assert brand.container.state.resume(ACCOUNT, CHANNEL)
    brand.later(1.25 * 60)

    assert ["for the person"] == brand.texts


def test_one_account_and_one_direction_wait_alone(brand: Ready) -> None:
    """The other direction flows, and so does another brand."""
    pause(brand, CHANNEL)
    pause(brand, LIVEPERSON, "87654321")
    brand.say("still heard", "m-1")

    assert "still heard" in brand.said()


@pytest.mark.parametrize("fails", [False, True])
def test_call_that_began_before_leaves_the_pause(brand: Ready, *, fails: bool) -> None:
    """Whatever it says of LivePerson: neither its success nor its failure ends or shortens it."""
    state = brand.container.state
    before = CircuitState(3, brand.clock(), brand.clock())
    pause(brand, LIVEPERSON)
    if fails:
        state.note_failure(ACCOUNT, LIVEPERSON, before, brand.clock(), "group")
        state.note_failure(ACCOUNT, LIVEPERSON, None, brand.clock(), "group")
    else:
        state.outage_over(ACCOUNT, LIVEPERSON)
    brand.clock.now += MOST_PAUSE_SECONDS - 3600
    _, circuit = brand.container.store.load_typing(ACCOUNT, PHONE)

    assert circuit
    assert circuit.is_paused


def test_pause_ends_by_itself_before_a_message_is_lost(brand: Ready) -> None:
    """SQS forgets after 14 days, and gives up after 1000 receives: neither is reached."""
    pause(brand, LIVEPERSON)
    assert not brand.container.state.pause(ACCOUNT, LIVEPERSON)
    brand.say("patient", "m-1")
    brand.clock.now += MOST_PAUSE_SECONDS + 1
    brand.work()

    assert ("patient", []) == (brand.said()[-1], brand.queues[EVENTS].messages)


def test_longest_pause_and_a_day_of_tries_fit_into_the_queues_receives() -> None:
    """With the shortest waits: the template allows 1000."""
    now, receives = 1000.0, 0
    paused = CircuitState(0, 0.0, 0.0, paused_at=now)
    while now < paused.paused_at + MOST_PAUSE_SECONDS:
        now += paused.pause_interval(now)
        receives += 1

    assert receives + MOST_TRIES < 1000
    assert 14 * 86_400 - MOST_PAUSE_SECONDS > 2 * 86_400
