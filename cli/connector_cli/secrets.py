"""``connector secrets``: rotate the client secret or the signing secret without losing messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from liveperson_connector.domain.accounts import ChannelSettings, Credentials

from . import output
from .channel import ready
from .errors import Problem, invalid_input_explained
from .groups import Commands
from .logs import Line, ago, lines
from .manifest.fields import LONGEST_RETENTION
from .options import as_json, on_a_stack, yes
from .parameters import CHANNEL, CREDENTIALS, Parameters
from .partners import checked_app_jwt, checked_ping
from .stack import Stack

CURRENT = "accepted_current_secret"
PREVIOUS = "accepted_previous_secret"
# For this long after a change, a container may still log the old secret as the current one.
_CACHED = timedelta(minutes=5)

_PREVIOUS_FIELD = "previous_client_secret"


@dataclass(frozen=True)
class Usage:
    """When webhooks were last signed with each secret; None if not in the logs that were read."""

    has_previous: bool
    changed_at: datetime
    current: datetime | None
    previous: datetime | None

    @classmethod
    def of(cls, accepted: Iterable[Line], changed_at: datetime, *, has_previous: bool) -> Usage:
        """
        Read the usage from the log lines of ``webhook_intake``.

        A line from before the change, or from the minutes after it, may call today's previous
        secret the current one: count it as a use of the previous secret.
        """
        current = previous = None
        for line in sorted(accepted, key=lambda each: each.at):
            is_old = has_previous and line.at < changed_at + _CACHED
            if line.message == PREVIOUS or (line.message == CURRENT and is_old):
                previous = line.at
            elif line.message == CURRENT:
                current = line.at
        return cls(has_previous, changed_at, current, previous)

    def reason_to_keep(self) -> str | None:
        """Return why the previous secret must stay, or None."""
        if self.previous is not None:
            return f"a webhook may have been signed with it {output.ago(self.previous)}"
        if self.current is None:
            return "no webhook has been signed with the new one yet, as far as the logs show"
        return None


@click.group(cls=Commands)
def secrets() -> None:
    """Rotate secrets without losing a message."""


@secrets.command()
@click.argument("account_id")
@click.option("--finish", is_flag=True, help="Remove the previous client secret.")
@click.option(
    "--force", is_flag=True, help="Do it although the previous secret is, or may be, in use."
)
@click.option("--signing", is_flag=True, help="Rotate the channel's signing secret instead.")
@click.option("--channel", metavar="NAME", help="Rotate the secrets of this ready channel instead.")
@click.option(
    "--quiet-seconds",
    type=click.IntRange(0),
    default=LONGEST_RETENTION,
    show_default=True,
    help="Require that the previous secret was unused for so long; use your retention_time.",
)
@yes
@on_a_stack
def rotate(
    stack: Stack,
    account_id: str,
    finish: bool,
    force: bool,
    signing: bool,
    channel: str | None,
    quiet_seconds: int,
    yes: bool,
) -> None:
    """
    Set a new client secret, and keep the old one as the previous secret.

    Webhooks signed with either are accepted. When no webhook has been signed with the old one for
    longer than your retention_time, remove it with --finish, which also clears Parameter Store's
    history of it. The new secret is read from a hidden prompt, or from a line of standard input,
    and tested at LivePerson before it is written.
    """
    parameters = Parameters(stack)
    parameters.of(account_id)
    if channel is not None:
        _rotate_channel(stack, parameters, account_id, channel, finish=finish, yes=yes)
    elif finish:
        _check_unused(usage(stack, parameters, account_id, quiet_seconds), force)
        output.confirm(f"Remove the previous secret of account {account_id}?", yes=yes)
        _forget(parameters, account_id)
    elif signing:
        _rotate_signing(stack, parameters, account_id, yes)
    else:
        _rotate(stack, parameters, account_id, force, yes)


@secrets.command()
@click.argument("account_id")
@as_json
@on_a_stack
def status(stack: Stack, account_id: str, as_json: bool) -> None:
    """Show when webhooks were last signed with the current and the previous client secret."""
    found = usage(stack, Parameters(stack), account_id, LONGEST_RETENTION)
    told = {
        "previous_is_kept": found.has_previous,
        "credentials_written": found.changed_at,
        "current_last_matched": found.current,
        "previous_last_matched": found.previous,
    }
    if as_json:
        output.data(told)
        return
    output.say(f"credentials written   {output.ago(found.changed_at)}")
    output.say(f"current last matched  {_when(found.current)}")
    kept = _when(found.previous) if found.has_previous else "there is none"
    output.say(f"previous last matched {kept}")


@secrets.command("clear-history")
@click.argument("account_id")
@yes
@on_a_stack
def clear_history(stack: Stack, account_id: str, yes: bool) -> None:
    """
    Remove the older values of an account's secrets from Parameter Store.

    Parameter Store keeps a parameter's last hundred values, and everyone who may read the parameter
    may read those too. The command writes the present value a hundred times, until no other is
    left; webhooks and callbacks continue meanwhile.
    """
    parameters = Parameters(stack)
    written = parameters.of(account_id)
    output.confirm(f"Remove all older secrets of account {account_id} from the history?", yes=yes)
    for kind in (CREDENTIALS, CHANNEL):
        if kind in written:
            _clear_history(parameters, account_id, kind)


def _rotate_channel(
    stack: Stack, parameters: Parameters, account_id: str, name: str, *, finish: bool, yes: bool
) -> None:
    if not finish:
        ready.rotate(stack, parameters, account_id, name, yes=yes)
        return
    output.confirm(f"Remove the previous secrets of channel {name}?", yes=yes)
    ready.finish_rotation(parameters, account_id, name)
    _clear_history(parameters, account_id, ready.FOLDER + name)


def usage(stack: Stack, parameters: Parameters, account_id: str, seconds: float) -> Usage:
    """Read from the logs when each secret last matched."""
    written = parameters.of(account_id)
    if CREDENTIALS not in written:
        raise Problem(
            f"account {account_id} has no credentials", f"connector account add {account_id}"
        )
    accepted = [
        line
        for line in lines(stack, ago(seconds), having=account_id, functions=("webhook_intake",))
        if line.fields.get("changes")  # a webhook without changes comes from `connector doctor`
    ]
    return Usage.of(
        accepted,
        written[CREDENTIALS].modified.astimezone(UTC),
        has_previous=_PREVIOUS_FIELD in parameters.raw(account_id, CREDENTIALS),
    )


def _rotate(stack: Stack, parameters: Parameters, account_id: str, force: bool, yes: bool) -> None:
    there = parameters.raw(account_id, CREDENTIALS)
    if _PREVIOUS_FIELD in there and not force:
        raise Problem(
            "the last rotation is not finished: there is a previous secret",
            f"connector secrets rotate {account_id} --finish",
        )
    secret = output.ask_secret("New client secret")
    if secret == there.get("client_secret"):
        raise Problem("this is the current secret", "get a new one from LivePerson")
    wanted = {**there, "client_secret": secret}
    if "client_secret" in there:
        wanted[_PREVIOUS_FIELD] = there["client_secret"]
    _check(stack, account_id, wanted, parameters)
    output.confirm(
        f"Write the new secret of account {account_id}, and keep the old one as previous?", yes=yes
    )
    parameters.write(account_id, CREDENTIALS, wanted)
    output.say("✓ the new secret is written; webhooks signed with the old one are still accepted")
    output.say(
        f"  when the old one is no longer used: connector secrets rotate {account_id} --finish"
    )


def _check(stack: Stack, account_id: str, wanted: dict[str, Any], parameters: Parameters) -> None:
    name = parameters.store.name(account_id, CREDENTIALS)
    with invalid_input_explained():
        credentials = Credentials.parse(json.dumps(wanted), parameter=name)
    checked_app_jwt(stack, account_id, credentials)
    output.say("✓ LivePerson issues an AppJWT for the new secret")


def _check_unused(found: Usage, force: bool) -> None:
    """Refuse to remove a secret that is in use; print when it last matched."""
    if not found.has_previous:
        raise Problem(
            "there is no previous secret, so there is nothing to finish",
            "to set a new secret: connector secrets rotate ACCOUNT",
        )
    output.say(f"the previous secret last matched: {_when(found.previous)}")
    reason = found.reason_to_keep()
    if reason and not force:
        raise Problem(f"the previous secret is kept: {reason}", "try later, or add --force")


def _forget(parameters: Parameters, account_id: str) -> None:
    left = parameters.raw(account_id, CREDENTIALS)
    left.pop(_PREVIOUS_FIELD)
    parameters.write(account_id, CREDENTIALS, left)
    output.say("✓ the previous secret is no longer accepted")
    _clear_history(parameters, account_id, CREDENTIALS)


def _clear_history(parameters: Parameters, account_id: str, kind: str) -> None:
    """Clear a parameter's history, and print whether older values can still be read."""
    output.note(f"clearing the history of {kind}: about half a minute …")
    left = parameters.clear_history(account_id, kind)
    if left:  # an emulator keeps every version
        values = output.counted(left, "older value")
        output.say(f"! {values} of {parameters.store.name(account_id, kind)} can still be read")
    else:
        output.say(f"✓ Parameter Store has no older value of {kind}")


def _rotate_signing(stack: Stack, parameters: Parameters, account_id: str, yes: bool) -> None:
    wanted = parameters.raw(account_id, CHANNEL)
    wanted["signing_secret"] = output.ask_secret("New signing secret")
    name = parameters.store.name(account_id, CHANNEL)
    with invalid_input_explained():
        settings = ChannelSettings.parse(json.dumps(wanted), parameter=name)
    status = checked_ping(stack, account_id, settings)
    output.say(f"✓ the channel accepts a callback signed with it: {status}")
    output.confirm(f"Sign account {account_id}'s callbacks with it?", yes=yes)
    parameters.write(account_id, CHANNEL, wanted)
    output.say("✓ it is written; within five minutes every callback is signed with it")
    output.say(
        f"  when you need not go back to the old one: connector secrets clear-history {account_id}"
    )


def _when(moment: datetime | None) -> str:
    return output.ago(moment) if moment else "not in the logs that were read"
