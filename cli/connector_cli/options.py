"""The options that every command about a stack takes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from .errors import explained
from .stack import DEFAULT_NAME, Stack

SANDBOX_FILE = Path(".sandbox/endpoints.json")

Command = Callable[..., Any]


def on_a_stack(command: Command) -> Command:
    """Give a command ``--stack``, ``--sandbox`` and ``--endpoints``; it gets a Stack first."""

    @click.option(
        "--stack",
        envvar="CONNECTOR_STACK",
        metavar="NAME",
        help=f"The stack; the sandbox's own, or {DEFAULT_NAME}, unless told. [CONNECTOR_STACK]",
    )
    @click.option("--sandbox", is_flag=True, help=f"The sandbox that wrote {SANDBOX_FILE}.")
    @click.option(
        "--endpoints",
        type=click.Path(path_type=Path),
        envvar="CONNECTOR_ENDPOINTS",
        metavar="FILE",
        help="The sandbox that wrote this file. [CONNECTOR_ENDPOINTS]",
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, stack: str | None, sandbox: bool, endpoints: Path | None, **options: Any
    ) -> Any:
        file = endpoints or (SANDBOX_FILE if sandbox else None)
        with explained():
            return command(Stack.find(stack, file), *args, **options)

    return wrapped


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")

yes = click.option("--yes", "-y", is_flag=True, help="Don't ask before changing anything.")
