"""
What an operator sees: one structured line per outcome, and metrics that count and time it.

Lines and metrics carry ids and outcomes, never words, tokens, secrets or a consumer's own id.

What is said while a message is handled carries its ``trace``: the id of the request by which the
message came in, the same in every function that the message passes. What is counted meanwhile
leaves in one line at the end, so that a measurement more costs no write more.
"""

from __future__ import annotations

import time
import traceback
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..domain.errors import ConnectorError, Refused
from ..domain.pseudonyms import short
from ..domain.queue_messages import CORRELATION_ATTRIBUTE, new_id
from . import logs

if TYPE_CHECKING:
    from ..channel.consumer_events import ConsumerEvent
    from ..flows.webhook_intake import Accepted as WebhookAccepted


@dataclass
class _Context:
    """A message or request that is being handled: its trace, when it came, what was counted."""

    trace: str
    since: datetime | None
    counted: dict[str, list[logs.Metric]] = field(default_factory=lambda: defaultdict(list))
    is_over: bool = False

    def conclude(self) -> None:
        """Write what was counted, one line a function."""
        self.is_over = True
        for function, metrics in self.counted.items():
            _write(function, metrics)


_current: ContextVar[_Context | None] = ContextVar("handled", default=None)


@contextmanager
def context(trace: str | None = None, *, since: datetime | None = None) -> Iterator[None]:
    """
    Let all that is said within carry ``trace``, a new one if none is given.

    ``since`` is when the message was accepted; :func:`completed` tells how long it took.
    """
    here = _Context(trace or new_id(), since)
    before = _current.set(here)
    try:
        yield
    finally:
        _current.reset(before)
        here.conclude()


def correlation_attributes() -> dict[str, str]:
    """Return the attribute by which a message that is sent now keeps the trace."""
    here = _current.get()
    return {CORRELATION_ATTRIBUTE: here.trace} if here else {}


def outcome(function: str, what: str, /, *, count: int = 1, **ids: Any) -> None:
    """
    Say that ``function`` came to ``what``, for example ``sent``, and count it.

    ``ids`` go into the log line; an account is known by ``account_id``, a consumer by its
    pseudonym.
    """
    log(function, what, **ids)
    _count(function, what, count)


def completed(function: str, what: str, /, *, since: datetime | None = None, **ids: Any) -> None:
    """
    Say that a message reached its end as ``what``, and how long after it was accepted.

    ``since`` is the moment its partner names; otherwise it is when our queue took it.
    """
    here = _current.get()
    accepted = since or (here.since if here else None)
    if accepted is None:
        outcome(function, what, **ids)
        return
    took = max(0, round((datetime.now(UTC) - accepted).total_seconds() * 1000))
    outcome(function, what, took_ms=took, **ids)
    measure(function, "end_to_end_time", took)


def log(function: str, what: str, /, **ids: Any) -> None:
    """Say something that is not counted."""
    logs.info(what, function=function, **{**correlation_attributes(), **_present(ids)})


def count(function: str, what: str, /) -> None:
    """Count what a log line already tells."""
    _count(function, what, 1)


def measure(function: str, what: str, value: float, /, *, unit: str = logs.MILLISECONDS) -> None:
    """Note a measurement: milliseconds, unless another unit is named."""
    _note(function, (what, unit, value))


@contextmanager
def timed(function: str, what: str, /) -> Iterator[None]:
    """Note how many milliseconds the work within took, however it ended."""
    started = time.perf_counter()
    try:
        yield
    finally:
        measure(function, what, round((time.perf_counter() - started) * 1000, 1))


def app_jwt_age(function: str, seconds: float, /) -> None:
    """Note how old an account's newest AppJWT is after a try to refresh it."""
    measure(function, "app_jwt_age", round(seconds), unit=logs.SECONDS)


def refusal(function: str, refused: Refused, /) -> None:
    """Count a caller's request that was refused, and say why."""
    outcome(function, refused.reason, problem=str(refused), http_status=refused.status)


def webhook_accepted(function: str, accepted: WebhookAccepted, /) -> None:
    """Count an accepted webhook, which secret had signed it, and what of it was not queued."""
    account_id, unreadable = accepted.account_id, accepted.unreadable
    if accepted.changes or not unreadable:
        what = f"accepted_{accepted.secret}_secret"
        outcome(function, what, account_id=account_id, changes=accepted.changes)
    if unreadable:
        outcome(function, "unreadable", account_id=account_id, problem=str(unreadable))
    for what, count in (("too_old", accepted.too_old), ("typing_stale", accepted.stale)):
        if count:
            outcome(function, what, count=count, account_id=account_id, changes=count)


def event_accepted(function: str, event: ConsumerEvent, key: str, /) -> None:
    """Count an accepted consumer event."""
    outcome(
        function, "accepted", account_id=event.account_id, consumer=short(key), event_id=event.id
    )


def failure(function: str, error: ConnectorError, /, **ids: Any) -> None:
    """Say what went wrong; errors write their messages without anything secret in them."""
    logs.warning(
        error.reason,
        function=function,
        problem=str(error),
        http_status=getattr(error, "http_status", None),
        error_code=getattr(error, "error_code", None),
        **{**correlation_attributes(), **_present(ids)},
    )


def unexpected_error(function: str, error: Exception, /, **ids: Any) -> None:
    """
    Say where an unforeseen error arose; its own words might quote a message, so not them.

    It is counted for all functions together: there is one alarm for bugs.
    """
    places = traceback.extract_tb(error.__traceback__)
    logs.error(
        "unexpected",
        function=function,
        kind=type(error).__name__,
        places=[f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in places],
        **{**correlation_attributes(), **_present(ids)},
    )
    _count("", "unexpected", 1)


def _count(function: str, what: str, times: int) -> None:
    _note(function, (what, logs.COUNT, times))


def _note(function: str, metric: logs.Metric) -> None:
    here = _current.get()
    if here is None or here.is_over:  # for example an intake's thread whose answer came too late
        _write(function, [metric])
    else:
        here.counted[function].append(metric)


def _write(function: str, counted: list[logs.Metric]) -> None:
    logs.metrics({"function": function} if function else {}, counted)


def _present(ids: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in ids.items() if value is not None}
