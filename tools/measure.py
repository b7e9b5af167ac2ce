"""
Measure what one conversation asks of AWS: ``python -m tools.measure`` writes ``measured.json``.

The template is deployed on the sandbox, its queue mappings are switched off, and the functions run
here, one after the other, with a count of their invocations, calls of AWS, processor time and log
lines. What LivePerson and the channel do in the conversation stands in :func:`converse`.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock
from typing import Any
from urllib.parse import quote

from botocore.client import BaseClient
from rich.console import Console

from sandbox.progress import Progress
from sandbox.system import Options, System, running
from simulator import SimulatedLivePerson
from simulator.http_server import Answer, HttpServer, Request
from tools.load import machine

RESULT = Path(__file__).with_name("measured.json")
CONVERSATIONS = 10
TEXTS = 10
INTAKES = ("message_intake", "webhook_intake")
FOLDERS = ("message_intake", "outbound_messaging", "webhook_intake", "channel_delivery")
TO_WORKER = {
    "consumer-events.fifo": "outbound_messaging",
    "notifications.fifo": "channel_delivery",
}


class Meter:
    """Counts what each function does while it runs."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {folder: Counter() for folder in FOLDERS}
        self._running: str | None = None
        self.metrics: set[tuple[str, str]] = set()
        self.lock = RLock()

    @contextlib.contextmanager
    def invocation(self, folder: str) -> Iterator[None]:
        """Count one invocation; only one runs at a time."""
        said = io.StringIO()
        with self.lock, redirected(said):
            self._running, began = folder, time.process_time()
            try:
                yield
            finally:
                self._running = None
                counts = self.counts[folder]
                counts["invocations"] += 1
                counts["cpu_ms"] += round((time.process_time() - began) * 1000)
                counts["log_bytes"] += len(said.getvalue().encode())
                self.metrics |= set(metrics_in(said.getvalue()))

    def call(self, operation: str, parameters: Mapping[str, Any]) -> None:
        """Count a call of AWS that the function at hand makes, in the units it is paid by."""
        if self._running is None:
            return
        counts = self.counts[self._running]
        counts["aws_calls"] += 1
        for unit, number in units(operation, parameters):
            counts[unit] += number


@contextlib.contextmanager
def redirected(said: io.StringIO) -> Iterator[None]:
    """Let the connector's log lines and metrics be written into ``said``."""
    import logging  # noqa: PLC0415

    handlers = logging.getLogger("measured").handlers
    for handler in handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.stream = said
    with contextlib.redirect_stdout(said):
        yield


def metrics_in(said: str) -> Iterator[tuple[str, str]]:
    """Name the metrics that log lines carry, each with its function."""
    for line in said.splitlines():
        written = json.loads(line)
        for each in written.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in each["Metrics"]:
                yield written.get("function", ""), metric["Name"]


def units(operation: str, parameters: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Say in which units a call is paid, and how many; items are small."""
    if operation == "BatchGetItem":
        (keys,) = parameters["RequestItems"].values()
        yield "table_reads", len(keys["Keys"])  # consistent reads of up to 4 KB
    elif operation == "GetItem":
        yield "table_reads", 1
    elif operation in {"PutItem", "UpdateItem", "DeleteItem"}:
        yield "table_writes", 1
    elif operation == "TransactWriteItems":
        yield "table_writes", 2 * len(parameters["TransactItems"])
    elif operation in {"SendMessage", "SendMessageBatch", "ChangeMessageVisibility"}:
        yield "sqs_requests", 1
    elif operation in {"GetParameter", "GetParameters"}:
        yield "parameter_reads", len(parameters.get("Names", ["one"]))
    elif operation == "PutObject":
        yield "files", 1


class Lambda:
    """Plays Lambda: for API Gateway in front of the intakes, and for the queues."""

    def __init__(self, system: System, meter: Meter) -> None:
        self.system, self.meter = system, meter
        self.sqs = system.aws.client("sqs")
        self.handlers: dict[str, Callable[..., Any]] = {
            folder: import_module(f"functions.{folder}.handler").handler for folder in FOLDERS
        }

    def request(
        self, folder: str, headers: Mapping[str, str], body: bytes, parameters: Mapping[str, str]
    ) -> dict[str, Any]:
        """Give an intake a request."""
        event = {
            "httpMethod": "POST",
            "headers": dict(headers),
            "pathParameters": dict(parameters),
            "body": body.decode(),
            "isBase64Encoded": False,
            "requestContext": {
                "extendedRequestId": str(uuid.uuid4()),
                "requestTimeEpoch": int(time.time() * 1000),
            },
        }
        with self.meter.invocation(folder):
            answer: dict[str, Any] = self.handlers[folder](event, None)
        return answer

    def work(self) -> bool:
        """Handle what stands in the queues; false if there was nothing."""
        found = False
        for queue, folder in TO_WORKER.items():
            url = self.system.endpoints.queues[queue]
            with self.meter.lock:  # what Lambda receives is not the functions' doing
                received = self.sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=10,
                    MessageAttributeNames=["All"],
                    MessageSystemAttributeNames=["All"],
                )
            for message in received.get("Messages", []):
                found = True
                self._hand(folder, queue, url, message)
        return found

    def _hand(self, folder: str, queue: str, url: str, message: Mapping[str, Any]) -> None:
        with self.meter.invocation(folder):
            answer = self.handlers[folder](event_of(queue, message), None)
        if not answer["batchItemFailures"]:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def event_of(queue: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """Write a received message as a queue's mapping gives it to a function."""
    attributes = {
        name: {"stringValue": value["StringValue"], "dataType": "String"}
        for name, value in message.get("MessageAttributes", {}).items()
    }
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes,
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
    }
    return {"Records": [record]}


