"""``connector dead-letters``: what was given up, why, and what becomes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.domain.errors import transient_reasons
from liveperson_connector.flows.dead_letter_redrive import CUT_OFF

from . import output
from .errors import Problem
from .groups import Commands
from .letters import QUEUES, DeadLetters, Letter
from .options import as_json, on_a_stack, yes
from .stack import Stack

_HEADINGS = (
    *("letter", "queue", "reason", "answer", "event"),
    *("account", "consumer or conversation", "failed first", "deleted in"),
)

_FILTERS = {
    "account_id": click.option("--account", "account_id", help="Letters of one account."),
    "consumer_id": click.option(
        "--consumer", "consumer_id", help="The channel's own id; finds events and notifications."
    ),
    "conversation_id": click.option("--conversation", "conversation_id", help="LivePerson's id."),
    "reason": click.option("--reason", help="Such as channel_refused."),
}


def chosen(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose letters."""
    for option in reversed(_FILTERS.values()):
        command = option(command)
    return click.option("--queue", type=click.Choice(list(QUEUES)), help="One of the two.")(command)


@click.group("dead-letters", cls=Commands)
def dead_letters() -> None:
    """Look at messages that were given up; send them again, or throw them away."""


@dead_letters.command("list")
@chosen
@as_json
@on_a_stack
def list_letters(stack: Stack, queue: str | None, as_json: bool, **filters: str | None) -> None:
    """List dead letters: why each is there, never what it says."""
    letters, wanted = DeadLetters(stack), _given(filters)
    found = letters.look(queue)
    facts = [each.facts() for each in found.letters if letters.matches(each, wanted)]
    _say_unseen(found.unseen)
    if as_json:
        output.data(facts)
        return
    if not facts:
        output.say("no dead letters", "green")
        return
    output.table(_HEADINGS, [_row(each) for each in facts])


@dead_letters.command()
@click.argument("letter_id")
@click.option("--with-content", is_flag=True, help="Also print what was said. Mind who sees it.")
@on_a_stack
def show(stack: Stack, letter_id: str, with_content: bool) -> None:
    """Show everything about one letter, as JSON."""
    found = DeadLetters(stack).look()
    letter = next((each for each in found.letters if each.id == letter_id), None)
    if letter is None:
        raise _not_there([letter_id], found.unseen)
    told = letter.facts()
    if with_content:
        told["content"] = letter.body or letter.received.body
    output.data(told)


@dead_letters.command()
@chosen
@click.option("--dry-run", is_flag=True, help="Say what would be sent again, and send nothing.")
@yes
@as_json
@on_a_stack
def redrive(
    stack: Stack,
    queue: str | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **filters: str | None,
) -> None:
    """
    Send letters again.

    With neither consumer, conversation nor reason, those that are sent again every hour: transient
    ones, a few times. With one of them, permanent ones too.
    """
    wanted = _given(filters)
    event = {**wanted, **({"queue": queue} if queue else {})}
    plan = stack.invoke("DeadLetterRedrive", {**event, "dry_run": True})
    moved, unseen = _count(plan, "moved"), _unseen(plan)
    if wanted and not moved + unseen:
        raise Problem("there are no such dead letters", "connector dead-letters list shows all")
    if dry_run:
        _tell_redriven(plan, "would send again", as_json)
        return
    behind = f", and those of {unseen} not seen yet that match," if unseen else ""
    output.confirm(f"Send {output.counted(moved, 'letter')}{behind} again?", yes=yes)
    _tell_redriven(_redrive(stack, event), "sent again", as_json)


def _redrive(stack: Stack, event: Mapping[str, Any]) -> dict[str, Any]:
    """Redrive until a run moves nothing more, and return what all runs moved together."""
    whole: dict[str, Any] = {}
    while True:
        answer = stack.invoke("DeadLetterRedrive", event)
        for name, said in answer.items():
            before = whole.get(name, {"moved": {}, "expired": {}})
            sums = {
                what: dict(Counter(before[what]) + Counter(said.get(what, {}))) for what in before
            }
            whole[name] = {**said, **sums}
        if not _count(answer, "moved") or not _unseen(answer):
            return whole
        output.note(f"{output.counted(_count(whole, 'moved'), 'letter')} sent again so far …")


def _tell_redriven(answer: Mapping[str, Any], verb: str, as_json: bool) -> None:
    if as_json:
        output.data(answer)
        return
    for name, said in answer.items():
        expired = said.get("expired")
        too_old = f"; deleted as too old {_words(expired)}" if expired else ""
        output.say(f"{name}: {verb} {_words(said['moved'])}; left {_words(said['left'])}{too_old}")
    _say_unseen(_unseen(answer))


