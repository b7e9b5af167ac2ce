"""What the two intakes share: a caller always gets an answer, in time, nothing of the inside."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

from . import observe
from .aws.requests import HttpRequest, answer, refusal
from .errors import NotQueued, Refused

Answer = dict[str, object]
Handle = Callable[[HttpRequest], Answer]
Handler = Callable[[Mapping[str, Any], object], Answer]


def answering(
    function: str, *, seconds: float, build: Callable[[], object]
) -> Callable[[Handle], Handler]:
    """
    Make a Lambda handler of a function that answers a request or raises :class:`Refused`.

    What is not answered when ``seconds`` have passed is answered 503, and the caller sends it
    again. ``build`` makes what the function needs; Lambda does this while a container starts,
    when the processor is at its fastest and nobody's time runs yet.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        build()

    def decorate(handle: Handle) -> Handler:
        def handler(event: Mapping[str, Any], context: object) -> Answer:  # noqa: ARG001
            try:
                return within(seconds, lambda: handle(HttpRequest.from_event(event)))
            except Refused as refused:
                observe.refusal(function, refused)
                return refusal(refused)
            except Exception as bug:  # noqa: BLE001 - what went wrong is for the log, not the caller
                observe.bug(function, bug)
                return answer(500, {"error": "internal"})

        return handler

    return decorate


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Return what ``work`` returns, or raise :class:`NotQueued` when ``seconds`` have passed."""
    results: list[Answer] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as failure:  # noqa: BLE001 - raised again below, where it belongs
            failures.append(failure)

    worker = Thread(target=run, daemon=True)
    worker.start()
    worker.join(seconds)
    if failures:
        raise failures[0]
    if not results:
        raise NotQueued("AWS did not answer in time")
    return results[0]
