"""
A worker's answer to Lambda, letter by letter.

Of an answer it does not understand, Lambda offers the whole batch again, and an id that it did not
give makes it do so too. So the answer names the messages that wait, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.domain.errors import LivePersonRefused, LivePersonUnavailable
from liveperson_connector.domain.queue_messages import QueueMessage
from liveperson_connector.entrypoints.sqs import process_batch, queue_of
from tests.support.clocks import Clock
from tests.support.in_process import BrokenQueue, InProcessFailures, InProcessQueue
from tests.support.logs import Output

FAILURES: dict[str, Exception] = {
    "waits": LivePersonUnavailable("LivePerson answered 503", http_status=503),
    "bug": ZeroDivisionError("nobody foresaw it"),
    "never": LivePersonRefused("LivePerson answered 400", http_status=400),
}
"""By the body of the message that is to fail; every other one succeeds."""

WAITING = {"waits", "bug"}


@dataclass
class Flow:
    """Fails as a message's body says, and remembers what it was given."""

    handled: list[str] = field(default_factory=list)

    def handle(self, message: QueueMessage) -> None:
        """Handle one message."""
        self.handled.append(message.message_id)
        if failure := FAILURES.get(message.body):
            raise failure


def record(message_id: str, body: str = "fine", group: str | None = "g") -> dict[str, Any]:
    """Give a message as Lambda does; without a group it is of a queue that has none."""
    now = str(int(Clock().now * 1000))
    system = {
        "ApproximateReceiveCount": "1",
        "SentTimestamp": now,
        "ApproximateFirstReceiveTimestamp": now,
    }
    return {
        "messageId": message_id,
        "receiptHandle": f"receipt of {message_id}",
        "body": body,
        "attributes": system if group is None else {**system, "MessageGroupId": group},
        "messageAttributes": {},
        "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:stack-consumer-events.fifo",
    }


def batch(*records: dict[str, Any]) -> dict[str, Any]:
    """Give an event as Lambda does."""
    return {"Records": list(records)}


def worker(
    handle: Callable[[QueueMessage], None] | None = None,
    inbox: Any = None,
    dead_letters: Any = None,
) -> RetryingConsumer:
    """Make a worker whose day is not over."""
    return RetryingConsumer(
        function="tests",
        handle=handle or Flow().handle,
        hide=(inbox or InProcessQueue()).hide,
        failures=InProcessFailures(),
        dead_letters=dead_letters or InProcessQueue(),
        clock=Clock(),
    )


def answer_to(*records: dict[str, Any]) -> str:
    """Give the answer as Lambda reads it."""
    return json.dumps(process_batch(batch(*records), worker()))


def waiting(answer: Mapping[str, Sequence[Mapping[str, str]]]) -> list[str]:
    """Name the messages that are offered again."""
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


# ── The exact answer ──


def test_all_is_well() -> None:
    """An empty list: every message of the batch is deleted."""
    assert '{"batchItemFailures": []}' == answer_to(record("a"), record("b"))


def test_one_waits() -> None:
    """Its own id under ``itemIdentifier``, and no other key."""
    assert '{"batchItemFailures": [{"itemIdentifier": "a"}]}' == answer_to(record("a", "waits"))


def test_no_messages_is_no_failure() -> None:
    """An empty batch is answered like one that went well."""
    assert '{"batchItemFailures": []}' == answer_to()


def test_a_bug_waits_like_any_other_failure() -> None:
    """An exception would make Lambda offer the whole batch again; a named message does not."""
    answer = answer_to(record("a", "bug", "one"), record("b", "fine", "two"))

    assert '{"batchItemFailures": [{"itemIdentifier": "a"}]}' == answer


def test_what_is_given_up_is_deleted() -> None:
    """It stands in the dead letters already; named here it would be there twice."""
    dead_letters = InProcessQueue()
    answer = process_batch(batch(record("a", "never")), worker(dead_letters=dead_letters))

    assert {"batchItemFailures": []} == answer
    assert ["never"] == [each.body for each in dead_letters.letters]