@dead_letters.command()
@click.argument("letter_ids", nargs=-1)
@chosen
@click.option("--dry-run", is_flag=True, help="Say what would be thrown away, and keep it.")
@yes
@on_a_stack
def discard(
    stack: Stack,
    letter_ids: tuple[str, ...],
    queue: str | None,
    dry_run: bool,
    yes: bool,
    **filters: str | None,
) -> None:
    """
    Throw letters away for ever: those named, or all that the options choose.

    Nothing is thrown away if one of those named is not there.
    """
    wanted = _given(filters)
    if not (letter_ids or wanted):
        raise click.UsageError("name letters, or choose some: --reason, --consumer, …")
    choice = _Choice(DeadLetters(stack), wanted, frozenset(letter_ids))
    found = choice.letters.look(queue)
    doomed = [each for each in found.letters if choice.means(each)]
    missing = set(letter_ids) - {each.id for each in doomed}
    if not found.unseen and (missing or not doomed):
        raise _not_there(missing, found.unseen)
    if doomed and (dry_run or not yes):
        output.table(_HEADINGS, [_row(each.facts()) for each in doomed])
    _say_unseen(found.unseen)
    if not dry_run:
        behind = ", and any that match behind others," if found.unseen else ""
        question = f"Throw away {output.counted(len(doomed), 'letter')}{behind} for ever?"
        output.confirm(question, yes=yes)
        _discard(stack, queue, choice)


@dataclass(frozen=True)
class _Choice:
    """Which letters: those that match, or that are named."""

    letters: DeadLetters
    filters: Mapping[str, str]
    ids: frozenset[str]

    def means(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        is_named = not self.ids or letter.id in self.ids
        return is_named and self.letters.matches(letter, self.filters)

    def may_go_behind(self, letter: Letter, gone: set[str]) -> bool:
        """Whether a letter may make room for others, as long as one of those meant may be there."""
        is_over = self.ids and self.ids <= gone
        return not is_over and self.letters.may_go_behind(letter, self.filters)


def _discard(stack: Stack, queue: str | None, choice: _Choice) -> None:
    thrown: set[str] = set()

    def is_doomed(letter: Letter) -> bool:
        if choice.means(letter):
            thrown.add(letter.id)
        return letter.id in thrown

    gone = choice.letters.discard(
        queue, is_doomed, lambda letter: choice.may_go_behind(letter, thrown)
    )
    for letter in gone.letters:
        _let_group_go(stack, letter)
    if gone.letters:
        output.say(f"✓ {output.counted(len(gone.letters), 'letter')} thrown away")
    missing = choice.ids - thrown
    if missing or not gone.letters:
        raise _not_there(missing, gone.unseen)


def _not_there(letter_ids: Iterable[str], unseen: int) -> Problem:
    named = ", ".join(sorted(letter_ids))
    problem = f"there is no dead letter {named}" if named else "there are no such dead letters"
    if unseen:
        problem += f" among those that can be seen; {output.counted(unseen, 'letter')} cannot"
    return Problem(problem, "connector dead-letters list shows all that can be seen")


def _say_unseen(count: int) -> None:
    if count > 0:
        output.note(f"{count} more not seen: SQS shows only the first letters of a group at a time")


def _let_group_go(stack: Stack, letter: Letter) -> None:
    """Messages that waited behind a letter go on: it does not come back."""
    if letter.reason in transient_reasons() | {CUT_OFF}:
        setbacks = DeliveryState(stack.client("dynamodb"), stack.table)
        setbacks.release_one(letter.received.group)


def _given(filters: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value is not None}


def _row(facts: Mapping[str, Any]) -> tuple[object, ...]:
    answer = " ".join(filter(None, (facts["http_status"], facts["error_code"]))) or "-"
    left = (facts["expires_at"] - datetime.now(UTC)).total_seconds()
    return (
        *(facts["id"], facts["queue"], facts["reason"], answer, facts["event_id"] or "-"),
        *(facts["account_id"], facts["consumer"] or facts["conversation_id"] or "-"),
        *(output.ago(facts["dead_since"]), output.duration(max(0, left))),
    )


def _count(plan: Mapping[str, Mapping[str, Any]], what: str) -> int:
    return sum(sum(each[what].values()) for each in plan.values())


def _unseen(plan: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(int(each.get("unseen", 0)) for each in plan.values())


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
