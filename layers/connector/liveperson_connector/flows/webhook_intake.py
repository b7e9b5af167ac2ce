"""
Take LivePerson's webhooks: verify the signature, queue the changes, answer at once.

Only the table decides whether a change is a repeat, when the worker handles it: a queue that drops
repeats would also drop what LivePerson sends again after the first delivery failed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from ..delivery.ports import Outbox
from ..domain.accounts import Credentials, is_account_id
from ..domain.clock import Clock
from ..domain.errors import (
    NotQueued,
    TooLarge,
    Transient,
    UnreadableMessage,
    UntrustedWebhook,
)
from ..domain.queue_messages import REPEAT_SECONDS, OutgoingMessage, new_id, stable_id
from ..liveperson import signatures
from ..liveperson.messaging_events import TYPING_STALE_SECONDS
from ..liveperson.notifications import (
    CLAIM_ATTRIBUTE,
    Change,
    Notification,
    read_webhook,
    to_queue,
    webhook_to_queue,
)
from ..support.cache import Cache
from ..telemetry import outcomes
from ..telemetry.outcomes import Outcome

# A quarter of a queue message's limit: as ASCII JSON a body grows to at most three times its
# bytes, and its changes still fit one SQS call.
MAX_BODY_BYTES = 256 * 1024

# A rotated secret is found at the first webhook that it signs. Bad signatures of strangers must not
# cause more reads of Parameter Store than one in this time.
REREAD_SECONDS = 30.0

# LivePerson repeats nothing that is older, and the table may no longer know it as a repeat. One
# hour is left for clocks that disagree.
OLDEST_SECONDS = REPEAT_SECONDS - 3600.0


class _Fate(Enum):
    """What the intake does with one change of a webhook."""

    QUEUED = auto()
    UNREADABLE = auto()
    TOO_OLD = auto()
    STALE = auto()


@dataclass(frozen=True)
class Accepted:
    """
    The result for a webhook: how many changes were queued, which secret had signed it.

    ``unreadable`` is why the webhook or one of its changes became a dead letter. ``too_old`` and
    ``stale`` count changes that are dropped: replayed ones, and typing that is over.
    """

    account_id: str
    changes: int
    secret: str
    unreadable: UnreadableMessage | None = None
    too_old: int = 0
    stale: int = 0


@dataclass(frozen=True)
class WebhookIntake:
    """Takes LivePerson's webhooks. ``credentials`` are ``None`` for an unknown account."""

    credentials: Cache[Credentials | None]
    notifications: Outbox
    dead_letters: Outbox
    clock: Clock = time.time

    def receive(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """
        Queue the changes in ``body``, in order.

        What LivePerson signed but this version cannot read becomes a dead letter, where an operator
        sees it: the whole body, or single changes. Raises :class:`TooLarge`,
        :class:`UntrustedWebhook`, or :class:`NotQueued` if AWS did not accept it; LivePerson then
        sends it again.
        """
        accepted = self._receive(headers, body)
        _log(accepted)
        return accepted

    def _receive(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has more than {MAX_BODY_BYTES} bytes")
        account_id = headers.get(signatures.ACCOUNT_HEADER, "")
        secret = self._prove(account_id, headers, body)
        try:
            told = read_webhook(account_id, body)
        except UnreadableMessage as unreadable:
            kept = webhook_to_queue(account_id, body)
            self._send(self.dead_letters, [self._dead(account_id, kept, unreadable)])
            return Accepted(account_id, 0, secret, unreadable)
        if _names_another_account(account_id, told.changes):
            raise UntrustedWebhook("the body names another account than the header")
        return self._queue(account_id, told, secret)

    def _queue(self, account_id: str, told: Notification, secret: str) -> Accepted:
        """Queue, drop or dead-letter each change by itself: one bad change affects no other."""
        changes: dict[_Fate, list[Change]] = {fate: [] for fate in _Fate}
        for change in told.changes:
            changes[self._fate(change, told.sent_at)].append(change)
        why = None
        if changes[_Fate.UNREADABLE]:
            why = UnreadableMessage("a change names no conversation")
            # In the queue's form, so that a redrive can hand it to a later version.
            kept = [to_queue(each) for each in changes[_Fate.UNREADABLE]]
            self._send(self.dead_letters, [self._dead(account_id, each, why) for each in kept])
        self._send(self.notifications, _letters(changes[_Fate.QUEUED]))
        return Accepted(
            account_id,
            len(changes[_Fate.QUEUED]),
            secret,
            why,
            too_old=len(changes[_Fate.TOO_OLD]),
            stale=len(changes[_Fate.STALE]),
        )

    def _dead(self, account_id: str, kept: str, why: UnreadableMessage) -> OutgoingMessage:
        """Write a dead letter; equal ones have one identity, so that SQS keeps only one."""
        now = datetime.fromtimestamp(self.clock(), UTC).isoformat(timespec="milliseconds")
        return OutgoingMessage(
            body=kept,
            group=stable_id(account_id, "unreadable"),
            deduplication_id=stable_id(account_id, kept),
            attributes={
                "reason": why.reason,
                "problem": str(why),
                "attempts": "1",
                "first_failed_at": now.replace("+00:00", "Z"),
                **outcomes.correlation_attributes(),
            },
        )

    def _fate(self, change: Change, sent_at: float | None) -> _Fate:
        if not change.conversation_id:
            return _Fate.UNREADABLE
        moment = change.happened_at or sent_at
        age = 0.0 if moment is None else self.clock() - moment
        if change.is_typing and age > TYPING_STALE_SECONDS:
            return _Fate.STALE
        return _Fate.TOO_OLD if age > OLDEST_SECONDS else _Fate.QUEUED

    def _prove(self, account_id: str, headers: Mapping[str, str], body: bytes) -> str:
        if not is_account_id(account_id):
            raise UntrustedWebhook("no account is named")
        signatures.parse(headers.get(signatures.SIGNATURE_HEADER, ""))  # before anything is read
        try:
            return self._verify(self.credentials.get(account_id), headers, body)
        except UntrustedWebhook:
            newest = self.credentials.refresh(account_id, at_least=REREAD_SECONDS)
            return self._verify(newest, headers, body)
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None

    @staticmethod
    def _verify(credentials: Credentials | None, headers: Mapping[str, str], body: bytes) -> str:
        if credentials is None:
            raise UntrustedWebhook("the account is not configured")
        return signatures.verify(body, headers, credentials)

    @staticmethod
    def _send(outbox: Outbox, messages: list[OutgoingMessage]) -> None:
        try:
            outbox.send(messages)
        except Transient as unavailable:
            raise NotQueued(str(unavailable)) from None


def _log(accepted: Accepted) -> None:
    """Log and count an accepted webhook, which secret had signed it, and what was not queued."""
    account_id, unreadable = accepted.account_id, accepted.unreadable
    readable = accepted.changes + accepted.too_old + accepted.stale
    if readable or not unreadable:
        outcomes.outcome(
            Outcome(f"accepted_{accepted.secret}_secret"), account_id=account_id, changes=readable
        )
    if unreadable:
        outcomes.outcome(Outcome.UNREADABLE, account_id=account_id, problem=str(unreadable))
    for what, count in (
        (Outcome.TOO_OLD, accepted.too_old),
        (Outcome.TYPING_STALE, accepted.stale),
    ):
        if count:
            outcomes.outcome(what, count=count, account_id=account_id, changes=count)


def _names_another_account(account_id: str, changes: Iterable[Change]) -> bool:
    """Whether a body names another account than its header, which is not signed."""
    return any(change.named_accounts - {account_id} for change in changes)


def _letters(changes: Iterable[Change]) -> list[OutgoingMessage]:
    """Write changes for the queue, the claims of new conversations first."""
    written = [(change, to_queue(change)) for change in changes]
    claims = [_claim(change, body) for change, body in written if change.is_beginning]
    return claims + [_letter(change, body) for change, body in written]


def _claim(change: Change, body: str) -> OutgoingMessage:
    """
    Write a second message that only says who owns a new conversation, in a group of its own.

    A message that overtook this change stands before it in their common group, and would wait for
    it in vain.
    """
    return OutgoingMessage(
        body=body,
        group=_quick(change),
        deduplication_id=new_id(),
        attributes={CLAIM_ATTRIBUTE: "only", **outcomes.correlation_attributes()},
    )


def _quick(change: Change) -> str:
    """Return the group of messages that cause no callback, and so must not wait for a channel."""
    return stable_id(change.account_id, change.conversation_id, "echo")


def _letter(change: Change, body: str) -> OutgoingMessage:
    # An echo causes no callback, but it settles a send whose answer was lost.
    plain = stable_id(change.account_id, change.conversation_id)
    return OutgoingMessage(
        body=body,
        group=_quick(change) if change.is_consumers else plain,
        deduplication_id=new_id(),
        attributes=outcomes.correlation_attributes(),
    )
