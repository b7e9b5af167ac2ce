"""The command line as a whole."""

from __future__ import annotations

import io
import sys

import click

from .account import account
from .channel.command import channel
from .console.command import console
from .dead_letters.command import dead_letters
from .doctor.command import doctor
from .erase import consumer
from .groups import Program
from .handover import handover
from .keys import key
from .manifest.command import manifest
from .restore import restore
from .salt import salt
from .secrets import secrets
from .status import status
from .trace import trace
from .try_command import try_it
from .upgrade import upgrade

_COMPLETION = """\b
To complete commands with Tab, add this to ~/.bashrc (for zsh: zsh_source):
  eval "$(_CONNECTOR_COMPLETE=bash_source connector)"
"""


@click.group(
    "connector",
    cls=Program,
    epilog=_COMPLETION,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="liveperson-connector", message="%(prog)s %(version)s")
def cli() -> None:
    """
    Operate a LivePerson connector: set up accounts, watch it, fix what is wrong.

    Region and credentials come from the usual AWS environment (AWS_PROFILE, AWS_REGION). Every
    command about a stack takes --stack NAME, or --sandbox for the sandbox on this machine.

    Exit codes: 0, success. 1, something is wrong or was not done. 2, the command line is wrong.
    130, stopped by Ctrl-C.
    """


_COMMANDS = (
    *(manifest, account, channel, key, handover, try_it),
    *(doctor, status, trace, console, dead_letters),
    *(secrets, consumer, salt, restore, upgrade),
)

for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run ``connector``; write characters that the terminal cannot show as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="connector")
