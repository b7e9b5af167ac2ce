"""
Thousands of bad days, a slice of them at every run; ``make simulate`` plays as many as you like.

A failure prints the smallest schedule found that shows it, as code to paste into
``test_regressions.py``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from liveperson_connector.channel.adapters import adapter_of
from liveperson_connector.channel.adapters.interface import Recipient
from liveperson_connector.delivery import retries
from liveperson_connector.delivery.circuit_breaker import CircuitBreaker
from liveperson_connector.delivery.retries import Decision
from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.flows import webhook_intake
from liveperson_connector.flows.channel_delivery import (
    conversation_changes,
    messages,
    provider_notifier,
)
from liveperson_connector.flows.outbound_messaging import flow as outbound_messaging
from liveperson_connector.liveperson.conversation_changes import ConversationChange

from . import fake_http
from .running import CHUNK, play, search
from .schedules import DAY, HOUR, READY, Action, Fault, Schedule, dice, make

_SEARCHES = int(os.environ.get("SIMULATED_SCHEDULES", "120")) // CHUNK


@pytest.mark.parametrize("seed", range(_SEARCHES))
def test_every_promise_is_kept(seed: int) -> None:
    """Nothing lost, nothing twice, nothing out of order, nothing leaked, whatever goes wrong."""
    if broken := search(seed).smallest:
        pytest.fail(str(broken), pytrace=False)


def test_schedule_is_always_played_the_same() -> None:
    """What a printed schedule showed it shows again."""
    schedule = make(dice(6), 6)
    once, again = play(schedule), play(schedule)

    assert (once.figures, once.faults, once.days) == (again.figures, again.faults, again.days)


def test_search_plays_the_same_schedules_for_a_seed() -> None:
    """So a failure in continuous integration comes back elsewhere."""
    once, again = (search(3, 4).results for _ in range(2))

    assert 4 == len(once)
    assert [each.schedule for each in once] == [each.schedule for each in again]


def test_search_makes_a_failing_schedule_smaller() -> None:
    """A leak needs an agent's note and an open conversation: a few actions, and no fault."""
    with patch.object(messages, "reason_to_withhold", lambda *_: None):
        smallest = search(1).smallest

    assert smallest
    assert "nothing leaks to the channel" in smallest.promises
    assert len(smallest.schedule.deeds) <= 5
    assert () == smallest.schedule.faults


@pytest.mark.parametrize("kind", READY)
def test_hours_of_a_providers_429_cost_no_message(kind: str) -> None:
    """With a wait in the provider's own form or without one: all arrives once and in order."""
    deeds = [Action(float(who), "says", who) for who in range(2)]
    deeds += [Action(60.0 + 30 * n, "agent_says", n % 2) for n in range(10)]
    busy = Fault("busy", f"{kind}0", 30.0, 3 * HOUR)
    schedule = Schedule(
        seed=1, family="outage", channels=(kind,), deeds=tuple(deeds), faults=(busy,)
    )
    result = play(schedule)

    assert not result.broken
    assert 0 == result.figures["dead letters"]
    assert result.faults["busy"] > 2


# ── The invariants: what is broken on purpose is found ──

_TALK = tuple(
    Action(float(20 * number), what, number % 2)
    for number, what in enumerate(("says", "says", "agent_says", "agent_notes", "foreign") * 4)
)
_LOST_ANSWERS = (Fault("answer_lost", "send", 30.0, 300.0, 0.8),)


def _broken(schedule: Schedule, where: Any, name: str, sabotage: Any) -> set[str]:
    with patch.object(where, name, sabotage):
        return play(schedule).promises


def test_invariants_see_what_leaks() -> None:
    """A private note, or an echo, at the channel."""
    schedule = Schedule(seed=1, deeds=_TALK)
    found = _broken(schedule, messages, "reason_to_withhold", lambda *_: None)

    assert {"nothing leaks to the channel"} <= found


def test_invariants_see_what_is_shown_twice_although_it_need_not() -> None:
    """LINE takes a key for safe repeats; without it a lost answer shows a piece twice."""
    deeds = (Action(10.0, "says"), Action(30.0, "agent_says_long"))
    lost = Fault("answer_lost", "line0", 25.0, 60.0, 0.5)
    schedule = Schedule(seed=1, consumers=1, channels=("line",), deeds=deeds, faults=(lost,))
    assert not play(schedule).promises

    recipient = provider_notifier._Delivery.recipient

    def without_key(self: Any, index: int) -> Recipient:
        return replace(recipient(self, index), key=str(uuid4()))

    found = _broken(schedule, provider_notifier._Delivery, "recipient", without_key)

    assert {"nothing twice at the channel"} == found


