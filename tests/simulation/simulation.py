"""One schedule, played from its first deed until everything has come to rest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest.mock import patch

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.channel.adapters.interface import WebhookRequest
from liveperson_connector.domain.accounts import ChannelSettings
from liveperson_connector.domain.conversations import Conversation as Known
from liveperson_connector.domain.errors import ConnectorError, transient_reasons
from liveperson_connector.domain.pseudonyms import consumer_key
from liveperson_connector.domain.queue_messages import MOST_REDRIVES
from liveperson_connector.entrypoints.container import Container
from liveperson_connector.flows.dead_letter_redrive import CUT_OFF
from liveperson_connector.telemetry import outcomes
from sandbox.providers.stand_in import Seen
from tests.support.accounts import ACCOUNT, SALT
from tests.support.webhooks import signed_webhook

from . import fake_partners as partners
from .connector import (
    DEAD_EVENTS,
    DEAD_NOTIFICATIONS,
    EVENTS,
    NOTIFICATIONS,
    PREFIX,
    REFRESHES,
    TIMERS,
    Partner,
    Surroundings,
    new_container,
    parameters_of,
)
from .fake_http import Wire, plainly
from .fake_partners import Channel, LivePerson
from .faults import Faults
from .providers import Provider, Providers
from .runtime import Lambda, PendingRequest, RetryingClient, scheduled_redrive, scheduled_refresh
from .scheduler import START, Scheduler
from .schedules import DAY, HOUR, MINUTE, WEBHOOK, Action, Fault, Schedule, dice
from .services import Client, Fifo, Message, Sqs, Ssm
from .table import Table

ACCOUNTS = (ACCOUNT, "55555555")

# Longer than five rounds through the dead letters take.
_PATIENCE = 9 * DAY
_LONGEST_PAUSE = 300.0
_REPEAT_AFTER = (0.5, 2.0, 30.0, 400.0, 4000.0)
_REPLAY_AFTER = (4.9 * DAY, 5.2 * DAY, 8 * DAY)
_LAST_WORDS = 3
_LAST_WORDS_APART = 1.5 * HOUR


@dataclass
class Event:
    """
    A consumer event, as its channel knows it.

    ``mended`` is what the channel says instead, under the same id, when it is told that the event
    failed. ``accepted`` are the times of its 202s, ``posts`` all tries to post it: one that got no
    202 may be queued all the same. ``webhook`` is the provider's, for one of a ready channel.
    """

    event_id: str
    number: str
    who: int
    kind: str
    text: str
    posted_at: float
    accepted_at: float | None = None
    order: int = -1
    mended: str = ""
    accepted: list[float] = field(default_factory=list)
    posts: int = 0
    webhook: WebhookRequest | None = None


Placed = tuple[tuple[str, int], str]
"""A text, and where it was said: in which conversation, under which number."""


@dataclass(frozen=True)
class Told:
    """
    A message at its consumer: where it stands in LivePerson, ``None`` if it was never said there.

    ``piece`` is where its text begins in the message; a ``webhook`` channel gets it whole.
    """

    at: float
    who: int | None
    place: tuple[str, int] | None
    text: str
    piece: int = 0


@dataclass
class World:
    """Everything there is in one simulation."""

    schedule: Schedule
    outcomes: Counter[str] = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)
    heard_at: dict[tuple[str, int], float] = field(default_factory=dict)
    transient_dead_letters: int = 0
    events: dict[str, Event] = field(default_factory=dict)

    def __post_init__(self) -> None:
        schedule = self.schedule
        self.chance = dice(schedule.seed)
        self.kernel = Scheduler()
        self.account_ids = list(ACCOUNTS[: schedule.accounts])
        self.faults = Faults(schedule, self.kernel, self.account_ids)
        self.table = Table()
        self.queues = {
            name: Fifo(name, self.kernel) for name in (EVENTS, NOTIFICATIONS, REFRESHES, TIMERS)
        }
        for name, dead in ((EVENTS, DEAD_EVENTS), (NOTIFICATIONS, DEAD_NOTIFICATIONS)):
            self.queues[dead] = Fifo(dead, self.kernel, visibility=360.0)
            self.queues[name].dead_letters = self.queues[dead]
        self.functions = Lambda(self.kernel, self.faults, self._new_container)
        self.liveperson = LivePerson(self.kernel, self.faults, self.chance, self._send_webhook)
        self.channel = Channel(self.kernel, self._channel_keys())
        self.channel.on_failed = self._mend
        self.providers = Providers(self.kernel, list(self._providers()))
        self.providers.on_seen = self._report
        self._around = self._surroundings()
        self.webhooks = RetryingClient(self.kernel, self.functions, "webhook_intake", _backing_off)
        self.posts = RetryingClient(
            self.kernel, self.functions, "message_intake", lambda _tries: 5.0
        )
        self.provider_posts = RetryingClient(
            self.kernel, self.functions, "provider_intake", lambda _tries: 5.0
        )
        self._map_queues()
        self._accepted = 0
        self.rest_at = 0.0
        self.moving = ""

    # ── Building ──

    def _providers(self) -> Iterator[Provider]:
        names = zip(self.schedule.names, self.schedule.channels, strict=True)
        ready = [(name, kind) for name, kind in names if kind != WEBHOOK]
        places = [(account_id, *each) for account_id in self.account_ids for each in ready]
        return (Provider(*place, nth) for nth, place in enumerate(places, 1))

    def _surroundings(self) -> Surroundings:
        parameters: dict[str, str] = {}
        for each in self.account_ids:
            parameters |= parameters_of(each, receipts=self.schedule.receipts)
        for provider in self.providers:
            name = f"{PREFIX}/accounts/{provider.account_id}/channels/{provider.name}"
            parameters[name] = provider.parameter(receipts=self.schedule.receipts)
        services = {
            "dynamodb": self.table,
            "sqs": Sqs(self.queues, self.kernel, self.faults),
            "ssm": Ssm(parameters),
            "lambda": self.functions,
        }
        clients = {
            name: Client(name, service, self.kernel, self.faults)
            for name, service in services.items()
        }
        return Surroundings(
            self.kernel,
            self.chance,
            clients,
            self.liveperson,
            self.channel,
            self._new_wire,
            self.providers,
        )

    def _new_container(self) -> Container:
        return new_container(self._around)

    def _new_wire(self, partner: Partner) -> Wire:
        refuse = partner.refuse if isinstance(partner, Providers) else plainly
        return Wire(
            self.kernel,
            self.faults,
            partner.route,
            partner.receive,
            unlucky=partner.unlucky,
            refuse=refuse,
        )

    def _channel_keys(self) -> dict[str, bytes]:
        texts = {
            each: parameters_of(each, receipts=False)[f"/simulated/accounts/{each}/channel"]
            for each in self.account_ids
        }
        return {
            each: ChannelSettings.parse(text, parameter="channel").signing_key
            for each, text in texts.items()
        }

    def _map_queues(self) -> None:
        workers, functions = self.schedule.workers, self.functions
        queues = self.queues
        functions.map(
            queues[EVENTS], "outbound_messaging", lambda each: each.outbound_messaging, workers
        )
        functions.map(
            queues[NOTIFICATIONS], "channel_delivery", lambda each: each.channel_delivery, workers
        )
        functions.map(queues[REFRESHES], "token_refresh", lambda each: each.failed_refreshes, 1)

    # ── Who is who ──

    def account_of(self, who: int) -> str:
        """Name the account of a consumer."""
        return self.account_ids[who % len(self.account_ids)]

    def channel_of(self, who: int) -> str:
        """Name the channel of a consumer."""
        names = self.schedule.names
        return names[who // len(self.account_ids) % len(names)]

    def provider_of(self, who: int) -> Provider | None:
        """Find the provider of a consumer; ``None`` for one of a ``webhook`` channel."""
        name = self.channel_of(who)
        return None if name == WEBHOOK else self.providers.of(self.account_of(who), name)

    def by_provider(self) -> dict[str, Provider]:
        """Find the provider of everybody who has one, by the consumer's key."""
        found = {self.key_of(who): self.provider_of(who) for who in self.consumers()}
        return {key: provider for key, provider in found.items() if provider}

    def person(self, who: int) -> str:
        """Name a consumer as a provider knows him: the same persons are on every channel."""
        return f"person {who // len(self.account_ids) // len(self.schedule.names)}"

    def consumer_id(self, who: int) -> str:
        """Name a consumer as its channel does."""
        provider = self.provider_of(who)
        if provider is None:
            return f"+49151{who:04}"
        return f"{provider.name}:{provider.stand_in.person_id(self.person(who))}"

    def key_of(self, who: int) -> str:
        """Name a consumer as LivePerson does."""
        channel = self.channel_of(who)
        ready = "" if channel == WEBHOOK else channel
        return consumer_key(SALT, self.account_of(who), self.consumer_id(who), ready)

    def consumers(self) -> range:
        """Count everybody."""
        return range(self.schedule.consumers * self.schedule.accounts)

    # ── Playing ──

    def play(self) -> None:
        """Let everything happen, and come to rest."""
        with observing(self), listening(self):
            try:
                self._play()
            finally:
                self.kernel.close()

    def _play(self) -> None:
        self._schedule_functions()
        for number, deed in enumerate(self.schedule.deeds):
            self.kernel.at(START + deed.at, partial(self._do, deed, f"{number}"))
        self.kernel.run(START + self.schedule.ends())
        self.kernel.run(START + self.schedule.ends() + _PATIENCE, idle=self.is_at_rest)
        self.rest_at = self.kernel.now
        self.moving = "" if self.is_at_rest() else self._what_moves()
        self._say_last_words()

    def _say_last_words(self) -> None:
        """See whether the connector is as good as new: everybody says something once more."""
        for turn in range(_LAST_WORDS):
            at = self.rest_at + 1 + turn * _LAST_WORDS_APART
            for who in self.consumers():
                self.kernel.at(
                    at, partial(self._do, Action(at - START, "says", who), f"last{turn}")
                )
                deed = Action(at - START, "agent_says", who)
                self.kernel.at(at + 30, partial(self._do, deed, f"last{turn}"))
        self.kernel.run(self.rest_at + _LAST_WORDS * _LAST_WORDS_APART)

    def _schedule_functions(self) -> None:
        self._every(20 * MINUTE, 0.0, "token_refresh", scheduled_refresh)
        first = self.chance.uniform(0, HOUR)
        self._every(HOUR, first, "dead_letter_redrive", scheduled_redrive)

    def _every(self, seconds: float, first: float, function: str, work: Any) -> None:
        def run() -> None:
            self.functions.call(function, work, then=then)
            self.kernel.later(seconds, run)

        def then(ok: bool) -> None:
            if (
                not ok and function == "token_refresh" and not self.kernel.is_closing
            ):  # Lambda keeps what failed
                body = json.dumps({"requestPayload": {}})
                self.queues[REFRESHES].put(body, f"run-{self.kernel.now}", "", {})

        self.kernel.later(first, run)

    def is_at_rest(self) -> bool:
        """Whether nothing is left to do, except what needs a person."""
        return (
            not self.functions.running
            and not self.posts.outstanding
            and not self.provider_posts.outstanding
            and not self.webhooks.outstanding
            and not any(self.queues[name].groups for name in (EVENTS, NOTIFICATIONS, REFRESHES))
            and all(map(needs_person, self.dead_letters()))
        )

    def _what_moves(self) -> str:
        waiting = {name: len(queue.messages) for name, queue in self.queues.items()}
        return f"{waiting} {self.functions.running} running, {self.webhooks.outstanding} webhooks"

    def dead_letters(self) -> list[Message]:
        """Give every dead letter."""
        return self.queues[DEAD_EVENTS].messages + self.queues[DEAD_NOTIFICATIONS].messages

    @property
    def is_disturbed(self) -> bool:
        """Whether anything went wrong, records that were lost included."""
        lost = {"loses_pointer", "is_forgotten"}
        return bool(self.schedule.faults) or any(x.what in lost for x in self.schedule.deeds)

    def groups_active(self, fault: Fault) -> dict[tuple[str, str], int]:
        """
        Count who had something to say early in an outage, by whom one circuit breaker is for.

        That is an account's channel, and for LivePerson the account.
        """
        start = START + fault.start
        early = start + fault.seconds / 4
        if fault.target == "sentinel":  # the last token is good for an hour
            start += HOUR
        if fault.is_for_channel:
            channels = {self.key_of(who): self.channel_of(who) for who in self.consumers()}
            spoke = {
                (each.account_id, channels[each.consumer_key], each.conversation_id)
                for each, line in self.liveperson.spoken
                if each.is_ours
                and line.role != "CONSUMER"
                and line.audience == "ALL"
                and start <= line.at <= early
            }
        else:
            spoke = {
                (self.account_of(each.who), "", str(each.who))
                for each in self.events.values()
                if start <= each.posted_at <= early
            }
        return Counter((account_id, channel) for account_id, channel, _ in spoke)

    # ── Deeds ──

    def _do(self, deed: Action, number: str) -> None:
        {
            "says": self._says,
            "says_same": self._says,
            "says_long": self._says,
            "says_refused": self._says,
            "says_mended": self._says,
            "says_unlucky": self._says,
            "says_poison": self._says,
            "closes": self._says,
            "repeats": self._repeats,
            "agent_says": self._agent,
            "agent_says_long": self._agent,
            "agent_says_refused": self._agent,
            "agent_notes": self._agent,
            "agent_closes": self._agent,
            "agent_reads": self._agent,
            "agent_reopens": lambda deed, _: self.liveperson.reopen(self.key_of(deed.who)),
            "loses_pointer": self._loses_pointer,
            "is_forgotten": self._is_forgotten,
            "foreign": self._agent,
            "is_forged": self._is_forged,
            "tokens_revoked": lambda *_: self.liveperson.revoke_tokens(),
            "consumer_tokens_revoked": lambda *_: self.liveperson.revoke_consumer_tokens(),
        }[deed.what](deed, number)

    def _says(self, deed: Action, number: str) -> None:
        provider, text = self.provider_of(deed.who), _words(deed, number)
        kind = "close" if deed.what == "closes" and not provider else "text"
        event = Event(f"e-{deed.who}-{number}", number, deed.who, kind, text, self.kernel.now)
        if provider:
            event.webhook, event.event_id = provider.says(self.person(deed.who), text)
        elif deed.what == "says_mended":
            event.mended = text.replace(partners.REFUSED_WORD, partners.MENDED_WORD)
        self.events[event.event_id] = event
        self._post(event)

    def _mend(self, event_id: str) -> None:
        """Say at once what LivePerson takes, in place of what it refused, under the same id."""
        event = self.events[event_id]
        if event.mended and event.text != event.mended:
            event.text, event.posted_at, event.accepted_at = event.mended, self.kernel.now, None
            self._post(event)

    def _repeats(self, deed: Action, _number: str) -> None:
        earlier = [
            each
            for each in self.events.values()
            if each.who == deed.who and partners.POISON_WORD not in each.text
        ]
        if earlier:
            self._post(self.chance.choice(earlier))

    def _post(self, event: Event) -> None:
        if event.webhook:
            self._post_to_intake(event, event.webhook)
            return
        raw: dict[str, Any] = {"id": event.event_id, "type": event.kind}
        if event.kind == "text":
            raw["text"] = event.text
        body = json.dumps(raw).encode()
        account_id, consumer_id = self.account_of(event.who), self.consumer_id(event.who)

        def post(container: Container) -> object:
            event.posts += 1
            return container.message_intake.accept(account_id, consumer_id, body)

        text = event.text
        self.posts.post(f"{event.who}", PendingRequest(post, lambda: self._accept(event, text)))

    def _accept(self, event: Event, text: str) -> None:
        """Note that an event, as it was then, is the connector's from now on."""
        event.accepted.append(self.kernel.now)
        if event.accepted_at is None and event.text == text:
            self._accepted += 1
            event.accepted_at, event.order = self.kernel.now, self._accepted

    def _agent_words(self, deed: Action, number: str) -> str:
        if deed.what == "agent_says_long":  # several messages, whatever the provider
            return " ".join(f"answer.{number}.{index:04}" for index in range(700))
        refused = partners.REFUSED_WORD if deed.what == "agent_says_refused" else ""
        return f"answer {number} {refused}".strip()

    def _agent(self, deed: Action, number: str) -> None:
        if deed.what == "foreign":
            self.liveperson.foreign(self.account_of(deed.who), f"foreign {number}")
            return
        conversation = self.liveperson.open_of(self.key_of(deed.who))
        if conversation is None:
            return
        if deed.what == "agent_closes":
            self.liveperson.close(conversation)
        elif deed.what == "agent_reads":
            self.liveperson.agent_reads(conversation)
        elif deed.what == "agent_notes":
            audience = self.chance.choice(("AGENTS_AND_MANAGERS", "SOMEBODY_NEW"))
            self.liveperson.agent_says(conversation, f"private {number}", audience)
        else:
            self.liveperson.agent_says(conversation, self._agent_words(deed, number))

    # ── Providers ──

    def _post_to_intake(self, event: Event, request: WebhookRequest) -> None:
        """Post what a person said, and perhaps once more although it was taken."""

        def taken() -> None:
            self._accept(event, event.text)
            if self.chance.random() < self.schedule.repeat_webhooks:
                pause = self.chance.choice(_REPEAT_AFTER)
                self._post_webhook(f"again {self.kernel.now}", request, who=event.who, after=pause)

        self._post_webhook(f"{event.who}", request, who=event.who, taken=taken)

    def _post_webhook(
        self,
        lane: str,
        request: WebhookRequest,
        *,
        who: int,
        after: float = 0.0,
        taken: Any = lambda: None,
    ) -> None:
        account_id, name = self.account_of(who), self.channel_of(who)
        if self.faults.strikes("webhooks", kinds="webhooks_slow"):
            after += self.chance.uniform(5, 90)
        post = partial(_receive, account_id, name, request)
        parcel = PendingRequest(post, taken, ready_at=self.kernel.now + after)
        self.provider_posts.post(lane, parcel)

    def _report(self, provider: Provider, seen: Seen) -> None:
        """Let a provider tell soon that a person has a message, if it does; now and then twice."""
        request = provider.reports(seen) if seen.kind == "text" else None
        if request is None:
            return
        who = next(
            each
            for each in self.consumers()
            if self.provider_of(each) is provider and self.person(each) == seen.person
        )
        pauses = [self.chance.uniform(0, 3)]
        if self.chance.random() < self.schedule.repeat_webhooks:
            pauses.append(self.chance.choice(_REPEAT_AFTER))
        for pause in pauses:
            self._post_webhook(f"report {seen.id} {pause}", request, who=who, after=pause)

    def _is_forged(self, deed: Action, number: str) -> None:
        """Let a stranger post a webhook, and another channel of the same kind post its own."""
        provider = self.provider_of(deed.who)
        if provider is None:
            return
        person, text = self.person(deed.who), f"forged {number}"
        others = [x for x in self.providers if x is not provider and x.kind == provider.kind]
        forged = [provider.unproven(person, text)]
        forged += [each.says(person, text)[0] for each in others]
        for each in forged:
            request = replace(each, url=provider.address)
            post = partial(_receive, provider.account_id, provider.name, request)
            self.functions.call("provider_intake", post, then=self._no_stranger)

    def _no_stranger(self, believed: bool) -> None:
        if believed:
            self.providers.problems.append("a webhook without its proof was believed")

    def told(self) -> list[Told]:
        """Return what agents told consumers, on every channel, as it came."""
        return [*self._called_back(), *self._shown()]

    def _called_back(self) -> Iterator[Told]:
        known = {(self.account_of(who), self.consumer_id(who)): who for who in self.consumers()}
        for each in self.channel.callbacks:
            body = each.body
            if body["type"] == "message":
                who = known.get((body["account_id"], body["consumer_id"]))
                place = (body["conversation_id"], body["sequence"])
                yield Told(each.at, who, place, body["content"]["text"])

    def _shown(self) -> Iterator[Told]:
        lines: dict[str, list[Placed]] = {}
        for conversation, line in self.liveperson.spoken:
            place = (conversation.conversation_id, line.sequence)
            lines.setdefault(conversation.consumer_key, []).append((place, line.text))
        for who in self.consumers():
            provider, person = self.provider_of(who), self.person(who)
            said = lines.get(self.key_of(who), [])
            for at, seen in provider.shown if provider else []:
                if seen.kind == "text" and seen.person == person:
                    yield Told(at, who, *_placed(seen.text, said))

    # ── Damage to the table ──

    def _loses_pointer(self, deed: Action, _number: str) -> None:
        for name in ("conversation_id", "last_conversation_id")[: self.chance.choice((1, 2))]:
            self._record_of(deed.who).pop(name, None)

    def _is_forgotten(self, deed: Action, _number: str) -> None:
        self._record_of(deed.who).clear()
        self.table.items.pop(self._pk_of(deed.who), None)

    def _record_of(self, who: int) -> dict[str, Any]:
        return self.table.items.get(self._pk_of(who), {})

    def _pk_of(self, who: int) -> str:
        return f"consumer#{self.account_of(who)}#{self.key_of(who)}"

    # ── Webhooks ──

    def _send_webhook(
        self, account_id: str, lane: str, _conversation: str, body: bytes, arrived: Any
    ) -> None:
        webhook = signed_webhook(body, account_id=account_id)

        def post(container: Container) -> object:
            return container.webhook_intake.receive(webhook.headers, body)

        delay = self.schedule.webhook_seconds * self.chance.uniform(0.5, 1.5)
        if self.faults.strikes("webhooks", kinds="webhooks_slow"):
            delay += self.chance.uniform(5, 90)
        pause = self.chance.choice(_REPEAT_AFTER)
        is_repeated = self.chance.random() < self.schedule.repeat_webhooks
        replays = self.schedule.replay_webhooks
        is_replayed = replays > 0 and self.chance.random() < replays

        def taken() -> None:
            arrived()
            if is_repeated:  # a copy may be late, but what it is a copy of was in order
                again = PendingRequest(post, lambda: None, ready_at=self.kernel.now + pause)
                self.webhooks.post(f"{lane} again at {again.ready_at}", again)
            if is_replayed:  # by whoever has a recording: it is signed
                for after in _REPLAY_AFTER:
                    self.kernel.later(after, lambda: self.functions.call("webhook_intake", post))

        self.webhooks.post(lane, PendingRequest(post, taken, ready_at=self.kernel.now + delay))


