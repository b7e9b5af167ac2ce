"""
Write to the channel: everything that a channel is told goes through the :class:`Notifier`.

It knows the channel's settings, the callbacks, and whether the channel is up; what is behind the
channel's earlier messages or an outage waits here. Whoever notifies says what to tell, not how.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from ...channel.callbacks import Callbacks
from ...channel.queued_events import automatic_receipt
from ...channel.rendering import file_content
from ...delivery.circuit_breaker import CircuitBreaker
from ...delivery.ports import Outbox
from ...delivery.retries import check_group_hold
from ...domain.accounts import ChannelSettings
from ...domain.clock import Clock
from ...domain.conversations import Conversation, NotificationState
from ...domain.errors import MisconfiguredAccount
from ...domain.queue_messages import QueueMessage, iso, stable_id
from ...liveperson.messaging_events import HostedFile
from ...support.cache import Cache
from ...telemetry import outcomes
from ...telemetry.outcomes import Measurement
from ..failed_events import FailedEvent
from ..message_intake import to_message
from .agent_files import AgentFileCopier
from .agents import Agents


@dataclass(frozen=True)
class Notice:
    """
    One thing to tell the channel of a conversation.

    ``identity`` is the same each time it is told, and differs from that of everything else told
    of the conversation. ``callback`` has the fields of ``docs/channel-api.md`` except those of the
    conversation; ``None`` is left out. A message with a ``file`` has no content yet: how the
    channel gets the file is the notifier's business.
    """

    identity: str
    callback: Mapping[str, Any]
    file: HostedFile | None = None

    @property
    def type(self) -> str:
        """The type of callback, for example ``message``."""
        return str(self.callback["type"])


class ChannelNotifier(Protocol):
    """
    Tells channels, whatever their kind.

    A ``webhook`` channel is told by :class:`Notifier`, a ready one by
    :class:`.provider_notifier.ProviderNotifier`.
    """

    def notify(
        self,
        conversation: Conversation,
        notices: Sequence[Notice],
        state: NotificationState,
        message: QueueMessage,
    ) -> list[int | None]:
        """Tell ``notices`` in order; return a status for each, None for one that is not wanted."""
        ...

    def notify_once(self, conversation: Conversation, notice: Notice) -> int | None:
        """Tell ``notice`` now or never."""
        ...


@dataclass(frozen=True)
class Notifiers:
    """Tells each conversation's own channel; ``providers`` makes the notifier of ready ones."""

    webhooks: Notifier
    providers: Callable[[], ChannelNotifier]

    def notify(
        self,
        conversation: Conversation,
        notices: Sequence[Notice],
        state: NotificationState,
        message: QueueMessage,
    ) -> list[int | None]:
        """Tell the conversation's channel ``notices`` in order."""
        return self._of(conversation).notify(conversation, notices, state, message)

    def notify_once(self, conversation: Conversation, notice: Notice) -> int | None:
        """Tell the conversation's channel ``notice`` now or never."""
        return self._of(conversation).notify_once(conversation, notice)

    def _of(self, conversation: Conversation) -> ChannelNotifier:
        return self.providers() if conversation.channel else self.webhooks


