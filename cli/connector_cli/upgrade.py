"""``connector upgrade --check``: what a new version would replace, need and change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import click

from . import output
from .errors import Problem
from .options import as_json, on_a_stack
from .stack import Stack

STATEFUL = {
    "AWS::SQS::Queue": "its messages",
    "AWS::DynamoDB::Table": "what is known of consumers",
    "AWS::S3::Bucket": "agents' files",
}
"""What is lost with a resource. ``stack-policy.json`` forbids it too, but amid the update."""

PREPARE = "make deploy STAGE=… ARGS=--no-execute-changeset"
WRONG, NOTE = "wrong", "note"

_STYLES = {WRONG: ("✗", "red"), NOTE: ("·", "")}


@dataclass(frozen=True)
class Change:
    """One line of output."""

    level: str
    what: str
    why: str = ""


@click.command()
@click.option("--check", is_flag=True, help="Read a change set; change nothing.")
@click.option("--change-set", "name", metavar="NAME", help="Default: the newest that is ready.")
@as_json
@on_a_stack
def upgrade(stack: Stack, check: bool, name: str | None, as_json: bool) -> None:
    """
    Say what a new version would replace, need and change, before it is deployed.

    Prepare its change set first: make deploy STAGE=… ARGS=--no-execute-changeset. The exit code
    is 1 if the upgrade would lose messages or data.
    """
    if not check:
        raise Problem("connector does not deploy", "add --check; to deploy: make deploy STAGE=…")
    found = list(changes(stack, described(stack, name)))
    if as_json:
        output.data([asdict(each) for each in found])
    else:
        for each in found:
            sign, style = _STYLES[each.level]
            output.say(f"{sign} {each.what}{f': {each.why}' if each.why else ''}", style)
        output.say(_verdict(found))
    click.get_current_context().exit(int(any(each.level == WRONG for each in found)))


def described(stack: Stack, name: str | None) -> Mapping[str, Any]:
    """Return a change set with all its changes; raise a :class:`Problem` if none is ready."""
    client = stack.client("cloudformation")
    pages = client.get_paginator("describe_change_set").paginate(
        StackName=stack.name, ChangeSetName=name or _newest(stack)
    )
    try:
        found: Mapping[str, Any] = pages.build_full_result()
    except client.exceptions.ChangeSetNotFoundException:
        raise Problem(f"there is no change set {name}", PREPARE) from None
    return found


def _newest(stack: Stack) -> str:
    stack.check_exists()
    pages = stack.client("cloudformation").get_paginator("list_change_sets")
    ready = [
        each
        for page in pages.paginate(StackName=stack.name)
        for each in page["Summaries"]
        if each.get("ExecutionStatus") == "AVAILABLE"
    ]
    if not ready:
        raise Problem(f"stack {stack.name} has no change set that is ready", PREPARE)
    return str(max(ready, key=lambda each: each["CreationTime"])["ChangeSetName"])


def changes(stack: Stack, change_set: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what is lost, then what is replaced, needed and changed."""
    every = [each["ResourceChange"] for each in change_set.get("Changes", [])]
    yield from _lost(every)
    yield from _replaced(every)
    yield from _settings(stack, change_set)
    yield from _rights(every)
    kinds = Counter((each["Action"], each["ResourceType"]) for each in every)
    for (action, kind), count in sorted(kinds.items()):
        yield Change(NOTE, f"{action.lower()} {count} × {kind}")


def _lost(every: list[Mapping[str, Any]]) -> Iterator[Change]:
    for each in every:
        what = f"{each['LogicalResourceId']} ({each['ResourceType']})"
        contents = STATEFUL.get(each["ResourceType"])
        if contents and each["Action"] == "Remove":
            yield Change(WRONG, f"{what} is removed", f"{contents} would be lost")
        elif contents and _is_replaced(each):
            yield Change(WRONG, f"{what} is replaced", f"{contents} would be lost")


def _replaced(every: list[Mapping[str, Any]]) -> Iterator[Change]:
    names = [
        each["LogicalResourceId"]
        for each in every
        if _is_replaced(each) and each["ResourceType"] not in STATEFUL
    ]
    if names:
        yield Change(NOTE, f"replaced without loss: {', '.join(sorted(names))}")


def _settings(stack: Stack, change_set: Mapping[str, Any]) -> Iterator[Change]:
    given = {each["ParameterKey"] for each in change_set.get("Parameters", [])}
    if new := sorted(given - stack.parameters.keys()):
        yield Change(
            NOTE, f"new settings, each with a default: {', '.join(new)}", "docs/settings.md"
        )
    if gone := sorted(stack.parameters.keys() - given):
        yield Change(
            NOTE, f"settings that are gone: {', '.join(gone)}", "samconfig.toml may name them"
        )


def _rights(every: list[Mapping[str, Any]]) -> Iterator[Change]:
    names = sorted(
        each["LogicalResourceId"] for each in every if each["ResourceType"].startswith("AWS::IAM::")
    )
    if names:
        why = "who deploys needs the right to change roles"
        yield Change(NOTE, f"rights change: {', '.join(names)}", why)


def _is_replaced(change: Mapping[str, Any]) -> bool:
    return change["Action"] == "Modify" and str(change.get("Replacement", "False")) != "False"


def _verdict(found: list[Change]) -> str:
    if lost := sum(each.level == WRONG for each in found):
        return f"Do not deploy: {output.counted(lost, 'resource')} would be lost with its contents."
    return "Nothing is lost. Deploy it: make deploy STAGE=…"
