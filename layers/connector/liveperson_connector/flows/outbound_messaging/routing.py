"""
Route a new conversation: as the channel says, or as the Monitoring API finds.

The look-up happens only for accounts whose channel settings name an ``entry_point``. A
conversation without a campaign is better than none, so a look-up that fails is ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...domain.accounts import ChannelSettings
from ...domain.conversations import Consumer
from ...domain.errors import ConnectorError
from ...liveperson.monitoring import Monitoring, Visit
from ...support.cache import Cache
from ...telemetry import outcomes
from ..liveperson_access import AppJwts

if TYPE_CHECKING:  # most accounts have none
    from ...channel.ready_channels import ReadyChannel


@dataclass(frozen=True)
class Routing:
    """Finds the routing of new conversations."""

    channels: Cache[ChannelSettings]
    monitoring: Monitoring
    app_jwts: AppJwts
    save_visit: Callable[[Consumer, str, str], Consumer]
    ready_channels: Cache[ReadyChannel] | None = None

    def find(
        self, consumer: Consumer, given: Mapping[str, Any]
    ) -> tuple[Consumer, Mapping[str, Any]]:
        """Return the routing to open a conversation with; what the channel gives comes first."""
        if given:
            return consumer, given
        try:
            return self._look_up(consumer)
        except ConnectorError as error:
            outcomes.failure(error, account_id=consumer.account_id)
            return consumer, {}

    def _look_up(self, consumer: Consumer) -> tuple[Consumer, Mapping[str, Any]]:
        entry_point = self._entry_point(consumer)
        if not entry_point:
            return consumer, {}
        app = self.app_jwts.get(consumer.account_id).client_id
        before = Visit(consumer.visitor_id, consumer.session_id)
        visit, routing = self.monitoring.engagement(
            consumer.account_id, app, consumer.key, before, entry_point
        )
        if visit != before:
            consumer = self.save_visit(consumer, visit.visitor_id, visit.session_id)
        return consumer, routing

    def _entry_point(self, consumer: Consumer) -> tuple[str, ...]:
        if consumer.channel and self.ready_channels:
            place = f"{consumer.account_id}/{consumer.channel}"
            return self.ready_channels.get(place).entry_point
        return self.channels.get(consumer.account_id).entry_point
