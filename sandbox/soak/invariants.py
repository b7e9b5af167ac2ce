"""
The invariants of a soak: compare what happened with what the connector promises.

**Sent twice, and excused.** LivePerson has no idempotency key for a SEND, so a message may arrive
twice if, and only if, both are true:

1. *Its send was ambiguous*: LivePerson took it, and the answer was lost, cut or later than the
   connector's time-out; or the worker was killed during the call; or AWS did not answer at that
   time, so that nothing could be stored.
2. *Its echo came too late*: the connector waited at least 20 s for it, and its webhook had not been
   accepted by then (or less than 3 s before: handling a notification takes a moment), or an earlier
   callback of the same conversation was still being retried.

The channel may be called twice under one `webhook-id` if the first call was ambiguous in the same
sense; two ids for one message are never excused.

**Order** is the order of the 202s for a consumer, and of LivePerson's sequence numbers for a
conversation. If LivePerson's own webhooks came in another order, the connector cannot know better;
such messages are counted apart.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any

from sandbox.soak import tagged_texts
from sandbox.soak.actors import Posted, Said, consumer_id
from sandbox.soak.channel import Call
from sandbox.soak.plan import Action
from sandbox.soak.record import Arrival, Heard, Record

ECHO_SECONDS = 20.0
A_MOMENT_SECONDS = 3.0
LIVEPERSON_WAITS_MS = 8_000
WORKER_SECONDS = 30.0
SCHEDULE_SECONDS = 1_200
LOST_ANSWERS = {"lost_answer", "reset_after"}
SLOW = {"slow", "slow_answer"}


@dataclass(frozen=True)
class Promise:
    """One promise: whether it was kept, its figure, and what breaks it."""

    name: str
    held: bool
    figure: str
    broken_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Every promise, and the numbers."""

    promises: tuple[Promise, ...]
    numbers: dict[str, Any]
    excused: tuple[str, ...] = ()
    """What was sent twice, with the reason that excuses it."""

    @property
    def held(self) -> bool:
        """Whether every promise was kept."""
        return all(promise.held for promise in self.promises)


def check_invariants(record: Record) -> Verdict:
    """Check every invariant on the evidence."""
    invariants = _Invariants(record)
    promises = (
        invariants.settled(),
        invariants.taken_in(),
        invariants.nothing_lost_to_liveperson(),
        invariants.words_unchanged(),
        invariants.nothing_lost_to_channel(),
        invariants.heard_once(),
        invariants.told_once(),
        invariants.heard_in_order(),
        invariants.told_in_order(),
        invariants.nothing_leaked(),
        invariants.signed(),
        invariants.liveperson_content(),
        invariants.no_token_storm(),
        invariants.intake_quick(),
        invariants.no_bugs(),
    )
    return Verdict(promises, invariants.numbers(), tuple(invariants.excuses))


def _promise(name: str, broken_by: list[str], figure: str) -> Promise:
    return Promise(name, not broken_by, figure, tuple(broken_by))


