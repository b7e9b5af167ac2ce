"""``connector channel``: an account's ready channels, and a channel of one's own from outside."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.metadata import version

import click

from liveperson_connector.channel.ssrf import LOOPBACK, checked
from liveperson_connector.domain.accounts import ChannelSettings
from liveperson_connector.support.web_address import BadAddress

from .. import output
from ..errors import Problem, invalid_input_explained
from ..groups import Commands
from ..options import as_json
from .checks import Channel, Finding, run
from .ready import add, list_channels, register, remove, show, try_channel


@click.group(cls=Commands)
def channel() -> None:
    """Add and remove ready channels (Telegram, WhatsApp …); check a channel of your own."""


for _command in (add, list_channels, show, try_channel, register, remove):
    channel.add_command(_command)


@channel.command("test")
@click.argument("url")
@as_json
def test_channel(url: str, as_json: bool) -> None:
    """
    Check that the channel at URL keeps to the contract of docs/channel-api.md.

    Posts some fifty callbacks to URL, right ones and forged ones, and says what to fix. Use a test
    channel: what is right there is shown to a consumer named connector-test. Asks for the signing
    secret unseen. Needs no stack.
    """
    findings = []
    for finding in run(_channel(url)):
        findings.append(finding)
        if not as_json:
            _tell(finding)
    failed = [each for each in findings if each.problem]
    if as_json:
        output.data([vars(each) for each in findings])
        raise click.exceptions.Exit(1 if failed else 0)
    if not failed:
        _tell_success(len(findings))
    else:
        raise Problem(
            f"{len(failed)} of {output.counted(len(findings), 'check')} failed",
            "fix what is marked with ✗, and run the command again",
        )


def _channel(url: str) -> Channel:
    try:
        checked(url, network=LOOPBACK)
    except BadAddress as bad:
        raise Problem(
            f"URL cannot be called: {bad}", "give the address of your callbacks"
        ) from None
    secret = output.ask_secret("Signing secret")
    with invalid_input_explained():
        written = json.dumps({"callback_url": url, "signing_secret": secret})
        settings = ChannelSettings.parse(written, parameter="channel")
    return Channel(url, settings.signing_key)


def _tell(finding: Finding) -> None:
    if not finding.problem:
        output.say(f"✓ {finding.check}")
        return
    output.say(f"✗ {finding.check}: {finding.problem}", style="bold red")
    output.say(f"  {finding.fix}")


def _tell_success(count: int) -> None:
    tested_on = datetime.now(UTC).date().isoformat()
    output.say(f"\nAll {count} checks passed. Look at your channel, too:")
    output.say('  - "This must be shown once" is there once')
    output.say('  - 1 to 10 are there in order; "This is older" is not their last word')
    output.say("  - nothing of a forged callback is there")
    output.say("For your README:")
    output.say(
        f"  Tested with `connector channel test` {version('liveperson-connector')}: "
        f"{count} of {count} checks passed on {tested_on}."
    )