def test_invariants_see_a_stranger_who_is_believed() -> None:
    """Every proof is taken for a good one."""
    deeds = (Action(10.0, "says"), Action(30.0, "is_forged"))
    for kind in READY:
        schedule = Schedule(seed=1, consumers=1, channels=(kind,), deeds=deeds)
        found = _broken(schedule, type(adapter_of(kind)), "prove", lambda *_: None)

        assert "only what is meant" in found, kind


def test_invariants_see_a_channel_that_waits_for_another() -> None:
    """One channel of a brand is away: the other one does not notice, unless it is made to."""
    deeds = [Action(float(number), "says", number) for number in range(4)]
    deeds += [Action(60.0 + 60 * n, "agent_says", n % 4) for n in range(40)]
    away = Fault("unreachable", "telegram1", 30.0, 2 * HOUR)
    schedule = Schedule(
        seed=1,
        family="outage",
        consumers=4,
        channels=("line", "telegram"),
        deeds=tuple(deeds),
        faults=(away,),
    )
    assert not play(schedule).promises
    both = {"line0": ("telegram1",)}
    found = _broken(schedule, fake_http, "destinations", lambda each: both.get(each, (each,)))

    assert {"other channels do not notice"} <= found


def test_invariants_see_a_refusal_that_no_agent_sees() -> None:
    """A provider will never take it, and LivePerson is not told."""
    deeds = (Action(10.0, "says"), Action(30.0, "agent_says_refused"))
    schedule = Schedule(seed=1, consumers=1, channels=("telegram",), deeds=deeds)
    found = _broken(schedule, provider_notifier.ProviderNotifier, "_send_receipt", lambda *_: None)

    assert {"agents see what was refused"} == found


def test_invariants_see_a_conversation_that_stays_closed() -> None:
    """LivePerson opened it again, and nobody noticed."""
    said = ("says", "agent_says", "agent_closes", "agent_reopens", "says")
    deeds = tuple(Action(10.0 * number, what) for number, what in enumerate(said))
    schedule = Schedule(seed=1, consumers=1, workers=2, deeds=deeds)

    def stubborn(before: Conversation, said: ConversationChange) -> Conversation:
        is_open = before.is_open and not said.is_closed
        return replace(before, is_open=is_open, changed_at=said.updated_at)

    found = _broken(schedule, conversation_changes, "advanced", stubborn)

    assert {"the channel knows what is open", "nothing lost to LivePerson"} <= found


def test_invariants_see_what_is_replayed() -> None:
    """Webhooks recorded a week ago, taken as if they were new."""
    deeds = (Action(10.0, "says"), Action(30.0, "agent_says"), Action(9 * DAY, "says"))
    schedule = Schedule(seed=1, consumers=1, workers=2, replay_webhooks=1.0, deeds=deeds)

    assert {"nothing twice at the channel"} == _broken(
        schedule, webhook_intake, "OLDEST_SECONDS", 100 * DAY
    )


def test_invariants_see_what_is_said_twice() -> None:
    """A send whose answer was lost, with nobody listening for its echo."""
    schedule = Schedule(seed=1, deeds=_TALK, faults=_LOST_ANSWERS)
    found = _broken(schedule, Conversation, "heard", lambda *_, **__: None)

    assert {"nothing twice at LivePerson"} == found


def test_invariants_see_what_is_lost() -> None:
    """A failing message that leaves its queue."""
    schedule = Schedule(seed=1, deeds=_TALK, faults=(Fault("http_503", "send", 0.0, 60.0),))
    found = _broken(schedule, retries, "decide", lambda *_, **__: Decision())

    assert {"nothing lost to LivePerson"} <= found


def test_invariants_see_what_overtakes_a_dead_letter() -> None:
    """Later words go on while earlier ones stand among the dead letters."""
    deeds = (Action(10.0, "says"), Action(16 * HOUR, "says"))
    outage = Fault("unreachable", "liveperson", 5.0, 1.5 * DAY)
    schedule = Schedule(seed=3, consumers=1, workers=2, deeds=deeds, faults=(outage,))
    found = _broken(schedule, outbound_messaging, "check_group_hold", lambda *_: None)

    assert {"in order at LivePerson"} <= found


def test_invariants_see_an_outage_that_spends_tries() -> None:
    """Without a breaker a long outage fills the dead letters."""
    deeds = tuple(Action(60.0 * number, "says", number % 2) for number in range(1, 5))
    outage = Fault("unreachable", "liveperson", 30.0, 36 * HOUR)
    schedule = Schedule(seed=1, family="outage", deeds=deeds, faults=(outage,))
    found = _broken(schedule, CircuitBreaker, "_count_failure", lambda *_: None)

    assert {"an outage dead-letters nothing"} <= found
