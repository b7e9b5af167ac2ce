"""``connector account``: add, show, list and remove the LivePerson accounts of a stack."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from liveperson_connector.channel.ssrf import checked
from liveperson_connector.domain.accounts import (
    AGENTS_SHOWN,
    REDACTIONS,
    ChannelSettings,
    Credentials,
)
from liveperson_connector.domain.errors import MisconfiguredAccount
from liveperson_connector.domain.intake_settings import IntakeSettings
from liveperson_connector.flows.token_refresh import LEASE_SECONDS, REFRESHED
from liveperson_connector.liveperson.app_jwt import AppJwt
from liveperson_connector.support.web_address import BadAddress

from . import output
from .errors import Problem, invalid_input_explained
from .groups import Commands
from .keys import BrandKeys, Limits, rate_options
from .options import as_json, on_a_stack, yes
from .parameters import APP_JWT, CHANNEL, CREDENTIALS, SECURE, Parameters, checked_account_id
from .partners import checked_app_jwt, checked_ping
from .pause import pause, resume
from .stack import Stack


@click.group(cls=Commands)
def account() -> None:
    """Add, show, pause and remove the LivePerson accounts of the stack."""


@account.command()
@click.argument("account_id")
@click.option("--client-id", metavar="ID", prompt="Client id", help="The app install's client id.")
@click.option(
    "--callback-url",
    metavar="URL",
    help="The https address at which the channel takes callbacks; asked for if it is not given.",
)
@click.option(
    "--ready-channels-only",
    is_flag=True,
    help="The account has no channel of its own: its channels follow with `connector channel add`.",
)
@click.option(
    "--callbacks",
    metavar="TYPES",
    help="The callback types that the channel takes, separated by commas. Default: all.",
)
@click.option(
    "--receipts",
    type=click.Choice(["channel", "automatic"]),
    help="Who reports to LivePerson that a message was delivered: the channel (default), or the "
    "connector (automatic).",
)
@click.option(
    "--agents",
    type=click.Choice(AGENTS_SHOWN),
    help="What the channel is told of the agents who write. Default: name.",
)
@click.option(
    "--entry-point",
    metavar="URL",
    multiple=True,
    help="A URL by which LivePerson finds the campaign; may be repeated.",
)
@click.option(
    "--signature-algorithm",
    type=click.Choice(["sha1", "sha256"]),
    help="Accept only webhooks signed with this algorithm. Default: both.",
)
@click.option(
    "--redact",
    type=click.Choice(sorted(REDACTIONS)),
    multiple=True,
    help="Mask this in texts of consumers before they are queued.",
)
@rate_options
@click.option(
    "--stack-key",
    is_flag=True,
    help="Let the stack's API key act for a new account, and make none of its own.",
)
@click.option(
    "--skip-checks", is_flag=True, help="Write the parameters without testing the two secrets."
)
@yes
@on_a_stack
def add(
    stack: Stack,
    account_id: str,
    ready_channels_only: bool,
    rate: int | None,
    burst: int | None,
    stack_key: bool,
    skip_checks: bool,
    yes: bool,
    **given: Any,
) -> None:
    """
    Add an account, or overwrite its settings.

    A new account with a channel gets an API key of its own, and a usage plan that limits its rate;
    read the key with `connector handover ACCOUNT`. An account that exists keeps its keys.

    Asks for two secrets: the app install's client secret, and the channel's signing secret
    (whsec_…). They are not shown while you type; a script pipes them in as two lines. Before
    anything is written, a token is fetched from LivePerson and a signed callback of type ping is
    sent to the channel. With --ready-channels-only there is neither a callback nor its secret.
    """
    checked_account_id(account_id)
    stack.check_exists()
    parameters = Parameters(stack)
    if not ready_channels_only and given["callback_url"] is None:
        given["callback_url"] = click.prompt("Callback URL")
    values = _values(parameters, account_id, given)
    credentials, channel = _parse(parameters, account_id, values)
    if channel is not None:
        _check_callback_url(stack, channel)
    if not skip_checks:
        _check_liveperson(stack, account_id, credentials)
        if channel is not None:
            _check_channel(stack, account_id, channel)
    output.confirm(_question(parameters, account_id), yes=yes)
    is_new = CHANNEL not in parameters.written.get(account_id, {})
    if channel is not None and is_new and not stack_key:
        values[CHANNEL]["api_key_ids"] = [_own_key(stack, account_id, Limits.of(rate, burst))]
    for kind, value in values.items():
        parameters.write(account_id, kind, value)
        output.say(f"✓ {parameters.store.name(account_id, kind)} is written")
    if not skip_checks:
        _renew_app_jwt(stack, account_id)
        output.say("✓ token_refresh has stored its AppJWT")


def _own_key(stack: Stack, account_id: str, limits: Limits | None) -> str:
    """Make a key for one account alone; return its id."""
    key_id = BrandKeys(stack, account_id).create(limits)
    output.say(f"✓ key {key_id} is made, for this account alone")
    return key_id


@account.command()
@click.argument("account_id")
@as_json
@on_a_stack
def show(stack: Stack, account_id: str, as_json: bool) -> None:
    """Show an account's settings, without its secrets."""
    parameters = Parameters(stack)
    found = describe(parameters, account_id)
    if as_json:
        output.data(found)
        return
    for name, value in found.items():
        output.say(f"{_label(name):<16}{_told(value)}")