@dataclass
class _Invariants:
    """The invariants over one record, with indexes of it."""

    record: Record
    excuses: list[str] = field(default_factory=list)

    # ── The evidence ──

    @cached_property
    def texts(self) -> list[Posted]:
        """Consumers' texts that were answered 202, in the order of the answers."""
        accepted = [
            each
            for each in self.record.posted
            if each.status == 202 and each.action.what == "consumer_text"
        ]
        return sorted(accepted, key=lambda each: each.at)

    @cached_property
    def first_heard(self) -> dict[str, Heard]:
        """LivePerson's first message with each tag."""
        found: dict[str, Heard] = {}
        for each in self.record.heard:
            for tag in each.tags:
                found.setdefault(tag, each)
        return found

    @cached_property
    def first_told(self) -> dict[str, Call]:
        """The first callback with each tag that the channel took."""
        found: dict[str, Call] = {}
        for call in self.record.calls:
            if call.taken:
                for tag in _tags_of(call):
                    found.setdefault(tag, call)
        return found

    @cached_property
    def dead(self) -> dict[str, str]:
        """The reason on the dead letter of each tag; empty for a letter without a reason."""
        return {tag: each.reason for each in self.record.dead for tag in each.tags}

    @cached_property
    def calls_by_id(self) -> dict[str, list[Call]]:
        """The attempts of each callback, by `webhook-id`."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.record.calls:
            if call.met != "bad_signature":
                found[call.webhook_id].append(call)
        return found

    @cached_property
    def arrived(self) -> dict[tuple[str, int], Arrival]:
        """The first accepted webhook of each message, by dialog and sequence."""
        return {(each.dialog_id, each.sequence): each for each in self.record.arrivals}

    # ── The promises ──

    def settled(self) -> Promise:
        """Nothing is in transit at the end of the time allowed."""
        left = [f"{each.queue}: tried {each.receives} times" for each in self.record.waiting]
        late = self.record.settled_at is None
        figure = "not in time" if late else f"{self._settle_seconds():.0f} s after the last fault"
        return _promise(
            "Everything came to its end", left or ["not settled"] if late else [], figure
        )

    def _settle_seconds(self) -> float:
        return (self.record.settled_at or self.record.calm_at) - self.record.calm_at

    def taken_in(self) -> Promise:
        """Every event of the channel was answered 202 in the end."""
        refused = [
            f"{_named(each.action)}: {each.status}"
            for each in self.record.posted
            if each.status != 202
        ]
        figure = f"{len(self.record.posted) - len(refused)} of {len(self.record.posted)}"
        return _promise("Every event of the channel was taken", refused, figure)

    def nothing_lost_to_liveperson(self) -> Promise:
        """Each text that was answered 202 is in LivePerson, or a dead letter with a reason."""
        lost = [
            tag
            for each in self.texts
            for tag in tagged_texts.tags(each.action.text)
            if tag not in self.first_heard and not self.dead.get(tag)
        ]
        return _promise("Nothing lost on the way to LivePerson", lost, f"{len(lost)} lost")

    def words_unchanged(self) -> Promise:
        """LivePerson has each text unchanged."""
        changed = [
            each.action.event_id + f" of consumer {each.action.consumer}"
            for each in self.texts
            if self._complete(each) and self._as_heard(each) != each.action.text
        ]
        return _promise("Words arrive unchanged", changed, f"{len(changed)} changed")

    def _complete(self, each: Posted) -> bool:
        return all(tag in self.first_heard for tag in tagged_texts.tags(each.action.text))

    def _as_heard(self, each: Posted) -> str:
        parts = {id(part): part.text for part in map(self.first_heard.get, _tags(each)) if part}
        return "".join(parts.values())

    def nothing_lost_to_channel(self) -> Promise:
        """Each agent's message is at the channel, or a dead letter with a reason."""
        lost = [
            each.tag
            for each in self.record.said
            if each.tag not in self.first_told and not self.dead.get(each.tag)
        ]
        return _promise("Nothing lost on the way to the channel", lost, f"{len(lost)} lost")

    def heard_once(self) -> Promise:
        """LivePerson gets a message once; twice only with both reasons above."""
        twice = list(self._heard_again())
        broken: list[str] = []
        for first, again in twice:
            excuse = self._excuse(first, again)
            (self.excuses if excuse else broken).append(f"{first.tags[0]}: {excuse or 'no excuse'}")
        figure = f"{len(twice)} twice, {len(twice) - len(broken)} excused"
        return _promise("LivePerson hears everything once", broken, figure)

    def _heard_again(self) -> Iterator[tuple[Heard, Heard]]:
        for each in self.record.heard:
            first = self.first_heard.get(each.tags[0]) if each.tags else None
            if first is not None and first is not each:
                yield first, each

    def _excuse(self, first: Heard, again: Heard) -> str:
        why = self._why_ambiguous(first)
        late = self._why_echo_was_late(first, again)
        return f"{why}, and {late}" if why and late else ""

    def _why_ambiguous(self, first: Heard) -> str:
        tag = first.tags[0]
        for each in self.record.applied_faults:
            slow = each.kind in SLOW and each.delay_ms >= LIVEPERSON_WAITS_MS
            if each.service == "send" and tag in each.tags and (each.kind in LOST_ANSWERS or slow):
                return "its answer was lost"
        for disruption in self.record.past_disruptions:
            if disruption.tag == tag and disruption.what.startswith("kill_outbound"):
                return "its worker was killed"
            if disruption.what == "aws_frozen" and (
                disruption.began - WORKER_SECONDS < first.at < disruption.ended + WORKER_SECONDS
            ):
                return "AWS did not answer"
        return ""

    def _why_echo_was_late(self, first: Heard, again: Heard) -> str:
        if again.at - first.at < ECHO_SECONDS:
            return ""
        echo = self.arrived.get((first.dialog_id, first.sequence))
        if echo is None or echo.at > again.at - A_MOMENT_SECONDS:
            return "its echo came late"
        for calls in self.calls_by_id.values():
            here = len(calls) > 1 and _conversation(calls[0]) == first.conversation_id
            if here and calls[0].at < again.at and calls[-1].at > again.at - A_MOMENT_SECONDS:
                return "its echo waited behind a failed callback"
        return ""

    def told_once(self) -> Promise:
        """No callback is repeated except after a lost answer, under the same id."""
        broken = list(self._told_under_two_ids())
        repeats = list(self._told_again())
        for tag, excuse in repeats:
            (self.excuses if excuse else broken).append(f"{tag}: {excuse or 'no excuse'}")
        figure = f"{len(repeats)} called again with the same id, {len(broken)} without excuse"
        return _promise("The channel is told everything once", broken, figure)

    def _told_under_two_ids(self) -> Iterator[str]:
        ids: dict[str, set[str]] = defaultdict(set)
        for call in self.record.calls:
            for tag in _tags_of(call):
                ids[tag].add(call.webhook_id)
        yield from (f"{tag}: under {len(each)} ids" for tag, each in ids.items() if len(each) > 1)

    def _told_again(self) -> Iterator[tuple[str, str]]:
        for webhook_id, calls in self.calls_by_id.items():
            taken = [call for call in calls if call.taken]
            name = [*_tags_of(calls[0]), webhook_id][0]
            for before, _ in pairwise(taken):
                yield name, self._why_called_again(before)

    def _why_called_again(self, before: Call) -> str:
        if not before.known_taken:
            return "its answer was lost"
        for disruption in self.record.past_disruptions:
            near = disruption.began - WORKER_SECONDS < before.at < disruption.ended + WORKER_SECONDS
            if near and disruption.what in {"aws_frozen", "kill_channel_delivery"}:
                return f"near {disruption.what}"
        return ""

    def heard_in_order(self) -> Promise:
        """LivePerson has each consumer's texts in the order of the 202s."""
        place = {
            tag: (number, part)
            for number, each in enumerate(self.texts)
            for part, tag in enumerate(_tags(each))
        }
        latest: dict[int, tuple[int, int]] = {}
        wrong = []
        for each in self.record.heard:
            for tag in each.tags:
                if self.first_heard[tag] is not each or tag not in place:
                    continue
                who = tagged_texts.number(tag)
                if place[tag] < latest.get(who, (-1, -1)):
                    wrong.append(tag)
                latest[who] = max(latest.get(who, (-1, -1)), place[tag])
        return _promise("LivePerson hears each consumer in order", wrong, f"{len(wrong)} misplaced")

    def told_in_order(self) -> Promise:
        """Each conversation reaches the channel in LivePerson's order."""
        wrong = [x.tag for x, overtook in self._overtaken() if not self._by_liveperson(x, overtook)]
        apart = len(list(self._overtaken())) - len(wrong)
        figure = f"{len(wrong)} misplaced, {apart} by LivePerson's own webhooks"
        return _promise("The channel is told each conversation in order", wrong, figure)

    def _overtaken(self) -> Iterator[tuple[Said, list[Said]]]:
        """Return each message that came after a later one, with those that overtook it."""
        rooms: dict[str, list[Said]] = defaultdict(list)
        for each in self.record.said:
            if each.tag in self.first_told:
                rooms[each.conversation_id].append(each)
        order = {id(call): number for number, call in enumerate(self.record.calls)}
        for room in rooms.values():
            when = {each.tag: order[id(self.first_told[each.tag])] for each in room}
            for x in room:
                later = [y for y in room if y.sequence > x.sequence and when[y.tag] < when[x.tag]]
                if later:
                    yield x, later

    def _by_liveperson(self, x: Said, overtook: list[Said]) -> bool:
        return all(self._arrival(y) < self._arrival(x) for y in overtook)

    def _arrival(self, each: Said) -> float:
        found = self.arrived.get((each.conversation_id, each.sequence))
        return found.at if found else float("inf")

    def nothing_leaked(self) -> Promise:
        """No note, foreign text or echo leaks, and nothing reaches another consumer."""
        said = {each.tag: each for each in self.record.said}
        leaks = [
            f"{tag} reached {call.body.get('consumer_id') if isinstance(call.body, dict) else '?'}"
            for call in self.record.calls
            for tag in _tags_of(call)
            if not _may_know(call, said.get(tag))
        ]
        leaks += self._strangers()
        return _promise("Nothing leaks", leaks, f"{len(leaks)} leaked")

    def _strangers(self) -> list[str]:
        rooms: dict[str, set[int]] = defaultdict(set)
        for each in self.record.heard:
            rooms[each.conversation_id].update(tagged_texts.number(tag) for tag in each.tags)
        return [
            f"consumers {sorted(consumers)} in one conversation"
            for consumers in rooms.values()
            if len(consumers) > 1
        ]

    def signed(self) -> Promise:
        """Every callback has a valid signature."""
        bad = [call.webhook_id for call in self.record.calls if call.met == "bad_signature"]
        return _promise("Every callback is signed", bad, f"{len(self.record.calls)} callbacks")

    def liveperson_content(self) -> Promise:
        """No request broke a rule of LivePerson's pages."""
        found = [str(each.get("reason")) for each in self.record.violations]
        return _promise("LivePerson sees no mistake", found, f"{len(found)} violations")

    def no_token_storm(self) -> Promise:
        """Sentinel is called when a token is needed and again after a failure, not more often."""
        spoilt = sum(each.service == "sentinel" for each in self.record.applied_faults)
        revoked = sum(each.what == "tokens_revoked" for each in self.record.past_disruptions)
        end = self.record.settled_at or self.record.calm_at
        scheduled = int((end - self.record.began) / SCHEDULE_SECONDS) + 1
        allowed = 1 + revoked + scheduled + 2 * spoilt
        calls = self.record.sentinel_calls
        broken = [f"{calls} calls, {allowed} were enough"] if calls > allowed else []
        return _promise("No token storm", broken, f"{calls} calls to Sentinel, {spoilt} spoilt")

    def intake_quick(self) -> Promise:
        """LivePerson would not have disabled the app for slow answers."""
        broken = ["slower than 2.5 s for two minutes"] if self.record.would_be_disabled else []
        return _promise("Webhooks are answered quickly", broken, f"{self.record.webhooks} webhooks")

    def no_bugs(self) -> Promise:
        """No function logged an unexpected error."""
        bugs = sorted(set(self.record.bugs))
        return _promise("No unforeseen error", bugs, f"{len(self.record.bugs)} in the logs")

    # ── The numbers ──

    def numbers(self) -> dict[str, Any]:
        """Return the numbers to print."""
        r = self.record
        inward = [
            self.first_heard[tag].at - each.at
            for each in self.texts
            for tag in _tags(each)[-1:]
            if tag in self.first_heard
        ]
        outward = [
            self.first_told[each.tag].at - each.at for each in r.said if each.tag in self.first_told
        ]
        seconds, what = max(self._recoveries(), default=(0.0, "nothing was spoilt"))
        return {
            "consumer_events_accepted": sum(each.status == 202 for each in r.posted),
            "consumer_texts": len(self.texts),
            "consumer_texts_in_liveperson": sum(map(self._complete, self.texts)),
            "posts_tried_again": sum(each.tries - 1 for each in r.posted),
            "agent_messages": len(r.said),
            "agent_messages_at_channel": len(outward),
            "dead_letters": len(r.dead),
            "dead_letter_reasons": _count(each.reason for each in r.dead),
            "connector_counts": _own_count(r.outcomes),
            "private_notes": r.notes,
            "answers_without_a_conversation": r.unsaid,
            "foreign_conversations": sum(
                action.what == "foreign_conversation" for action in r.plan.actions
            ),
            "faults_by_liveperson": len(r.applied_faults),
            "faults_by_channel": sum(call.met not in {"ok", "held"} for call in r.calls),
            "big_troubles": len(r.past_disruptions),
            "requests_without_the_layers_files": r.missing_files,
            "longest_recovery_seconds": round(seconds, 1),
            "longest_recovery": what,
            "seconds_to_liveperson": _spread(inward),
            "seconds_to_channel": _spread(outward),
        }

    def _recoveries(self) -> Iterator[tuple[float, str]]:
        """Return for each spoilt message the time from its first fault's end to its arrival."""
        for tag, (ended, what) in self._first_faults().items():
            seconds = self._done_at(tag) - ended
            if seconds > 0:
                yield seconds, f"{tag} after {what}"

    def _first_faults(self) -> dict[str, tuple[float, str]]:
        found: dict[str, tuple[float, str]] = {}
        strikes = [
            (each.at + each.delay_ms / 1000, f"{each.service} {each.kind}", each.tags[:1])
            for each in self.record.applied_faults
            if each.service == "send"
        ]
        strikes += [
            (call.at, f"channel {call.met}", tuple(_tags_of(call)[:1]))
            for call in self.record.calls
            if call.met != "ok"
        ]
        strikes += [(each.ended, each.what, (each.tag,)) for each in self.record.past_disruptions]
        for ended, what, tags in sorted(strikes):
            for tag in filter(None, tags):
                found.setdefault(tag, (ended, what))
        return found

    def _done_at(self, tag: str) -> float:
        if tag in self.first_heard:
            return self.first_heard[tag].at
        return self.first_told[tag].at if tag in self.first_told else 0.0