def test_what_cannot_be_given_up_is_not_deleted() -> None:
    """The dead-letter queue does not take it: an answer without it would delete the only copy."""
    answer = process_batch(batch(record("a", "never")), worker(dead_letters=BrokenQueue()))

    assert {"batchItemFailures": [{"itemIdentifier": "a"}]} == answer


def test_a_wait_that_cannot_be_set_is_a_wait_all_the_same() -> None:
    """The message comes back when its visibility ends."""
    answer = process_batch(batch(record("a", "waits")), worker(inbox=BrokenQueue()))

    assert {"batchItemFailures": [{"itemIdentifier": "a"}]} == answer


# ── A group waits together ──


def test_what_stands_behind_a_failed_message_waits_too() -> None:
    """It is named, and not even tried: it must not overtake."""
    flow = Flow()
    answer = process_batch(
        batch(record("a"), record("b", "waits"), record("c"), record("d")), worker(flow.handle)
    )

    assert ["b", "c", "d"] == waiting(answer)
    assert ["a", "b"] == flow.handled


def test_another_group_does_not_notice() -> None:
    """One consumer's failure is not another's."""
    flow = Flow()
    answer = process_batch(
        batch(
            record("a1", "waits", "a"),
            record("b1", "fine", "b"),
            record("a2", "fine", "a"),
            record("b2", "fine", "b"),
        ),
        worker(flow.handle),
    )

    assert ["a1", "a2"] == waiting(answer)
    assert ["a1", "b1", "b2"] == flow.handled


def test_messages_without_a_group_do_not_wait_for_each_other() -> None:
    """On a queue without order there is nobody to overtake."""
    answer = process_batch(batch(record("a", "waits", None), record("b", "fine", None)), worker())

    assert ["a"] == waiting(answer)


def test_a_permanent_failure_holds_nobody_back() -> None:
    """The group moves on behind it."""
    assert '{"batchItemFailures": []}' == answer_to(record("a", "never"), record("b"))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fine", *FAILURES]), st.sampled_from(["one", "two", "three", None])
        ),
        max_size=10,
    )
)
def test_the_answer_names_messages_of_the_batch_and_each_once(
    messages: list[tuple[str, str | None]],
) -> None:
    """Whatever fails: no id that Lambda did not give, in order, and whole rests of groups."""
    records = [record(f"m-{n}", body, group) for n, (body, group) in enumerate(messages)]
    answer = process_batch(batch(*records), worker())

    expected, held = [], set()
    for each, (body, group) in zip(records, messages, strict=True):
        if body in WAITING or group in held:
            expected.append(each["messageId"])
            held |= {group} - {None}
    assert expected == waiting(answer)
    assert {"batchItemFailures"} == set(answer)
    assert all({"itemIdentifier"} == set(each) for each in answer["batchItemFailures"])
    assert answer == json.loads(json.dumps(answer))


# ── What Lambda gives ──


def test_the_queue_is_known_by_its_name() -> None:
    """One function may serve two queues."""
    assert "stack-consumer-events.fifo" == queue_of(batch(record("a")))


def test_a_message_is_read_as_lambda_gives_it(output: Output) -> None:
    """Its tries, its times, its group and its attributes."""
    seen: list[QueueMessage] = []
    given_record = record("a")
    given_record["attributes"]["ApproximateReceiveCount"] = "7"
    given_record["messageAttributes"] = {
        "redrives": {"stringValue": "2", "dataType": "String"},
        "blob": {"binaryValue": "AA==", "dataType": "Binary"},
    }

    process_batch(batch(given_record), worker(seen.append))

    (message,) = seen
    assert ("a", "receipt of a", "fine", "g", 7) == (
        message.message_id,
        message.receipt_handle,
        message.body,
        message.group,
        message.receive_count,
    )
    assert Clock().now == message.first_received_at.timestamp() == message.sent_at.timestamp()
    assert {"redrives": "2"} == message.attributes
