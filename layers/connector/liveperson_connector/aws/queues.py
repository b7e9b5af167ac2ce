"""
FIFO queues: messages in groups, each group in order.

A message that is to be tried later is hidden by its visibility time-out until then.

A dead letter keeps the body as it was queued, and tells in its attributes why it is there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..domain.errors import AwsUnavailable
from ..domain.queue_messages import OutgoingMessage, QueueCounts, QueueMessage
from .clients import aws_errors

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef

BATCH = 10
"""The most messages one SQS call takes."""

# The most bytes it takes are 1 MiB, over all messages with their attributes.
_BATCH_BYTES = 1_040_000


class Queue:
    """One SQS queue."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    @property
    def name(self) -> str:
        """The queue's name, for logs and answers."""
        return self._url.rsplit("/", 1)[-1]

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        """Queue ``messages`` in order, as many with one call as it takes; all, or an error."""
        for batch in _batches(messages):
            self._send_batch(batch)

    def send_plain(self, body: str, delay: int = 0) -> None:
        """Queue a message on a queue without groups, to be offered in ``delay`` seconds."""
        with aws_errors(f"sending to {self.name}"):
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay)

    def send_plain_all(self, bodies: Sequence[str]) -> None:
        """Queue messages on a queue without groups, ten with one call; all, or an error."""
        for start in range(0, len(bodies), BATCH):
            entries: list[Any] = [
                {"Id": str(index), "MessageBody": body}
                for index, body in enumerate(bodies[start : start + BATCH])
            ]
            with aws_errors(f"sending to {self.name}"):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            _raise_for(answer.get("Failed", []), f"sending to {self.name}", "taken")

    def hide(self, receipt_handle: str, seconds: int) -> None:
        """Let a received message wait ``seconds`` before it is offered again."""
        with aws_errors(f"delaying a message of {self.name}"):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=seconds
            )

    def receive(self) -> list[QueueMessage]:
        """Take up to ten messages; of each group the oldest ones, in order."""
        with aws_errors(f"receiving from {self.name}"):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=1,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        return [_from_message(message) for message in answer.get("Messages", [])]

    def delete(self, receipt_handle: str) -> None:
        """Remove a received message."""
        with aws_errors(f"deleting from {self.name}"):
            self._client.delete_message(QueueUrl=self._url, ReceiptHandle=receipt_handle)

    def delete_all(self, receipt_handles: Sequence[str]) -> None:
        """Remove received messages, ten with one call; all, or an error."""
        for entries in _tens(receipt_handles):
            with aws_errors(f"deleting from {self.name}"):
                answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
            _raise_for(answer.get("Failed", []), f"deleting from {self.name}", "deleted")

    def show_all(self, receipt_handles: Sequence[str]) -> None:
        """
        Offer received messages again at once, ten with one call.

        A message whose visibility has timed out is offered anyway; AWS's error for it is ignored.
        """
        for entries in _tens(receipt_handles, VisibilityTimeout=0):
            with aws_errors(f"showing messages of {self.name}"):
                self._client.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def counts(self) -> QueueCounts:
        """Return about how many messages wait, and how many are received and not deleted."""
        with aws_errors(f"counting the messages of {self.name}"):
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["All"])
        found = answer["Attributes"]
        return QueueCounts(
            waiting=int(found["ApproximateNumberOfMessages"]),
            in_flight=int(found["ApproximateNumberOfMessagesNotVisible"]),
        )

    def _send_batch(self, messages: Sequence[OutgoingMessage]) -> None:
        # A single message is sent as one: the call is cheaper to make and to read in a trace.
        with aws_errors(f"sending to {self.name}"):
            if len(messages) == 1:
                self._client.send_message(QueueUrl=self._url, **_entry(messages[0]))
                return
            entries = [{"Id": str(index), **_entry(each)} for index, each in enumerate(messages)]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        _raise_for(answer.get("Failed", []), f"sending to {self.name}", "taken")


def _tens(receipt_handles: Sequence[str], **more: int) -> Iterator[list[Any]]:
    """Write receipts as the entries of batches."""
    for start in range(0, len(receipt_handles), BATCH):
        yield [
            {"Id": str(index), "ReceiptHandle": receipt, **more}
            for index, receipt in enumerate(receipt_handles[start : start + BATCH])
        ]


def _batches(messages: Sequence[OutgoingMessage]) -> Iterator[list[OutgoingMessage]]:
    batch: list[OutgoingMessage] = []
    size = 0
    for message in messages:
        own = _size(message)
        if batch and (len(batch) == BATCH or size + own > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += own
    if batch:
        yield batch


def _size(message: OutgoingMessage) -> int:
    attributes = "".join(f"{name}String{value}" for name, value in message.attributes.items())
    return len(message.body.encode()) + len(attributes.encode())


def _from_message(message: Mapping[str, Any]) -> QueueMessage:
    attributes = message.get("MessageAttributes", {})
    return QueueMessage.read(
        message["MessageId"],
        message["ReceiptHandle"],
        message["Body"],
        message.get("Attributes", {}),
        {name: each["StringValue"] for name, each in attributes.items() if "StringValue" in each},
    )


def _raise_for(failed: Sequence[Mapping[str, Any]], doing: str, done: str) -> None:
    if failed:
        code = str(failed[0].get("Code", "unknown"))
        raise AwsUnavailable(f"{doing}: {len(failed)} not {done} ({code})", error_code=code)


def _entry(message: OutgoingMessage) -> dict[str, Any]:
    return {
        "MessageBody": message.body,
        "MessageGroupId": message.group,
        "MessageDeduplicationId": message.deduplication_id,
        "MessageAttributes": {
            name: _attribute(value) for name, value in message.attributes.items()
        },
    }


def _attribute(value: str) -> MessageAttributeValueTypeDef:
    return {"DataType": "String", "StringValue": value}
