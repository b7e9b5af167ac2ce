"""``connector channel add`` and the like: the ready channels of an account."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import click

from liveperson_connector.channel.adapters import READY_KINDS, adapter_of
from liveperson_connector.channel.adapters.interface import API_URL, Setting, Template, Text
from liveperson_connector.channel.ready_channels import ReadyChannel
from liveperson_connector.domain.accounts import is_channel_name

from .. import output
from ..errors import Problem, invalid_input_explained
from ..logs import ago, lines
from ..options import as_json, on_a_stack, yes
from ..parameters import Parameters, checked_account_id
from ..stack import Stack
from .provider import Provider

FOLDER = "channels/"
"""Below an account, the parameters of its ready channels are named ``channels/{name}``."""

_POLL_SECONDS = 3


@click.command()
@click.argument("account_id")
@click.argument("name")
@click.option("--kind", type=click.Choice(READY_KINDS), required=True, help="The provider.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A setting that is no secret; may be repeated. Other settings are asked for.",
)
@click.option(
    "--skip-checks", is_flag=True, help="Write the parameter without asking the provider."
)
@yes
@on_a_stack
def add(
    stack: Stack,
    account_id: str,
    name: str,
    kind: str,
    given: tuple[str, ...],
    skip_checks: bool,
    yes: bool,
) -> None:
    """
    Add the ready channel NAME to an account, or overwrite its settings.

    Asks for the kind's settings, for secrets unseen; a script pipes them in, a line each. Tries
    them at the provider, writes the parameter, and gives the provider the webhook's address if it
    has an API for that. Else, it says what to click.
    """
    _checked_name(checked_account_id(account_id), name)
    stack.check_exists()
    parameters = Parameters(stack)
    values = _values(parameters, account_id, name, kind, dict(_pairs(given)))
    values["address"] = _address(stack, account_id, name)
    channel = _parsed(parameters, account_id, name, values)
    provider = Provider(channel, stack.callback_network)
    if not skip_checks:
        provider.check_credentials()
        output.say(f"✓ {kind} accepts the credentials")
    verb = "Overwrite" if FOLDER + name in parameters.written.get(account_id, {}) else "Write"
    output.confirm(f"{verb} channel {name} of account {account_id}?", yes=yes)
    parameters.write(account_id, FOLDER + name, values)
    output.say(f"✓ {parameters.store.name(account_id, FOLDER + name)} is written")
    if not skip_checks:
        _register(provider, account_id)


@click.command()
@click.argument("account_id")
@click.argument("name")
@on_a_stack
def register(stack: Stack, account_id: str, name: str) -> None:
    """Give the provider the webhook's address again."""
    _register(
        Provider(stored(Parameters(stack), account_id, name), stack.callback_network), account_id
    )


@click.command("list")
@click.argument("account_id", required=False)
@as_json
@on_a_stack
def list_channels(stack: Stack, account_id: str | None, as_json: bool) -> None:
    """List the ready channels of the stack, or of one account."""
    parameters = Parameters(stack)
    rows = [
        {"account_id": account, "name": name, "kind": _kind(parameters, account, name)}
        for account in ([account_id] if account_id else parameters.account_ids)
        for name in names(parameters, account)
    ]
    if as_json:
        output.data(rows)
    elif rows:
        output.table(("account", "channel", "kind"), [tuple(each.values()) for each in rows])
    else:
        stack.check_exists()
        output.say(
            "there is no ready channel; add one: connector channel add ACCOUNT NAME --kind KIND"
        )


@click.command()
@click.argument("account_id")
@click.argument("name")
@as_json
@on_a_stack
def show(stack: Stack, account_id: str, name: str, as_json: bool) -> None:
    """Show a ready channel's settings, without its secrets."""
    parameters = Parameters(stack)
    channel = stored(parameters, account_id, name)
    hidden = {each.name for each in channel.adapter.settings if each.secret}
    told = {
        "account_id": account_id,
        "name": name,
        "kind": channel.kind,
        **{
            each: "********" if each in hidden and value else value
            for each, value in channel.settings.items()
            if value or each in hidden
        },
        "previous": sorted(channel.previous),
        "written": parameters.written[account_id][FOLDER + name].modified,
    }
    if as_json:
        output.data(told)
        return
    told["previous"] = ", ".join(channel.previous) or "none"
    told["written"] = output.ago(parameters.written[account_id][FOLDER + name].modified)
    for label, value in told.items():
        output.say(f"{label:<22}{value}")


