"""The frame of the intakes: every caller gets an answer in time, without internal details."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import cache
from threading import Thread, current_thread, main_thread
from types import FrameType
from typing import Any

from ..domain.errors import NotQueued, Refused
from ..telemetry import outcomes
from ..telemetry.outcomes import Measurement
from .api_gateway import HttpRequest, answer, refusal

Answer = dict[str, object]
Handle = Callable[[HttpRequest], Answer]
Handler = Callable[[Mapping[str, Any], object], Answer]

# API Gateway waits this long for an answer, so no request is older when its handler begins.
_LONGEST_START = 29.0

_NOTHING_IS_SLOW: Mapping[str, float] = {}

# getaddrinfo does not return on SIGALRM, so limit DNS to one second.
_RESOLVER = "timeout:1 attempts:1"


def http_function(
    function: str,
    *,
    seconds: float,
    build: Callable[[], object],
    slow: Mapping[str, float] = _NOTHING_IS_SLOW,
) -> Callable[[Handle], Handler]:
    """
    Make a Lambda handler of a function that answers a request or raises :class:`Refused`.

    A request without an answer after ``seconds`` is answered 503, and the caller sends it
    again. ``build`` makes what the function needs; Lambda does this while a container starts,
    when the processor is at its fastest and no caller waits yet. ``slow`` maps the name of a
    metric to milliseconds: an answer that took longer is counted under this name.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        os.environ["RES_OPTIONS"] = _RESOLVER
        build()

    def decorate(handle: Handle) -> Handler:
        def handler(event: Mapping[str, Any], context: object) -> Answer:  # noqa: ARG001
            started = time.time()
            asked = event.get("requestContext") or {}
            with outcomes.context(function, correlation_id(asked)):
                try:
                    return _answer(handle, event, seconds)
                finally:
                    _measure(waited(asked, started), slow)

        return handler

    return decorate


def _answer(handle: Handle, event: Mapping[str, Any], seconds: float) -> Answer:
    try:
        return deadline(seconds, lambda: handle(HttpRequest.from_event(event)))
    except Refused as refused:
        outcomes.refusal(refused)
        return refusal(refused)
    except Exception as bug:  # noqa: BLE001 - for the log, not for the caller
        outcomes.unexpected_error(bug)
        return answer(500, {"error": "internal"})


def _measure(took: float, slow: Mapping[str, float]) -> None:
    outcomes.measure(Measurement.ANSWER_TIME, took)
    for name in (each for each, limit in slow.items() if took > limit):
        outcomes.count(name)


def correlation_id(asked: Mapping[str, Any]) -> str | None:
    """
    Return the id by which API Gateway knows a request, from the ``requestContext``; None without.

    It is the extended one: callers can choose the other (``requestId``) by a header of theirs
    (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html).
    """
    found = asked.get("extendedRequestId")
    return found if isinstance(found, str) and found else None


def waited(asked: Mapping[str, Any], started: float) -> float:
    """
    Return for how many milliseconds the caller has waited, a container's start included.

    API Gateway says when the request came; if its clock can't be right, ours counts.
    """
    now = time.time()
    came = asked.get("requestTimeEpoch")
    if isinstance(came, int | float) and started - _LONGEST_START < came / 1000 <= started:
        started = came / 1000
    return round((now - started) * 1000, 1)


class _TooLate(BaseException):
    """The time is up; a BaseException, so that no library handles it as an error of its own."""


def deadline(seconds: float, work: Callable[[], Answer]) -> Answer:
    """
    Return what ``work`` returns, or raise :class:`NotQueued` when ``seconds`` have passed.

    Lambda calls a handler in the main thread, where an alarm ends what takes too long; a thread
    for each request would cost half as much as the request itself. In any other thread signals do
    not arrive, and the work runs in a thread of its own.
    """
    in_time = _by_alarm if current_thread() is main_thread() else _by_thread
    return in_time(seconds, work)


# Python drops an exception that is raised in a destructor or a callback of the garbage collector;
# an alarm that meets one sounds again.
_REPEAT_SECONDS = 0.05


def _by_alarm(seconds: float, work: Callable[[], Answer]) -> Answer:
    _listen()
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)
        try:
            return work()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _TooLate:
        raise _not_queued() from None


@cache
def _listen() -> None:
    signal.signal(signal.SIGALRM, _ring)


def _ring(_signal: int, _frame: FrameType | None) -> None:
    raise _TooLate


def _by_thread(seconds: float, work: Callable[[], Answer]) -> Answer:
    results: list[Answer] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as failure:  # noqa: BLE001 - raised again below, where it belongs
            failures.append(failure)

    worker = Thread(target=copy_context().run, args=(run,), daemon=True)
    worker.start()
    worker.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise _not_queued()
    return results[0]


def _not_queued() -> NotQueued:
    return NotQueued("AWS did not answer in time")
