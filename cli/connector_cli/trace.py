"""``connector trace``: follow a conversation, consumer or event from hop to hop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import click

from liveperson_connector.domain.pseudonyms import consumer_key, short

from . import output
from .channel.ready import names as ready_channels
from .dead_letters.queues import DeadLetter, DeadLetters
from .errors import Problem
from .logs import Line, ago, lines
from .options import as_json, minutes_option, on_a_stack
from .parameters import Parameters
from .stack import Stack

_IDS = ("trace", "conversation_id", "event_id", "consumer", "message_id")

# Fields with a column of their own, and fields that do not help an operator.
_NO_DETAILS = {
    *("level", "location", "message", "timestamp", "service", "function"),
    *("account_id", "xray_trace_id", *_IDS),
}

# At most this many messages are followed through all hops; for more, make --minutes smaller.
_MOST_TRACES = 500


@click.command()
@click.argument("what")
@click.option("--account", "account_id", help="The consumer's account. Default: all accounts.")
@minutes_option(24 * 60)
@as_json
@on_a_stack
def trace(stack: Stack, what: str, account_id: str | None, minutes: int, as_json: bool) -> None:
    """
    Follow WHAT through the logs: every hop, try, decision and time.

    WHAT is LivePerson's id of a conversation, the channel's own id of a consumer or an event (of a
    ready channel, the provider's), or a consumer's pseudonym or a trace id from the logs. The
    output contains no message text.
    """
    names = names_in_logs(stack, what, account_id)
    found = follow(stack, names, minutes)
    letters = [each for each in DeadLetters(stack).read().letters if _is_about(each, names, found)]
    if not (found or letters):
        raise Problem(
            f"the logs of the last {output.duration(minutes * 60)} do not mention {what}",
            "search further back with --minutes, or give the consumer's account with --account",
        )
    told = [_told(each, found[0]) for each in found]
    if as_json:
        dead = [each.facts() for each in letters]
        output.data({"lines": told, "dead_letters": dead})
        return
    for each in told:
        output.say(_row(each))
    for letter in letters:
        output.say(f"✗ dead letter {letter.id}: {letter.reason}", "red")
        output.say(f"    do: connector dead-letters show {letter.id}")


def follow(stack: Stack, names: set[str], minutes: float) -> list[Line]:
    """Return the lines that contain one of ``names``, and all others with the same trace id."""
    since = ago(minutes * 60)
    named = [
        line
        for line in lines(stack, since, having=sorted(names))
        if any(line.fields.get(each) in names for each in _IDS)
    ]
    traces = sorted({str(line.fields["trace"]) for line in named if "trace" in line.fields})
    if not traces:
        return named
    same = lines(stack, since, having=traces[:_MOST_TRACES])
    also = [line for line in same if line.fields.get("trace") in traces]
    return _once([*also, *named])  # of one millisecond in the order in which they were read


def names_in_logs(stack: Stack, what: str, account_id: str | None = None) -> set[str]:
    """Return the names of ``what`` in the logs: itself, and the pseudonym it has as a consumer."""
    parameters, salt = Parameters(stack), stack.consumer_id_salt
    accounts = [account_id] if account_id else parameters.account_ids
    of_channels = {
        short(consumer_key(salt, account, f"{name}:{what.removeprefix(f'{name}:')}", name))
        for account in accounts
        for name in ready_channels(parameters, account)
    }
    return {what, *(short(consumer_key(salt, each, what)) for each in accounts), *of_channels}


def _is_about(letter: DeadLetter, names: set[str], found: Iterable[Line]) -> bool:
    traces = {line.fields.get("trace") for line in found}
    ids = {letter.consumer, letter.conversation_id, letter.id} - {""}
    return bool(ids & names) or letter.received.correlation_id in traces


def _once(found: Iterable[Line]) -> list[Line]:
    unique = {(line.at, line.function, line.message, line.stream): line for line in found}
    return sorted(unique.values(), key=lambda line: line.at)


def _told(line: Line, first: Line) -> dict[str, Any]:
    return {
        "at": line.at,
        "after_ms": round((line.at - first.at).total_seconds() * 1000),
        "function": line.function,
        "what": line.message,
        "account_id": line.fields.get("account_id"),
        **{name: line.fields[name] for name in _IDS if name in line.fields},
        "details": {name: value for name, value in line.fields.items() if name not in _NO_DETAILS},
    }


def _row(told: Mapping[str, Any]) -> str:
    ids = {name: told[f"{name}_id"] for name in ("event", "conversation") if f"{name}_id" in told}
    said = {name: value for name, value in {**ids, **told["details"]}.items() if value is not None}
    details = ", ".join(f"{name} {value}" for name, value in said.items())
    when = f"{told['at']:%H:%M:%S.%f}"[:-3]
    after = f"+{told['after_ms']} ms"
    return f"{when} {after:>10}  {told['function']:<19} {told['what']:<24} {details}".rstrip()
