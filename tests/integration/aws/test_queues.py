"""SQS takes the exam of every queue, and what only SQS has."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable

import pytest
from mypy_boto3_sqs import SQSClient

from liveperson_connector.aws.queues import BATCH, Queue
from liveperson_connector.delivery.retries import dead_letter
from liveperson_connector.domain.errors import AwsUnavailable, LivePersonRefused
from tests.support.contracts import QueueContract, bodies, letter
from tests.support.messages import received


@pytest.fixture(name="queue")
def _queue(sqs: SQSClient, new_queue: Callable[[], str]) -> Queue:
    return Queue(sqs, new_queue())


class TestQueue(QueueContract):
    """A FIFO queue of SQS."""


def test_a_queue_tells_its_name(sqs: SQSClient) -> None:
    """For logs and answers."""
    assert "orders.fifo" == Queue(sqs, "https://sqs/1234/orders.fifo").name


def test_any_text_arrives_as_it_was_sent(queue: Queue) -> None:
    """JSON in ASCII carries whatever people say."""
    body = json.dumps({"text": "Grüße 👋\u0000\ud800"})
    queue.send([letter(body, identity="1")])

    assert [body] == bodies(queue.receive())


def test_a_full_batch_is_one_call(queue: Queue) -> None:
    """Up to ten letters leave together, and none is left out."""
    queue.send([letter(f"{number}") for number in range(BATCH)])

    assert [f"{number}" for number in range(BATCH)] == bodies(queue.receive())


def test_nothing_to_send_is_no_call(sqs: SQSClient) -> None:
    """An empty webhook costs nothing."""
    Queue(sqs, "http://127.0.0.1:9/nowhere").send([])


def test_a_message_knows_when_it_was_sent_and_first_received(queue: Queue) -> None:
    """Its age decides when a worker gives up."""
    queue.send([letter("one")])
    (first,) = queue.receive()
    queue.hide(first.receipt_handle, 0)
    (again,) = queue.receive()

    assert first.sent_at <= first.first_received_at == again.first_received_at
    assert (1, 2) == (first.receive_count, again.receive_count)


def test_a_dead_letter_says_why_it_is_there(queue: Queue) -> None:
    """Everything a worker writes on it can be read from it, whatever a partner said."""
    error = LivePersonRefused("no\x00 ü 👋" * 200, http_status=400, error_code="BAD_REQUEST")
    queue.send([dead_letter(received(body='{"a": 1}'), error, 3)])

    (letter,) = queue.receive()
    assert '{"a": 1}' == letter.body
    assert {
        "reason": "liveperson_refused",
        "http_status": "400",
        "error_code": "BAD_REQUEST",
        "attempts": "3",
        "first_failed_at": "2023-11-14T22:13:20.000Z",
    }.items() <= letter.attributes.items()


def test_messages_without_a_group_are_sent_in_tens(sqs: SQSClient) -> None:
    """As many calls as it takes."""
    plain = Queue(sqs, sqs.create_queue(QueueName=f"plain-{uuid.uuid4().hex}")["QueueUrl"])
    bodies = [f"{number}" for number in range(25)]
    plain.send_plain_all(bodies)
    found: list[str] = []
    while batch := plain.receive():
        found += [each.body for each in batch]

    assert sorted(bodies) == sorted(found)


def test_a_queue_that_is_not_there_is_unavailable(sqs: SQSClient, queue: Queue) -> None:
    """boto3's errors do not leave the adapter."""
    gone = Queue(sqs, queue._url.replace("test-", "gone-"))

    with pytest.raises(AwsUnavailable) as unavailable:
        gone.send([letter("one")])

    assert "gone-" in str(unavailable.value)
    assert unavailable.value.error_code


def test_a_service_that_cannot_be_reached_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, aws: str
) -> None:
    """Whatever kind of failure it is."""
    from liveperson_connector.aws.clients import fail_fast  # noqa: PLC0415

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(AwsUnavailable, match="EndpointConnectionError"):
        Queue(fail_fast("sqs"), "http://127.0.0.1:9/queue").send([letter("one")])