def _named(action: Action) -> str:
    return f"{action.what} {action.event_id} of consumer {action.consumer}"


def _tags(each: Posted) -> list[str]:
    return tagged_texts.tags(each.action.text)


def _tags_of(call: Call) -> list[str]:
    return tagged_texts.tags(_all_text(call.body))


def _all_text(value: Any) -> str:
    """Return every text in a callback, one a line."""
    if isinstance(value, dict):
        return "\n".join(map(_all_text, value.values()))
    if isinstance(value, list):
        return "\n".join(map(_all_text, value))
    return value if isinstance(value, str) else ""


def _conversation(call: Call) -> str:
    return str(call.body.get("conversation_id", "")) if isinstance(call.body, dict) else ""


def _may_know(call: Call, said: Said | None) -> bool:
    """Whether an agent's message belongs to the consumer and conversation of a callback."""
    return (
        said is not None
        and isinstance(call.body, dict)
        and call.body.get("consumer_id") == consumer_id(said.consumer)
        and call.body.get("conversation_id") == said.conversation_id
    )


def _count(names: Iterator[str]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for name in names:
        counts[name or "without a reason"] += 1
    return dict(counts)


def _own_count(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Return the connector's own outcomes for sends without an answer."""
    names = ("ambiguous", "confirmed_by_echo", "sent_again", "repeat_ignored")
    return {name: outcomes.get(f"outbound_messaging: {name}", 0) for name in names}


def _spread(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    at = {"median": 0.5, "p95": 0.95, "longest": 1.0}
    return {
        name: round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 2)
        for name, part in at.items()
    }
