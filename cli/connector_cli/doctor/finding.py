"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from liveperson_connector.domain.errors import ConnectorError

from ..errors import Problem, of_aws
from ..parameters import Parameters
from ..partners import LivePerson
from ..stack import Stack

OK = "ok"
WARNING = "warning"
WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was looked at, how it is, and what mends it."""

    check: str
    level: str
    detail: str
    mend: str = ""
    account_id: str = ""


@dataclass(frozen=True)
class CheckContext:
    """What is looked at."""

    stack: Stack
    parameters: Parameters
    liveperson: LivePerson
    account_ids: list[str]
    is_whole: bool = True
    """Whether all accounts are looked at, and not only some that were named."""
    installed: Any = None
    """The record of the installed app, if the operator gave one."""


Check = Callable[[CheckContext], Iterable[Finding]]


def ok(check: str, detail: str, account_id: str = "") -> Finding:
    """Say that something is as it should be."""
    return Finding(check, OK, detail, account_id=account_id)


def warning(check: str, detail: str, mend: str, account_id: str = "") -> Finding:
    """Say that something is unwise, or could not be looked at."""
    return Finding(check, WARNING, detail, mend, account_id)


def wrong(check: str, detail: str, mend: str, account_id: str = "") -> Finding:
    """Say that something is wrong, and what mends it."""
    return Finding(check, WRONG, detail, mend, account_id)


def looked(name: str, check: Check, patient: CheckContext) -> Iterator[Finding]:
    """Give a check's findings; one that cannot look is a finding of its own."""
    try:
        yield from check(patient)
    except ClientError as failure:
        problem = of_aws(failure)
        yield warning(name, f"could not be looked at: {problem.message}", problem.mend)
    except Problem as problem:
        yield wrong(name, problem.message, problem.mend)
    except (BotoCoreError, ConnectorError, RequestException) as failure:
        yield wrong(name, f"{type(failure).__name__}: {failure}", "see docs/troubleshooting.md")
