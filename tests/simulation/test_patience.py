"""How long a text waits when LivePerson is not down and yet fails now and then."""

from __future__ import annotations

import pytest

from .invariants import judge
from .schedules import HOUR, MINUTE, Action, Fault, Schedule, dice
from .simulation import World

_CONSUMERS, _TEXTS = 30, 20

# A fifth of all answers, in equal shares: 503 for nothing and for something done, 429, a connection
# that is refused, an answer that gets lost.
_MIXED = ("http_503", "done_503", "busy", "unreachable", "answer_lost")
_SHARE = 0.2 / len(_MIXED)


def waits(world: World) -> list[float]:
    """Play, and give how long each text took to LivePerson, its last part if it had several."""
    world.play()
    arrived: dict[str, float] = {}
    for _, line in world.liveperson.spoken:
        if line.event_id in world.events:
            arrived.setdefault(line.event_id, line.at)
    posted = {k: each.posted_at for k, each in world.events.items() if "-last" not in k}
    return [arrived.get(event_id, float("inf")) - at for event_id, at in posted.items()]


def bad_hour(seed: int) -> Schedule:
    """Let a fifth of all answers fail, and each consumer meet three 5xx in a row once."""
    chance = dice(seed)
    unlucky = [chance.randrange(_TEXTS) for _ in range(_CONSUMERS)]
    deeds = [
        Action(10 + number / 2, "says_unlucky" if unlucky[who] == number else "says", who)
        for number in range(_TEXTS)
        for who in range(_CONSUMERS)
    ]
    faults = [
        Fault(kind, target, 0.0, 6 * HOUR, _SHARE)
        for target in ("send", "conversation")
        for kind in _MIXED
    ]
    return Schedule(
        seed=seed,
        consumers=_CONSUMERS,
        workers=10,
        webhook_seconds=0.3,
        deeds=tuple(deeds),
        faults=tuple(faults),
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_in_a_bad_hour_everything_arrives_within_ten_minutes(seed: int) -> None:
    """Waiting for an echo is no failed try, 429 has a pace of its own, and outages end."""
    world = World(bad_hour(seed))
    found = waits(world)

    assert (_CONSUMERS * _TEXTS, []) == (len(found), judge(world).broken)
    assert max(found) < 10 * MINUTE


def test_after_three_5xx_a_text_waits_for_seconds() -> None:
    """5, 10 and 15 s, and each time for its echo, which comes on top."""
    schedule = Schedule(
        seed=1, consumers=1, deeds=(Action(10.0, "says"), Action(60.0, "says_unlucky"))
    )
    _, unlucky = waits(World(schedule))

    assert 3 * 20 <= unlucky < 3 * 20 + 15


def test_a_receive_without_a_try_costs_no_wait_for_an_echo() -> None:
    """Lambda was throttled: the message goes as soon as it is visible again."""
    throttled = Fault("throttled", "outbound_messaging", start=59.0, seconds=2.0)
    schedule = Schedule(
        seed=3, consumers=1, deeds=(Action(10.0, "says"), Action(60.0, "says")), faults=(throttled,)
    )
    world = World(schedule)
    _, waited = waits(world)

    assert [] == judge(world).broken
    assert 180 <= waited < 180 + 5
