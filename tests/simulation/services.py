"""
AWS in this process: the boto3 clients that the connector's own ``aws`` package calls.

Every call takes a moment, can be the last one that a function makes, and can fail or be done
without an answer. FIFO queues are those of SQS: groups, visibility, receive counts, five minutes
in which a repeat is dropped, dead letters after so many receives.
"""

from __future__ import annotations

import itertools
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.accounts import WRITTEN_AT

from .faults import Faults
from .scheduler import Scheduler
from .table import Table, failure

_CALL_SECONDS = 0.004
_LOST_SECONDS = 5.0
_DEDUPLICATION_SECONDS = 300.0

Answer = dict[str, Any]


class Client:
    """A boto3 client: each operation of ``service`` with what can go wrong around it."""

    def __init__(self, name: str, service: object, kernel: Scheduler, faults: Faults) -> None:
        self._name = name
        self._service = service
        self._kernel = kernel
        self._faults = faults

    def __getattr__(self, operation: str) -> Any:
        """Give an operation."""
        act = getattr(self._service, operation)

        def call(*given: Any, **request: Any) -> Any:
            return self._call(lambda: act(*given, **request))

        self.__dict__[operation] = call
        return call

    def _call(self, act: Callable[[], Any]) -> Any:
        self._kernel.step()
        self._kernel.wait(_CALL_SECONDS)
        fault = self._faults.strikes(self._name)
        if fault and fault.kind == "aws_error":
            raise failure("ThrottlingException")
        answer = act()
        if fault and fault.kind == "aws_lost":
            self._kernel.wait(_LOST_SECONDS)
            raise ReadTimeoutError(endpoint_url="https://aws.invalid")
        self._kernel.step()
        return answer


# ── Queues ──


@dataclass
class Message:
    """A message in a queue."""

    message_id: str
    body: str
    group: str
    attributes: Mapping[str, Any]
    sent_at: float
    visible_at: float = 0.0
    receives: int = 0
    first_received_at: float = 0.0
    receipt: str = ""


@dataclass
class Fifo:
    """One queue; ``on_change`` is told when there may be something to receive."""

    name: str
    clock: Callable[[], float]
    visibility: float = 180.0
    most_receives: int = 1000
    dead_letters: Fifo | None = None
    on_change: Callable[[float], None] = lambda _moment: None
    groups: dict[str, deque[Message]] = field(default_factory=dict)
    ever: int = 0
    _taken: dict[tuple[str, str], float] = field(default_factory=dict)
    _ids: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def messages(self) -> list[Message]:
        """Everything that stands in the queue."""
        return [each for group in self.groups.values() for each in group]

    def put(
        self, body: str, group: str, identity: str, attributes: Mapping[str, Any], delay: float = 0
    ) -> None:
        """Queue a message unless its identity was here within five minutes."""
        now = self.clock()
        if identity:
            if now - self._taken.get((group, identity), -1e9) < _DEDUPLICATION_SECONDS:
                return
            self._taken[(group, identity)] = now
        self.ever += 1
        message = Message(self._new_id(), body, group, attributes, now, visible_at=now + delay)
        self.groups.setdefault(group, deque()).append(message)
        self.on_change(now + delay)

    def take(self, most: int) -> list[Message]:
        """Receive what may be received: of each group the oldest, and none of one in work."""
        now = self.clock()
        taken: list[Message] = []
        for group in list(self.groups):
            for message in list(self.groups[group]):
                if len(taken) == most or message.visible_at > now:
                    break
                if message.receives >= self.most_receives and self.dead_letters:
                    self._move(message)
                    continue
                taken.append(self._receive(message, now))
        return taken

    def _receive(self, message: Message, now: float) -> Message:
        message.receives += 1
        message.visible_at = now + self.visibility
        message.first_received_at = message.first_received_at or now
        message.receipt = f"{message.message_id}/{message.receives}"
        self.on_change(message.visible_at)
        return message

    def _move(self, message: Message) -> None:
        assert self.dead_letters is not None
        self.drop(message)
        self.dead_letters.put(message.body, message.group, "", message.attributes)

    def drop(self, message: Message) -> None:
        """Remove a message."""
        group = self.groups.get(message.group)
        if group and message in group:
            group.remove(message)
            if not group:
                del self.groups[message.group]
        self.on_change(self.clock())

    def find(self, receipt: str) -> Message | None:
        """Find a message by a receipt handle that still counts."""
        now = self.clock()
        for message in self.messages:
            if message.receipt == receipt and message.visible_at > now:
                return message
        return None

    def next_visible(self) -> float | None:
        """Return when something will be there to receive, if nothing happens before."""
        heads = [group[0].visible_at for group in self.groups.values()]
        return min(heads, default=None)

    def _new_id(self) -> str:
        return f"{self.name}-{next(self._ids)}"


