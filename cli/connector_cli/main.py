"""The command line as a whole."""

from __future__ import annotations

import click

from .account import account
from .dead_letters import dead_letters
from .doctor.command import doctor
from .erase import consumer
from .manifest.command import manifest
from .secrets import secrets
from .status import status
from .trace import trace


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """
    Operate a LivePerson connector: set accounts up, see how it does, mend what fails.

    Region and credentials are those of the usual AWS environment (AWS_PROFILE, AWS_REGION).
    Every command about a stack takes --stack NAME, or --sandbox for one on this machine.

    Exit code 0: all is well. 1: something is wrong, or was not done. 2: the command line is wrong.
    """


for _command in (manifest, account, secrets, doctor, status, trace, dead_letters, consumer):
    cli.add_command(_command)


def main() -> None:
    """Run ``connector``."""
    cli(prog_name="connector")
