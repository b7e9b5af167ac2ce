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

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveperson_connector.delivery.circuit_breaker import CircuitBreaker
from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.queue_messages import QueueMessage
from liveperson_connector.flows import webhook_intake
from liveperson_connector.flows.channel_delivery import conversation_changes, messages
from liveperson_connector.flows.outbound_messaging import flow as outbound_messaging
from liveperson_connector.liveperson.conversation_changes import ConversationChange

from .running import Result, play, promises, smallest
from .schedules import (
    AWS_TARGETS,
    DAY,
    FUNCTIONS,
    HOUR,
    LIVEPERSON_TARGETS,
    MINUTE,
    WIRE_KINDS,
    Action,
    Fault,
    Schedule,
    make,
)

_CHUNKS = 20
_IN_A_CHUNK = int(os.environ.get("SIMULATED_SCHEDULES", "200")) // _CHUNKS


def kept(result: Result) -> None:
    """Fail with the smallest schedule that shows what was broken."""
    if result.broken:
        least = smallest(result)
        pytest.fail("\n".join([*least.broken, "", str(least.schedule)]), pytrace=False)


@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_every_promise_is_kept(chunk: int) -> None:
    """Nothing lost, nothing twice, nothing out of order, nothing leaked, whatever goes wrong."""
    for seed in range(chunk * _IN_A_CHUNK, (chunk + 1) * _IN_A_CHUNK):
        kept(play(make(seed)))


# ── The same, as Hypothesis looks for it ──

_DEEDS = (
    "says",
    "says_same",
    "says_long",
    "says_refused",
    "says_mended",
    "repeats",
    "closes",
    "agent_says",
    "agent_notes",
    "agent_closes",
    "agent_reads",
    "agent_reopens",
    "foreign",
    "tokens_revoked",
    "consumer_tokens_revoked",
)

_TIMES = st.floats(0, 10 * MINUTE).map(lambda each: round(each, 1))
_WIRES = st.tuples(
    st.sampled_from(WIRE_KINDS), st.sampled_from((*LIVEPERSON_TARGETS, "liveperson", "channel"))
)
_AWS = st.tuples(st.sampled_from(("aws_error", "aws_lost")), st.sampled_from(AWS_TARGETS))
_KILLS = st.tuples(st.just("kill"), st.sampled_from(FUNCTIONS))
_THROTTLES = st.tuples(st.just("throttled"), st.sampled_from(FUNCTIONS[:2]))
_FAULTS = st.builds(
    lambda what, start, seconds, rate: Fault(what[0], what[1], start, seconds, rate),
    st.one_of(_WIRES, _AWS, _KILLS, _THROTTLES, st.just(("undeleted", "sqs"))),
    _TIMES,
    st.sampled_from((5.0, MINUTE, 10 * MINUTE)),
    st.sampled_from((0.2, 0.5)),
)
_SCHEDULES = st.builds(
    Schedule,
    seed=st.integers(0, 1000),
    consumers=st.integers(1, 3),
    workers=st.integers(2, 4),
    receipts=st.booleans(),
    deeds=st.lists(
        st.builds(Action, _TIMES, st.sampled_from(_DEEDS), st.integers(0, 2)),
        min_size=1,
        max_size=20,
    ).map(lambda deeds: tuple(sorted(deeds, key=lambda each: each.at))),
    faults=st.lists(_FAULTS, max_size=4).map(tuple),
)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(_SCHEDULES)
def test_any_schedule_keeps_every_promise(schedule: Schedule) -> None:
    """Hypothesis makes schedules of its own, and makes failing ones smaller."""
    crowd = tuple(each for each in schedule.deeds if each.who < schedule.consumers)
    result = play(Schedule(**{**vars(schedule), "deeds": crowd}))

    assert [] == result.broken


def test_a_schedule_is_always_played_the_same() -> None:
    """What a seed showed it shows again."""
    once, again = play(make(6)), play(make(6))

    assert (once.figures, once.faults, once.days) == (again.figures, again.faults, again.days)