def needs_person(letter: Message) -> bool:
    """Whether a dead letter does not come back by itself."""
    redrives = int(letter.attributes.get("redrives", {"StringValue": "0"})["StringValue"])
    return not is_transient(letter) or redrives >= MOST_REDRIVES


def is_transient(letter: Message) -> bool:
    """Whether a dead letter's reason is a matter of time."""
    return letter.attributes.get("reason", {"StringValue": CUT_OFF})["StringValue"] in _COME_BACK


def _placed(text: str, said: list[Placed]) -> tuple[tuple[str, int] | None, str, int]:
    """Find where a text was said, as a message or as a part of one, and where that part begins."""
    whole = [place for place, line in said if line == text]
    parts = [(place, line.index(text)) for place, line in said if text in line]
    place, piece = (whole[0], 0) if whole else parts[0] if parts else (None, 0)
    return place, text, piece


def _receive(account_id: str, name: str, request: WebhookRequest, container: Container) -> object:
    return container.provider_intake.receive(account_id, name, request)


_TROUBLE = transient_reasons() - {"held_behind"}
_COME_BACK = transient_reasons() | {CUT_OFF}


def _words(deed: Action, number: str) -> str:
    if deed.what == "says_same":
        return "ok"
    if deed.what == "says_long":
        return " ".join(f"{number}.{index:04}" for index in range(700))
    mark = {
        "says_refused": partners.REFUSED_WORD,
        "says_mended": partners.REFUSED_WORD,
        "says_poison": partners.POISON_WORD,
        "says_unlucky": partners.UNLUCKY_WORD,
    }
    return f"words {number} of {deed.who} {mark.get(deed.what, '')}".strip()