def serve_webhooks(lambda_: Lambda) -> str:
    """Take LivePerson's webhooks here, and return where."""

    def answer(request: Request) -> Answer:
        given = lambda_.request("webhook_intake", request.headers, request.body, {})
        return Answer(int(given["statusCode"]), str(given["body"]).encode())

    return f"{HttpServer(answer).start().url}/"


def converse(system: System, lambda_: Lambda, name: str) -> None:
    """Ten texts each way: the consumer writes, an agent joins, answers each, and closes."""
    liveperson, account_id = simulated(system), system.account.account_id

    def settle() -> None:
        while lambda_.work() or not liveperson.wait_idle(5):
            pass

    for number in range(TEXTS):
        body = json.dumps({"id": f"m-{number}", "type": "text", "text": f"Hello {number}"}).encode()
        path = {"account_id": account_id, "proxy": f"{quote(name, safe='')}/events"}
        answer = lambda_.request("message_intake", {}, body, path)
        if answer["statusCode"] != 202:
            raise RuntimeError(f"not accepted: {answer}")
        settle()
        conversation_id = liveperson.conversations(account_id)[-1]["conversation_id"]
        if number == 0:
            liveperson.agent_joins(account_id, conversation_id)
            settle()
        liveperson.agent_text(account_id, conversation_id, f"Answer {number}")
        settle()
    liveperson.close(account_id, conversation_id)
    settle()


def simulated(system: System) -> SimulatedLivePerson:
    """Give the sandbox's LivePerson."""
    if system.liveperson is None:
        raise RuntimeError("this sandbox talks to another LivePerson")
    return system.liveperson


def prepare(system: System) -> None:
    """Switch the mappings off, and set the functions' environment here."""
    functions = system.aws.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    for folder in (*FOLDERS, "token_refresh"):
        name = system.endpoints.functions[folder]
        found = functions.get_function_configuration(FunctionName=name)
        os.environ.update(found["Environment"]["Variables"])
    where = system.endpoints
    os.environ.update(
        POWERTOOLS_SERVICE_NAME="measured",
        AWS_ENDPOINT_URL=where.aws_endpoint_url,
        AWS_ACCESS_KEY_ID=where.aws_access_key_id,
        AWS_SECRET_ACCESS_KEY=where.aws_secret_access_key,
        AWS_DEFAULT_REGION=where.region,
        AWS_REGION=where.region,
    )


def counting(meter: Meter) -> None:
    """Let every call of AWS be counted."""
    original = BaseClient._make_api_call  # type: ignore[attr-defined]

    def counted(self: Any, operation: str, parameters: Any) -> Any:
        meter.call(operation, parameters)
        return original(self, operation, parameters)

    BaseClient._make_api_call = counted  # type: ignore[attr-defined]


def main() -> int:
    """Measure, and write what was found."""
    meter = Meter()
    with (
        TemporaryDirectory() as folder,
        running(
            Options(port=0, state_dir=Path(folder), publish=False, least_privilege=False),
            Progress(Console(stderr=True)),
        ) as system,
    ):
        prepare(system)
        counting(meter)
        lambda_ = Lambda(system, meter)
        liveperson = simulated(system)
        liveperson.set_webhook_url(system.account.account_id, serve_webhooks(lambda_))
        for number in range(CONVERSATIONS):
            converse(system, lambda_, f"consumer-{number}")
        if violations := liveperson.violations():
            raise RuntimeError(f"LivePerson saw mistakes: {violations}")
        asked = liveperson.counts()["accounts"][system.account.account_id]
        told = len(system.channel.callbacks()) if system.channel else 0
    document = {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "conversations": CONVERSATIONS,
        "texts_each_way": TEXTS,
        "calls_of_liveperson": asked["send"] + asked.get("conversation", 0) + asked["idp"],
        "calls_of_the_channel": told,
        "metrics": len(meter.metrics),
        "functions": {name: dict(sorted(found.items())) for name, found in meter.counts.items()},
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n")
    print(f"wrote {RESULT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
