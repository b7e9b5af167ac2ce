"""The invariants: what the connector promises, checked when a simulation has come to rest."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from liveperson_connector.flows.outbound_messaging.sending import ECHO_SECONDS
from liveperson_connector.flows.token_refresh import LEASE_SECONDS
from liveperson_connector.liveperson.text import split_text

from .connector import DEAD_NOTIFICATIONS
from .fake_partners import POISON_WORD, REFUSED_WORD, Conversation, Line
from .scheduler import START
from .schedules import DAY, HOUR, MINUTE, Fault
from .services import Message
from .simulation import Event, Told, World, is_transient

# After rest, words must be there in this time: nothing is held, delayed or remembered wrongly.
_LAST_WORDS_SECONDS = 60.0

# A neighbour's trouble is no reason to wait longer than this.
_NEIGHBOUR_SECONDS = 30.0

# One a lease. A refresh that is slow itself can end only when the next has begun.
_MOST_REFRESHES = int(MINUTE / LEASE_SECONDS) + 2


@dataclass
class Verdict:
    """What was found: broken promises in words, and the figures."""

    broken: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)
    recovery: float = 0.0
    most_calls: float = 0.0

    def say(self, promise: str, *details: object) -> None:
        """Note a broken promise; what stands before the colon is its name."""
        self.broken.append(f"{promise}: {' '.join(map(str, details))}")


def judge(world: World) -> Verdict:
    """Ask everything."""
    verdict = Verdict()
    if world.moving:
        verdict.say("comes to rest", world.moving)
    for each in world.bugs:
        verdict.say("no unforeseen errors", each)
    for each in world.channel.problems:
        verdict.say("webhook-id", each)
    for each in world.providers.problems:
        verdict.say("only what is meant", each)
    said = _Said(world)
    _nothing_lost_at_liveperson(world, said, verdict)
    _once_at_liveperson(world, said, verdict)
    _in_order_at_liveperson(world, said, verdict)
    told = world.told()
    _channel_gets_what_it_should(world, told, verdict)
    _receipts_name_what_was_told(world, told, verdict)
    _refusals_are_reported(world, verdict)
    _agents_see_refusals(world, verdict)
    _as_good_as_new(world, said, told, verdict)
    _tokens_are_asked_for_seldom(world, verdict)
    _outages_are_waited_out(world, verdict)
    _neighbours_do_not_notice(world, said, verdict)
    _other_channels_do_not_notice(world, told, verdict)
    _erasure_can_find_everything(world, verdict)
    _count(world, told, verdict)
    return verdict


@lru_cache
def _parts(text: str) -> tuple[str, ...]:
    return tuple(split_text(text))


class _Said:
    """What consumers said at LivePerson, by event and part."""

    def __init__(self, world: World) -> None:
        self.lines: dict[tuple[str, str], list[tuple[Conversation, Line]]] = {}
        for conversation, line in world.liveperson.spoken:
            if line.role == "CONSUMER" and conversation.is_ours:
                key = (line.event_id, line.text)
                self.lines.setdefault(key, []).append((conversation, line))
        self.dead: set[tuple[str, str]] = set()
        for letter in world.dead_letters():
            event = json.loads(letter.body).get("event")
            if isinstance(event, dict) and "id" in event and letter.attributes.get("reason"):
                self.dead.add((str(event["id"]), str(event.get("text", ""))))


def _nothing_lost_at_liveperson(world: World, said: _Said, verdict: Verdict) -> None:
    for _, text in said.lines:
        if text.startswith("forged"):
            verdict.say("only what is meant", text)
    for event in world.events.values():
        if event.kind != "text" or event.accepted_at is None:
            continue
        missing = [p for p in _parts(event.text) if (event.event_id, p) not in said.lines]
        if missing and (event.event_id, event.text) not in said.dead:
            verdict.say("nothing lost to LivePerson", event.event_id, f"{len(missing)} parts")


def _once_at_liveperson(world: World, said: _Said, verdict: Verdict) -> None:
    for (event_id, _), lines in said.lines.items():
        for (conversation, first), (_, second) in pairwise(lines):
            why = _why_twice(world, conversation, first, second)
            verdict.figures[f"said twice, {why}"] += 1
            if why not in _ALLOWED_TWICE:
                verdict.say("nothing twice at LivePerson", event_id, why)


_ALLOWED_TWICE = {"its echo came too late", "its echo could not be noted in time"}


def _why_twice(world: World, conversation: Conversation, first: Line, second: Line) -> str:
    heard_at = world.heard_at.get((conversation.conversation_id, first.sequence))
    if heard_at is not None and heard_at < second.left_at - 1:
        return "its echo was known"
    if second.left_at - first.left_at < ECHO_SECONDS - 1:
        return "its echo was not waited for"
    if first.intake_at is not None and first.intake_at < second.left_at - 5:
        if world.faults.disturbed_queue(first.at, second.left_at):
            return "its echo could not be noted in time"
        return "its echo waited in our own queue"
    return "its echo came too late"


def _in_order_at_liveperson(world: World, said: _Said, verdict: Verdict) -> None:
    first = {key: min(line.at for _, line in lines) for key, lines in said.lines.items()}
    for who in world.consumers():
        latest = -1.0
        for event in sorted(_texts_of(world, who), key=lambda each: each.order):
            if (event.event_id, event.text) in said.dead:
                continue
            for part in _parts(event.text):
                at = first.get((event.event_id, part), latest)
                if at < latest:
                    verdict.say("in order at LivePerson", event.event_id, event.text[:40])
                latest = max(latest, at)


def _texts_of(world: World, who: int) -> list[Event]:
    return [
        each
        for each in world.events.values()
        if each.who == who and each.kind == "text" and each.accepted_at is not None
    ]


# ── The channel ──


def _channel_gets_what_it_should(world: World, told: list[Told], verdict: Verdict) -> None:
    got: dict[tuple[str, int] | None, dict[int, Told]] = {}
    for each in reversed(told):  # of what came twice the first counts
        got.setdefault(each.place, {})[each.piece] = each
    consumers = {world.key_of(who): who for who in world.consumers()}
    dead = _dead_notifications(world)
    for conversation in world.liveperson.conversations.values():
        latest = 0.0
        for line in conversation.lines:
            key = (conversation.conversation_id, line.sequence)
            pieces = [each for _, each in sorted(got.pop(key, {}).items())]
            meant = _is_meant(conversation, line)
            if pieces and not meant:
                verdict.say("nothing leaks to the channel", line.text, line.role, line.audience)
            if meant and key not in dead and not _is_whole(pieces, line):
                verdict.say("nothing lost to the channel", line.text[:40], key)
            for each in pieces:
                if each.who != consumers.get(conversation.consumer_key):
                    verdict.say("nothing leaks to the channel", "another's", line.text[:40])
                if each.at < latest:
                    verdict.say("in order at the channel", line.text[:40], key)
                latest = max(latest, each.at)
    for place in got:
        verdict.say("nothing leaks to the channel", "never said", place)
    _once_at_the_channel(world, told, verdict)
    _receipts_are_told(world, verdict)
    _the_channel_knows_what_is_open(world, verdict)


def _is_whole(pieces: list[Told], line: Line) -> bool:
    return " ".join(each.text for each in pieces).split() == line.text.split()


def _once_at_the_channel(world: World, told: list[Told], verdict: Verdict) -> None:
    """Ask for none twice without faults; never, where the provider takes a key for safe repeats."""
    for (_, place, _), times in Counter((x.who, x.place, x.piece) for x in told).items():
        if times == 1:
            continue
        verdict.figures["told twice"] += times - 1
        who = next(each.who for each in told if each.place == place)
        provider = None if who is None else world.provider_of(who)
        if not world.schedule.faults or (provider and provider.kind == "line"):
            verdict.say("nothing twice at the channel", place, f"{times} times")


def _receipts_name_what_was_told(world: World, told: list[Told], verdict: Verdict) -> None:
    """Ask of persons' receipts, which providers report: none of more or other than they saw."""
    seen = {each.place for each in told}
    ready = world.by_provider()
    for conversation in world.liveperson.conversations.values():
        if not (provider := ready.get(conversation.consumer_key)):
            continue
        accepted = {number for status, number in conversation.told if status == "ACCEPT"}
        verdict.figures["reported as delivered"] += len(accepted)
        places = {(conversation.conversation_id, number) for number in accepted}
        if wrong := places - seen:
            verdict.say("receipts name what was told", provider.kind, "of", *wrong)
        if world.is_disturbed or conversation.was_closed or not provider.can_report:
            continue
        wanted = {place for place in seen if place and place[0] == conversation.conversation_id}
        if missing := wanted - places:
            verdict.say("receipts name what was told", provider.kind, "none of", *missing)


