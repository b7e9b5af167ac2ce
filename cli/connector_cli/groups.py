"""
How commands are listed, suggested and ended: the same for ``connector`` and each of its groups.

Whatever ends a command early is told in one style: what is wrong, then ``do:`` and what to do.
"""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from . import output
from .errors import Problem

WRONG_USAGE = 2
STOPPED = 130

# Characters of a line of help, on terminals that have more: longer ones are hard to read.
_WIDEST = 120


class Commands(click.Group):
    """A group that lists its commands in the order they are needed, and suggests a near one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names in the order in which the commands were added."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write each command's summary in full: click cuts it off at the width of the terminal."""
        rows = [
            (name, command.get_short_help_str(limit=sys.maxsize))
            for name in self.list_commands(ctx)
            if (command := self.get_command(ctx, name)) and not command.hidden
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that ``args`` begin with, or fail with the one that was meant."""
        name = args[0]
        if name in self.commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.commands, n=1)
        raise UnknownCommand(name, f"{ctx.command_path} {near[0]}" if near else "", ctx)


class UnknownCommand(click.UsageError):
    """A command that is not there; ``meant`` is the one with the nearest name, or empty."""

    def __init__(self, name: str, meant: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command {name}", ctx)
        self.meant = meant


class Program(Commands):
    """The group that is run: it ends with an exit code, and never with click's own messages."""

    def main(  # type: ignore[override]  # click's second overload is for windows alone
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any
    ) -> NoReturn:
        """Run a command; exit with its code, or with 1, 2 or 130 (see ``connector --help``)."""
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        settings = {"max_content_width": width, **more, "standalone_mode": False}
        try:
            code = super().main(args, prog_name, **settings)
        except Problem as problem:
            _tell("connector", problem.message, problem.mend)
            code = problem.exit_code
        except click.UsageError as wrong:
            _tell(_called(wrong), *_of_usage(wrong))
            code = WRONG_USAGE
        except click.ClickException as failure:
            _tell("connector", failure.format_message(), "connector --help")
            code = failure.exit_code
        except click.Abort:  # Ctrl-C, or Ctrl-D at a question
            _tell("connector", "stopped", "")
            code = STOPPED
        sys.exit(code or 0)


def _tell(who: str, problem: str, mend: str) -> None:
    output.note(f"{who}: {problem}")
    if mend:
        output.note(f"  do: {mend}")


def _called(wrong: click.UsageError) -> str:
    return wrong.ctx.command_path if wrong.ctx else "connector"


def _of_usage(wrong: click.UsageError) -> tuple[str, str]:
    """Return what is wrong with the command line, and what to type."""
    called = _called(wrong)
    meant, problem = "", wrong.format_message().rstrip(".")
    if isinstance(wrong, UnknownCommand):
        meant = wrong.meant
    elif isinstance(wrong, click.NoSuchOption):
        problem = f"there is no option {wrong.option_name}"
        meant = f"{called} {wrong.possibilities[0]}" if wrong.possibilities else ""
    return problem, f"{meant}, or see: {called} --help" if meant else f"{called} --help"
