"""
Parsers for command-line values: each reads one text, or raises an error that says what it must be.

They are `type=` of argparse, which puts the option's name before the message. No message repeats
the text, since it may be a secret.
"""

from __future__ import annotations

import math
import re
from argparse import ArgumentTypeError
from pathlib import Path
from urllib.parse import urlsplit

LARGEST_PORT = 65_535
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# CloudFormation's rule, but shorter: a function's name has the stack's in it, and at most 64
# characters. Names in Parameter Store may not begin with aws or ssm.
STACK_NAME = re.compile(r"(?!aws|ssm)[A-Za-z][A-Za-z0-9-]{0,54}", re.IGNORECASE)


def whole_number(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError("must be a whole number") from None


def count(text: str) -> int:
    """Read a count: a whole number from 1 on."""
    number = whole_number(text)
    if number < 1:
        raise ArgumentTypeError("must be 1 or more")
    return number


def count_or_none(text: str) -> int:
    """Read a count that may be 0."""
    number = whole_number(text)
    if number < 0:
        raise ArgumentTypeError("must be 0 or more")
    return number


def duration(text: str) -> float:
    """Read a duration, in the unit of the option: a number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise ArgumentTypeError("must be a number above 0")
    return number


def share(text: str) -> float:
    """Read a share: a number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError("must be a number from 0 to 1")
    return number


def port(text: str) -> int:
    """Read a TCP port; 0 means any free one."""
    number = whole_number(text)
    if not 0 <= number <= LARGEST_PORT:
        raise ArgumentTypeError(f"must be from 0 to {LARGEST_PORT}")
    return number


def http_url(text: str) -> str:
    """Read an http or https URL."""
    if _host_of(text, ("http", "https")) is None:
        raise ArgumentTypeError("must be an address such as http://127.0.0.1:8900/callbacks")
    return text


def liveperson_url(text: str) -> str:
    """Read the URL of a Domain API: https, or http on loopback, as the template requires."""
    if _host_of(text, ("https",)) is None and _host_of(text, ("http",)) not in LOOPBACK_HOSTS:
        raise ArgumentTypeError("must be an https address, or an http address on 127.0.0.1")
    return text.rstrip("/")


def account_id(text: str) -> str:
    """Read a LivePerson account id."""
    if not ACCOUNT_ID.fullmatch(text):
        raise ArgumentTypeError("must be 1 to 64 of the characters A-Z, a-z, 0-9, _ and -")
    return text


def stack_name(text: str) -> str:
    """Read a stack's name."""
    if not STACK_NAME.fullmatch(text):
        raise ArgumentTypeError(
            "must be up to 55 letters, digits and hyphens, begin with a letter, not with aws or ssm"
        )
    return text


def some_text(text: str) -> str:
    """Read a text that is not blank."""
    if not text.strip():
        raise ArgumentTypeError("must not be empty")
    return text


def folder(text: str) -> Path:
    """Read the path of a folder; it need not exist."""
    path = Path(some_text(text))
    if path.exists() and not path.is_dir():
        raise ArgumentTypeError("must be a folder")
    return path


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentTypeError("must be a number") from None


def _host_of(text: str, schemes: tuple[str, ...]) -> str | None:
    """Return the host of a URL with one of the schemes; None for anything else."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in schemes and parts.port != 0 and not re.search(r"\s", text)
    except ValueError:
        return None
    return parts.hostname if whole else None