def _receipts_are_told(world: World, verdict: Verdict) -> None:
    """Ask whether each was told once, whatever number it has."""
    told = Counter(
        (each.body["conversation_id"], each.body["status"], each.body["sequences"][0])
        for each in world.channel.callbacks
        if each.body["type"] == "receipt"
    )
    dead = {json.loads(each.body).get("change", {}).get("conversationId") for each in _dead(world)}
    ready = world.by_provider()
    for conversation in world.liveperson.conversations.values():
        if conversation.consumer_key in ready:  # its persons are shown the newest, if anything
            continue
        for each in conversation.receipts:
            key = (conversation.conversation_id, _RECEIPTS[each.status], each.read)
            if not told[key] and conversation.conversation_id not in dead:
                verdict.say("nothing lost to the channel", "receipt", key)
            if told[key] > 1 and not world.schedule.faults:
                verdict.say("nothing twice at the channel", "receipt", key)


_RECEIPTS = {"ACCEPT": "accepted", "READ": "read"}


def _the_channel_knows_what_is_open(world: World, verdict: Verdict) -> None:
    """Ask whether the channel was told last what is the case."""
    last = {
        each.body["conversation_id"]: each.body["event"]
        for each in world.channel.callbacks
        if each.body["type"] == "conversation" and each.body["event"] in {"opened", "closed"}
    }
    for conversation_id, event in last.items():
        conversation = world.liveperson.conversations[conversation_id]
        if conversation.is_open != (event == "opened") and not _dead(world):
            verdict.say("the channel knows what is open", conversation_id, event)


