"""The command line as a whole."""

from __future__ import annotations

import click

from .account import account
from .dead_letters import dead_letters
from .doctor.command import doctor
from .erase import consumer
from .handover import handover
from .manifest.command import manifest
from .secrets import secrets
from .status import status
from .trace import trace
from .try_command import try_it


class _InOrder(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """List the commands in the order in which they are needed."""
        return list(self.commands)


@click.group(
    cls=_InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def cli() -> None:
    """
    Operate a LivePerson connector: set accounts up, see how it does, mend what fails.

    Region and credentials are those of the usual AWS environment (AWS_PROFILE, AWS_REGION).
    Every command about a stack takes --stack NAME, or --sandbox for one on this machine.

    Exit code 0: all is well. 1: something is wrong, or was not done. 2: the command line is wrong.
    """


_COMMANDS = (
    *(manifest, account, handover, try_it),
    *(doctor, status, trace, dead_letters),
    *(secrets, consumer),
)

for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> None:
    """Run ``connector``."""
    cli(prog_name="connector")
