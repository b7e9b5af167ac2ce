"""
What commands print: tables and lines for a person, JSON for a program, questions before a change.

All output passes :func:`visible`. Ids, errors and messages come from LivePerson, a channel or a
consumer; a control character in them could clear an operator's screen, fake a line of output or
type a command.
"""

from __future__ import annotations

import getpass
import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .errors import Problem

# Control characters, line and paragraph separators, marks that reverse the direction of writing
# (https://unicode.org/reports/tr36/#Bidirectional_Text_Spoofing), and halves of surrogate pairs,
# which cannot be written to a terminal. Joiners stay: emoji and several scripts need them.
_HIDDEN = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_UNSAFE = re.compile(f"[\x00-\x1f{_HIDDEN}]")
_UNSAFE_IN_JSON = re.compile(f"[{_HIDDEN}]")  # JSON itself escapes those below U+0020

# Wide enough that no id is broken in two: one that is broken cannot be copied.
_WIDE = 200


def visible(text: str) -> str:
    """Return ``text`` as one line that is safe to print: control characters become escapes."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def say(text: str, style: str = "") -> None:
    """Print a line for a person."""
    _console().print(Text(visible(text), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Print a line on standard error, apart from the data."""
    click.echo(visible(text), err=True)


def data(value: object) -> None:
    """Print ``value`` as JSON on standard output."""
    written = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    click.echo(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", written))


def fixes(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return records for JSON with ``mend`` beside ``fix``: scripts may read the former name."""
    return [{**each, "mend": each["fix"]} for each in records]


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """Print rows below headings."""
    shown = Table(box=None, pad_edge=False, title=title or None, title_justify="left")
    for heading in headings:
        shown.add_column(heading, header_style="bold", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(visible(str(each))) for each in row))
    _console().print(shown)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before a change; end the command unless the answer is yes. ``--yes`` skips this."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Problem(
            "there is no terminal to ask for confirmation at",
            "add --yes to go on without confirmation",
        )
    if not click.confirm(visible(question), err=True):
        note("nothing was changed")
        raise click.exceptions.Exit(1)


def ask_secret(name: str) -> str:
    """Read a secret: unseen at a terminal, otherwise the next line of standard input."""
    secret = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not secret.strip():
        raise Problem(f"no {name.lower()} was given", "type it, or pipe it in as a line")
    return secret.strip()


def ask_optional_secret(name: str) -> str:
    """Read a secret as above; empty if none is given."""
    given = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.readline()
    return given.strip()


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: ``1 letter``, ``2 letters``."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def ago(then: datetime | float | None, now: datetime | None = None) -> str:
    """Write how long ago ``then`` was, in one unit; ``never`` for None."""
    if then is None:
        return "never"
    moment = then if isinstance(then, datetime) else datetime.fromtimestamp(then, UTC)
    return f"{duration(((now or datetime.now(UTC)) - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Write a duration in the largest unit of which there are at least two."""
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