def _dead(world: World) -> list[Message]:
    return world.queues[DEAD_NOTIFICATIONS].messages


def _is_meant(conversation: Conversation, line: Line) -> bool:
    return conversation.is_ours and line.role != "CONSUMER" and line.audience == "ALL"


def _dead_notifications(world: World, *, are_refused: bool = False) -> set[tuple[str, int]]:
    letters = [each for each in _dead(world) if not (are_refused and is_transient(each))]
    changes = [json.loads(each.body).get("change", {}) for each in letters]
    return {
        (change["conversationId"], change["sequence"])
        for change in changes
        if change.get("event", {}).get("type") == "ContentEvent"
    }


def _agents_see_refusals(world: World, verdict: Verdict) -> None:
    """Ask whether LivePerson was told of each message that a provider will never take."""
    ready = world.by_provider()
    for conversation_id, sequence in _dead_notifications(world, are_refused=True):
        conversation = world.liveperson.conversations[conversation_id]
        if conversation.consumer_key not in ready or conversation.was_closed:
            continue
        if ("NACK", sequence) not in conversation.told:
            verdict.say("agents see what was refused", conversation_id, sequence)


def _given_up(world: World) -> set[str]:
    """Name the events that were never refused: something else stood in their way to the end."""
    letters = [json.loads(each.body) for each in world.dead_letters() if is_transient(each)]
    return {str(each["event"]["id"]) for each in letters if "event" in each}