@click.command("try")
@click.argument("account_id")
@click.argument("name")
@click.argument("person")
@click.option("--text", default="Hello from connector channel try", help="What is sent.")
@click.option("--template", help="Send this template instead: outside of the 24-hour window.")
@click.option("--language", default="en_US", show_default=True, help="The template's language.")
@click.option(
    "--wait",
    type=click.IntRange(0, 600),
    default=60,
    show_default=True,
    help="Wait so many seconds for an answer of the person's.",
)
@on_a_stack
def try_channel(
    stack: Stack,
    account_id: str,
    name: str,
    person: str,
    text: str,
    template: str | None,
    language: str,
    wait: int,
) -> None:
    """
    Send one message to PERSON, the provider's id of a test person, and wait for one back.

    The message goes past LivePerson; the answer goes to LivePerson, as all do.
    """
    channel = stored(Parameters(stack), account_id, name)
    began = ago(1)
    piece = Template(template, language) if template else Text(text)
    verdict = Provider(channel, stack.callback_network).send(piece, person)
    output.say(
        f"✓ {channel.kind} has taken the message{f': {verdict.message}' if verdict.message else ''}"
    )
    if not wait:
        return
    output.say("  answer it now …")
    until = time.monotonic() + wait
    while time.monotonic() < until:
        heard = [
            line
            for line in lines(stack, began, having=name, functions=("provider_intake",))
            if (line.fields.get("channel"), line.message) == (name, "accepted")
            and line.fields.get("event_type") != "report"
        ]
        if heard:
            output.say(f"✓ an answer has come in: connector trace {heard[-1].fields['event_id']}")
            return
        time.sleep(min(_POLL_SECONDS, max(0.0, until - time.monotonic())))
    raise Problem(
        f"no webhook of channel {name} has been accepted within {wait} s",
        f"connector doctor {account_id} --only channels",
    )


@click.command()
@click.argument("account_id")
@click.argument("name")
@click.option("--force", is_flag=True, help="Remove it although the provider cannot be told.")
@yes
@on_a_stack
def remove(stack: Stack, account_id: str, name: str, force: bool, yes: bool) -> None:
    """
    Remove a ready channel: take the webhook's address from the provider, delete the parameter.

    Messages that are queued by then are tried for a day, then become dead letters.
    """
    parameters = Parameters(stack)
    channel = None if force else stored(parameters, account_id, name)
    _written(parameters, account_id, name)
    output.confirm(f"Remove channel {name} of account {account_id}?", yes=yes)
    if channel is not None:
        address = channel.address or _address(stack, account_id, name)
        if Provider(channel, stack.callback_network).deregister(address):
            output.say(f"✓ {channel.kind} does not know the webhook's address any more")
    parameters.delete_one(account_id, FOLDER + name)
    output.say(f"✓ {parameters.store.name(account_id, FOLDER + name)} is deleted")


def rotate(stack: Stack, parameters: Parameters, account_id: str, name: str, *, yes: bool) -> None:
    """
    Ask for new secrets of a channel, and keep what they replace as ``previous``.

    Webhooks are proven by either, so nothing is refused while the provider changes over.
    """
    there = stored(parameters, account_id, name)
    if there.previous:
        raise Problem(
            "the last rotation is not finished: there are previous secrets",
            f"connector secrets rotate {account_id} --channel {name} --finish",
        )
    values = dict(parameters.raw(account_id, FOLDER + name))
    changed = dict(_new_secrets(there))
    if not changed:
        raise Problem("no secret was changed", "type at least one new secret")
    previous = {each: there.settings[each] for each in changed if there.settings.get(each)}
    values |= {**changed, "previous": previous}
    channel = _parsed(parameters, account_id, name, values)
    provider = Provider(channel, stack.callback_network)
    provider.check_credentials()
    output.say(f"✓ {channel.kind} accepts the credentials")
    output.confirm(
        f"Write {', '.join(changed)} of channel {name}, and keep the old as previous?", yes=yes
    )
    parameters.write(account_id, FOLDER + name, values)
    output.say("✓ written; webhooks proven by the old secrets are still accepted")
    _register(provider, account_id)
    output.say("  when the provider uses the new ones alone, for ten minutes at least:")
    output.say(f"  connector secrets rotate {account_id} --channel {name} --finish")


def finish_rotation(parameters: Parameters, account_id: str, name: str) -> None:
    """Forget the previous secrets of a channel."""
    values = dict(parameters.raw(account_id, FOLDER + name))
    if not values.pop("previous", None):
        raise Problem(
            f"channel {name} has no previous secrets, so there is nothing to finish",
            f"to set new ones: connector secrets rotate {account_id} --channel {name}",
        )
    parameters.write(account_id, FOLDER + name, values)
    output.say("✓ the previous secrets are no longer accepted")