def _backing_off(tries: int) -> float:
    return float(min(2.0**tries, _LONGEST_PAUSE))


@contextmanager
def observing(world: World) -> Iterator[None]:
    """Count what an operator would see, and write nothing; an unforeseen error is a finding."""

    def function() -> str:
        here = outcomes._current.get()
        return here.function if here else ""

    def outcome(what: str, /, *, count: int = 1, **ids: object) -> None:
        world.outcomes[f"{function()} {what}"] += count
        if what == "dead_lettered" and ids["reason"] in _TROUBLE:
            world.transient_dead_letters += 1

    def failure(error: ConnectorError, /, **_: object) -> None:
        world.outcomes[f"{function()} failed {error.reason}"] += 1

    def unexpected_error(error: Exception, /, **_: object) -> None:
        world.bugs.append(f"{function()}: {error!r} {_places(error)}")

    quiet: Mapping[str, Any] = {
        "outcome": outcome,
        "failure": failure,
        "unexpected_error": unexpected_error,
        "log": lambda *_, **__: None,
        "_note": lambda *_: None,
    }
    with patch.multiple(outcomes, **quiet):
        yield


@contextmanager
def listening(world: World) -> Iterator[None]:
    """Note when an echo is known."""
    remember = ConversationStore.save_echo

    def heard(self: ConversationStore, conversation: Known, sequence: int, digest: str) -> None:
        try:
            remember(self, conversation, sequence, digest)
        finally:
            pk = f"conversation#{conversation.account_id}#{conversation.conversation_id}"
            echoes = world.table.items.get(pk, {}).get("echoes", {"L": []})["L"]
            if any(each["L"][0]["N"] == str(sequence) for each in echoes):
                key = (conversation.conversation_id, sequence)
                world.heard_at.setdefault(key, world.kernel.now)

    with patch.object(ConversationStore, "save_echo", heard):
        yield


def _places(error: Exception) -> list[str]:
    places, trace = [], error.__traceback__
    while trace:
        places.append(f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places
