"""
The help, the suggestions and the exit codes of ``connector`` and of each command group.

Every error has one form: a line that says what is wrong, then ``do:`` and what to do.
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

# Characters per line of help on a wider terminal: longer lines are hard to read.
_WIDEST = 120


class Commands(click.Group):
    """A group that lists commands in the order of use, and suggests a command after a typo."""

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
        """Return the command that ``args`` begin with, or fail and suggest the nearest name."""
        name = args[0]
        if name in self.commands or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(name, self.commands, n=1)
        raise UnknownCommand(name, f"{ctx.command_path} {near[0]}" if near else "", ctx)


class UnknownCommand(click.UsageError):
    """A command that does not exist; ``meant`` is the one with the nearest name, or empty."""

    def __init__(self, name: str, meant: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command {name}", ctx)
        self.meant = meant


class Program(Commands):
    """The top group: it exits with a code, and prints errors in our form instead of click's."""

    def main(  # type: ignore[override]  # click's second overload is for windows alone
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **more: Any
    ) -> NoReturn:
        """Run a command; exit with its code, or with 1, 2 or 130 (see ``connector --help``)."""
        width = min(shutil.get_terminal_size().columns, _WIDEST)
        settings = {"max_content_width": width, **more, "standalone_mode": False}
        try:
            code = super().main(args, prog_name, **settings)
        except Problem as problem:
            _print_error("connector", problem.message, problem.fix)
            code = problem.exit_code
        except click.UsageError as wrong:
            _print_error(_called(wrong), *_of_usage(wrong))
            code = WRONG_USAGE
        except click.ClickException as failure:
            _print_error("connector", failure.format_message(), "connector --help")
            code = failure.exit_code
        except click.Abort:  # Ctrl-C, or Ctrl-D at a question
            _print_error("connector", "stopped", "")
            code = STOPPED
        sys.exit(code or 0)


def _print_error(who: str, problem: str, fix: str) -> None:
    output.note(f"{who}: {problem}")
    if fix:
        output.note(f"  do: {fix}")


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
