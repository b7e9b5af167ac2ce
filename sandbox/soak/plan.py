"""
The plan of a soak: who says what and when, and what breaks when. The same shape, the same plan.

A fault that spoils something said names it by its tag, so it strikes the same words in every run,
however the machine's load shifts them. Services that carry no words have dice with a seed.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.soak import tagged_texts as words

EVENTS_PER_SECOND = 2.0
OTHERS_EVERY_SECONDS = 8.0
TROUBLE_EVERY_SECONDS = 20.0
QUIET_SECONDS = 5.0
"""Nothing big breaks so soon after the beginning or so shortly before the end."""

# Longer than the connector waits for an answer.
LIVEPERSON_TIMES_OUT_MS = 9_000
CHANNEL_TIMES_OUT_MS = 11_000


@dataclass(frozen=True)
class Shape:
    """What a soak is told; everything else follows."""

    seed: int = 1
    minutes: float = 5.0
    consumers: int = 20
    faults: float = 0.1
    """How likely a thing said is spoilt on its way to a partner; 0 is a run without any fault."""

    @property
    def seconds(self) -> float:
        """How long people talk."""
        return self.minutes * 60


@dataclass(frozen=True, order=True)
class Act:
    """Somebody does something: a consumer (`consumer_…`) or the brand's side."""

    at: float
    what: str
    consumer: int = 0
    event_id: str = ""
    text: str = ""
    texts: tuple[str, ...] = ()
    pick: float = 0.0
    """Which one of many: 0 the first, nearly 1 the last."""


@dataclass(frozen=True)
class Hit:
    """A fault that spoils one thing said, once: on its way to `where`."""

    where: str
    """`send`, `webhook_sender` (its webhook) or `channel` (its callback)."""
    tag: str
    kind: str
    status: int = 0
    retry_after: int = 0
    delay_ms: int = 0

    @property
    def leaves_in_doubt(self) -> bool:
        """Whether it is done although the connector gets no answer."""
        return self.kind in {"lost_answer", "reset_after", "slow_answer"}


@dataclass(frozen=True)
class Noise:
    """A fault of a service that carries no words: how likely a request is spoilt."""

    service: str
    kind: str
    probability: float
    seed: int
    status: int = 500
    delay_ms: int = 0


@dataclass(frozen=True)
class Trouble:
    """Something big breaks for a while."""

    at: float
    what: str
    seconds: float = 0.0


@dataclass(frozen=True)
class Plan:
    """Everything that is to happen."""

    shape: Shape
    acts: tuple[Act, ...]
    hits: tuple[Hit, ...]
    noise: tuple[Noise, ...]
    troubles: tuple[Trouble, ...]

    def as_json(self) -> dict[str, Any]:
        """Give it as it is kept with the result."""
        return asdict(self)


