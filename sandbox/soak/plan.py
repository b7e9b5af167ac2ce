"""
The plan of a soak: every action and every fault with its time. The same shape, the same plan.

A fault of a message names the message's tag, so it spoils the same message in every run, whatever
the machine's load. Faults of services whose requests carry no tag are random, with a seed.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.soak import tagged_texts

EVENTS_PER_SECOND = 2.0
OTHERS_EVERY_SECONDS = 8.0
DISRUPTION_EVERY_SECONDS = 20.0
QUIET_SECONDS = 5.0
"""No disruption begins within this time of the beginning or the end."""

# Longer than the connector waits for an answer.
LIVEPERSON_TIMES_OUT_MS = 9_000
CHANNEL_TIMES_OUT_MS = 11_000


@dataclass(frozen=True)
class Shape:
    """What a plan is made from."""

    seed: int = 1
    minutes: float = 5.0
    consumers: int = 20
    faults: float = 0.1
    """The probability that a message is spoilt on its way to a partner; 0 means no fault at all."""

    @property
    def seconds(self) -> float:
        """How long conversations go on."""
        return self.minutes * 60


@dataclass(frozen=True, order=True)
class Action:
    """One action of a consumer (`consumer_…`) or of the brand's side."""

    at: float
    what: str
    consumer: int = 0
    event_id: str = ""
    text: str = ""
    texts: tuple[str, ...] = ()
    pick: float = 0.0
    """Which one of many: 0 is the first, nearly 1 the last."""


@dataclass(frozen=True)
class PlannedFault:
    """A fault that spoils one message once, on its way to `where`."""

    where: str
    """`send`, `webhook_sender` (its webhook) or `channel` (its callback)."""
    tag: str
    kind: str
    status: int = 0
    retry_after: int = 0
    delay_ms: int = 0


@dataclass(frozen=True)
class RandomFault:
    """A fault of a service whose requests carry no tag, with its probability per request."""

    service: str
    kind: str
    probability: float
    seed: int
    status: int = 500
    delay_ms: int = 0


@dataclass(frozen=True)
class Disruption:
    """A failure of a whole partner, worker or service, for a while."""

    at: float
    what: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Every action and every fault."""

    shape: Shape
    actions: tuple[Action, ...]
    planned_faults: tuple[PlannedFault, ...]
    random_faults: tuple[RandomFault, ...]
    disruptions: tuple[Disruption, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the plan as it is stored with the result."""
        return asdict(self)


DISRUPTIONS = (
    "liveperson_down",
    "channel_down",
    "liveperson_busy",
    "tokens_revoked",
    "consumer_tokens_revoked",
    "kill_outbound_messaging_before",
    "kill_outbound_messaging_after",
    "kill_channel_delivery",
    "kill_intakes",
    "aws_frozen",
)
LASTING = {"liveperson_down": (3, 8), "channel_down": (3, 8), "liveperson_busy": (3, 6)}
FROZEN = (3, 7)

# How a message is spoilt, with weights. Slowness is rare: the emulator handles one message of a
# queue at a time, so all others wait as well.
TO_LIVEPERSON = {
    PlannedFault("send", "", "status", status=500): 4,
    PlannedFault("send", "", "status", status=503): 4,
    PlannedFault("send", "", "status", status=503, retry_after=2): 2,
    PlannedFault("send", "", "status", status=429): 3,
    PlannedFault("send", "", "status", status=429, retry_after=3): 3,
    PlannedFault("send", "", "status", status=400): 1,
    PlannedFault("send", "", "reset_before"): 5,
    PlannedFault("send", "", "lost_answer"): 5,
    PlannedFault("send", "", "reset_after"): 3,
    PlannedFault("send", "", "slow_answer", delay_ms=LIVEPERSON_TIMES_OUT_MS): 1,
    PlannedFault("send", "", "slow", delay_ms=1_500): 1,
}
FROM_LIVEPERSON = {
    PlannedFault("webhook_sender", "", "duplicate"): 4,
    PlannedFault("webhook_sender", "", "reorder"): 2,
    PlannedFault("webhook_sender", "", "slow", delay_ms=3_000): 3,
}
TO_CHANNEL = {
    PlannedFault("channel", "", "status", status=500): 4,
    PlannedFault("channel", "", "status", status=503, retry_after=2): 3,
    PlannedFault("channel", "", "status", status=429, retry_after=1): 3,
    PlannedFault("channel", "", "status", status=429): 3,
    PlannedFault("channel", "", "reset_before"): 5,
    PlannedFault("channel", "", "lost_answer"): 5,
    PlannedFault("channel", "", "slow_answer", delay_ms=CHANNEL_TIMES_OUT_MS): 1,
    PlannedFault("channel", "", "refused", status=422): 1,
}
REFUSALS = 4
"""How often in a row a 400 is answered: LivePerson refuses this text for good."""

WORDLESS = ("domain", "sentinel", "idp", "conversation")
WORDLESS_KINDS: tuple[tuple[str, int, dict[str, int]], ...] = (
    ("status", 3, {"status": 500}),
    ("status", 2, {"status": 429}),
    ("reset_before", 2, {}),
    ("lost_answer", 2, {}),
    ("slow_answer", 1, {"delay_ms": LIVEPERSON_TIMES_OUT_MS}),
)


