"""
What an operator sees: one structured line per outcome, and metrics that count and time it.

Lines and metrics carry ids and outcomes, never words, tokens, secrets or a consumer's own id.

Everything that is logged while a message is handled belongs to a context: the function that handles
it and the correlation id, which is the id of the request by which the message came in and the same
in every function that the message passes. Metrics of a context are written in one line at its end,
so that one more measurement costs no further write.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..domain.errors import ConnectorError, Refused
from ..domain.pseudonyms import LOGGED_DIGITS
from ..domain.queue_messages import CORRELATION_ATTRIBUTE, new_id
from . import logs


class Outcome(StrEnum):
    """The outcome of a function: a log line's message, and the metric that counts it."""

    ACCEPTED = "accepted"
    CHALLENGE_ANSWERED = "challenge_answered"
    ACCEPTED_CURRENT_SECRET = "accepted_current_secret"
    ACCEPTED_PREVIOUS_SECRET = "accepted_previous_secret"
    INVALID_EVENT = "invalid_event"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_CHANNEL = "unknown_channel"
    WRONG_KEY = "wrong_key"
    REDACTED = "redacted"
    NO_SUCH_ROUTE = "no_such_route"
    NO_SUCH_FILE = "no_such_file"
    TOO_LARGE = "too_large"
    NOT_QUEUED = "not_queued"
    UNTRUSTED_WEBHOOK = "untrusted_webhook"
    UNREADABLE = "unreadable"
    UNREADABLE_WEBHOOK = "unreadable_webhook"
    TOO_OLD = "too_old"
    SLOW_ANSWER = "slow_answer"
    VERY_SLOW_ANSWER = "very_slow_answer"

    SENT = "sent"
    NOTHING_TO_DO = "nothing_to_do"
    CONVERSATION_OPENED = "conversation_opened"
    REPEAT_IGNORED = "repeat_ignored"
    AMBIGUOUS = "ambiguous"
    CONFIRMED_BY_ECHO = "confirmed_by_echo"
    SENT_AGAIN = "sent_again"
    REPORTED_FAILED = "reported_failed"
    REPORT_DROPPED = "report_dropped"
    TYPING_SENT = "typing_sent"
    TYPING_STALE = "typing_stale"
    TYPING_DROPPED = "typing_dropped"

    DELIVERED = "delivered"
    NOT_WANTED = "not_wanted"
    TOLD_FAILED = "told_failed"
    TOLD_REJECTED = "told_rejected"
    TEMPLATE_SENT = "template_sent"
    TOLD_CONVERSATION = "told_conversation"
    WITHHELD_ECHO = "withheld_echo"
    WITHHELD_NOT_FOR_CONSUMERS = "withheld_not_for_consumers"
    WITHHELD_UNKNOWN_SENDER = "withheld_unknown_sender"
    WITHHELD_UNKNOWN_KIND = "withheld_unknown_kind"
    FOREIGN_CONVERSATION = "foreign_conversation"
    CONVERSATION_ADOPTED = "conversation_adopted"
    POINTER_RESTORED = "pointer_restored"
    OUTDATED_CHANGE = "outdated_change"
    TYPING_TOLD = "typing_told"

    RETRY_LATER = "retry_later"
    WAITING = "waiting"
    PAUSED = "paused"
    BREAKER_OPENED = "breaker_opened"
    PROBE = "probe"
    BREAKER_CLOSED = "breaker_closed"
    DEAD_LETTERED = "dead_lettered"

    REFRESHED = "refreshed"
    NEWER_ONE_IS_STORED = "newer_one_is_stored"
    REFRESH_IN_PROGRESS = "refresh_in_progress"
    PUT_OFF = "put_off"
    HANDED_OVER = "handed_over"
    INTAKE_SETTINGS_COPIED = "intake_settings_copied"

    REDRIVEN = "redriven"
    WOULD_REDRIVE = "would_redrive"
    PUT_BACK = "put_back"
    EXPIRED = "expired"

    UNEXPECTED = "unexpected"


class Measurement(StrEnum):
    """What is measured, in milliseconds; ages in seconds."""

    ANSWER_TIME = "answer_time"
    SEND_TIME = "send_time"
    OPEN_TIME = "open_time"
    CALLBACK_TIME = "callback_time"
    END_TO_END_TIME = "end_to_end_time"
    APP_JWT_AGE = "app_jwt_age"
    OLDEST_LETTER_AGE = "oldest_letter_age"


@dataclass
class _Context:
    """A message or request that is handled: by which function, since when, what was counted."""

    function: str
    correlation_id: str
    since: datetime | None
    counted: list[logs.Metric] = field(default_factory=list)
    is_over: bool = False

    def conclude(self) -> None:
        """Write what was counted."""
        self.is_over = True
        if self.counted:
            _write(self.function, self.counted)