TROUBLES = (
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

# How a thing said is spoilt, and how often so. Being slow is rare: the emulator handles one message
# of a queue at a time, so that all others wait as well.
TO_LIVEPERSON = {
    Hit("send", "", "status", status=500): 4,
    Hit("send", "", "status", status=503): 4,
    Hit("send", "", "status", status=503, retry_after=2): 2,
    Hit("send", "", "status", status=429): 3,
    Hit("send", "", "status", status=429, retry_after=3): 3,
    Hit("send", "", "status", status=400): 1,
    Hit("send", "", "reset_before"): 5,
    Hit("send", "", "lost_answer"): 5,
    Hit("send", "", "reset_after"): 3,
    Hit("send", "", "slow_answer", delay_ms=LIVEPERSON_TIMES_OUT_MS): 1,
    Hit("send", "", "slow", delay_ms=1_500): 1,
}
FROM_LIVEPERSON = {
    Hit("webhook_sender", "", "duplicate"): 4,
    Hit("webhook_sender", "", "reorder"): 2,
    Hit("webhook_sender", "", "slow", delay_ms=3_000): 3,
}
TO_CHANNEL = {
    Hit("channel", "", "status", status=500): 4,
    Hit("channel", "", "status", status=503, retry_after=2): 3,
    Hit("channel", "", "status", status=429, retry_after=1): 3,
    Hit("channel", "", "status", status=429): 3,
    Hit("channel", "", "reset_before"): 5,
    Hit("channel", "", "lost_answer"): 5,
    Hit("channel", "", "slow_answer", delay_ms=CHANNEL_TIMES_OUT_MS): 1,
    Hit("channel", "", "refused", status=422): 1,
}
REFUSALS = 4
"""A 400 comes so often in a row: LivePerson will not take this text, whatever is tried."""

WORDLESS = ("domain", "sentinel", "idp", "conversation")
WORDLESS_KINDS: tuple[tuple[str, int, dict[str, int]], ...] = (
    ("status", 3, {"status": 500}),
    ("status", 2, {"status": 429}),
    ("reset_before", 2, {}),
    ("lost_answer", 2, {}),
    ("slow_answer", 1, {"delay_ms": LIVEPERSON_TIMES_OUT_MS}),
)


def make_plan(shape: Shape) -> Plan:
    """Write the plan of a shape."""
    seed = f"{shape.seed} {shape.minutes} {shape.consumers} {shape.faults}"
    dice = random.Random(seed)  # noqa: S311  (repeatable, not secret)
    acts = sorted([*_talk(shape, dice), *_others(shape, dice)])
    return Plan(
        shape=shape,
        acts=tuple(acts),
        hits=tuple(_hits(shape, acts, dice)),
        noise=tuple(_noise(shape, dice)),
        troubles=tuple(_troubles(shape, dice)),
    )


# ── What people do ──


@dataclass
class _Talk:
    """What one consumer has said so far, and what was answered."""

    consumer: int
    said: list[Act] = field(default_factory=list)
    answers: int = 0
    notes: int = 0


def _talk(shape: Shape, dice: random.Random) -> Iterator[Act]:
    pause = shape.consumers / EVENTS_PER_SECOND
    for consumer in range(1, shape.consumers + 1):
        talk = _Talk(consumer)
        at = dice.uniform(0, min(pause, shape.seconds / 4))
        while at < shape.seconds:
            said = _say(talk, at, dice)
            yield said
            if said.what == "consumer_text":
                yield from _answer(talk, at, dice)
            at += dice.uniform(0.2, 1.8) * pause


def _say(talk: _Talk, at: float, dice: random.Random) -> Act:
    event_id = f"m-{len(talk.said) + 1}"
    tag = f"c{talk.consumer}-{len(talk.said) + 1}"
    chance = dice.random()
    if not talk.said or chance < 0.76:
        said = Act(at, "consumer_text", talk.consumer, event_id, words.short(tag, dice))
    elif chance < 0.81:
        said = Act(at, "consumer_text", talk.consumer, event_id, words.long(tag, dice))
    elif chance < 0.88:
        return replace(dice.choice(talk.said), at=at, what="consumer_repeats")
    else:
        others = ("typing", "typing", "profile", "receipt", "receipt", "close")
        return Act(at, f"consumer_{dice.choice(others)}", talk.consumer, f"o-{at:.3f}")
    talk.said.append(said)
    return said


def _answer(talk: _Talk, at: float, dice: random.Random) -> Iterator[Act]:
    while dice.random() < 0.5:
        talk.answers += 1
        text = words.short(f"a{talk.consumer}-{talk.answers}", dice)
        yield Act(at + dice.uniform(0.5, 5), "agent_text", talk.consumer, text=text)
    if dice.random() < 0.1:
        talk.notes += 1
        text = words.short(f"n{talk.consumer}-{talk.notes}", dice)
        yield Act(at + dice.uniform(0.5, 5), "agent_note", talk.consumer, text=text)
    if dice.random() < 0.04:
        yield Act(at + dice.uniform(2, 8), "agent_closes", talk.consumer)


def _others(shape: Shape, dice: random.Random) -> Iterator[Act]:
    """Let other channels' conversations go by, and LivePerson send again what it has sent."""
    for number in range(1, int(shape.seconds / OTHERS_EVERY_SECONDS) + 1):
        at = dice.uniform(0, shape.seconds)
        texts = [words.short(f"f{number}-{n}", dice) for n in range(dice.randint(1, 4))]
        yield Act(at, "foreign_conversation", texts=tuple(texts))
        yield Act(dice.uniform(0, shape.seconds), "webhook_again", pick=dice.random())


# ── What breaks ──


def _hits(shape: Shape, acts: list[Act], dice: random.Random) -> Iterator[Hit]:
    for act in acts:
        if act.what == "consumer_text":
            tag = words.tags(act.text)[0]
            yield from _spoil(tag, TO_LIVEPERSON, shape.faults, dice)
            yield from _spoil(tag, FROM_LIVEPERSON, shape.faults / 3, dice)
        elif act.what == "agent_text":
            tag = words.tags(act.text)[0]
            yield from _spoil(tag, FROM_LIVEPERSON, shape.faults / 2, dice)
            yield from _spoil(tag, TO_CHANNEL, shape.faults, dice)


def _spoil(tag: str, ways: dict[Hit, int], likely: float, dice: random.Random) -> Iterator[Hit]:
    """Spoil the first try of something said; sometimes the second too, and so on."""
    while dice.random() < likely:
        [way] = dice.choices(list(ways), list(ways.values()))
        yield from [replace(way, tag=tag)] * (REFUSALS if way.status == 400 else 1)


def _noise(shape: Shape, dice: random.Random) -> Iterator[Noise]:
    every = sum(weight for _, weight, _ in WORDLESS_KINDS)
    for service in WORDLESS:
        for kind, weight, more in WORDLESS_KINDS:
            likely = shape.faults * weight / every
            if likely:
                yield Noise(service, kind, likely, dice.randrange(2**31), **more)


def _troubles(shape: Shape, dice: random.Random) -> Iterator[Trouble]:
    """Deal the big troubles one after the other: each once, before any comes again."""
    span = shape.seconds - 2 * QUIET_SECONDS
    if not shape.faults or span <= 0:
        return
    rounds = max(1, round(span / (TROUBLE_EVERY_SECONDS * len(TROUBLES))))
    every = span / (rounds * len(TROUBLES))
    deck = [what for _ in range(rounds) for what in dice.sample(TROUBLES, len(TROUBLES))]
    for number, what in enumerate(deck):
        at = QUIET_SECONDS + (number + dice.random() * 0.5) * every
        low, high = FROZEN if what == "aws_frozen" else LASTING.get(what, (0, 0))
        yield Trouble(round(at, 3), what, round(dice.uniform(low, high), 3))
