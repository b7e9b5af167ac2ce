"""
Renew the AppJWT of every account before it expires, and at once when LivePerson rejects it.

This flow is the only writer of AppJWTs. However many workers ask at once, one refresh is made: the
others find a newer token stored, or the lease taken.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..delivery.ports import AccountParameters
from ..domain.clock import Clock
from ..domain.errors import AppJwtMissing, Transient, UnreadableMessage
from ..domain.queue_messages import QueueMessage
from ..liveperson.app_jwt import AppJwt, Sentinel
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome

# At most one refresh per account in this time: a token that is rejected for another reason than its
# age must not cause a call of Sentinel for every message.
LEASE_SECONDS = 10

# Retry a failed refresh until the next scheduled run: so many tries take 20 minutes.
MOST_TRIES = 9

# No account is begun later than this in a run: the function has 30 s, and the slowest account that
# the time-outs of Domain API and Sentinel allow takes 22 s.
RUN_SECONDS = 6.0

# How far apart the scheduled runs are.
_SCHEDULE_SECONDS = 1200

# How long an AppJWT lives.
LIFE_SECONDS = 3600.0

REFRESHED = Outcome.REFRESHED
IN_PROGRESS = Outcome.REFRESH_IN_PROGRESS
HANDED_OVER = Outcome.HANDED_OVER


@dataclass(frozen=True)
class TokenRefresh:
    """
    Renews AppJWTs.

    ``lease`` takes a name for so many seconds, and returns False if another run has it.
    ``put_off`` queues accounts whose refresh failed, or for which a run had no time. Each of them
    is refreshed in an invocation of its own.
    """

    parameters: AccountParameters
    sentinel: Sentinel
    lease: Callable[[str, int], bool]
    put_off: Callable[[Sequence[str]], None]
    clock: Clock = time.time
    run_seconds: float = RUN_SECONDS

    def answer(self, event: Mapping[str, Any]) -> dict[str, str]:
        """
        Do what an invocation asks for, and return what was done for each account.

        ``{"account_id", "rejected"?}`` asks for one AppJWT, with ``"copy_intake_settings": true``
        for the copy of the account's settings instead; an event without an account is a run.
        """
        account_id = event.get("account_id")
        if account_id is None:
            return self.refresh_all()
        if event.get("copy_intake_settings"):
            return {account_id: self.copy_intake_settings(account_id)}
        return {account_id: self.refresh(account_id, rejected=event.get("rejected"))}

    def copy_intake_settings(self, account_id: str) -> str:
        """Copy what ``message_intake`` must know of an account, and return what was done."""
        self.parameters.copy_intake_settings(account_id)
        return self._say(account_id, Outcome.INTAKE_SETTINGS_COPIED)

    def refresh_all(self) -> dict[str, str]:
        """
        Refresh every account, and return what was done for each.

        Accounts for which the run has no time left go to the queue, so that one slow account never
        keeps another from its token.
        """
        done: dict[str, str] = {}
        waiting = self._in_turn(self.parameters.account_ids())
        ends = self.clock() + self.run_seconds
        while waiting and self.clock() < ends:
            account_id = waiting.pop(0)
            done[account_id] = self._refresh_or_put_off(account_id)
        if waiting:
            self.put_off(waiting)
            outcomes.outcome(HANDED_OVER, count=len(waiting), accounts=len(waiting))
        return done | dict.fromkeys(waiting, HANDED_OVER)

    def refresh(self, account_id: str, *, rejected: str | None = None) -> str:
        """
        Store a new AppJWT for ``account_id`` and return what was done.

        ``rejected`` is the name of the token that LivePerson rejected; if another one is stored
        already, nothing is done. Raises the errors of :meth:`Sentinel.issue`.
        """
        if rejected is not None and self._has_other_than(account_id, rejected):
            return self._say(account_id, Outcome.NEWER_ONE_IS_STORED)
        if not self.lease(f"token-refresh#{account_id}", LEASE_SECONDS):
            return self._say(account_id, IN_PROGRESS)
        issued = self.sentinel.issue(account_id, self.parameters.credentials(account_id))
        self.parameters.store_app_jwt(account_id, issued.token)
        return self._say(account_id, REFRESHED, expires_at=issued.expires_at)

    def retry(self, message: QueueMessage) -> None:
        """Retry a failed refresh: of one account, or a whole run that was cut off."""
        account_id = _account_in(message.body)
        if account_id is None:
            self.refresh_all()
        elif self._refresh_and_tell_age(account_id) == IN_PROGRESS:
            raise AppJwtMissing("another refresh is under way", retry_after=LEASE_SECONDS)

    def _in_turn(self, account_ids: Sequence[str]) -> list[str]:
        """Rotate the accounts by the time: each run begins with another, should runs be cut off."""
        if not account_ids:
            return []
        first = int(self.clock() // _SCHEDULE_SECONDS) % len(account_ids)
        return [*account_ids[first:], *account_ids[:first]]

    def _refresh_or_put_off(self, account_id: str) -> str:
        try:
            return self._refresh_and_tell_age(account_id)
        except Transient as error:
            outcomes.failure(error, account_id=account_id)
            self.put_off([account_id])
            return self._say(account_id, Outcome.PUT_OFF)

    def _refresh_and_tell_age(self, account_id: str) -> str:
        try:
            what = self.refresh(account_id)
        except Transient:
            self._tell_age(account_id)
            raise
        if what == REFRESHED:
            outcomes.app_jwt_age(0)
        return what

    def _tell_age(self, account_id: str) -> None:
        """Measure the age of the stored token; a missing one counts as expired."""
        try:
            stored = self.parameters.app_jwt(account_id)
            expires_at = AppJwt.read(stored, account_id=account_id).expires_at if stored else 0.0
        except Transient:  # a worker could not use it either
            expires_at = 0.0
        left = min(max(expires_at - self.clock(), 0.0), LIFE_SECONDS)
        outcomes.app_jwt_age(LIFE_SECONDS - left)

    def _has_other_than(self, account_id: str, rejected: str) -> bool:
        stored = self.parameters.app_jwt(account_id)
        if stored is None:
            return False
        app_jwt = AppJwt.read(stored, account_id=account_id)
        return app_jwt.name != rejected and app_jwt.is_usable(self.clock())

    @staticmethod
    def _say(account_id: str, what: str, **more: Any) -> str:
        outcomes.outcome(what, account_id=account_id, **more)
        return what


def to_queue(account_id: str) -> str:
    """Write a refresh for the queue, to be retried."""
    return json.dumps({"account_id": account_id})


def _account_in(body: str) -> str | None:
    """
    Return the account whose refresh failed; ``None`` for a run over all accounts.

    Lambda queues an invocation that failed as an envelope with its ``requestPayload``. Raises
    :class:`UnreadableMessage`.
    """
    try:
        queued = json.loads(body)
        asked = queued.get("requestPayload", queued)
        account_id = asked.get("account_id")
    except (ValueError, AttributeError):
        raise UnreadableMessage("the queued message is not a refresh") from None
    return account_id if isinstance(account_id, str) else None