def make_plan(shape: Shape) -> Plan:
    """Return the plan of a shape."""
    seed = f"{shape.seed} {shape.minutes} {shape.consumers} {shape.faults}"
    rng = random.Random(seed)  # noqa: S311  (repeatable, not secret)
    actions = sorted([*_talk(shape, rng), *_others(shape, rng)])
    return Plan(
        shape=shape,
        actions=tuple(actions),
        planned_faults=tuple(_planned_faults(shape, actions, rng)),
        random_faults=tuple(_random_faults(shape, rng)),
        disruptions=tuple(_disruptions(shape, rng)),
    )


# ── Actions ──


@dataclass
class _Talk:
    """What one consumer has said so far, and how often agents answered."""

    consumer: int
    said: list[Action] = field(default_factory=list)
    answers: int = 0
    notes: int = 0


def _talk(shape: Shape, rng: random.Random) -> Iterator[Action]:
    pause = shape.consumers / EVENTS_PER_SECOND
    for consumer in range(1, shape.consumers + 1):
        talk = _Talk(consumer)
        at = rng.uniform(0, min(pause, shape.seconds / 4))
        while at < shape.seconds:
            said = _say(talk, at, rng)
            yield said
            if said.what == "consumer_text":
                yield from _answer(talk, at, rng)
            at += rng.uniform(0.2, 1.8) * pause


def _say(talk: _Talk, at: float, rng: random.Random) -> Action:
    event_id = f"m-{len(talk.said) + 1}"
    tag = f"c{talk.consumer}-{len(talk.said) + 1}"
    chance = rng.random()
    if not talk.said or chance < 0.76:
        said = Action(at, "consumer_text", talk.consumer, event_id, tagged_texts.short(tag, rng))
    elif chance < 0.81:
        said = Action(at, "consumer_text", talk.consumer, event_id, tagged_texts.long(tag, rng))
    elif chance < 0.88:
        return replace(rng.choice(talk.said), at=at, what="consumer_repeats")
    else:
        others = ("typing", "typing", "profile", "receipt", "receipt", "close")
        return Action(at, f"consumer_{rng.choice(others)}", talk.consumer, f"o-{at:.3f}")
    talk.said.append(said)
    return said


def _answer(talk: _Talk, at: float, rng: random.Random) -> Iterator[Action]:
    while rng.random() < 0.5:
        talk.answers += 1
        text = tagged_texts.short(f"a{talk.consumer}-{talk.answers}", rng)
        yield Action(at + rng.uniform(0.5, 5), "agent_text", talk.consumer, text=text)
    if rng.random() < 0.1:
        talk.notes += 1
        text = tagged_texts.short(f"n{talk.consumer}-{talk.notes}", rng)
        yield Action(at + rng.uniform(0.5, 5), "agent_note", talk.consumer, text=text)
    if rng.random() < 0.04:
        yield Action(at + rng.uniform(2, 8), "agent_closes", talk.consumer)


def _others(shape: Shape, rng: random.Random) -> Iterator[Action]:
    """Return other channels' conversations, and webhooks that LivePerson sends again."""
    for number in range(1, int(shape.seconds / OTHERS_EVERY_SECONDS) + 1):
        at = rng.uniform(0, shape.seconds)
        texts = [tagged_texts.short(f"f{number}-{n}", rng) for n in range(rng.randint(1, 4))]
        yield Action(at, "foreign_conversation", texts=tuple(texts))
        yield Action(rng.uniform(0, shape.seconds), "webhook_again", pick=rng.random())


# ── Faults ──


def _planned_faults(
    shape: Shape, actions: list[Action], rng: random.Random
) -> Iterator[PlannedFault]:
    for action in actions:
        if action.what == "consumer_text":
            tag = tagged_texts.tags(action.text)[0]
            yield from _spoil(tag, TO_LIVEPERSON, shape.faults, rng)
            yield from _spoil(tag, FROM_LIVEPERSON, shape.faults / 3, rng)
        elif action.what == "agent_text":
            tag = tagged_texts.tags(action.text)[0]
            yield from _spoil(tag, FROM_LIVEPERSON, shape.faults / 2, rng)
            yield from _spoil(tag, TO_CHANNEL, shape.faults, rng)


def _spoil(
    tag: str, ways: dict[PlannedFault, int], likely: float, rng: random.Random
) -> Iterator[PlannedFault]:
    """Return faults for the first attempt to deliver a message, sometimes also for later ones."""
    while rng.random() < likely:
        [way] = rng.choices(list(ways), list(ways.values()))
        yield from [replace(way, tag=tag)] * (REFUSALS if way.status == 400 else 1)


def _random_faults(shape: Shape, rng: random.Random) -> Iterator[RandomFault]:
    every = sum(weight for _, weight, _ in WORDLESS_KINDS)
    for service in WORDLESS:
        for kind, weight, more in WORDLESS_KINDS:
            likely = shape.faults * weight / every
            if likely:
                yield RandomFault(service, kind, likely, rng.randrange(2**31), **more)


def _disruptions(shape: Shape, rng: random.Random) -> Iterator[Disruption]:
    """Return the disruptions, one after the other: each kind once before any comes again."""
    span = shape.seconds - 2 * QUIET_SECONDS
    if not shape.faults or span <= 0:
        return
    rounds = max(1, round(span / (DISRUPTION_EVERY_SECONDS * len(DISRUPTIONS))))
    every = span / (rounds * len(DISRUPTIONS))
    deck = [what for _ in range(rounds) for what in rng.sample(DISRUPTIONS, len(DISRUPTIONS))]
    for number, what in enumerate(deck):
        at = QUIET_SECONDS + (number + rng.random() * 0.5) * every
        low, high = FROZEN if what == "aws_frozen" else LASTING.get(what, (0, 0))
        yield Disruption(round(at, 3), what, round(rng.uniform(low, high), 3))
