"""
The two intakes as they are deployed, in this process: only the network is not there.

The handlers, the container and boto3 are the real ones. Where boto3 would send a request, ``Aws``
answers as Parameter Store, SQS and S3 do, with SQS's own rules for what it takes, and remembers
what was queued.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from functions.message_intake.handler import handler as message_intake
from functions.webhook_intake.handler import handler as webhook_intake
from liveperson_connector.aws import clients
from liveperson_connector.channel.adapters import READY_KINDS
from liveperson_connector.entrypoints.container import container
from tests.support.accounts import (
    ACCOUNT,
    CLIENT_ID,
    CLIENT_SECRET,
    SALT,
    SIGNING_SECRET,
    parameters_with_copy,
)
from tests.support.adapters import ADDRESS, samples
from tests.support.containers import begin_anew

PREVIOUS_SECRET = "the one before, while a new one is rolled out"
STACK = "fuzz"

NOTIFICATIONS = "notifications.fifo"
NOTIFICATIONS_DEAD_LETTERS = "notifications-dlq.fifo"
CONSUMER_EVENTS = "consumer-events.fifo"

_QUEUES = "https://sqs.us-east-1.amazonaws.com/111122223333/"

_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "POWERTOOLS_SERVICE_NAME": "liveperson-connector",
    "POWERTOOLS_METRICS_NAMESPACE": "LivePersonConnector",
    "PARAMETER_PREFIX": f"/{STACK}",
    "NOTIFICATIONS_QUEUE_URL": _QUEUES + NOTIFICATIONS,
    "NOTIFICATIONS_DEAD_LETTERS_URL": _QUEUES + NOTIFICATIONS_DEAD_LETTERS,
    "CONSUMER_EVENTS_QUEUE_URL": _QUEUES + CONSUMER_EVENTS,
    "FILES_BUCKET": "fuzz-files",
    "TOKEN_REFRESH_FUNCTION": "token-refresh",
    "CONSUMER_ID_SALT": SALT,
}

_PARAMETERS = {
    f"/{STACK}/accounts/{ACCOUNT}/credentials": json.dumps(
        {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "previous_client_secret": PREVIOUS_SECRET,
        }
    ),
    f"/{STACK}/accounts/{ACCOUNT}/channel": json.dumps(
        {"callback_url": "https://channel.example/callbacks", "signing_secret": SIGNING_SECRET}
    ),
}

_PARAMETERS |= {
    f"/{STACK}/accounts/{ACCOUNT}/channels/{kind}": json.dumps(
        {"kind": kind, **samples(kind).settings, "address": ADDRESS}
    )
    for kind in READY_KINDS
}

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_MOST_BYTES = 1_048_576
_TAKEN = re.compile(r"[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_TOKEN = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")
_LONGEST_KEY = 1024  # of S3, in bytes


@dataclass(frozen=True)
class Queued:
    """A message that SQS took."""

    queue: str
    body: str
    group: str
    identity: str
    attributes: Mapping[str, str]


@dataclass
class Aws:
    """Answers requests as AWS does; ``refused`` says what SQS would not have taken, and why."""

    queued: list[Queued] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer one request."""
        target = request.headers.get("X-Amz-Target", b"")
        operation = target.decode() if isinstance(target, bytes) else str(target)
        if request.method == "HEAD":
            return _response(request, 400 if len(request.url) > _LONGEST_KEY else 404, {})
        body: Any = request.body or b"{}"
        asked = json.loads(body)
        if operation == "AmazonSSM.GetParameter":
            return self._parameter(request, asked["Name"])
        if operation == "AmazonSSM.GetParameters":
            return _response(request, 200, parameters_with_copy(asked["Names"], _PARAMETERS))
        if operation == "AmazonSSM.GetParametersByPath":
            found = [{"Name": name} for name in _PARAMETERS]
            return _response(request, 200, {"Parameters": found})
        if operation == "AmazonSQS.SendMessage":
            return self._send(request, asked["QueueUrl"], [asked])
        if operation == "AmazonSQS.SendMessageBatch":
            return self._send(request, asked["QueueUrl"], asked["Entries"])
        raise AssertionError(f"an intake has no business with {operation or request.url}")

    def _parameter(self, request: AWSPreparedRequest, name: str) -> AWSResponse:
        value = _PARAMETERS.get(name)
        if value is None:
            return _response(request, 400, {"__type": "ParameterNotFound"})
        return _response(request, 200, {"Parameter": {"Name": name, "Value": value}})

    def _send(
        self, request: AWSPreparedRequest, url: str, entries: list[dict[str, Any]]
    ) -> AWSResponse:
        problems = [*_too_much(entries), *(p for each in entries for p in _wrong_with(each))]
        if problems:
            self.refused += problems
            return _response(request, 400, {"__type": "InvalidParameterValue"})
        for each in entries:
            texts = each.get("MessageAttributes", {})
            self.queued.append(
                Queued(
                    url.rpartition("/")[2],
                    each["MessageBody"],
                    each["MessageGroupId"],
                    each["MessageDeduplicationId"],
                    {name: value["StringValue"] for name, value in texts.items()},
                )
            )
        taken = [{"Id": each.get("Id"), "MessageId": "m"} for each in entries]
        return _response(request, 200, {"MessageId": "m", "Successful": taken, "Failed": []})


