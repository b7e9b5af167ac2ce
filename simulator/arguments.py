"""
Values of a command line: each function reads one text, or says what it must be.

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
# CloudFormation's rule, except that the names of the stack's functions add up to 64 characters;
# no parameter of Parameter Store may begin with aws or ssm.
STACK_NAME = re.compile(r"(?!aws|ssm)[A-Za-z][A-Za-z0-9-]{0,54}", re.IGNORECASE)


def whole_number(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentTypeError("must be a whole number") from None


def count(text: str) -> int:
    """Read how many: a whole number from 1 on."""
    number = whole_number(text)
    if number < 1:
        raise ArgumentTypeError("must be 1 or more")
    return number


def count_or_none(text: str) -> int:
    """Read how many, where none is possible: a whole number from 0 on."""
    number = whole_number(text)
    if number < 0:
        raise ArgumentTypeError("must be 0 or more")
    return number


def duration(text: str) -> float:
    """Read a time in whatever unit: a number above 0."""
    number = _number(text)
    if not 0 < number < math.inf:
        raise ArgumentTypeError("must be a number above 0")
    return number


def share(text: str) -> float:
    """Read a part of the whole: a number from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError("must be a number from 0 to 1")
    return number


def port(text: str) -> int:
    """Read a TCP port; 0 stands for any free one."""
    number = whole_number(text)
    if not 0 <= number <= LARGEST_PORT:
        raise ArgumentTypeError(f"must be from 0 to {LARGEST_PORT}")
    return number


def http_url(text: str) -> str:
    """Read an http or https address."""
    if _host_of(text, ("http", "https")) is None:
        raise ArgumentTypeError("must be an address such as http://127.0.0.1:8900/callbacks")
    return text


def liveperson_url(text: str) -> str:
    """Read the address of a Domain API: https, or http on loopback, as the template demands."""
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
    """Read the path of a folder, which need not exist."""
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
    """Return the host of an address of one of the schemes, None of anything else."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in schemes and parts.port != 0 and not re.search(r"\s", text)
    except ValueError:
        return None
    return parts.hostname if whole else None