# ── The judge: what is broken on purpose is found ──

_TALK = tuple(
    Action(float(20 * number), what, number % 2)
    for number, what in enumerate(("says", "says", "agent_says", "agent_notes", "foreign") * 4)
)
_LOST_ANSWERS = (Fault("answer_lost", "send", 30.0, 300.0, 0.8),)


def _broken(schedule: Schedule, where: Any, name: str, sabotage: Any) -> set[str]:
    with patch.object(where, name, sabotage):
        return promises(play(schedule))


def test_the_judge_sees_what_leaks() -> None:
    """A private note, or an echo, at the channel."""
    schedule = Schedule(seed=1, deeds=_TALK)
    found = _broken(schedule, messages, "reason_to_withhold", lambda *_: None)

    assert {"nothing leaks to the channel"} <= found


def test_the_judge_sees_a_conversation_that_stays_closed() -> None:
    """LivePerson opened it again, and nobody noticed."""
    said = ("says", "agent_says", "agent_closes", "agent_reopens", "says")
    deeds = tuple(Action(10.0 * number, what) for number, what in enumerate(said))
    schedule = Schedule(seed=1, consumers=1, workers=2, deeds=deeds)

    def stubborn(before: Conversation, said: ConversationChange) -> Conversation:
        is_open = before.is_open and not said.is_closed
        return replace(before, is_open=is_open, changed_at=said.updated_at)

    found = _broken(schedule, conversation_changes, "advanced", stubborn)

    assert {"the channel knows what is open", "nothing lost to LivePerson"} <= found


def test_the_judge_sees_what_is_replayed() -> None:
    """Webhooks recorded a week ago, taken as if they were new."""
    deeds = (Action(10.0, "says"), Action(30.0, "agent_says"), Action(9 * DAY, "says"))
    schedule = Schedule(seed=1, consumers=1, workers=2, replay_webhooks=1.0, deeds=deeds)

    assert {"nothing twice at the channel"} == _broken(
        schedule, webhook_intake, "OLDEST_SECONDS", 100 * DAY
    )


def test_the_judge_sees_what_is_said_twice() -> None:
    """A send whose answer was lost, with nobody listening for its echo."""
    schedule = Schedule(seed=1, deeds=_TALK, faults=_LOST_ANSWERS)
    found = _broken(schedule, Conversation, "heard", lambda *_, **__: None)

    assert {"nothing twice at LivePerson"} == found


def test_the_judge_sees_what_is_lost() -> None:
    """A failing message that is thrown away."""

    def careless(self: RetryingConsumer, message: QueueMessage) -> bool:
        self._try(message)
        return True

    schedule = Schedule(seed=1, deeds=_TALK, faults=(Fault("http_503", "send", 0.0, 60.0),))
    found = _broken(schedule, RetryingConsumer, "_process", careless)

    assert {"nothing lost to LivePerson"} <= found


def test_the_judge_sees_what_overtakes_a_dead_letter() -> None:
    """Later words go on while earlier ones stand among the dead letters."""
    deeds = (Action(10.0, "says"), Action(16 * HOUR, "says"))
    outage = Fault("unreachable", "liveperson", 5.0, 1.5 * DAY)
    schedule = Schedule(seed=3, consumers=1, workers=2, deeds=deeds, faults=(outage,))
    found = _broken(schedule, outbound_messaging, "check_group_hold", lambda *_: None)

    assert {"in order at LivePerson"} <= found


def test_the_judge_sees_an_outage_that_spends_tries() -> None:
    """Without a breaker a long outage fills the dead letters."""
    deeds = tuple(Action(60.0 * number, "says", number % 2) for number in range(1, 5))
    outage = Fault("unreachable", "liveperson", 30.0, 36 * HOUR)
    schedule = Schedule(seed=1, family="outage", deeds=deeds, faults=(outage,))
    found = _broken(schedule, CircuitBreaker, "_count_failure", lambda *_: None)

    assert {"an outage dead-letters nothing"} <= found
