"""How commands speak: tables for a person, JSON for a program, questions before a change."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .errors import Problem

# Rows stay lines, also where a terminal has to break them: an id in pieces cannot be copied.
_WIDE = 200


def say(text: str, style: str = "") -> None:
    """Print a line for a person."""
    _console().print(Text(text, style=style), soft_wrap=True)


def note(text: str) -> None:
    """Print a line beside the data, on standard error."""
    click.echo(text, err=True)


def data(value: object) -> None:
    """Print JSON, and nothing else, on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_plain))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print rows below headings; a cell may be a :class:`rich.text.Text`."""
    shown = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
    for heading in headings:
        shown.add_column(heading, header_style="bold", overflow="fold")
    for row in rows:
        shown.add_row(*(each if isinstance(each, Text) else Text(str(each)) for each in row))
    _console().print(shown)


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if somebody says so, at the terminal or by ``--yes``."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem("nobody is there to ask", "say --yes to go on without being asked")
    if not click.confirm(question, err=True):
        raise Problem("nothing was changed")


def ask_secret(name: str) -> str:
    """Read a secret: unseen at a terminal, otherwise the next line of standard input."""
    secret = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        raise Problem(f"no {name.lower()} was given", "type it, or pipe it in as a line")
    return secret.strip()


def ago(then: datetime | float | None, now: datetime | None = None) -> str:
    """Say how long ago something was, in one unit."""
    if then is None:
        return "never"
    moment = then if isinstance(then, datetime) else datetime.fromtimestamp(then, UTC)
    return f"{duration(((now or datetime.now(UTC)) - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Write a duration in the largest unit that tells enough."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _console() -> Console:
    return Console(highlight=False, width=_WIDE)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)
