"""
What the flows need of AWS, in this process: quick, and with a clock of its own.

``contracts.py`` holds what each must do like the real service; both take the same exam.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from liveperson_connector.aws.delivery_state import DeliveryState, redrive_failed_at
from liveperson_connector.domain.accounts import Credentials
from liveperson_connector.domain.errors import AwsUnavailable, MisconfiguredAccount
from liveperson_connector.domain.queue_messages import OutgoingMessage, QueueCounts, QueueMessage
from tests.simulation.table import Table

from .clocks import Clock

BATCH = 10
DEDUPLICATION_SECONDS = 300.0
VISIBILITY_SECONDS = 180.0


@dataclass
class _Stored:
    letter: OutgoingMessage
    message_id: str
    sent_at: float
    visible_at: float = 0.0
    receive_count: int = 0
    first_received_at: float | None = None


@dataclass
class InProcessQueue:
    """A FIFO queue with groups, as SQS has them."""

    name: str = "queue.fifo"
    clock: Clock = field(default_factory=Clock)
    hidden: list[tuple[str, int]] = field(default_factory=list)
    _messages: list[_Stored] = field(default_factory=list)
    _taken: dict[tuple[str, str], float] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def letters(self) -> list[OutgoingMessage]:
        """Everything that stands in the queue, in order."""
        return [each.letter for each in self._messages]

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        """Queue messages, except those whose id their group had in the last five minutes."""
        now = self.clock()
        for letter in messages:
            key = (letter.group, letter.deduplication_id)
            if now - self._taken.get(key, -DEDUPLICATION_SECONDS) >= DEDUPLICATION_SECONDS:
                self._taken[key] = now
                self._messages.append(_Stored(letter, f"message-{next(self._ids)}", now))

    def receive(self) -> list[QueueMessage]:
        """Take up to ten messages of groups of which none is being worked on."""
        now = self.clock()
        blocked = {each.letter.group for each in self._messages if each.visible_at > now}
        chosen = [each for each in self._messages if each.letter.group not in blocked][:BATCH]
        return [self._take(each, now) for each in chosen]

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a message wait."""
        self.hidden.append((receipt_handle, seconds))
        for each in self._messages:
            if each.message_id == receipt_handle:
                each.visible_at = self.clock() + seconds

    def delete(self, receipt_handle: str) -> None:
        """Remove a message."""
        self._messages = [each for each in self._messages if each.message_id != receipt_handle]

    def delete_all(self, receipt_handles: Sequence[str]) -> None:
        """Remove messages."""
        for each in receipt_handles:
            self.delete(each)

    def show_all(self, receipt_handles: Sequence[str]) -> None:
        """Offer messages again."""
        for each in receipt_handles:
            self.hide(each, 0)

    def counts(self) -> QueueCounts:
        """Count the messages that wait, and those that were received and not deleted."""
        now = self.clock()
        in_flight = sum(each.visible_at > now for each in self._messages)
        return QueueCounts(len(self._messages) - in_flight, in_flight)

    def _take(self, stored: _Stored, now: float) -> QueueMessage:
        stored.visible_at = now + VISIBILITY_SECONDS
        stored.receive_count += 1
        stored.first_received_at = stored.first_received_at or now
        return QueueMessage(
            message_id=stored.message_id,
            receipt_handle=stored.message_id,
            body=stored.letter.body,
            group=stored.letter.group,
            receive_count=stored.receive_count,
            sent_at=datetime.fromtimestamp(stored.sent_at, UTC),
            first_received_at=datetime.fromtimestamp(stored.first_received_at, UTC),
            attributes=stored.letter.attributes,
        )


@dataclass
class BrokenQueue:
    """A queue that AWS does not serve at the moment."""

    name: str = "broken.fifo"

    def send(self, messages: Sequence[OutgoingMessage]) -> None:  # noqa: ARG002
        """Take nothing."""
        raise AwsUnavailable("sending to broken.fifo: ServiceUnavailable")

    def hide(self, receipt_handle: str, seconds: int) -> None:  # noqa: ARG002
        """Delay nothing."""
        raise AwsUnavailable("delaying a message of broken.fifo: ServiceUnavailable")


class InProcessFailures(DeliveryState):
    """The real store of what went wrong, over a table in this process, and what stands in it."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.dynamodb = Table()
        super().__init__(cast("Any", self.dynamodb), "table", clock=clock or Clock())

    def fail(self, message_id: str, times: int, pace: str = "failed") -> None:
        """Let a message have failed before."""
        for _ in range(times):
            self.count_try(message_id, pace)

    def tries(self, message_id: str) -> int:
        """Give how often a message failed."""
        return int(self._read(f"tries#{message_id}").get("tries", 0))

    @property
    def held(self) -> dict[str, int]:
        """Give the groups that are held, and for how many dead letters."""
        return {group: int(hold.get("letters", 0)) for group, hold in self._holds().items()}

    @property
    def died_again(self) -> set[str]:
        """Give the groups of which a redriven message became a dead letter once more."""
        return {group for group, hold in self._holds().items() if redrive_failed_at(hold)}

    @property
    def held_until(self) -> dict[str, int]:
        """Give the groups that are held, and until when."""
        return {group: int(hold["expires_at"]) for group, hold in self._holds().items()}

    def _holds(self) -> dict[str, dict[str, Any]]:
        found = {pk: self._read(pk) for pk in self.dynamodb.items if pk.startswith("hold#")}
        return {pk.removeprefix("hold#"): hold for pk, hold in found.items() if hold}

    def _read(self, pk: str) -> dict[str, Any]:
        return self._table.get([pk]).get(pk, {})


@dataclass
class InProcessParameters:
    """The accounts' parameters; ``reads`` counts how often an AppJWT was looked up."""

    credentials_by_account: dict[str, Credentials] = field(default_factory=dict)
    app_jwts: dict[str, str] = field(default_factory=dict)
    unavailable: bool = False
    reads: int = 0
    writes: int = 0

    def account_ids(self) -> list[str]:
        """Name every account."""
        return sorted(self.credentials_by_account)

    def credentials(self, account_id: str) -> Credentials:
        """Give the credentials of an account that has some."""
        found = self.credentials_by_account.get(account_id)
        if found is None:
            raise MisconfiguredAccount("parameter …/credentials is not there")
        return found

    def copy_intake_settings(self, account_id: str) -> None:
        """Copy nothing: no intake reads here."""

    def app_jwt(self, account_id: str) -> str | None:
        """Give the stored AppJWT."""
        self.reads += 1
        if self.unavailable:
            raise AwsUnavailable("reading parameter …/app-jwt: ThrottlingException")
        return self.app_jwts.get(account_id)

    def store_app_jwt(self, account_id: str, token: str) -> None:
        """Keep an AppJWT."""
        self.writes += 1
        self.app_jwts[account_id] = token
