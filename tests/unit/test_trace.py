"""One id follows a message from its first hop to its last, through dead letters and back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from functions.webhook_intake.handler import SLOW
from liveperson_connector.channel.queued_events import ConsumerEvent
from liveperson_connector.delivery.retries import MOST_TRIES, RetryingConsumer
from liveperson_connector.domain.errors import LivePersonRefused, LivePersonUnavailable
from liveperson_connector.domain.intake_settings import IntakeSettings
from liveperson_connector.domain.queue_messages import (
    MOST_ATTRIBUTES,
    QueueMessage,
)
from liveperson_connector.entrypoints.api_gateway import HttpRequest, answer
from liveperson_connector.entrypoints.http import Answer, http_function
from liveperson_connector.flows.dead_letter_redrive import (
    to_go_behind,
)
from liveperson_connector.flows.failed_events import failure_message
from liveperson_connector.flows.message_intake import MessageIntake
from liveperson_connector.support.cache import Cache
from liveperson_connector.telemetry import outcomes
from liveperson_connector.telemetry.outcomes import Measurement
from tests.support.accounts import ACCOUNT, SALT
from tests.support.clocks import Clock
from tests.support.in_process import InProcessFailures, InProcessQueue
from tests.support.logs import Output
from tests.support.messages import PHONE, posted, received, text_event

REQUEST_ID = "JKJaXmPLvHcESHA="


def asked(**context: Any) -> dict[str, Any]:
    """Give a request as API Gateway hands it over."""
    return {
        "headers": {},
        "body": posted(text_event()).decode(),
        "requestContext": {
            "requestId": "a-callers",
            "extendedRequestId": REQUEST_ID,
            **context,
        },
    }


def given_up(handled: QueueMessage, error: Exception, dead_letters: InProcessQueue) -> QueueMessage:
    """Let a worker fail with a message for good, and give the dead letter."""

    def fail(_message: QueueMessage) -> None:
        raise error

    failures = InProcessFailures()
    failures.fail(handled.message_id, MOST_TRIES)
    RetryingConsumer("tests", fail, InProcessQueue().hide, dead_letters, failures, Clock()).process(
        handled
    )
    (letter,) = dead_letters.receive()
    return letter


def test_what_an_intake_queues_carries_the_requests_id(clock: Clock, output: Output) -> None:
    """The id is API Gateway's own, which the caller reads in ``x-amz-apigw-id`` of its answer."""
    queue = InProcessQueue(clock=clock)
    intake = MessageIntake(Cache(lambda _: IntakeSettings(), ttl=30, clock=clock), queue, SALT)

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        intake.accept(ACCOUNT, PHONE, request.body)
        return answer(202, {})

    handler(asked(), None)

    assert {"trace": REQUEST_ID} == queue.letters[0].attributes
    assert REQUEST_ID == output.lines[0]["trace"]


@pytest.mark.parametrize("context", [{}, {"extendedRequestId": None}, {"extendedRequestId": ""}])
def test_a_caller_cannot_choose_the_id(context: dict[str, Any], output: Output) -> None:
    """``requestId`` is the caller's to set; without API Gateway's own id a new one is made."""

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        outcomes.outcome("seen")
        return answer(200, {})

    for _ in range(2):
        handler({"headers": {}, "requestContext": {"requestId": "a-callers", **context}}, None)
    first, second = (line["trace"] for line in output.lines)

    assert "a-callers" not in {first, second}
    assert first != second


@pytest.mark.parametrize(
    ("seconds", "counted"),
    [
        (1.4, set()),
        (1.6, {"slow_answer"}),
        (2.1, {"slow_answer", "very_slow_answer"}),
    ],
)
def test_slow_answers_are_counted(output: Output, seconds: float, counted: set[str]) -> None:
    """Alarms count them: a percentile of a minute with three webhooks says nothing."""

    @http_function("tests", seconds=2, build=object, slow=SLOW)
    def handler(request: HttpRequest) -> Answer:
        return answer(200, {})

    handler(asked(requestTimeEpoch=(time.time() - seconds) * 1000), None)
    (metric,) = output.metrics

    assert counted == set(metric) & set(SLOW)
    assert all([1] == metric[each] for each in counted)


def test_every_line_of_a_message_carries_its_trace_and_no_others(output: Output) -> None:
    """What a worker says of one message is not mistaken for the next one's."""

    def handle(message: QueueMessage) -> None:
        outcomes.outcome("seen", message_id=message.message_id)
        outcomes.failure(LivePersonUnavailable("no answer"))
        outcomes.unexpected_error(ValueError())

    worker = RetryingConsumer("tests", handle, InProcessQueue().hide, None, InProcessFailures())
    for each in ("a", "b"):
        worker.process(received(message_id=each, attributes={"trace": f"trace-{each}"}))
    outcomes.outcome("afterwards")

    assert ["trace-a"] * 3 + ["trace-b"] * 3 == [each["trace"] for each in output.lines[:-1]]
    assert "trace" not in output.lines[-1]


def test_a_message_without_a_trace_is_followed_by_its_own_id(output: Output) -> None:
    """A version before this one queued none."""
    worker = RetryingConsumer(
        "tests",
        lambda _: outcomes.outcome("seen"),
        InProcessQueue().hide,
        None,
        InProcessFailures(),
    )
    worker.process(received(message_id="m-7"))

    assert "m-7" == output.lines[0]["trace"]


