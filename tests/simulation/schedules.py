"""
What happens in one simulation: who says what and when, and what goes wrong meanwhile.

A schedule is data: it can be printed and pasted into a test. ``SCHEDULES`` is Hypothesis's strategy
for them; it draws what ``make`` throws the dice for, so that it can make a failing one smaller.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from hypothesis import strategies as st

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0

# What partners' wires do wrong. The request does not leave; is refused for the moment; is lost
# on its way; is done and the answer is lost; is done after the caller gave up; takes its time.
NOT_DONE = ("unreachable", "http_503", "busy", "timeout")
DONE_UNKNOWN = ("answer_lost", "done_503", "late")
WIRE_KINDS = (*NOT_DONE, *DONE_UNKNOWN, "slow")

LIVEPERSON_TARGETS = ("domain", "sentinel", "idp", "conversation", "send")
AWS_TARGETS = ("dynamodb", "sqs", "ssm")
FUNCTIONS = (
    "outbound_messaging",
    "channel_delivery",
    "webhook_intake",
    "message_intake",
    "token_refresh",
    "dead_letter_redrive",
    "provider_intake",
)

# The brand's own channel, and the kinds of ready ones.
WEBHOOK = "webhook"
READY = ("telegram", "whatsapp", "twilio", "sinch", "line")


@dataclass(frozen=True)
class Fault:
    """
    From ``start`` on, for ``seconds``, a share of what ``target`` is asked goes wrong.

    A ``kill`` ends a function of that name at one of its next calls to anything; ``throttled``
    lets a message be received for it and not, or late, be given to it; ``undeleted`` lets a handled
    message come back.
    """

    kind: str
    target: str
    start: float
    seconds: float
    rate: float = 1.0
    account: int | None = None

    @property
    def is_for_channel(self) -> bool:
        """Whether it is about the account's channels, or one of them."""
        return self.target.startswith(("channel", WEBHOOK, *READY)) and self.kind in WIRE_KINDS


@dataclass(frozen=True)
class Action:
    """Something that a consumer, an agent or LivePerson does; ``who`` counts consumers."""

    at: float
    what: str
    who: int = 0


