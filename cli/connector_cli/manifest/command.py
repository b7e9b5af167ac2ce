"""The commands of ``connector manifest``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO, Any

import click

from .. import output
from ..errors import Problem, errors_explained
from ..groups import Commands
from ..options import as_json, on_a_stack
from ..stack import Stack
from .drift import Difference, differences
from .fields import LONGEST_RETENTION
from .fields import manifest as wanted_manifest
from .rules import ERROR, Fault, faults

NAME = "LivePerson connector"
DESCRIPTION = "Carries messages between the brand's own channel and Conversational Cloud."


@click.group(cls=Commands, invoke_without_command=True)
@click.option(
    "--name", default=NAME, show_default=True, help="The name that agents see as the source."
)
@click.option("--description", default=DESCRIPTION, help="The description that administrators see.")
@click.option(
    "--retention-time",
    type=click.IntRange(2, LONGEST_RETENTION),
    default=LONGEST_RETENTION,
    show_default=True,
    help="For how many seconds LivePerson retries a webhook.",
)
@on_a_stack
@click.pass_context
def manifest(
    context: click.Context, stack: Stack, name: str, description: str, retention_time: int
) -> None:
    """
    Print the install manifest for this stack.

    Give it to LivePerson's account team, or paste it into the Connector App Hub. Before it is
    printed, it is checked against every documented rule.
    """
    if context.invoked_subcommand is not None:
        return
    url = stack.output("WebhookUrl")
    made = wanted_manifest(
        url, client_name=name, description=description, retention_time=retention_time
    )
    found = faults(made, webhook_url=url)
    if any(each.severity == ERROR for each in found):
        told = "; ".join(f"{each.path} {each.problem}, {each.fix}" for each in found)
        raise Problem(f"the manifest is wrong: {told}", "give another --name or --description")
    output.data(made)
    for each in found:
        output.note(f"{each.severity}: {each.path} {each.problem}; {each.fix}")


@manifest.command()
@click.argument("file", type=click.File())
@click.option("--endpoint", metavar="URL", help="Also check that webhooks go to this URL.")
@as_json
def check(file: IO[str], endpoint: str | None, as_json: bool) -> None:
    """List what is wrong with the manifest in FILE (- is standard input)."""
    with errors_explained():
        found = faults(_read(file), webhook_url=endpoint)
    if as_json:
        output.data(output.fixes(asdict(each) for each in found))
    else:
        _show_faults(found)
    _exit(any(each.severity == ERROR for each in found))


@manifest.command()
@click.argument("file", type=click.File())
@as_json
@on_a_stack
def diff(stack: Stack, file: IO[str], as_json: bool) -> None:
    """
    Show how the installed app in FILE differs from the manifest of this stack.

    FILE is the app's record as LivePerson gives it. The exit code is 1 if a difference matters.
    """
    installed = _read(file)
    if not isinstance(installed, dict):
        raise Problem(
            f"{file.name} is not the record of one app",
            "give the app's record as LivePerson gives it: one JSON object",
        )
    wanted = wanted_manifest(stack.output("WebhookUrl"), client_name=NAME, description=DESCRIPTION)
    found = differences(wanted, installed)
    if as_json:
        output.data([asdict(each) for each in found])
    else:
        _show_differences(found)
    _exit(any(each.matters for each in found))


def _show_faults(found: list[Fault]) -> None:
    if not found:
        output.say("the manifest is valid", "green")
    for each in found:
        style = "red" if each.severity == ERROR else "yellow"
        output.say(f"{each.severity:<8}{each.path} {each.problem}", style)
        if each.fix:
            output.say(f"        {each.fix}")


def _show_differences(found: list[Difference]) -> None:
    if not found:
        output.say("the installed app matches this stack's manifest", "green")
        return
    for each in found:
        output.say(f"{each.path}: {_weight(each)}", "red" if each.matters else "")
        output.say(f"  wanted     {json.dumps(each.wanted)}")
        output.say(f"  installed  {json.dumps(each.installed)}")


def _weight(difference: Difference) -> str:
    return "change it at LivePerson" if difference.matters else "the brand may choose this"


def _read(file: IO[str]) -> Any:
    try:
        return json.load(file)
    except ValueError as problem:
        raise Problem(
            f"{file.name} is not JSON: {problem}",
            "write one with: connector manifest > manifest.json",
        ) from None


def _exit(wrong: bool) -> None:
    click.get_current_context().exit(1 if wrong else 0)
