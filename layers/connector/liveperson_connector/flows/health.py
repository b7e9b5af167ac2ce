"""
Tell a monitor outside whether the connector is well, and nothing of the inside.

The alarms of the functions decide, which CloudWatch evaluates every minute. What a stranger can
cause (refused webhooks) and what one brand's partner causes (its outage, its dead letters) is left
out: a monitor watches the connector, and the alarms themselves tell the operator of the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from ..domain.clock import Clock
from ..domain.errors import AwsUnavailable
from ..support.cache import Cache

CACHE_SECONDS = 30.0
"""How long an answer is kept: however often strangers ask, CloudWatch is asked no oftener."""

UNWELL = frozenset(
    {
        "WebhookAnswersTooSlowAlarm",
        "WebhooksNotQueuedAlarm",
        "WebhookIntakeErrorsAlarm",
        "WebhookIntakeThrottlesAlarm",
        "EventsNotQueuedAlarm",
        "MessageIntakeErrorsAlarm",
        "MessageIntakeThrottlesAlarm",
        "ProviderWebhooksNotQueuedAlarm",
        "ProviderIntakeErrorsAlarm",
        "ProviderIntakeThrottlesAlarm",
        "AppJwtAgeAlarm",
        "UnexpectedErrorsAlarm",
    }
)
"""The alarms, by their logical ids, of which one is enough."""


@dataclass(frozen=True)
class HealthReport:
    """``ok``, ``failing``, or ``unknown`` where AWS does not tell."""

    status: str

    @property
    def http_status(self) -> int:
        """200 if all is well, else 503, which every monitor takes for a failure."""
        return HTTPStatus.OK if self.status == "ok" else HTTPStatus.SERVICE_UNAVAILABLE


class Health:
    """Judges by ``alarms``, which returns those that are in alarm. Share one per container."""

    def __init__(self, alarms: Callable[[], frozenset[str]], *, clock: Clock = time.time) -> None:
        self._reports: Cache[HealthReport] = Cache(
            lambda _: _report(alarms), ttl=CACHE_SECONDS, clock=clock
        )

    def report(self) -> HealthReport:
        """Return how the last minutes were."""
        return self._reports.get("")


def _report(alarms: Callable[[], frozenset[str]]) -> HealthReport:
    try:
        return HealthReport("failing" if alarms() & UNWELL else "ok")
    except AwsUnavailable:
        return HealthReport("unknown")