def _refusals_are_reported(world: World, verdict: Verdict) -> None:
    """Each refusal once: of an event, and of one that was sent again after it had failed."""
    failed: dict[str, dict[str, float]] = {}
    for each in world.channel.callbacks:
        if each.body["type"] == "failed":
            failed.setdefault(each.body["event_id"], {}).setdefault(each.webhook_id, each.at)
    refused = {
        each.event_id: each
        for each in world.events.values()
        if (REFUSED_WORD in each.text or each.mended) and each.accepted and not each.webhook
    }
    for event_id in refused.keys() - failed.keys() - _given_up(world):
        verdict.say("refusals are reported", event_id)
    for event_id, times in failed.items():
        event = refused.get(event_id)
        if event is None or len(times) > event.posts:
            verdict.say("refusals are reported once", event_id, len(times))
        elif REFUSED_WORD in event.text and event.accepted[-1] > max(times.values()):
            verdict.say("what is sent again after a refusal is tried again", event_id)


# ── Afterwards ──


def _as_good_as_new(world: World, said: _Said, told: list[Told], verdict: Verdict) -> None:
    """Ask for the last words: said at rest, they must arrive at once."""
    letters = [json.loads(each.body) for each in world.dead_letters()]
    stuck = {(each.get("account_id"), each.get("consumer_id")) for each in letters}
    held = {each.group for each in world.dead_letters() if is_transient(each)}
    for event in world.events.values():
        name = (world.account_of(event.who), world.consumer_id(event.who))
        if event.number != "last2" or (held and name in stuck):
            continue
        lines = said.lines.get((event.event_id, event.text))
        if not lines or lines[0][1].at - event.posted_at > _LAST_WORDS_SECONDS:
            verdict.say("as good as new", event.event_id)
    if held:
        return
    at = {each.place: each.at for each in reversed(told)}
    for conversation, line in world.liveperson.spoken:
        if line.text == "answer last2" and conversation.is_ours:
            verdict.figures["last answers"] += 1
            arrived = at.get((conversation.conversation_id, line.sequence), 1e12)
            if arrived - line.at > _LAST_WORDS_SECONDS * 2:
                verdict.say("as good as new", line.text)


def _tokens_are_asked_for_seldom(world: World, verdict: Verdict) -> None:
    for account_id in world.account_ids:
        times = [
            at
            for at, whose, service in world.liveperson.calls
            if whose == account_id and service == "sentinel"
        ]
        for one, other in zip(times, times[_MOST_REFRESHES:], strict=False):
            if other - one < MINUTE:
                verdict.say("no token storm", account_id, f"at {one - START:.0f} s")


def _outages_are_waited_out(world: World, verdict: Verdict) -> None:
    schedule = world.schedule
    for fault in schedule.faults:
        is_away = fault.is_for_channel or fault.target == "liveperson"
        if fault.rate == 1.0 and is_away and fault.seconds > HOUR:
            calls = _calls_during(world, fault)
            days = fault.seconds / DAY
            circuits = 1 if fault.account is not None else schedule.accounts
            circuits *= len(schedule.channels) if fault.target == "channel" else 1
            verdict.most_calls = max(verdict.most_calls, calls / days / circuits)
            if calls > circuits * (150 + 450 * days):
                verdict.say("few calls during an outage", fault.target, calls, f"{days:.2f} days")
    if schedule.family == "outage" and schedule.faults and not _is_lonely(world):
        letters = [w for w in world.outcomes if "dead_lettered" in w]
        if world.transient_dead_letters:
            verdict.say("an outage dead-letters nothing", world.transient_dead_letters, letters)


