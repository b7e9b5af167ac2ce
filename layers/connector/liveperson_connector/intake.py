"""
What the two intakes share: a caller always gets an answer, in time, and nothing of the inside.

LivePerson may disable an app that takes longer than 2.5 s; a failure code is better than silence
(https://developers.liveperson.com/connector-api-webhooks-disclaimers.html). So an answer that is
not ready before two seconds have passed becomes a 503, and the caller sends again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from threading import Thread
from typing import Any

from . import observe
from .aws.requests import HttpRequest, answer, refusal
from .errors import NotQueued, Refused

ANSWER_SECONDS = 1.8

Answer = dict[str, object]


def answering(
    function: str, *, seconds: float = ANSWER_SECONDS
) -> Callable[[Callable[[HttpRequest], Answer]], Callable[[Mapping[str, Any], object], Answer]]:
    """Make a Lambda handler of a function that answers a request or raises :class:`Refused`."""

    def decorate(
        handle: Callable[[HttpRequest], Answer],
    ) -> Callable[[Mapping[str, Any], object], Answer]:
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
