"""
What the flows need of AWS, as they see it.

The package ``aws`` implements these on the real services; tests run the same flows on
implementations in process, with a clock of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # so that a flow loads no more than what it uses itself
    from ..domain.accounts import Credentials
    from ..domain.conversations import (
        Consumer,
        Conversation,
        EventState,
        NotificationState,
        Progress,
    )
    from ..domain.outages import CircuitState
    from ..domain.queue_messages import OutgoingMessage, QueueCounts, QueueMessage


class Outbox(Protocol):
    """A queue to send to."""

    @property
    def name(self) -> str: ...

    def send(self, letters: Sequence[OutgoingMessage]) -> None: ...


class Inbox(Protocol):
    """The queue a worker's messages come from."""

    def hide(self, receipt_handle: str, seconds: int) -> None: ...


class DeadLetters(Protocol):
    """A dead-letter queue, as those read it who decide what becomes of its letters."""

    @property
    def name(self) -> str: ...

    def receive(self) -> list[QueueMessage]: ...

    def send(self, letters: Sequence[OutgoingMessage]) -> None: ...

    def delete_all(self, receipt_handles: Sequence[str]) -> None: ...

    def show_all(self, receipt_handles: Sequence[str]) -> None: ...

    def counts(self) -> QueueCounts: ...


class Owners(Protocol):
    """Whose a conversation is."""

    def owner(self, account_id: str, conversation_id: str) -> str | None: ...


class OutboundStore(Protocol):
    """What ``outbound_messaging`` remembers."""

    def load_event(self, account_id: str, key: str, event_id: str, group: str) -> EventState: ...

    def load_consumer(self, account_id: str, key: str) -> Consumer | None: ...

    def load_conversation(self, account_id: str, conversation_id: str) -> Conversation | None: ...

    def save_opened(
        self, consumer: Consumer, conversation_id: str, features: tuple[str, ...]
    ) -> Consumer: ...

    def restore_pointer(self, conversation: Conversation, *, told_at: int = 0) -> bool: ...

    def seek_conversation(self, account_id: str) -> None: ...

    def save_typing(self, consumer: Consumer, since: float | None) -> Consumer: ...

    def save_sent(
        self, consumer: Consumer, event_id: str, progress: Progress, sequence: int | None
    ) -> Consumer: ...

    def note_progress(
        self, account_id: str, key: str, event_id: str, progress: Progress
    ) -> None: ...


class DeliveryStore(Protocol):
    """What ``channel_delivery`` remembers."""

    def load_consumer(self, account_id: str, key: str) -> Consumer | None: ...

    def load_notification(
        self,
        account_id: str,
        conversation_id: str,
        identities: Sequence[str],
        lp_ids: Iterable[str],
        group: str,
    ) -> NotificationState: ...

    def restore_pointer(self, conversation: Conversation, *, told_at: int = 0) -> bool: ...

    def adopt(self, conversation: Conversation, *, is_current: bool, told_at: int = 0) -> None: ...

    def mark_foreign(self, account_id: str, conversation_id: str) -> None: ...

    def point_consumer_at(self, before: Conversation, now: Conversation) -> None: ...

    def save_state(self, now: Conversation) -> None: ...

    def save_echo(self, conversation: Conversation, sequence: int, digest: str) -> None: ...

    def mark_delivered(self, account_id: str, identity: str) -> None: ...


class Timers(Protocol):
    """A queue whose messages are offered after a while."""

    def send_plain(self, body: str, *, delay: int = 0) -> None: ...


class Outages(Protocol):
    """What breakers remember."""

    def probe(
        self, account_id: str, destination: str, now: float, next_probe_at: float
    ) -> bool: ...

    def note_failure(
        self, account_id: str, destination: str, outage: CircuitState | None, now: float, group: str
    ) -> CircuitState: ...

    def outage_over(self, account_id: str, destination: str) -> None: ...


class Holds(Protocol):
    """Which groups have dead letters that are yet to come back, and how often a message failed."""

    def count_try(self, message_id: str, pace: str) -> tuple[int, int]: ...

    def hold(self, group: str) -> None: ...

    def hold_redriven(self, group: str) -> None: ...

    def extend_hold(self, group: str) -> None: ...

    def recount(self, group: str, letters: int, counted_from: float) -> None: ...

    def release_one(self, group: str) -> None: ...


class Leases(Protocol):
    """One at a time."""

    def lease(self, name: str, seconds: int) -> bool: ...


class AppJwtStore(Protocol):
    """Where AppJWTs are kept for the workers."""

    def app_jwt(self, account_id: str) -> str | None: ...


class AppJwtRenewal(Protocol):
    """Who renews them."""

    def ask(self, account_id: str, rejected: str | None) -> None: ...


class Files(Protocol):
    """Where files are kept."""

    def keep(
        self, account_id: str, file_id: str, content: bytes, content_type: str, consumer_key: str
    ) -> None: ...


class Consumers(Protocol):
    """Where consumers are remembered."""

    def load_consumer(self, account_id: str, key: str) -> Consumer | None: ...


class Visits(Protocol):
    """Where the Monitoring API's ids of a consumer are remembered."""

    def save_visit(self, consumer: Consumer, visitor_id: str, session_id: str) -> Consumer: ...


class Introductions(Protocol):
    """Where consumers are remembered."""

    def save_consumer(self, consumer: Consumer) -> None: ...


class AccountParameters(Protocol):
    """The accounts' parameters, as this flow uses them."""

    def account_ids(self) -> list[str]: ...

    def credentials(self, account_id: str) -> Credentials: ...

    def app_jwt(self, account_id: str) -> str | None: ...

    def store_app_jwt(self, account_id: str, token: str) -> None: ...
