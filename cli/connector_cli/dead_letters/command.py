"""The commands of ``connector dead-letters``."""

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

from .. import output
from ..errors import Problem
from ..groups import Commands
from ..options import as_json, on_a_stack, yes
from ..stack import Stack
from .queues import QUEUES, DeadLetter, DeadLetters

_HEADINGS = (
    *("dead letter", "queue", "reason", "answer", "event"),
    *("account", "consumer or conversation", "failed first", "deleted in"),
)

_FILTERS = {
    "account_id": click.option("--account", "account_id", help="Only this LivePerson account."),
    "consumer_id": click.option(
        "--consumer",
        "consumer_id",
        help="Only this consumer, by the channel's own id: events and notifications.",
    ),
    "conversation_id": click.option(
        "--conversation", "conversation_id", help="Only this conversation, by LivePerson's id."
    ),
    "reason": click.option("--reason", help="Only this reason, such as channel_refused."),
}


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that select dead letters."""
    for option in reversed(_FILTERS.values()):
        command = option(command)
    return click.option(
        "--queue", type=click.Choice(list(QUEUES)), help="Only the dead letters of this queue."
    )(command)


@click.group("dead-letters", cls=Commands)
def dead_letters() -> None:
    """List messages that were given up; redrive or discard them."""


@dead_letters.command("list")
@filters
@as_json
@on_a_stack
def list_letters(stack: Stack, queue: str | None, as_json: bool, **options: str | None) -> None:
    """List dead letters with their reasons, without their content."""
    letters, wanted = DeadLetters(stack), _given(options)
    found = letters.read(queue)
    facts = [each.facts() for each in found.letters if letters.matches(each, wanted)]
    _note_unseen(found.unseen)
    if as_json:
        output.data(facts)
        return
    if not facts:
        output.say("no dead letters", "green")
        return
    output.table(_HEADINGS, [_row(each) for each in facts])


@dead_letters.command()
@click.argument("letter_id")
@click.option(
    "--with-content", is_flag=True, help="Also print what the consumer or the agent wrote."
)
@on_a_stack
def show(stack: Stack, letter_id: str, with_content: bool) -> None:
    """Show everything about one dead letter, as JSON."""
    found = DeadLetters(stack).read()
    letter = next((each for each in found.letters if each.id == letter_id), None)
    if letter is None:
        raise _not_found([letter_id], found.unseen)
    facts = letter.facts()
    if with_content:
        facts["content"] = letter.body or letter.received.body
    output.data(facts)


@dead_letters.command()
@filters
@click.option("--dry-run", is_flag=True, help="Print what would be redriven; redrive nothing.")
@yes
@as_json
@on_a_stack
def redrive(
    stack: Stack, queue: str | None, dry_run: bool, yes: bool, as_json: bool, **options: str | None
) -> None:
    """
    Send dead letters back to the queue they came from.

    Without --consumer, --conversation and --reason, redrive what the hourly schedule redrives:
    transient failures, a limited number of times. With one of them, redrive permanent failures too.
    """
    wanted = _given(options)
    event = {**wanted, **({"queue": queue} if queue else {})}
    plan = stack.invoke("DeadLetterRedrive", {**event, "dry_run": True})
    moved, unseen = _count(plan, "moved"), _unseen(plan)
    if wanted and not moved + unseen:
        raise Problem("no dead letter matches", "connector dead-letters list shows all")
    if dry_run:
        _show_redriven(plan, "would redrive", as_json)
        return
    behind = f", and those of {unseen} not seen yet that match," if unseen else ""
    output.confirm(f"Redrive {output.counted(moved, 'dead letter')}{behind}?", yes=yes)
    _show_redriven(_redrive(stack, event), "redriven", as_json)


def _redrive(stack: Stack, event: Mapping[str, Any]) -> dict[str, Any]:
    """Redrive until a run moves nothing more; return the sum of all runs."""
    total: dict[str, Any] = {}
    while True:
        answer = stack.invoke("DeadLetterRedrive", event)
        for name, result in answer.items():
            before = total.get(name, {"moved": {}, "expired": {}})
            sums = {
                what: dict(Counter(before[what]) + Counter(result.get(what, {}))) for what in before
            }
            total[name] = {**result, **sums}
        if not _count(answer, "moved") or not _unseen(answer):
            return total
        output.note(f"{output.counted(_count(total, 'moved'), 'dead letter')} redriven so far …")


def _show_redriven(answer: Mapping[str, Any], verb: str, as_json: bool) -> None:
    if as_json:
        output.data(answer)
        return
    for name, result in answer.items():
        expired = result.get("expired")
        too_old = f"; deleted as too old {_by_reason(expired)}" if expired else ""
        moved, left = _by_reason(result["moved"]), _by_reason(result["left"])
        output.say(f"{name}: {verb} {moved}; left {left}{too_old}")
    _note_unseen(_unseen(answer))


@dead_letters.command()
@click.argument("letter_ids", nargs=-1)
@filters
@click.option("--dry-run", is_flag=True, help="Print what would be deleted; delete nothing.")
@yes
@on_a_stack
def discard(
    stack: Stack,
    letter_ids: tuple[str, ...],
    queue: str | None,
    dry_run: bool,
    yes: bool,
    **options: str | None,
) -> None:
    """
    Delete dead letters for good: those with LETTER_IDS, or all that the options select.

    If one of LETTER_IDS is not found, nothing is deleted.
    """
    wanted = _given(options)
    if not (letter_ids or wanted):
        raise click.UsageError("give ids of dead letters, or select some: --reason, --consumer, …")
    selection = _Selection(DeadLetters(stack), wanted, frozenset(letter_ids))
    found = selection.letters.read(queue)
    selected = [each for each in found.letters if selection.has(each)]
    missing = set(letter_ids) - {each.id for each in selected}
    if not found.unseen and (missing or not selected):
        raise _not_found(missing, found.unseen)
    if selected and (dry_run or not yes):
        output.table(_HEADINGS, [_row(each.facts()) for each in selected])
    _note_unseen(found.unseen)
    if not dry_run:
        behind = ", and any that match behind others," if found.unseen else ""
        question = f"Delete {output.counted(len(selected), 'dead letter')}{behind} for good?"
        output.confirm(question, yes=yes)
        _discard(stack, queue, selection)


@dataclass(frozen=True)
class _Selection:
    """Which dead letters: those that match the filters and, if ids were given, have one of them."""

    letters: DeadLetters
    filters: Mapping[str, str]
    ids: frozenset[str]

    def has(self, letter: DeadLetter) -> bool:
        """Whether a dead letter is selected."""
        is_named = not self.ids or letter.id in self.ids
        return is_named and self.letters.matches(letter, self.filters)

    def may_go_behind(self, letter: DeadLetter, deleted: set[str]) -> bool:
        """Whether a dead letter may be sent behind others: only while a selected one may follow."""
        is_done = self.ids and self.ids <= deleted
        return not is_done and self.letters.may_go_behind(letter, self.filters)


def _discard(stack: Stack, queue: str | None, selection: _Selection) -> None:
    deleted: set[str] = set()

    def is_selected(letter: DeadLetter) -> bool:
        if selection.has(letter):
            deleted.add(letter.id)
        return letter.id in deleted

    found = selection.letters.discard(
        queue, is_selected, lambda letter: selection.may_go_behind(letter, deleted)
    )
    for letter in found.letters:
        _release_group(stack, letter)
    if found.letters:
        output.say(f"✓ deleted {output.counted(len(found.letters), 'dead letter')}")
    missing = selection.ids - deleted
    if missing or not found.letters:
        raise _not_found(missing, found.unseen)


def _not_found(letter_ids: Iterable[str], unseen: int) -> Problem:
    ids = ", ".join(sorted(letter_ids))
    problem = f"there is no dead letter {ids}" if ids else "no dead letter matches"
    if unseen:
        problem += f" among those that SQS shows; it does not show {unseen} more"
    return Problem(problem, "connector dead-letters list shows all that SQS shows")


def _note_unseen(count: int) -> None:
    if count > 0:
        output.note(
            f"{count} more not seen: SQS shows only the first messages of a group at a time"
        )


def _release_group(stack: Stack, letter: DeadLetter) -> None:
    """Release the messages that wait behind a dead letter: it will not be redriven any more."""
    if letter.reason in transient_reasons() | {CUT_OFF}:
        state = DeliveryState(stack.client("dynamodb"), stack.table)
        state.release_one(letter.received.group)


def _given(options: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in options.items() if value is not None}


def _row(facts: Mapping[str, Any]) -> tuple[object, ...]:
    answer = " ".join(filter(None, (facts["http_status"], facts["error_code"]))) or "-"
    left = (facts["expires_at"] - datetime.now(UTC)).total_seconds()
    whose = facts["consumer"] or facts["conversation_id"] or "-"
    return (
        *(facts["id"], facts["queue"], facts["reason"], answer, facts["event_id"] or "-"),
        *(facts["account_id"], f"{facts['channel']}: {whose}" if facts["channel"] else whose),
        *(output.ago(facts["dead_since"]), output.duration(max(0, left))),
    )


def _count(plan: Mapping[str, Mapping[str, Any]], what: str) -> int:
    return sum(sum(each[what].values()) for each in plan.values())


def _unseen(plan: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(int(each.get("unseen", 0)) for each in plan.values())


def _by_reason(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
