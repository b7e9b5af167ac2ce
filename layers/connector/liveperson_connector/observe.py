"""
What an operator sees: one structured line per outcome, and a metric that counts it.

Lines and metrics carry ids and outcomes, never words, tokens, secrets or a consumer's own id.
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from .errors import ConnectorError, Refused
from .pseudonyms import short

if TYPE_CHECKING:
    from .channel.consumer_events import ConsumerEvent
    from .flows.webhook_intake import Accepted as WebhookAccepted

_logger = Logger(log_uncaught_exceptions=False)


def outcome(function: str, what: str, /, *, count: int = 1, **ids: Any) -> None:
    """
    Say that ``function`` came to ``what``, for example ``sent``, and count it.

    ``ids`` go into the log line; an account is known by ``account_id``, a consumer by its
    pseudonym.
    """
    _logger.info(what, function=function, **_present(ids))
    _count(function, what, count)


def count(function: str, what: str, /) -> None:
    """Count what a log line already tells."""
    _count(function, what, 1)


def refusal(function: str, refused: Refused, /) -> None:
    """Count a caller's request that was refused, and say why."""
    outcome(function, refused.reason, problem=str(refused), http_status=refused.status)


def webhook_accepted(function: str, accepted: WebhookAccepted, /) -> None:
    """Count an accepted webhook, which secret had signed it, and one that could not be read."""
    outcome(
        function,
        f"accepted_{accepted.secret}_secret" if not accepted.unreadable else "unreadable",
        account_id=accepted.account_id,
        changes=accepted.changes,
        problem=str(accepted.unreadable) if accepted.unreadable else None,
    )


def event_accepted(function: str, event: ConsumerEvent, key: str, /) -> None:
    """Count an accepted consumer event."""
    outcome(
        function, "accepted", account_id=event.account_id, consumer=short(key), event_id=event.id
    )


def failure(function: str, error: ConnectorError, /, **ids: Any) -> None:
    """Say what went wrong; errors write their messages without anything secret in them."""
    _logger.warning(
        error.reason,
        function=function,
        problem=str(error),
        http_status=getattr(error, "http_status", None),
        error_code=getattr(error, "error_code", None),
        **_present(ids),
    )


def bug(function: str, error: Exception, /, **ids: Any) -> None:
    """Say where an unforeseen error arose; its own words might quote a message, so not them."""
    places = traceback.extract_tb(error.__traceback__)
    _logger.error(
        "unexpected",
        function=function,
        kind=type(error).__name__,
        places=[f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in places],
        **_present(ids),
    )


def _count(function: str, what: str, times: int) -> None:
    metrics = EphemeralMetrics()
    metrics.add_dimension(name="function", value=function)
    metrics.add_metric(name=what, unit=MetricUnit.Count, value=times)
    metrics.flush_metrics()


def _present(ids: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in ids.items() if value is not None}