def _is_lonely(world: World) -> bool:
    """Whether fewer than two groups had something to say during the outage."""
    (fault, *_) = world.schedule.faults
    names: tuple[str, ...] = ("",)
    if fault.is_for_channel:
        names = world.schedule.names if fault.target == "channel" else (fault.target,)
    groups = world.groups_active(fault)
    return any(groups[each, name] < 2 for each in world.account_ids for name in names)


def _calls_during(world: World, fault: Fault) -> int:
    end = START + fault.start + fault.seconds
    account = None if fault.account is None else world.account_ids[fault.account]
    calls = world.liveperson.calls
    if fault.is_for_channel:
        calls = [
            each
            for each in world.channel.calls + world.providers.calls
            if fault.target in ("channel", each[2])
        ]
    return sum(
        1
        for at, whose, service in calls
        if START + fault.start <= at < end
        and account in (None, whose)
        and service not in {"sentinel", "domain"}
    )


def _neighbours_do_not_notice(world: World, said: _Said, verdict: Verdict) -> None:
    if world.schedule.family != "poison":
        return
    troubled = {each.who for each in world.events.values() if "[" in each.text}
    for event in world.events.values():
        lines = said.lines.get((event.event_id, event.text))
        if event.who in troubled or event.text == "ok" or not lines:
            continue
        if (waited := lines[0][1].at - event.posted_at) > _NEIGHBOUR_SECONDS:
            verdict.say("neighbours do not notice", event.event_id, f"{waited:.0f} s")


def _other_channels_do_not_notice(world: World, told: list[Told], verdict: Verdict) -> None:
    """Ask whether an outage of a channel kept another one, or another brand's, waiting."""
    faults = world.schedule.faults
    if world.schedule.family != "outage" or len(faults) != 1 or not faults[0].is_for_channel:
        return
    away = {
        who
        for who in world.consumers()
        if faults[0].target in ("channel", world.channel_of(who))
        and (faults[0].account is None or world.account_of(who) == world.account_ids[0])
    }
    said_at = {
        (conversation.conversation_id, line.sequence): line.at
        for conversation, line in world.liveperson.spoken
    }
    for each in told:
        if each.who in away or each.place is None:
            continue
        verdict.figures["told while others waited"] += 1
        if (waited := each.at - said_at[each.place]) > _NEIGHBOUR_SECONDS:
            verdict.say("other channels do not notice", each.text[:40], f"{waited:.0f} s")


def _erasure_can_find_everything(world: World, verdict: Verdict) -> None:
    """Ask whether all that the table says of a person stands where ``consumer erase`` looks."""
    written = {pk: json.dumps(item) for pk, item in world.table.items.items()}
    for who in world.consumers():
        key, person, account_id = world.key_of(who), world.consumer_id(who), world.account_of(who)
        for pk, text in written.items():
            if not (key in text or (f'"{person}"' in text and account_id in pk)):
                continue
            if key not in pk and world.table.items[pk].get("consumer_key") != {"S": key}:
                verdict.say("erasure can find everything", pk.partition("#")[0])


def _count(world: World, told: list[Told], verdict: Verdict) -> None:
    verdict.figures["consumer events"] = len(world.events)
    verdict.figures["webhooks"] = len(world.liveperson.spoken)
    verdict.figures["cut off"] = world.functions.killed
    verdict.figures["dead letters"] = world.transient_dead_letters
    for each in ("ambiguous", "confirmed_by_echo", "sent_again"):
        verdict.figures[each] = world.outcomes[f"outbound_messaging {each}"]
    times = [line.at for _, line in world.liveperson.spoken if line.at < world.rest_at]
    told_at = [each.at for each in told] + [each.at for each in world.channel.callbacks]
    times += [at for at in told_at if at < world.rest_at]
    if any(POISON_WORD in each.text for each in world.events.values()):
        return  # it never recovers, and its own group waits for it
    verdict.recovery = max([0.0, *(at - START - world.schedule.ends() for at in times)])


__all__ = ["Verdict", "judge"]
