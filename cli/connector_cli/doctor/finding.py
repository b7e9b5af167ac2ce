"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from liveperson_connector.domain.errors import ConnectorError
from liveperson_connector.liveperson.domains import ASYNC_MESSAGING, IDP, SENTINEL

from ..errors import Problem, of_aws, of_network
from ..parameters import CHANNEL, CREDENTIALS, Parameters
from ..partners import LivePerson
from ..stack import Stack

OK = "ok"
WARNING = "warning"
WRONG = "wrong"

SERVICES = (SENTINEL, IDP, ASYNC_MESSAGING)
"""LivePerson's services without which no message is sent."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor: what was checked, how it is, and how to fix it."""

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
    wanted: list[str]
    """The accounts to look at."""
    is_whole: bool = True
    """Whether all accounts are looked at, and not only some that were named."""
    installed: Any = None
    """The record of the installed app, if the operator gave one."""
    _domain_failures: dict[str, ConnectorError | None] = field(default_factory=dict)

    @property
    def account_ids(self) -> list[str]:
        """The accounts that are set up: of others there is nothing more to find out."""
        return [each for each in self.wanted if not self.missing(each)]

    def missing(self, account_id: str) -> list[str]:
        """Return which of an account's two parameters are not written."""
        written = self.parameters.written.get(account_id, {})
        return [kind for kind in (CREDENTIALS, CHANNEL) if kind not in written]

    def domain_failure(self, account_id: str) -> ConnectorError | None:
        """Return why LivePerson's addresses are not known, or None if they are; asks once."""
        if account_id not in self._domain_failures:
            try:
                for service in SERVICES:
                    self.liveperson.domains.base(account_id, service)
            except ConnectorError as failure:
                self._domain_failures[account_id] = failure
            else:
                self._domain_failures[account_id] = None
        return self._domain_failures[account_id]


Check = Callable[[CheckContext], Iterable[Finding]]


def ok(check: str, detail: str, account_id: str = "") -> Finding:
    """Say that something is as it should be."""
    return Finding(check, OK, detail, account_id=account_id)


def warning(check: str, detail: str, mend: str, account_id: str = "") -> Finding:
    """Say that something is unwise, or could not be looked at."""
    return Finding(check, WARNING, detail, mend, account_id)


def wrong(check: str, detail: str, mend: str, account_id: str = "") -> Finding:
    """Say that something is wrong, and how to fix it."""
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
    except RequestException as failure:
        unanswered = of_network(failure)
        yield wrong(name, unanswered.message, unanswered.mend)
    except (BotoCoreError, ConnectorError) as failure:
        yield wrong(name, f"could not be looked at: {failure}", "see docs/troubleshooting.md")