_current: ContextVar[_Context | None] = ContextVar("context", default=None)


@contextmanager
def context(
    function: str, correlation_id: str | None = None, *, since: datetime | None = None
) -> Iterator[None]:
    """
    Log everything within as ``function``, with ``correlation_id``.

    Without an id a new one is made. ``since`` is when the message was accepted; :func:`completed`
    tells how long it took.
    """
    here = _Context(function, correlation_id or new_id(), since)
    before = _current.set(here)
    try:
        yield
    finally:
        _current.reset(before)
        here.conclude()


def correlation_attributes() -> dict[str, str]:
    """Return the attribute by which a message that is sent now keeps the correlation id."""
    here = _current.get()
    return {CORRELATION_ATTRIBUTE: here.correlation_id} if here else {}


def outcome(what: str, /, *, count: int = 1, **ids: Any) -> None:
    """
    Log the outcome ``what``, for example :attr:`Outcome.SENT`, and count it.

    ``ids`` go into the log line; an account is known by ``account_id``, a consumer by the
    ``consumer`` key, of which the line shows the beginning.
    """
    log(what, **ids)
    _count(what, count)


def completed(what: str, /, *, since: datetime | None = None, **ids: Any) -> None:
    """
    Log that a message reached its end as ``what``, and how long after it was accepted.

    ``since`` is the moment its partner names; otherwise it is when our queue took it.
    """
    here = _current.get()
    accepted = since or (here.since if here else None)
    if accepted is None:
        outcome(what, **ids)
        return
    took = max(0, round((datetime.now(UTC) - accepted).total_seconds() * 1000))
    outcome(what, took_ms=took, **ids)
    measure(Measurement.END_TO_END_TIME, took)


def log(what: str, /, **ids: Any) -> None:
    """Log something that is not counted."""
    logs.info(what, **_fields(ids))


def warning(what: str, /, **ids: Any) -> None:
    """Log something that an operator should know and that is not counted."""
    logs.warning(what, **_fields(ids))


def count(what: str, /) -> None:
    """Count what a log line already tells."""
    _count(what, 1)


def measure(what: Measurement, value: float, /, *, unit: str = logs.MILLISECONDS) -> None:
    """Note a measurement: milliseconds, unless another unit is named."""
    _note((what, unit, value))


@contextmanager
def timed(what: Measurement, /) -> Iterator[None]:
    """Measure how many milliseconds the work within took, however it ended."""
    started = time.perf_counter()
    try:
        yield
    finally:
        measure(what, round((time.perf_counter() - started) * 1000, 1))


def app_jwt_age(seconds: float, /) -> None:
    """Note how old an account's newest AppJWT is after a try to refresh it."""
    measure(Measurement.APP_JWT_AGE, round(seconds), unit=logs.SECONDS)


def refusal(refused: Refused, /) -> None:
    """Count a caller's request that was refused, and log why."""
    outcome(refused.reason, problem=str(refused), http_status=refused.status)


def failure(error: ConnectorError, /, **ids: Any) -> None:
    """Log what went wrong; the texts of errors contain no secrets."""
    logs.warning(
        error.reason,
        **_fields(
            {
                "problem": str(error),
                "http_status": getattr(error, "http_status", None),
                "error_code": getattr(error, "error_code", None),
                **ids,
            }
        ),
    )


def unexpected_error(error: Exception, /, **ids: Any) -> None:
    """
    Log where an unexpected error arose, without its text, which might quote a message.

    It is counted for all functions together: there is one alarm for bugs.
    """
    places = traceback.extract_tb(error.__traceback__)
    logs.error(
        Outcome.UNEXPECTED,
        **_fields(
            {
                "kind": type(error).__name__,
                "places": [
                    f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in places
                ],
                **ids,
            }
        ),
    )
    _write("", [(Outcome.UNEXPECTED, logs.COUNT, 1)])


def _count(what: str, times: int) -> None:
    _note((what, logs.COUNT, times))


def _note(metric: logs.Metric) -> None:
    here = _current.get()
    if here is None:
        _write("", [metric])
    elif here.is_over:  # for example an intake's thread whose answer came too late
        _write(here.function, [metric])
    else:
        here.counted.append(metric)


def _write(function: str, counted: list[logs.Metric]) -> None:
    logs.metrics({"function": function} if function else {}, counted)


def _fields(ids: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a line: its function, the correlation id, and the ids that are known."""
    here = _current.get()
    function = {"function": here.function} if here else {}
    known = {name: value for name, value in ids.items() if value is not None}
    if "consumer" in known:
        known["consumer"] = known["consumer"][:LOGGED_DIGITS]
    return {**function, **correlation_attributes(), **known}
