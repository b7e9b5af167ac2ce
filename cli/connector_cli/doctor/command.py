"""The command ``connector doctor``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO

import click

from .. import output
from ..errors import Problem
from ..options import as_json, on_a_stack
from ..parameters import Parameters
from ..partners import LivePerson
from ..stack import Stack
from . import accounts, channels, clock, deployment, executions, rights, versions, webhooks
from .finding import OK, WARNING, WRONG, Check, CheckContext, Finding, run_check

CHECKS: dict[str, Check] = {
    "stack": deployment.stack,
    "salt": deployment.salt,
    "clock": clock.clock,
    "functions": deployment.functions,
    "versions": versions.versions,
    "executions": executions.executions,
    "mappings": deployment.mappings,
    "schedules": deployment.schedules,
    "rights": rights.rights,
    "queues": deployment.queues,
    "alarms": deployment.alarms,
    "TLS": webhooks.tls,
    "accounts": accounts.set_up,
    "parameters": accounts.parameters,
    "keys": accounts.keys,
    "pauses": accounts.pauses,
    "domains": accounts.domains,
    "AppJWT": accounts.app_jwt,
    "ConsumerJWS": accounts.consumer_jws,
    "signature": webhooks.signature,
    "webhooks": webhooks.arriving,
    "manifest": webhooks.installed,
    "callback": accounts.callback,
    "channels": channels.channels,
}

_STYLES = {OK: ("✓", "green"), WARNING: ("!", "yellow"), WRONG: ("✗", "red")}


@click.command()
@click.argument("account_ids", nargs=-1)
@click.option(
    "--installed",
    type=click.File(),
    metavar="FILE",
    help="Also compare the installed app's record in FILE.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(CHECKS)),
    metavar="CHECK",
    help=f"Run only this check; may be repeated. One of {', '.join(CHECKS)}.",
)
@as_json
@on_a_stack
def doctor(
    stack: Stack,
    account_ids: tuple[str, ...],
    installed: IO[str] | None,
    only: tuple[str, ...],
    as_json: bool,
) -> None:
    """
    Check the stack and all accounts (or only ACCOUNT_IDS), and say how to fix what is wrong.

    Nothing is changed. The command fetches tokens from LivePerson without storing them, posts a
    webhook without changes and one with a forged signature to the stack, and sends the channel a
    signed callback of type ping. The exit code is 1 if anything is wrong.
    """
    stack.check_exists()
    parameters = Parameters(stack)
    context = CheckContext(
        stack,
        parameters,
        LivePerson(stack),
        list(dict.fromkeys(account_ids)) or parameters.account_ids,
        not account_ids,
        _record(installed),
    )
    found = []
    for finding in run_checks(context, only):
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        output.data(output.fixes(asdict(each) for each in found))
    else:
        _conclude(found)
    click.get_current_context().exit(any(each.level == WRONG for each in found))


def run_checks(context: CheckContext, only: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Run the checks in order; always report a given account that is not set up."""
    for name, check in CHECKS.items():
        if not only or name in only or (name == "accounts" and not context.is_whole):
            yield from run_check(name, check, context)


def _show(finding: Finding) -> None:
    sign, style = _STYLES[finding.level]
    whose = f"{finding.account_id}: " if finding.account_id else ""
    output.say(f"{sign} {finding.check:<12}{whose}{finding.detail}", style)
    if finding.fix:
        output.say(f"    do: {finding.fix}")


def _conclude(found: list[Finding]) -> None:
    wrong = sum(each.level == WRONG for each in found)
    output.say("")
    if wrong:
        verb = "is" if wrong == 1 else "are"
        output.say(f"{wrong} of {output.counted(len(found), 'finding')} {verb} wrong.", "red")
    else:
        output.say("Nothing is wrong.", "green")


def _record(file: IO[str] | None) -> object:
    if file is None:
        return None
    try:
        return json.load(file)
    except ValueError:
        raise Problem(
            f"{file.name} is not JSON", "give the app's record as LivePerson gives it"
        ) from None
