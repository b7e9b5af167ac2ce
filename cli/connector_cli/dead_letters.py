"""``connector dead-letters``: what was given up, why, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.domain.errors import transient_reasons
from liveperson_connector.flows.dead_letter_redrive import CUT_OFF

from . import output
from .errors import Problem
from .groups import Commands
from .letters import QUEUES, DeadLetters, Letter, matching
from .options import as_json, on_a_stack, yes
from .stack import Stack

_HEADINGS = (
    *("letter", "queue", "reason", "answer"),
    *("account", "consumer or conversation", "dead"),
)

_FILTERS = {
    "account_id": click.option("--account", "account_id", help="Letters of one account."),
    "consumer_id": click.option("--consumer", "consumer_id", help="The channel's own id."),
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
    letters = DeadLetters(stack)
    seen = letters.read(queue)
    facts = [each.facts() for each in matching(seen, _given(filters))]
    _say_hidden(letters.count(queue) - len(seen))
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
    letter = _find(DeadLetters(stack).read(), letter_id)
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
    event: dict[str, Any] = {**_given(filters), "dry_run": dry_run}
    if queue:
        event["queue"] = queue
    if not dry_run:
        plan = stack.invoke("DeadLetterRedrive", {**event, "dry_run": True})
        output.confirm(f"Send {output.counted(_count(plan, 'moved'), 'letter')} again?", yes=yes)
    answer = stack.invoke("DeadLetterRedrive", event)
    if as_json:
        output.data(answer)
        return
    for name, said in answer.items():
        verb = "would send again" if dry_run else "sent again"
        output.say(f"{name}: {verb} {_words(said['moved'])}; left {_words(said['left'])}")


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
    """Throw letters away for ever: those named, or all that the options choose."""
    wanted = _given(filters)
    if not (letter_ids or wanted):
        raise click.UsageError("name letters, or choose some: --reason, --consumer, …")
    letters = DeadLetters(stack)
    thrown = 0
    # Those behind a full group are seen when those before them are gone.
    while doomed := _discard_some(stack, letters, _Choice(queue, wanted, letter_ids), dry_run, yes):
        thrown += doomed
        yes = True
        if dry_run:
            output.say(f"{output.counted(thrown, 'letter')}, and any behind, would be thrown away")
            return
    output.say(f"✓ {output.counted(thrown, 'letter')} thrown away")


@dataclass(frozen=True)
class _Choice:
    """Which letters: of a queue, that match, or that are named."""

    queue: str | None
    filters: Mapping[str, str]
    ids: tuple[str, ...]

    def of(self, letters: list[Letter]) -> list[Letter]:
        """Return those that are meant."""
        found = matching(letters, self.filters)
        return [each for each in found if not self.ids or each.id in self.ids]


def _discard_some(
    stack: Stack, letters: DeadLetters, choice: _Choice, dry_run: bool, yes: bool
) -> int:
    """Throw away the letters that are shown now, and return how many there were."""
    with letters.borrowed(choice.queue) as borrowed:
        doomed = choice.of(borrowed)
        if doomed and not yes:
            output.table(_HEADINGS, [_row(each.facts()) for each in doomed])
        if doomed and not dry_run:
            count = output.counted(len(doomed), "letter")
            question = f"Throw away {count}, and any behind, for ever?"
            output.confirm(question, yes=yes)
            for letter in doomed:
                letters.discard(letter)
                _let_group_go(stack, letter)
        return len(doomed)


def _say_hidden(count: int) -> None:
    if count > 0:
        output.note(f"{count} more behind these: SQS shows ten letters of a group at a time")


def _let_group_go(stack: Stack, letter: Letter) -> None:
    """Messages that waited behind a letter go on: it does not come back."""
    if letter.reason in transient_reasons() | {CUT_OFF}:
        setbacks = DeliveryState(stack.client("dynamodb"), stack.table)
        setbacks.release_one(letter.received.group)


def _given(filters: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in filters.items() if value is not None}


def _find(letters: list[Letter], letter_id: str) -> Letter:
    for letter in letters:
        if letter.id == letter_id:
            return letter
    raise Problem(f"there is no dead letter {letter_id}", "connector dead-letters list")


def _row(facts: Mapping[str, Any]) -> tuple[object, ...]:
    answer = " ".join(filter(None, (facts["http_status"], facts["error_code"]))) or "-"
    who = facts["consumer"] or facts["conversation_id"] or "-"
    dead = output.ago(facts["dead_since"])
    return facts["id"], facts["queue"], facts["reason"], answer, facts["account_id"], who, dead


def _count(plan: Mapping[str, Mapping[str, Any]], what: str) -> int:
    return sum(sum(each[what].values()) for each in plan.values())


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"