def names(parameters: Parameters, account_id: str) -> list[str]:
    """Return the names of an account's ready channels."""
    written = parameters.written.get(account_id, {})
    return sorted(each.removeprefix(FOLDER) for each in written if each.startswith(FOLDER))


def stored(parameters: Parameters, account_id: str, name: str) -> ReadyChannel:
    """Read a channel's parameter; raise :class:`Problem` if it is missing or wrong."""
    _written(parameters, account_id, name)
    return _parsed(parameters, account_id, name, parameters.raw(account_id, FOLDER + name))


def _written(parameters: Parameters, account_id: str, name: str) -> None:
    if name not in names(parameters, account_id):
        known = ", ".join(names(parameters, account_id)) or "none"
        raise Problem(
            f"account {account_id} has no ready channel {name} (it has: {known})",
            f"connector channel add {account_id} {name} --kind KIND",
        )


def _parsed(
    parameters: Parameters, account_id: str, name: str, values: Mapping[str, Any]
) -> ReadyChannel:
    with invalid_input_explained():
        return ReadyChannel.parse(
            json.dumps(values),
            account_id=account_id,
            name=name,
            parameter=parameters.store.name(account_id, FOLDER + name),
        )


def _kind(parameters: Parameters, account_id: str, name: str) -> str:
    return str(parameters.raw(account_id, FOLDER + name).get("kind", "unreadable"))


def _checked_name(account_id: str, name: str) -> None:
    if not is_channel_name(name):
        raise Problem(
            f"{name!r} is not a channel's name",
            f"a small letter, then small letters, digits and hyphens: "
            f"connector channel add {account_id} shop --kind KIND",
        )


def _pairs(given: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for each in given:
        name, sign, value = each.partition("=")
        if not sign:
            raise click.BadParameter(f"{name} has no value: write {name}=VALUE")
        yield name, value


def _values(
    parameters: Parameters, account_id: str, name: str, kind: str, given: dict[str, str]
) -> dict[str, Any]:
    """Merge what is stored, given and typed into the parameter's value."""
    declared = adapter_of(kind).settings
    known = {each.name for each in declared if not each.secret}
    if wrong := sorted(set(given) - known):
        raise Problem(
            f"{kind} has no setting {wrong[0]} that can be given on the command line",
            f"give one of {', '.join(sorted(known - {API_URL.name}))}; secrets are asked for",
        )
    stored_values = parameters.raw(account_id, FOLDER + name)
    if stored_values.get("kind", kind) != kind:
        raise Problem(
            f"channel {name} is of another kind: {stored_values['kind']}",
            f"choose another name, or: connector channel remove {account_id} {name}",
        )
    values = {**stored_values, "kind": kind, **given}
    for setting in declared:
        if setting.name not in given and setting.default is None:
            values[setting.name] = _asked(setting, stored_values.get(setting.name))
    return values


def _asked(setting: Setting, there: object) -> str:
    """Ask for a setting; one of ours is made, and kept once it is made."""
    if setting.generated:
        return str(there or secrets.token_hex(16))
    if setting.secret:
        return output.ask_secret(setting.question)
    value = (
        click.prompt(setting.question, default=there, err=True)
        if sys.stdin.isatty()
        else sys.stdin.readline()
    ).strip()
    if not setting.accepts(value):
        example = f", for example {setting.example}" if setting.example else ""
        raise Problem(f"{setting.name} has not the right form", f"{setting.question}{example}")
    return str(value)


def _new_secrets(channel: ReadyChannel) -> Iterator[tuple[str, str]]:
    """Ask for each secret; what is left empty stays. One of ours is made anew."""
    for setting in channel.adapter.settings:
        if setting.secret and setting.generated:
            yield setting.name, secrets.token_hex(16)
        elif setting.secret:
            value = output.ask_optional_secret(f"New {setting.name} (empty: keep it)")
            if value:
                yield setting.name, value


def _address(stack: Stack, account_id: str, name: str) -> str:
    return f"{stack.channel_api_url.rstrip('/')}/accounts/{account_id}/channels/{name}"


def _register(provider: Provider, account_id: str) -> None:
    channel = provider.channel
    try:
        registered = provider.register(channel.address)
    except Problem as problem:
        problem.message += "; the parameter is written"
        problem.fix = (
            f"a new channel is known to all functions after some minutes; then: "
            f"connector channel register {account_id} {channel.name}"
        )
        raise
    if registered:
        output.say(f"✓ {channel.kind} sends webhooks to {channel.address}")
    if todo := channel.adapter.instructions(channel.address, channel.settings):
        output.say(f"! left to do: {todo}")