class _Raw(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.getvalue()


def _response(request: AWSPreparedRequest, status: int, document: object) -> AWSResponse:
    body = b"" if request.method == "HEAD" else json.dumps(document).encode()
    headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "fuzz"}
    return AWSResponse(request.url, status, headers, _Raw(body))  # type: ignore[arg-type]


def _too_much(entries: list[dict[str, Any]]) -> list[str]:
    total = sum(_bytes(each) for each in entries)
    found = [f"{total} bytes at a time"] if total > _MOST_BYTES else []
    return found + (["more than ten messages"] if len(entries) > 10 else [])


def _bytes(entry: Mapping[str, Any]) -> int:
    attributes = entry.get("MessageAttributes", {})
    named = sum(
        len(name) + len(value["DataType"]) + len(value["StringValue"].encode())
        for name, value in attributes.items()
    )
    return len(entry["MessageBody"].encode("utf-8", "surrogatepass")) + named


def _wrong_with(entry: Mapping[str, Any]) -> Iterator[str]:
    if not _TAKEN.fullmatch(entry["MessageBody"]):
        yield "a body with characters that SQS does not take, or without any"
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        if not _TOKEN.fullmatch(entry[name]):
            yield f"a {name} that is none"
    for value in entry.get("MessageAttributes", {}).values():
        if not _TAKEN.fullmatch(value["StringValue"]):
            yield "an attribute with characters that SQS does not take, or without any"


@dataclass
class Functions:
    """The intakes, AWS as they see it, and what they write in their logs."""

    aws: Aws = field(default_factory=Aws)
    log: io.StringIO = field(default_factory=io.StringIO)

    def webhook(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let ``webhook_intake`` answer an event of API Gateway."""
        return webhook_intake(event, None)

    def channel(self, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let ``message_intake`` answer an event of API Gateway."""
        return message_intake(event, None)

    def settle(self) -> None:
        """Wait for what goes on although its answer was given: it was too late for that."""
        for each in threading.enumerate():
            if each.daemon:
                each.join(60)

    def since(self) -> tuple[list[Queued], list[str], str]:
        """Return what was queued, refused and logged since the last time, and forget it."""
        found = self.aws.queued, self.aws.refused, self.log.getvalue()
        self.aws.queued, self.aws.refused = [], []
        self.log.seek(0)
        self.log.truncate()
        return found


@contextmanager
def deployed() -> Iterator[Functions]:
    """Run the intakes in an environment of their own, and leave no trace of it."""
    functions = Functions()
    environment = dict(os.environ)
    builders = ("webhook_intake", "message_intake", "agent_files", "provider_intake")
    os.environ.update(_ENVIRONMENT)
    begin_anew()
    answer: Any = functions.aws.answer
    clients.session().register("before-send", answer)
    try:
        for each in builders:
            getattr(
                container(), each
            )  # as Lambda does while a container starts: nobody's time runs yet
        with redirect_stdout(functions.log), _logging_to(functions.log):
            yield functions
    finally:
        os.environ.clear()
        os.environ.update(environment)
        begin_anew()


@contextmanager
def _logging_to(log: io.StringIO) -> Iterator[None]:
    logger = logging.getLogger("liveperson-connector")
    handlers = [each for each in logger.handlers if isinstance(each, logging.StreamHandler)]
    before = [each.stream for each in handlers]
    propagate, logger.propagate = logger.propagate, False
    for each in handlers:
        each.stream = log
    try:
        yield
    finally:
        logger.propagate = propagate
        for each, stream in zip(handlers, before, strict=True):
            each.stream = stream
