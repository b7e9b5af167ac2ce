"""The options that every command about a stack takes."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from .errors import NotReached, errors_explained
from .stack import DEFAULT_NAME, Stack

SANDBOX_FILE = Path(".sandbox/endpoints.json")

# The longest that CloudWatch keeps logs (LogRetentionDays): ten years.
_MOST_MINUTES = 3_653 * 24 * 60

_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")

Command = Callable[..., Any]


def on_a_stack(command: Command) -> Command:
    """Give a command ``--stack``, ``--sandbox`` and ``--endpoints``; it gets a Stack first."""

    @click.option(
        "--stack",
        envvar="CONNECTOR_STACK",
        metavar="NAME",
        callback=_stack_name,
        help=f"Use this stack. Default: {DEFAULT_NAME}, or the sandbox's. [CONNECTOR_STACK]",
    )
    @click.option("--sandbox", is_flag=True, help=f"Use the sandbox that wrote {SANDBOX_FILE}.")
    @click.option(
        "--endpoints",
        type=click.Path(path_type=Path),
        envvar="CONNECTOR_ENDPOINTS",
        metavar="FILE",
        help="Use the sandbox that wrote this file. [CONNECTOR_ENDPOINTS]",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, stack: str | None, sandbox: bool, endpoints: Path | None, **options: Any
    ) -> Any:
        file = endpoints or (SANDBOX_FILE if sandbox else None)
        with _sandbox_mentioned(file), errors_explained():
            return command(Stack.find(stack, file), *args, **options)

    return wrapped


def _stack_name(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and not _STACK_NAME.fullmatch(given):
        raise click.BadParameter(
            f"{given!r} is not a stack name: use letters, digits and hyphens, a letter first"
        )
    return given


@contextmanager
def _sandbox_mentioned(file: Path | None) -> Iterator[None]:
    """When no stack is reached, mention the sandbox that runs here or the one that stopped."""
    try:
        yield
    except NotReached as problem:
        if file is not None:
            problem.fix = f"start the sandbox of {file} again if it has stopped; or {problem.fix}"
        elif SANDBOX_FILE.exists():
            problem.fix += "; for the sandbox that runs in this folder, add --sandbox"
        raise


def minutes_option(default: int) -> Callable[[Command], Command]:
    """Give a command ``--minutes``: how far back it reads the logs."""
    return click.option(
        "--minutes",
        type=click.IntRange(1, _MOST_MINUTES),
        default=default,
        show_default=True,
        help="Read the logs of the last N minutes.",
    )


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

yes = click.option("--yes", "-y", is_flag=True, help="Do not ask for confirmation.")
