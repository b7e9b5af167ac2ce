"""Findings, and the context that every check gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from requests import RequestException

from liveperson_connector.domain.errors import ConnectorError
from liveperson_connector.liveperson.domains import ASYNC_MESSAGING, IDP, SENTINEL

from ..channel.ready import names as ready_channels
from ..errors import Problem, of_aws, of_network
from ..parameters import CHANNEL, CREDENTIALS, Parameters
from ..partners import LivePerson
from ..stack import Stack

OK = "ok"
WARNING = "warning"
WRONG = "wrong"

SERVICES = (SENTINEL, IDP, ASYNC_MESSAGING)
"""The services of LivePerson that every message needs."""


@dataclass(frozen=True)
class Finding:
    """One line of output: the check, the level, what was found, and how to fix it."""

    check: str
    level: str
    detail: str
    fix: str = ""
    account_id: str = ""


@dataclass(frozen=True)
class CheckContext:
    """The stack, the accounts to check, and what the checks share."""

    stack: Stack
    parameters: Parameters
    liveperson: LivePerson
    wanted: list[str]
    """The accounts to check."""
    is_whole: bool = True
    """Whether all accounts are checked, and not only those on the command line."""
    installed: Any = None
    """The record of the installed app, if the operator gave one."""
    _domain_failures: dict[str, ConnectorError | None] = field(default_factory=dict)

    @property
    def account_ids(self) -> list[str]:
        """The accounts that are set up: the others need no further checks."""
        return [each for each in self.wanted if not self.missing(each)]

    def missing(self, account_id: str) -> list[str]:
        """Return which of an account's parameters are missing; one channel of any kind will do."""
        written = self.parameters.written.get(account_id, {})
        has_channel = CHANNEL in written or ready_channels(self.parameters, account_id)
        without = [] if CREDENTIALS in written else [CREDENTIALS]
        return without if has_channel else [*without, CHANNEL]

    def has_own_channel(self, account_id: str) -> bool:
        """Whether the account has a channel of its own, which gets callbacks."""
        return CHANNEL in self.parameters.written.get(account_id, {})

    def domain_failure(self, account_id: str) -> ConnectorError | None:
        """Return why the Domain API gives no addresses, or None if it does; ask once."""
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
    """Return a finding: all is well."""
    return Finding(check, OK, detail, account_id=account_id)


def warning(check: str, detail: str, fix: str, account_id: str = "") -> Finding:
    """Return a finding: something is unwise, or could not be checked."""
    return Finding(check, WARNING, detail, fix, account_id)


def wrong(check: str, detail: str, fix: str, account_id: str = "") -> Finding:
    """Return a finding: something is wrong, and ``fix`` says what to do."""
    return Finding(check, WRONG, detail, fix, account_id)


def run_check(name: str, check: Check, context: CheckContext) -> Iterator[Finding]:
    """Yield a check's findings; if the check itself fails, yield that as a finding."""
    try:
        yield from check(context)
    except ClientError as failure:
        problem = of_aws(failure)
        yield warning(name, f"could not be checked: {problem.message}", problem.fix)
    except Problem as problem:
        yield wrong(name, problem.message, problem.fix)
    except RequestException as failure:
        unanswered = of_network(failure)
        yield wrong(name, unanswered.message, unanswered.fix)
    except (BotoCoreError, ConnectorError) as failure:
        yield wrong(name, f"could not be checked: {failure}", "see docs/troubleshooting.md")