@dataclass(frozen=True)
class Schedule:
    """
    All of it, and how many there are of what; ``webhook_seconds`` is how long webhooks take.

    ``channels`` are the kinds of each account's channels, among which its consumers are shared out.
    """

    seed: int
    family: str = "by hand"
    accounts: int = 1
    consumers: int = 2
    workers: int = 3
    receipts: bool = False
    webhook_seconds: float = 1.0
    repeat_webhooks: float = 0.1
    replay_webhooks: float = 0.0
    channels: tuple[str, ...] = (WEBHOOK,)
    deeds: tuple[Action, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the channels; a fault that is about one of them has it as its target."""
        return tuple(
            each if each == WEBHOOK else f"{each}{index}"
            for index, each in enumerate(self.channels)
        )

    def faults_end(self) -> float:
        """When nothing goes wrong any more."""
        return max((each.start + each.seconds for each in self.faults), default=0.0)

    def ends(self) -> float:
        """When nobody does anything any more."""
        return max([self.faults_end(), *(each.at for each in self.deeds)])

    def __str__(self) -> str:
        """Write it as the code that makes it."""
        rows = "".join(f"        {each!r},\n" for each in (*self.deeds,))
        faults = "".join(f"        {each!r},\n" for each in (*self.faults,))
        bare = repr(replace(self, deeds=(), faults=())).removesuffix("deeds=(), faults=())")
        return f"{bare}\n    deeds=(\n{rows}    ),\n    faults=(\n{faults}    ),\n)"


def dice(seed: int | str) -> Random:
    """Give what throws always the same for a seed."""
    return Random(seed)  # noqa: S311 - these are dice, not secrets


def make(chance: Random, seed: int) -> Schedule:
    """Make a schedule; what depends on chance while it is played depends on ``seed``."""
    family = chance.choice([name for name, (weight, _) in _FAMILIES.items() for _ in range(weight)])
    bare = Schedule(
        seed=seed,
        family=family,
        consumers=chance.choice((1, 2, 2, 3, 4)),
        workers=chance.choice((2, 2, 3, 4)),
        receipts=chance.random() < 0.15,
        webhook_seconds=chance.choice((0.05, 0.3, 1.0, 3.0)),
        channels=_channels(chance),
    )
    return _FAMILIES[family][1](bare, chance)


def _channels(chance: Random) -> tuple[str, ...]:
    """Choose one channel or two; one of them a ready one in two schedules of three."""
    ready = chance.choice(READY)
    other = chance.choice((WEBHOOK, WEBHOOK, ready, chance.choice(READY)))
    return chance.choice(((WEBHOOK,), (ready,), (other, ready)))


def _mixed(bare: Schedule, chance: Random) -> Schedule:
    """Make a bad hour: everything fails now and then, in short windows."""
    hour = chance.choice((2 * MINUTE, 10 * MINUTE, HOUR))
    faults = [_any_fault(chance, hour) for _ in range(chance.randint(1, 6))]
    deeds = _chatter(bare, chance, hour, chance.randint(4, 24))
    if chance.random() < 0.3:
        deeds.append(Action(chance.uniform(0, hour), "tokens_revoked"))
    if chance.random() < 0.2:
        deeds.append(Action(chance.uniform(0, hour), "consumer_tokens_revoked"))
    return _with(bare, deeds, faults)


def _quiet(bare: Schedule, chance: Random) -> Schedule:
    """Let nothing go wrong, but the order of things."""
    return _with(bare, _chatter(bare, chance, 10 * MINUTE, chance.randint(5, 30)), [])


def _kills(bare: Schedule, chance: Random) -> Schedule:
    """Cut workers off wherever it hurts."""
    hour = chance.choice((2 * MINUTE, 20 * MINUTE))
    faults = [
        Fault("kill", chance.choice(FUNCTIONS[:2]), 0.0, hour, chance.choice((0.1, 0.3, 0.6)))
        for _ in range(chance.randint(1, 2))
    ]
    if chance.random() < 0.5:
        faults.append(Fault("undeleted", "sqs", 0.0, hour, 0.3))
    if chance.random() < 0.3:
        faults.append(Fault("kill", chance.choice(FUNCTIONS[2:]), 0.0, 3 * HOUR, 0.5))
    if chance.random() < 0.3:
        faults.append(Fault("throttled", chance.choice(FUNCTIONS[:2]), 0.0, hour, 0.3))
    return _with(bare, _chatter(bare, chance, hour, chance.randint(4, 20)), faults)


def _outage(bare: Schedule, chance: Random) -> Schedule:
    """Send a partner away for hours or days."""
    length = chance.choice((HOUR, 5 * HOUR, 20 * HOUR, 1.5 * DAY, 3 * DAY))
    kind = chance.choice(("unreachable", "http_503", "busy", "timeout"))
    target = chance.choice(("liveperson", "liveperson", "channel", "channel", "sentinel"))
    if target == "channel" and chance.random() < 0.5:  # one of the brand's is away, not the other
        target = chance.choice(bare.names)
    start = chance.uniform(0, 10 * MINUTE)
    two_each = 2 * len(bare.channels)
    bare = replace(bare, consumers=max(bare.consumers, two_each), accounts=chance.choice((1, 1, 2)))
    account = 0 if bare.accounts == 2 else None
    faults = [Fault(kind, target, start, length, 1.0, account)]
    deeds = _chatter(bare, chance, 10 * MINUTE, chance.randint(4, 10))
    deeds += _chatter(bare, chance, length + HOUR, chance.randint(4, 16), after=start)
    if chance.random() < 0.5:
        faults.append(_any_fault(chance, length))
        bare = replace(bare, family="outage_and_more")
    return _with(bare, deeds, faults)


def _dead_letters(bare: Schedule, chance: Random) -> Schedule:
    """Fail a lonely consumer for days: among the dead letters, and back."""
    length = chance.choice((1.2 * DAY, 1.6 * DAY, 2.5 * DAY))
    target = chance.choice(("liveperson", "channel"))
    faults = [Fault(chance.choice(NOT_DONE), target, 5.0, length)]
    if chance.random() < 0.6:
        faults.append(
            Fault(chance.choice(("aws_error", "aws_lost")), "sqs", length - HOUR, 6 * HOUR, 0.3)
        )
    if chance.random() < 0.6:
        name = chance.choice(("dead_letter_redrive", "outbound_messaging", "channel_delivery"))
        faults.append(Fault("kill", name, 0.8 * DAY, length, 0.3))
    bare = replace(bare, consumers=1, workers=2)
    deeds = [Action(0.0, "says"), Action(2.0, "agent_says")]
    deeds += _chatter(bare, chance, length + 4 * HOUR, chance.randint(3, 12))
    return _with(bare, deeds, faults)


def _poison(bare: Schedule, chance: Random) -> Schedule:
    """Let one message always fail, or be refused for ever; nobody else should notice."""
    bare = replace(bare, consumers=max(2, bare.consumers))
    poison = chance.choice(("says_poison", "says_refused", "says_mended", "agent_says_refused"))
    deeds = [Action(10.0, poison, 0)]
    return _with(bare, deeds + _chatter(bare, chance, HOUR, chance.randint(5, 25)), [])


def _tokens(bare: Schedule, chance: Random) -> Schedule:
    """Reject tokens in a crowd, while Sentinel is not always there."""
    bare = replace(bare, consumers=4, workers=4)
    deeds = _chatter(bare, chance, HOUR, 30)
    deeds += [Action(chance.uniform(0, HOUR), "tokens_revoked") for _ in range(3)]
    faults = [
        Fault(chance.choice(WIRE_KINDS), "sentinel", chance.uniform(0, HOUR), 20 * MINUTE, 0.7),
        Fault("aws_error", "ssm", chance.uniform(0, HOUR), 10 * MINUTE, 0.7),
        Fault("rejected", "send", chance.uniform(0, HOUR), 5 * MINUTE),
    ]
    return _with(bare, deeds, faults[: chance.randint(1, 3)])


def _early(bare: Schedule, chance: Random) -> Schedule:
    """Lose the answers to openings, and let messages overtake the news of their conversation."""
    faults = [
        Fault(chance.choice(("answer_lost", "done_503", "late")), "conversation", 5.0, MINUTE, 0.8),
        Fault("webhooks_slow", "webhooks", 5.0, 2 * MINUTE, chance.choice((0.3, 0.6))),
        Fault("kill", chance.choice(FUNCTIONS[:2]), 5.0, MINUTE, chance.choice((0.0, 0.3))),
    ]
    deeds = [Action(10.0 + who, "says", who) for who in range(bare.consumers)]
    return _with(bare, deeds + _chatter(bare, chance, 2 * MINUTE, 16, after=10.0), faults)


def _damaged(bare: Schedule, chance: Random) -> Schedule:
    """Lose what the table says of a consumer, and let LivePerson change its mind."""
    damage = ("loses_pointer", "is_forgotten", "agent_reopens", "agent_closes")
    deeds = [
        Action(chance.uniform(0, 10 * MINUTE), chance.choice(damage), who)
        for who in range(bare.consumers)
        for _ in range(3)
    ]
    # An agent's words tell where the open conversation is, after the longest wait for a next try.
    deeds += [Action(HOUR + who, "agent_says", who) for who in range(bare.consumers)]
    return _with(bare, deeds + _chatter(bare, chance, 12 * MINUTE, 24), [])


def _replays(bare: Schedule, chance: Random) -> Schedule:
    """Record webhooks, and post them again days later."""
    bare = replace(bare, replay_webhooks=chance.choice((0.3, 1.0)))
    deeds = _chatter(bare, chance, 10 * MINUTE, 12)
    later = _chatter(bare, chance, DAY, 6, after=8 * DAY)  # too late for a repeat by the channel
    return _with(bare, deeds + [each for each in later if each.what != "repeats"], [])


_FAMILIES = {
    "early": (8, _early),
    "mixed": (50, _mixed),
    "quiet": (6, _quiet),
    "kills": (18, _kills),
    "outage": (10, _outage),
    "dead_letters": (6, _dead_letters),
    "poison": (4, _poison),
    "tokens": (6, _tokens),
    "damaged": (5, _damaged),
    "replays": (3, _replays),
}


def _any_fault(chance: Random, within: float) -> Fault:
    start, seconds = chance.uniform(0, within), chance.choice((5.0, 30.0, 3 * MINUTE, 20 * MINUTE))
    rate = chance.choice((0.2, 0.5, 0.9, 1.0))
    where = chance.choice(("liveperson", "liveperson", "channel", "aws", "kill", "webhooks"))
    if where == "liveperson":
        target = chance.choice((*LIVEPERSON_TARGETS, "send", "send", "conversation"))
        return Fault(chance.choice(WIRE_KINDS), target, start, seconds, rate)
    if where == "channel":
        return Fault(chance.choice(WIRE_KINDS), "channel", start, seconds, rate)
    if where == "aws":
        kind = chance.choice(("aws_error", "aws_lost"))
        return Fault(kind, chance.choice(AWS_TARGETS), start, seconds, min(rate, 0.5))
    if where == "webhooks":
        return Fault("webhooks_slow", "webhooks", start, seconds, rate)
    return Fault("kill", chance.choice(FUNCTIONS), start, seconds, min(rate, 0.5))


_SAYS = ("says",) * 8 + (
    *("says_same", "says_long", "repeats", "closes", "says_refused", "says_mended"),
)
_AGENT = (*("agent_says",) * 6, "agent_says_long")
_AGENT_SELDOM = (
    *("agent_notes", "agent_closes", "agent_reads", "agent_reopens", "foreign", "is_forged"),
)


def _chatter(
    bare: Schedule, chance: Random, within: float, count: int, *, after: float = 0.0
) -> list[Action]:
    everybody = bare.consumers * bare.accounts
    return [
        Action(
            after + chance.uniform(0, within),
            chance.choice(_SAYS if chance.random() < 0.6 else _AGENT + _AGENT_SELDOM),
            chance.randrange(everybody),
        )
        for _ in range(count)
    ]


def _with(bare: Schedule, deeds: list[Action], faults: list[Fault]) -> Schedule:
    ordered = tuple(sorted((_rounded(each) for each in deeds), key=lambda each: each.at))
    rounded = [
        replace(each, start=round(each.start, 1), seconds=round(each.seconds, 1)) for each in faults
    ]
    return replace(bare, deeds=ordered, faults=tuple(rounded))


def _rounded(deed: Action) -> Action:
    return replace(deed, at=round(deed.at, 1))


SCHEDULES = st.builds(make, st.randoms(use_true_random=False), st.integers(0, 2**16))
