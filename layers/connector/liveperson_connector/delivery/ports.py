"""
What the flows need of AWS, by role.

``aws`` implements these protocols on the real services; tests run the same flows on the real store
over a table in process, and on queues in process. A flow that needs one operation alone takes it as
a plain function.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # so that a flow loads no more than what it uses itself
    from ..domain.accounts import Credentials
    from ..domain.conversations import (
        AgentProfile,
        Consumer,
        Conversation,
        EventState,
        NotificationState,
        Progress,
    )
    from ..domain.outages import CircuitState
    from ..domain.queue_messages import OutgoingMessage, QueueCounts, QueueMessage
    from ..domain.ready_channels import Offer, Person, SentMessage


class Outbox(Protocol):
    """A queue that messages are sent to."""

    @property
    def name(self) -> str: ...

    def send(self, messages: Sequence[OutgoingMessage]) -> None: ...


class DeadLetters(Protocol):
    """A dead-letter queue, for the flow that decides what becomes of each dead letter."""

    @property
    def name(self) -> str: ...

    def receive(self) -> list[QueueMessage]: ...

    def send(self, messages: Sequence[OutgoingMessage]) -> None: ...

    def delete_all(self, receipt_handles: Sequence[str]) -> None: ...

    def show_all(self, receipt_handles: Sequence[str]) -> None: ...

    def counts(self) -> QueueCounts: ...


class OutboundStore(Protocol):
    """What ``outbound_messaging`` reads and writes in the table."""

    def load_event(self, account_id: str, key: str, event_id: str, group: str) -> EventState: ...

    def load_consumer(self, account_id: str, key: str) -> Consumer | None: ...

    def load_typing(
        self, account_id: str, key: str
    ) -> tuple[Consumer | None, CircuitState | None]: ...

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
    """What ``channel_delivery`` reads and writes in the table."""

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


class AgentMemory(Protocol):
    """What consumers may see of agents, remembered for a day."""

    def load_agent(self, account_id: str, agent_id: str) -> AgentProfile | None: ...

    def save_agent(self, account_id: str, agent_id: str, profile: AgentProfile) -> None: ...


class PersonMemory(Protocol):
    """What ready channels' events need of the table: offers, and the messages of reports."""

    def load_person(self, account_id: str, key: str) -> Person: ...

    def save_heard(self, account_id: str, key: str, at: float, mark: str) -> None: ...

    def load_message(self, account_id: str, channel: str, message: str) -> SentMessage | None: ...

    def save_report(
        self, account_id: str, channel: str, message: str, status: str, told_by: str
    ) -> None: ...


class Deliveries(Protocol):
    """What writing to the people of ready channels needs of the table."""

    def load_delivery(
        self, conversation: Conversation, identity: str
    ) -> tuple[int, Person, CircuitState | None]: ...

    def save_delivery(
        self, conversation: Conversation, identity: str, sent: int, note: SentMessage, message: str
    ) -> None: ...

    def save_offer(self, conversation: Conversation, person: Person, offer: Offer) -> Person: ...

    def save_template(self, conversation: Conversation, at: float) -> None: ...


class FailureStore(Protocol):
    """What went wrong and is not over: circuits, failed tries, groups held by dead letters."""

    def probe(
        self, account_id: str, destination: str, now: float, next_probe_at: float
    ) -> bool: ...

    def note_failure(
        self, account_id: str, destination: str, outage: CircuitState | None, now: float, group: str
    ) -> CircuitState: ...

    def outage_over(self, account_id: str, destination: str) -> None: ...

    def count_try(self, message_id: str, pace: str) -> tuple[int, int]: ...

    def hold(self, group: str) -> None: ...

    def hold_redriven(self, group: str) -> None: ...

    def extend_hold(self, group: str) -> None: ...

    def recount(self, group: str, letters: int, counted_from: float) -> None: ...

    def release_one(self, group: str) -> None: ...


class AccountParameters(Protocol):
    """The accounts' parameters, for the flow that writes AppJWTs."""

    def account_ids(self) -> list[str]: ...

    def credentials(self, account_id: str) -> Credentials: ...

    def app_jwt(self, account_id: str) -> str | None: ...

    def copy_intake_settings(self, account_id: str) -> None: ...

    def store_app_jwt(self, account_id: str, token: str) -> None: ...
