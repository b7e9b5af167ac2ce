"""``connector doctor``: check everything, and say how to fix what is wrong."""

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
from . import accounts, clock, deployment, executions, rights, versions, webhooks
from .finding import OK, WARNING, WRONG, Check, CheckContext, Finding, looked

CHECKS: dict[str, Check] = {
    "stack": deployment.stack,
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
    "domains": accounts.domains,
    "AppJWT": accounts.app_jwt,
    "ConsumerJWS": accounts.consumer_jws,
    "signature": webhooks.signature,
    "webhooks": webhooks.arriving,
    "manifest": webhooks.installed,
    "callback": accounts.callback,
}

_STYLES = {OK: ("✓", "green"), WARNING: ("!", "yellow"), WRONG: ("✗", "red")}


@click.command()
@click.argument("account_ids", nargs=-1)
@click.option(
    "--installed",
    type=click.File(),
    metavar="FILE",
    help="Compare the installed app's record, too.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(list(CHECKS)),
    metavar="CHECK",
    help=f"Make this check alone; may be repeated. One of {', '.join(CHECKS)}.",
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

    Nothing is changed. LivePerson is asked for tokens that are not stored; the webhook gets a call
    without any news, and one with a forged signature; the channel gets a signed callback of type
    ping. Exit code 1 if anything is wrong.
    """
    stack.check_exists()
    parameters = Parameters(stack)
    patient = CheckContext(
        stack,
        parameters,
        LivePerson(stack),
        list(dict.fromkeys(account_ids)) or parameters.account_ids,
        not account_ids,
        _record(installed),
    )
    found = []
    for finding in examine(patient, only):
        found.append(finding)
        if not as_json:
            _show(finding)
    if as_json:
        output.data([asdict(each) for each in found])
    else:
        _conclude(found)
    click.get_current_context().exit(any(each.level == WRONG for each in found))


def examine(patient: CheckContext, only: tuple[str, ...] = ()) -> Iterator[Finding]:
    """Make the checks, one after the other; a named account that is not set up is always told."""
    for name, check in CHECKS.items():
        if not only or name in only or (name == "accounts" and not patient.is_whole):
            yield from looked(name, check, patient)


def _show(finding: Finding) -> None:
    sign, style = _STYLES[finding.level]
    whose = f"{finding.account_id}: " if finding.account_id else ""
    output.say(f"{sign} {finding.check:<12}{whose}{finding.detail}", style)
    if finding.mend:
        output.say(f"    do: {finding.mend}")


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