@dataclass(frozen=True)
class Notifier:
    """
    Tells channels by callbacks. ``channels`` holds their settings by account.

    ``consumer_events`` takes the receipts that the connector sends on behalf of a channel;
    ``agents`` knows the names of senders.
    """

    channels: Cache[ChannelSettings]
    callbacks: Callbacks
    breaker: CircuitBreaker
    agent_files: AgentFileCopier
    consumer_events: Outbox
    agents: Agents
    clock: Clock = time.time

    def notify(
        self,
        conversation: Conversation,
        notices: Sequence[Notice],
        state: NotificationState,
        message: QueueMessage,
    ) -> list[int | None]:
        """
        Tell the channel ``notices`` in order; return the HTTP status of each answer.

        The status is ``None`` where the channel does not want that type of callback. Raises
        :class:`GroupHeld` behind dead letters of the group, :class:`CircuitOpen` while the channel
        is down, and what :meth:`Callbacks.post` raises.
        """
        with self._guard(conversation.account_id, state, message):
            settings = self.channels.get(conversation.account_id)
            return [self._tell(settings, conversation, each) for each in notices]

    def notify_once(self, conversation: Conversation, notice: Notice) -> int | None:
        """Tell the channel whatever it is behind, and take a failure for no sign of an outage."""
        settings = self.channels.get(conversation.account_id)
        return self._tell(settings, conversation, notice)

    def notify_failure(
        self, failed: FailedEvent, state: NotificationState, message: QueueMessage
    ) -> int | None:
        """Tell the channel that LivePerson refused an event of it for good."""
        account_id, failure, failed_message = failed
        if not self._wants_failed(account_id):
            return None
        parts = [account_id, str(failure["consumer_id"]), str(failure["event_id"])]
        parts += [failed_message] if failed_message else []
        callback = {
            "type": "failed",
            "account_id": account_id,
            **failure,
            "sent_at": iso(datetime.fromtimestamp(self.clock(), UTC)),
        }
        with self._guard(account_id, state, message):
            settings = self.channels.get(account_id)
            return self._post(settings, _webhook_id("failed", *parts), callback)

    def _wants_failed(self, account_id: str) -> bool:
        """Whether the channel wants ``failed``; if its settings are missing, assume it does."""
        try:
            return self.channels.get(account_id).wants("failed")
        except MisconfiguredAccount:
            return True

    def _guard(
        self, account_id: str, state: NotificationState, message: QueueMessage
    ) -> AbstractContextManager[None]:
        """Call the channel within, unless earlier messages or an outage are in the way."""
        check_group_hold(message, state.is_held, state.redrive_failed_at)
        return self.breaker.guard(account_id, state.outage, message.group)

    def _tell(
        self, settings: ChannelSettings, conversation: Conversation, notice: Notice
    ) -> int | None:
        if not settings.wants(notice.type):
            return None
        name = _webhook_id(conversation.account_id, conversation.conversation_id, notice.identity)
        status = self._post(settings, name, self._callback(settings, conversation, notice))
        if settings.automatic_receipts and notice.type == "message":
            self._send_receipt(conversation, notice)
        return status

    def _callback(
        self, settings: ChannelSettings, conversation: Conversation, notice: Notice
    ) -> dict[str, Any]:
        written = {
            "account_id": conversation.account_id,
            "consumer_id": conversation.consumer_id,
            "conversation_id": conversation.conversation_id,
            **notice.callback,
        }
        if sender := notice.callback.get("sender"):
            written["sender"] = self.agents.described(settings, conversation.account_id, sender)
        if notice.file is None:
            return written
        url = self.agent_files.save(conversation, notice.file)
        return {**written, "content": file_content(notice.file, url or "")}

    def _post(self, settings: ChannelSettings, name: str, callback: Mapping[str, Any]) -> int:
        known = {name: value for name, value in callback.items() if value is not None}
        with outcomes.timed(Measurement.CALLBACK_TIME):
            return self.callbacks.post(settings, name, known)

    def _send_receipt(self, conversation: Conversation, notice: Notice) -> None:
        """Let LivePerson know that the channel has a message, as the channel's settings ask."""
        receipt = automatic_receipt(
            conversation.account_id,
            conversation.consumer_id,
            notice.callback["dialog_id"],
            notice.callback["sequence"] or 0,
            self.clock(),
            conversation_id=conversation.conversation_id,
        )
        self.consumer_events.send([to_message(receipt, conversation.consumer_key)])


def _webhook_id(*parts: str) -> str:
    """Return the id of a callback: the same on every retry, so that the channel can tell."""
    return f"msg_{stable_id(*parts)[:32]}"