def test_a_dead_letter_never_has_more_attributes_than_sqs_takes(clock: Clock) -> None:
    """All that a failure and the redrive that looked at it write beside what it carries."""
    before = {"redrives": "4", "first_failed_at": "2023-11-14T00:00:00.000Z", "trace": "t"}
    more = {f"more-{number}": "x" for number in range(4)}
    error = LivePersonRefused("no", http_status=400, error_code="BAD")
    dead = InProcessQueue("dlq", clock)
    letter = given_up(received(attributes={**before, **more}), error, dead)

    assert MOST_ATTRIBUTES >= len(letter.attributes)
    assert MOST_ATTRIBUTES >= len(to_go_behind(letter).attributes)
    assert {**before, "reason": "liveperson_refused"}.items() <= letter.attributes.items()


def test_the_channel_hears_of_a_failure_under_the_same_trace() -> None:
    """It began with an event of its own."""
    event = ConsumerEvent(ACCOUNT, PHONE, text_event())
    with outcomes.context("tests", "t"):
        letter = failure_message(event, LivePersonRefused("no"), "message-1")

    assert {"trace": "t"} == letter.attributes


def test_what_is_counted_of_one_message_is_one_line(output: Output) -> None:
    """Each write costs an intake time, and CloudWatch money."""
    with outcomes.context("tests", "t"):
        outcomes.outcome("sent")
        outcomes.count("retry_later")
        with outcomes.timed(Measurement.SEND_TIME):
            pass

    (metric,) = output.metrics
    assert [1.0] == metric["sent"] == metric["retry_later"]
    assert metric["send_time"][0] >= 0


def test_a_failed_call_is_timed_too(output: Output) -> None:
    """Time-outs are the times that matter."""
    with (
        pytest.raises(ZeroDivisionError),
        outcomes.context("tests"),
        outcomes.timed(Measurement.SEND_TIME),
    ):
        raise ZeroDivisionError

    assert "send_time" in output.metrics[0]


def test_the_end_tells_how_long_it_took(output: Output) -> None:
    """From when our queue took it, or from the moment its partner names."""
    now = datetime.now(UTC)
    with outcomes.context("tests", "t", since=now - timedelta(seconds=2)):
        outcomes.completed("sent")
    with outcomes.context("tests", "t", since=now - timedelta(seconds=2)):
        outcomes.completed("delivered", since=now - timedelta(seconds=60))
    with outcomes.context("tests", "t", since=now + timedelta(seconds=60)):
        outcomes.completed("sent")

    times = [each["end_to_end_time"][0] for each in output.metrics]
    assert 2000 <= times[0] < 60_000 <= times[1]
    assert 0 == times[2]  # a partner's clock may be ahead of ours
    assert times == [each["took_ms"] for each in output.lines]


def test_a_redriven_message_was_accepted_when_it_first_failed() -> None:
    """Its way through the dead letters is part of the time that its consumer waited."""
    first = "2020-01-01T00:00:00.000Z"

    assert 2020 == received(attributes={"first_failed_at": first}).accepted_at.year
    for spoilt in ("", "yesterday", "2020-01-01"):
        message = received(attributes={"first_failed_at": spoilt})
        assert message.sent_at == message.accepted_at


@pytest.mark.parametrize(
    ("came_before", "counts"),
    [(1.5, True), (40.0, False), (-5.0, False)],
)
def test_the_answer_time_counts_a_containers_start(
    output: Output, came_before: float, counts: bool
) -> None:
    """The caller waits for it too; a clock that can't be right does not count."""

    @http_function("tests", seconds=2, build=object)
    def handler(request: HttpRequest) -> Answer:
        return answer(200, {})

    handler(asked(requestTimeEpoch=int((time.time() - came_before) * 1000)), None)

    (metric,) = output.metrics
    assert counts == (metric["answer_time"][0] >= 1500)


def test_an_answer_that_comes_too_late_is_counted_for_its_own_request(output: Output) -> None:
    """A thread that goes on after its 503 does not write into the next request."""
    goes_on, has_gone = Event(), Event()

    @http_function("tests", seconds=0.05, build=object)
    def handler(request: HttpRequest) -> Answer:
        goes_on.wait(5)
        outcomes.outcome("accepted")
        has_gone.set()
        return answer(202, {})

    with ThreadPoolExecutor(1) as elsewhere:  # where no alarm ends the work
        late_answer = elsewhere.submit(handler, asked(), None).result()
    assert 503 == late_answer["statusCode"]
    with outcomes.context("tests", "another"):
        goes_on.set()
        assert has_gone.wait(5)

    late = next(each for each in output.lines if each["message"] == "accepted")
    assert REQUEST_ID == late["trace"]
    assert {"not_queued", "accepted"} <= {name for each in output.metrics for name in each}


def test_a_bug_is_counted_for_all_functions_together(output: Output) -> None:
    """One alarm tells of all of them."""
    outcomes.unexpected_error(ValueError())

    (metric,) = output.metrics
    assert [["service"]] == metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert [1.0] == metric["unexpected"]
