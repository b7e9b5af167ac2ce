"""A caller gets an answer, in time, and nothing of the inside."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from functions.webhook_intake.handler import ANSWER_SECONDS
from liveperson_connector.domain.errors import NotQueued, UntrustedWebhook
from liveperson_connector.entrypoints.api_gateway import HttpRequest, answer
from liveperson_connector.entrypoints.http import Answer, deadline, http_function

Within = Callable[[float, Callable[[], Answer]], Answer]

EVENT: dict[str, Any] = {"headers": {}, "body": "hello", "isBase64Encoded": False}


def test_an_answer_is_handed_on() -> None:
    """The function sees a request, and its answer goes to the caller."""

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        return answer(200, {"body": request.body.decode()})

    assert {"body": "hello"} == json.loads(str(handler(EVENT, None)["body"]))


def test_a_refusal_is_answered() -> None:
    """Its status says what is wrong, and a word why."""

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        raise UntrustedWebhook("the signature does not match the body")

    refused = handler(EVENT, None)

    assert (401, '{"error": "untrusted_webhook"}') == (refused["statusCode"], refused["body"])


def test_a_request_that_cannot_be_read_is_answered() -> None:
    """A broken Base64 body is the caller's to mend."""

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        return answer(200, {})

    assert 400 == handler({**EVENT, "body": "***", "isBase64Encoded": True}, None)["statusCode"]


def test_a_bug_is_answered_without_its_words() -> None:
    """The caller learns that it is our fault, and keeps what it sent."""

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        raise ZeroDivisionError("secret inside")

    failed = handler(EVENT, None)

    assert (500, '{"error": "internal"}') == (failed["statusCode"], failed["body"])


def test_an_answer_that_takes_too_long_becomes_a_503() -> None:
    """A failure code is better than silence; the caller sends again."""

    @http_function("tests", seconds=0.05, build=object)
    def handler(request: HttpRequest) -> Answer:
        time.sleep(0.5)
        return answer(200, {})

    started = time.monotonic()
    late = handler(EVENT, None)

    assert (503, "2") == (late["statusCode"], late["headers"]["Retry-After"])  # type: ignore[index]
    assert time.monotonic() - started < 0.4


def test_the_usual_deadline_is_before_livepersons() -> None:
    """LivePerson minds answers later than 2.5 s, and the way back takes time too."""
    assert ANSWER_SECONDS < 2


def in_main_thread(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Work as in Lambda."""
    return deadline(seconds, work)


def in_another_thread(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Work as on a server of a test's."""
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(deadline, seconds, work).result()


WHEREVER = pytest.mark.parametrize("here", [in_main_thread, in_another_thread])


@WHEREVER
def test_what_is_ready_in_time_is_returned(here: Within) -> None:
    """The deadline costs nothing when it is not needed."""
    assert {"a": 1} == here(1, lambda: {"a": 1})


@WHEREVER
def test_an_error_in_time_is_raised(here: Within) -> None:
    """What went wrong is not taken for lateness."""

    def fail() -> Answer:
        raise UntrustedWebhook("no")

    with pytest.raises(UntrustedWebhook):
        here(1, fail)


@WHEREVER
def test_what_is_late_is_not_queued(here: Within) -> None:
    """As far as the caller is concerned."""

    def sleep() -> Answer:
        time.sleep(0.3)
        return {}

    with pytest.raises(NotQueued):
        here(0.01, sleep)


def test_what_is_late_in_lambda_goes_no_further() -> None:
    """Neither a retry nor a handler of errors keeps it alive; it does not queue minutes later."""
    reached = []

    def stubborn() -> Answer:
        try:
            time.sleep(0.3)
        except Exception:  # noqa: BLE001 - as libraries catch what their work may raise
            reached.append("caught")
        reached.append("went on")
        return {}

    with pytest.raises(NotQueued):
        deadline(0.01, stubborn)
    assert [] == reached


def test_what_is_late_does_not_hold_up_the_next() -> None:
    """After an alarm the next request has its own whole time, and after work no alarm comes."""

    def sleep() -> Answer:
        time.sleep(0.3)
        return {}

    with pytest.raises(NotQueued):
        deadline(0.01, sleep)
    assert {"b": 2} == deadline(0.05, lambda: {"b": 2})
    time.sleep(0.1)


@pytest.mark.parametrize(("in_lambda", "expected"), [(True, ["built"]), (False, [])])
def test_what_a_function_needs_is_built_while_its_container_starts(
    monkeypatch: pytest.MonkeyPatch, in_lambda: bool, expected: list[str]
) -> None:
    """In Lambda nobody waits for it then; elsewhere it is built when it is needed."""
    monkeypatch.delenv("RES_OPTIONS", raising=False)
    if in_lambda:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "tests")
        monkeypatch.setenv("RES_OPTIONS", "")
    built: list[str] = []
    http_function("tests", seconds=1, build=lambda: built.append("built"))

    assert expected == built


def test_in_lambda_names_are_found_in_time_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one thing that no alarm interrupts gives up by itself, long before the deadline."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "tests")
    monkeypatch.setenv("RES_OPTIONS", "")
    http_function("tests", seconds=1, build=object)

    assert "timeout:1 attempts:1" == os.environ["RES_OPTIONS"]


class _Deaf:
    """An object whose destructor takes its time: what is raised in it, Python drops."""

    def __del__(self) -> None:
        time.sleep(0.2)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_alarm_that_is_dropped_sounds_again() -> None:
    """An alarm in the middle of a destructor is lost; the answer comes in time all the same."""

    def work() -> Answer:
        deaf = _Deaf()
        del deaf
        time.sleep(5)
        return answer(200, {})

    began = time.monotonic()
    with pytest.raises(NotQueued):
        deadline(0.1, work)

    assert time.monotonic() - began < 2