class Sqs:
    """The queues, by URL, as boto3's client shows them."""

    def __init__(self, queues: Mapping[str, Fifo], kernel: Scheduler, faults: Faults) -> None:
        self._queues = queues
        self._kernel = kernel
        self._faults = faults

    def send_message(self, *, QueueUrl: str, **entry: Any) -> Answer:  # noqa: N803
        """Queue a message."""
        self._put(self._queues[QueueUrl], entry)
        return {}

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Answer]) -> Answer:  # noqa: N803
        """Queue several, of which some may not be taken."""
        failed = []
        for entry in Entries:
            if self._faults.strikes("sqs", kinds="aws_partial"):
                failed.append({"Id": entry["Id"], "Code": "InternalError", "SenderFault": False})
            else:
                self._put(self._queues[QueueUrl], entry)
        return {"Failed": failed}

    def receive_message(self, *, QueueUrl: str, **how: Any) -> Answer:  # noqa: N803
        """Receive up to ten."""
        found = self._queues[QueueUrl].take(how.get("MaxNumberOfMessages", 1))
        if not found:
            self._kernel.wait(how.get("WaitTimeSeconds", 0))
        return {"Messages": [_as_received(each) for each in found]}

    def change_message_visibility(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        ReceiptHandle: str,  # noqa: N803
        VisibilityTimeout: int,  # noqa: N803
    ) -> Answer:
        """Hide or show a received message."""
        queue = self._queues[QueueUrl]
        message = queue.find(ReceiptHandle)
        if message is None:
            raise failure("InvalidParameterValue")
        message.visible_at = self._kernel.now + VisibilityTimeout
        queue.on_change(message.visible_at)
        return {}

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> Answer:  # noqa: N803
        """Remove a received message."""
        queue = self._queues[QueueUrl]
        message = queue.find(ReceiptHandle)
        if message is None:
            raise failure("InvalidParameterValue")
        queue.drop(message)
        return {}

    def delete_message_batch(self, *, QueueUrl: str, Entries: list[Answer]) -> Answer:  # noqa: N803
        """Remove several received messages, of which some may be gone."""
        return self._each(Entries, lambda entry: self.delete_message(QueueUrl=QueueUrl, **entry))

    def change_message_visibility_batch(
        self,
        *,
        QueueUrl: str,  # noqa: N803
        Entries: list[Answer],  # noqa: N803
    ) -> Answer:
        """Hide or show several."""
        return self._each(
            Entries, lambda entry: self.change_message_visibility(QueueUrl=QueueUrl, **entry)
        )

    def get_queue_attributes(self, *, QueueUrl: str, **_: Any) -> Answer:  # noqa: N803
        """Count what waits, and what was received."""
        messages = self._queues[QueueUrl].messages
        in_flight = sum(each.visible_at > self._kernel.now for each in messages)
        return {
            "Attributes": {
                "ApproximateNumberOfMessages": str(len(messages) - in_flight),
                "ApproximateNumberOfMessagesNotVisible": str(in_flight),
            }
        }

    @staticmethod
    def _each(entries: list[Answer], act: Callable[[Answer], object]) -> Answer:
        failed = []
        for entry in entries:
            try:
                act({name: value for name, value in entry.items() if name != "Id"})
            except ClientError:
                failed.append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid"})
        return {"Failed": failed}

    @staticmethod
    def _put(queue: Fifo, entry: Mapping[str, Any]) -> None:
        queue.put(
            entry["MessageBody"],
            entry.get("MessageGroupId") or f"alone-{queue.ever}",
            entry.get("MessageDeduplicationId", ""),
            entry.get("MessageAttributes", {}),
            entry.get("DelaySeconds", 0),
        )


def _as_received(message: Message) -> Answer:
    return {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "Body": message.body,
        "Attributes": _system(message),
        "MessageAttributes": message.attributes,
    }


def as_record(message: Message, queue: str) -> Answer:
    """Write a message as Lambda gives it to a function."""
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": _system(message),
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": "String"}
            for name, value in message.attributes.items()
        },
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
    }


def _system(message: Message) -> dict[str, str]:
    return {
        "MessageGroupId": message.group,
        "ApproximateReceiveCount": str(message.receives),
        "SentTimestamp": str(int(message.sent_at * 1000)),
        "ApproximateFirstReceiveTimestamp": str(int(message.first_received_at * 1000)),
    }


# ── Parameters ──


class Ssm:
    """Parameter Store."""

    def __init__(self, parameters: dict[str, str]) -> None:
        self.parameters = parameters
        self.versions = Counter(parameters.keys())

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> Answer:  # noqa: N803, ARG002
        """Read a parameter."""
        if Name not in self.parameters:
            raise failure("ParameterNotFound")
        return {"Parameter": self._seen(Name)}

    def get_parameters(self, *, Names: list[str], WithDecryption: bool) -> Answer:  # noqa: N803
        """Read several parameters, those that there are; what is encrypted is not decrypted."""
        assert not WithDecryption
        found = [self._seen(name) for name in Names if name in self.parameters]
        for each in found:
            if not each["Name"].endswith("/intake_settings"):
                each["Value"] = "encrypted"
        return {"Parameters": found}

    def _seen(self, name: str) -> Answer:
        state = {"Version": self.versions[name], "LastModifiedDate": WRITTEN_AT}
        return {"Name": name, "Value": self.parameters[name], **state}

    def put_parameter(self, *, Name: str, Value: str, **_: Any) -> Answer:  # noqa: N803
        """Write a parameter."""
        self.parameters[Name] = Value
        self.versions[Name] += 1
        return {"Version": self.versions[Name]}

    def get_parameters_by_path(self, *, Path: str, **_: Any) -> Answer:  # noqa: N803
        """List the parameters below a path, on one page."""
        names = [name for name in self.parameters if name.startswith(f"{Path}/")]
        return {"Parameters": [{"Name": name} for name in names]}


__all__ = ["Client", "Fifo", "Message", "Sqs", "Ssm", "Table", "as_record"]