@account.command("list")
@as_json
@on_a_stack
def list_accounts(stack: Stack, as_json: bool) -> None:
    """List the accounts of the stack."""
    parameters = Parameters(stack)
    rows = [
        {"account_id": each, "parameters": sorted(parameters.written[each])}
        for each in parameters.account_ids
    ]
    if as_json:
        output.data(rows)
    elif rows:
        shown = [(each["account_id"], ", ".join(each["parameters"])) for each in rows]
        output.table(("account", "parameters"), shown)
    else:
        stack.check_exists()
        output.say("no account is set up; add one: connector account add ACCOUNT")


@account.command()
@click.argument("account_id")
@yes
@on_a_stack
def remove(stack: Stack, account_id: str, yes: bool) -> None:
    """
    Remove an account: delete its parameters and its API keys.

    Its keys are refused at once, and its events within five minutes. Messages that are queued by
    then are tried for a day, then become dead letters.
    """
    parameters = Parameters(stack)
    parameters.of(account_id)
    output.confirm(f"Delete every parameter and key of account {account_id}?", yes=yes)
    _delete_keys(stack, parameters, account_id)
    for name in parameters.delete(account_id):
        output.say(f"✓ {name} is deleted")


def _delete_keys(stack: Stack, parameters: Parameters, account_id: str) -> None:
    """Delete the keys that the account names, and its usage plan, if it has any."""
    named = parameters.raw(account_id, CHANNEL).get("api_key_ids")
    if not isinstance(named, list):
        return
    brand = BrandKeys(stack, account_id)
    for each in map(str, named):
        brand.delete(each)
        output.say(f"✓ key {each} is deleted")
    brand.delete_plan()


account.add_command(pause)
account.add_command(resume)


def _renew_app_jwt(stack: Stack, account_id: str) -> None:
    """Refresh the AppJWT with the new credentials; wait if a refresh has just run."""
    for _ in range(3):
        answer = stack.invoke("TokenRefresh", {"account_id": account_id})
        if isinstance(answer, dict) and answer.get(account_id) == REFRESHED:
            return
        output.say("  a refresh has just run; the next one follows in a few seconds")
        time.sleep(LEASE_SECONDS + 1)
    raise Problem(
        f"the account is written, but token_refresh has stored no AppJWT for {account_id} yet",
        f"wait a minute, then see: connector doctor {account_id}",
    )


def describe(parameters: Parameters, account_id: str) -> dict[str, Any]:
    """Return an account's settings without its secrets."""
    written = parameters.of(account_id)
    told: dict[str, Any] = {"account_id": account_id}
    for kind, what in ((CREDENTIALS, _credentials), (CHANNEL, _channel), (APP_JWT, _app_jwt)):
        if kind in written:
            there = written[kind]
            seen = {"type": there.type, "written": there.modified}
            told[kind.replace("-", "_")] = {**what(parameters, account_id), **seen}
        else:
            told[kind.replace("-", "_")] = None
    return told


def _credentials(parameters: Parameters, account_id: str) -> dict[str, Any]:
    found = parameters.credentials(account_id)
    has_previous = found.previous_client_secret is not None
    return {"client_id": found.client_id, "previous_client_secret": has_previous}


