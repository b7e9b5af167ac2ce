"""AWS clients, as they call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from liveperson_connector.aws.clients import fail_fast, retrying
from liveperson_connector.aws.queues import Queue
from liveperson_connector.aws.table import Put, Table
from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.domain.queue_messages import OutgoingMessage
from tests.support.clocks import Clock
from tests.support.misbehaving import Behaviour, MisbehavingServer, Talk, body, misbehaving
from tests.support.servers import Answer, Request, json_answer, serving

TAKEN = body(json.dumps({"MessageId": "1"}).encode())
LETTER = OutgoingMessage("{}", "group", "identity-1")


@pytest.mark.parametrize("client", [fail_fast, retrying])
def test_a_client_names_the_connector(
    client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's own logs tell who called; and a short name costs less than botocore's own."""
    with serving(json_answer({"MessageId": "1"})) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        client("sqs").send_message(QueueUrl=f"{aws.url}/queue", MessageBody="Hello")

    (request,) = aws.requests
    name, *_ = request.headers["user-agent"].split()  # Powertools adds its own to all
    assert "liveperson-connector" == name


# ── Kept connections that are dead ──


def first_connection(act: Callable[[Talk], None]) -> Behaviour:
    """Take one message on the first connection, then misbehave there; take all on others."""

    def behave(talk: Talk) -> None:
        while talk.hear():
            talk.say(TAKEN)
            if talk.number == 1:
                act(talk)
                return

    return behave


def reset_at_the_next_request(talk: Talk) -> None:
    """Have forgotten the connection, and say so to whoever uses it."""
    talk.hear()
    talk.reset()


def end(talk: Talk) -> None:
    """Hang up while nothing is asked."""


def hang_up_always(talk: Talk) -> None:
    """Break every connection at its first request."""
    talk.hear()
    talk.reset()


def ignore(talk: Talk) -> None:
    """Have forgotten the connection, and never say so."""
    talk.hang()


def queue(aws: MisbehavingServer, client: Callable[..., Any], clock: Clock) -> Queue:
    """Make a queue as a function does."""
    return Queue(client("sqs", clock=clock), f"{aws.url}/queue.fifo")


@pytest.mark.parametrize("client", [fail_fast, retrying])
@pytest.mark.parametrize("forgets", [reset_at_the_next_request, end])
def test_a_call_on_a_connection_that_was_forgotten_is_made_again_at_once(
    forgets: Callable[[Talk], None],
    client: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
) -> None:
    """LivePerson waits for the answer; twice the same message is one, by its deduplication id."""
    with misbehaving(first_connection(forgets)) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        sending = queue(aws, client, clock)
        sending.send([LETTER])
        began = time.monotonic()
        sending.send([LETTER])

    assert time.monotonic() - began < 1
    assert 2 == aws.connections


def test_a_connection_that_was_idle_for_long_is_not_used(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """A container was frozen meanwhile; nothing would tell that the connection is dead."""
    with misbehaving(first_connection(ignore)) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        sending = queue(aws, fail_fast, clock)
        sending.send([LETTER])
        clock.pass_seconds(21)
        sending.send([LETTER])

    assert 2 == aws.connections


def test_a_connection_in_use_is_kept(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    """Making one costs more than the call."""
    with serving(json_answer({"MessageId": "1"})) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        sending = Queue(fail_fast("sqs", clock=clock), f"{aws.url}/queue.fifo")
        for _ in range(3):
            sending.send([LETTER])
            clock.pass_seconds(19)

    assert (1, 3) == (aws.connections, len(aws.requests))


def test_a_peer_that_always_hangs_up_is_given_up(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """The intake answers 503 in time, and the caller sends it again."""
    with misbehaving(hang_up_always) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        with pytest.raises(AwsUnavailable, match="ConnectionClosedError"):
            queue(aws, fail_fast, clock).send([LETTER])

    assert 2 == len(aws.requests)


def test_an_answer_of_the_intakes_aws_is_not_asked_for_twice(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Whoever answers is there; a second try would not fit into the time."""
    with serving(Answer(503)) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        with pytest.raises(AwsUnavailable):
            Queue(fail_fast("sqs", clock=clock), f"{aws.url}/queue.fifo").send([LETTER])

    assert 1 == len(aws.requests)


# ── Two workers at one item ──


def failing(times: int, kind: str, **more: Any) -> Callable[[Request], Answer]:
    """Refuse so many writes, as DynamoDB words it, and take those that follow."""
    error = {"__type": f"com.amazonaws.dynamodb.v20120810#{kind}", "Message": "no", **more}
    answers = [json_answer(error, 400)] * times

    def behave(_request: Request) -> Answer:
        return answers.pop() if answers else json_answer({})

    return behave


def reasons(*codes: str) -> dict[str, Any]:
    """Say why a transaction was cancelled, one code a write."""
    return {"CancellationReasons": [{"Code": code} for code in codes]}


def transact(table: Table) -> None:
    """Write two items in one transaction."""
    table.transact([Put({"pk": "a"}), Put({"pk": "b"})])


def write(table: Table) -> None:
    """Write one item."""
    table.write(Put({"pk": "a"}))


CONFLICTS = {
    "one of a transaction's writes": (
        transact,
        failing(1, "TransactionCanceledException", **reasons("None", "TransactionConflict")),
        2,
    ),
    "a write of its own": (write, failing(1, "TransactionConflictException"), 2),
    "four times in a row": (write, failing(4, "TransactionConflictException"), 5),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_a_write_that_met_another_is_repeated_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message need not wait for its next try."""
    work, behaviour, requests = CONFLICTS[name]
    with serving(behaviour) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        began = time.monotonic()
        work(Table(retrying("dynamodb"), "table"))

    assert time.monotonic() - began < 2
    assert requests == len(aws.requests)


def test_a_write_that_always_meets_another_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is tried again later."""
    with serving(failing(99, "TransactionConflictException")) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        with pytest.raises(AwsUnavailable, match="TransactionConflictException"):
            write(Table(retrying("dynamodb"), "table"))

    assert 5 == len(aws.requests)


def test_a_transaction_whose_condition_is_false_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be false again."""
    false = failing(99, "TransactionCanceledException", **reasons("ConditionalCheckFailed"))
    with serving(false) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        with pytest.raises(AwsUnavailable):
            transact(Table(retrying("dynamodb"), "table"))

    assert 1 == len(aws.requests)


def test_a_repeated_message_has_one_deduplication_id(
    monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """SQS drops the second, if the first arrived before its connection broke."""
    sent: list[Request] = []

    def behave(request: Request) -> Answer | None:
        sent.append(request)
        return None if len(sent) == 1 else json_answer({"MessageId": "1"})

    with serving(behave) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        Queue(fail_fast("sqs", clock=clock), f"{aws.url}/queue.fifo").send([LETTER])

    assert ["identity-1"] * 2 == [each.json()["MessageDeduplicationId"] for each in sent]