def _channel(parameters: Parameters, account_id: str) -> dict[str, Any]:
    found = parameters.channel(account_id)
    return {
        "callback_url": found.callback_url,
        "callbacks": sorted(found.callbacks) if found.callbacks is not None else "all",
        "receipts": "automatic" if found.automatic_receipts else "channel",
        "agents": found.agents,
        "entry_point": list(found.entry_point),
        "api_keys": parameters.raw(account_id, CHANNEL).get("api_key_ids", "the stack's"),
    }


def _app_jwt(parameters: Parameters, account_id: str) -> dict[str, Any]:
    token = parameters.store.app_jwt(account_id)
    if token is None:
        return {}
    left = AppJwt.read(token, account_id=account_id).expires_at - time.time()
    return {"expires_in_seconds": round(left)}


def _values(
    parameters: Parameters, account_id: str, given: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Merge stored and given settings into the two parameters; ask for the two secrets."""
    credentials = {
        **parameters.raw(account_id, CREDENTIALS),
        "client_id": given["client_id"],
        "client_secret": output.ask_secret("Client secret"),
    }
    if given["signature_algorithm"]:
        credentials["signature_algorithm"] = given["signature_algorithm"]
    if given["callback_url"] is None:
        return {CREDENTIALS: credentials}
    channel: dict[str, Any] = {
        **parameters.raw(account_id, CHANNEL),
        "callback_url": given["callback_url"],
        "signing_secret": output.ask_secret("Signing secret"),
    }
    if given["callbacks"]:
        channel["callbacks"] = [each.strip() for each in given["callbacks"].split(",")]
    channel |= {name: given[name] for name in ("receipts", "agents") if given[name]}
    if given["entry_point"]:
        channel["entry_point"] = list(given["entry_point"])
    if given["redact"]:
        channel["redact"] = list(given["redact"])
    return {CREDENTIALS: credentials, CHANNEL: channel}


def _parse(
    parameters: Parameters, account_id: str, values: Mapping[str, Mapping[str, Any]]
) -> tuple[Credentials, ChannelSettings | None]:
    """Parse the values as the functions do, before they are used or written."""
    name = parameters.store.name
    with invalid_input_explained():
        credentials = Credentials.parse(
            json.dumps(values[CREDENTIALS]), parameter=name(account_id, CREDENTIALS)
        )
        if CHANNEL not in values:
            return credentials, None
        text, parameter = json.dumps(values[CHANNEL]), name(account_id, CHANNEL)
        IntakeSettings.parse(text, parameter=parameter)
        return credentials, ChannelSettings.parse(text, parameter=parameter)


def _check_callback_url(stack: Stack, channel: ChannelSettings) -> None:
    """Refuse a callback URL that can never be called, even with ``--skip-checks``."""
    with invalid_input_explained():
        try:
            checked(channel.callback_url, network=stack.callback_network)
        except BadAddress as bad:
            raise MisconfiguredAccount(f"callback_url cannot be called, {bad}") from None


def _check_liveperson(stack: Stack, account_id: str, credentials: Credentials) -> None:
    token = checked_app_jwt(stack, account_id, credentials)
    left = output.duration(token.expires_at - time.time())
    output.say(f"✓ LivePerson issues account {account_id} an AppJWT, valid for {left}")


def _check_channel(stack: Stack, account_id: str, channel: ChannelSettings) -> None:
    status = checked_ping(stack, account_id, channel)
    output.say(f"✓ the channel accepts a signed callback: {status}")


def _question(parameters: Parameters, account_id: str) -> str:
    verb = "Overwrite" if account_id in parameters.written else "Write"
    return f"{verb} the parameters below /…/accounts/{account_id}, as {SECURE}?"


def _label(name: str) -> str:
    return name.removesuffix("_seconds").replace("_", " ")


def _told(value: object) -> str:
    if not isinstance(value, Mapping):
        return _word(value)
    return ", ".join(
        f"{_label(name)}: {output.duration(each) if name.endswith('_seconds') else _word(each)}"
        for name, each in value.items()
    )


def _word(value: object) -> str:
    if isinstance(value, datetime):
        return output.ago(value)
    if value is None:
        return "not there"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
