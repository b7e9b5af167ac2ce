"""
The functions in this process, between queues, a table and parameters of the emulated AWS.

The bench plays Lambda: it takes a message from a queue, gives it to the function as Lambda does,
and deletes it unless the function says otherwise. Time passes when a test lets it: then messages
that wait are offered again, and the function's clock is later.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import pytest

from functions.message_intake import handler as message_intake
from functions.token_refresh import handler as token_refresh
from functions.webhook_intake import handler as webhook_intake
from liveperson_connector.aws.clients import retrying
from liveperson_connector.delivery.retries import RetryingConsumer
from liveperson_connector.entrypoints.container import AwsClients, Container
from liveperson_connector.entrypoints.sqs import process_batch
from sandbox.channel import DemoChannel
from simulator import SimulatedLivePerson
from tools.template import functions

from .accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, SALT, SIGNING_SECRET
from .clocks import Clock
from .containers import begin_anew
from .messages import PHONE, text_event
from .servers import Answer, Request, serving

CONSUMER_EVENTS, NOTIFICATIONS = "consumer-events", "notifications"


class Bench:
    """A whole connector, with a simulated LivePerson on one side and a channel on the other."""

    def __init__(
        self,
        liveperson: SimulatedLivePerson,
        channel: DemoChannel,
        table: str,
        new_queue: Callable[[], str],
        *,
        stack: str,
    ) -> None:
        self.liveperson = liveperson
        self.channel = channel
        self.clock = Clock(time.time())
        self.sqs, self.ssm = retrying("sqs"), retrying("ssm")
        names = (CONSUMER_EVENTS, f"{CONSUMER_EVENTS}-dlq", NOTIFICATIONS, f"{NOTIFICATIONS}-dlq")
        self.queues = {name: new_queue() for name in names}
        self._table, self._stack = table, stack
        self._waiting: list[tuple[str, str]] = []
        self._parts = ExitStack()

    # ── Together and apart ──

    def __enter__(self) -> Self:
        """Write the account's parameters, set the functions' environment, connect LivePerson."""
        lambdas = self._parts.enter_context(serving(self._invoke))
        webhooks = self._parts.enter_context(serving(self._webhook))
        self._set_environment(lambdas.url)
        self.new_containers()
        self._parts.callback(self.new_containers)
        self.write("credentials", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})
        self.write(
            "channel",
            {"callback_url": self.channel.callback_url, "signing_secret": SIGNING_SECRET},
        )
        self.webhook_url = webhooks.url
        self.liveperson.set_webhook_url(ACCOUNT, webhooks.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.liveperson.set_webhook_url(ACCOUNT, None)
        self._parts.close()

    @property
    def parameter_path(self) -> str:
        """Where the account's parameters stand."""
        return f"/{self._stack}/accounts/{ACCOUNT}"

    def write(self, kind: str, value: Mapping[str, str]) -> None:
        """Write a parameter of the account, as an operator does."""
        self.ssm.put_parameter(
            Name=f"{self.parameter_path}/{kind}",
            Value=json.dumps(value),
            Type="SecureString",
            Overwrite=True,
        )

    # ── What the two partners do ──

    def post(self, event: Mapping[str, Any], consumer_id: str = PHONE) -> int:
        """Post a consumer event as API Gateway hands it on; give the status of the answer."""
        request = {
            "headers": {"x-api-key": "the gateway has checked it"},
            "httpMethod": "POST",
            "resource": "/accounts/{account_id}/consumers/{proxy+}",
            "pathParameters": {"account_id": ACCOUNT, "proxy": f"{consumer_id}/events"},
            "body": json.dumps(event),
            "isBase64Encoded": False,
        }
        return int(str(message_intake.handler(request, None)["statusCode"]))

    def say(self, text: str, *, event_id: str = "", consumer_id: str = PHONE) -> str:
        """Let a consumer say something, and let it travel; give the event's id."""
        chosen = event_id or f"m-{uuid.uuid4()}"
        assert 202 == self.post(text_event(chosen, text), consumer_id)
        self.run()
        return chosen

    def without_webhooks(self) -> None:
        """Let LivePerson's webhooks get lost from now on."""
        self.liveperson.wait_idle()
        self.liveperson.set_webhook_url(ACCOUNT, None)

    def with_webhooks(self) -> None:
        """Let them arrive again."""
        self.liveperson.set_webhook_url(ACCOUNT, self.webhook_url)

    # ── What happened ──

    def conversations(self) -> list[dict[str, Any]]:
        """Give the conversations of our consumers."""
        return [each for each in self.liveperson.conversations(ACCOUNT) if not each["foreign"]]

    @property
    def conversation_id(self) -> str:
        """Name the newest conversation."""
        return str(self.conversations()[-1]["conversation_id"])

    def said(self, index: int = -1) -> list[str]:
        """Give what the consumer said in a conversation, as LivePerson has it."""
        return [
            line["text"]
            for line in self.conversations()[index]["transcript"]
            if line["role"] == "CONSUMER" and "text" in line
        ]

    def told(self, kind: str = "message") -> list[Any]:
        """Give the accepted callbacks of a type, in the order of arrival."""
        return [
            each.body
            for each in self.channel.callbacks()
            if each.accepted and each.body["type"] == kind
        ]

    def texts(self) -> list[str]:
        """Give the words that the channel was told."""
        return [each["content"]["text"] for each in self.told()]

    # ── Lambda ──

    def run(self) -> None:
        """Let everything travel until nothing is left to do but to wait."""
        busy = True
        while busy:
            self.liveperson.wait_idle()
            busy = any([self.work(each) for each in (CONSUMER_EVENTS, NOTIFICATIONS)])  # noqa: C419

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass: whatever waits is offered again, and everything travels."""
        self.clock.pass_seconds(seconds)
        waiting, self._waiting = self._waiting, []
        for queue, receipt in waiting:
            self.sqs.change_message_visibility(
                QueueUrl=self.queues[queue], ReceiptHandle=receipt, VisibilityTimeout=0
            )
        self.run()

    def new_containers(self) -> None:
        """Let every function begin anew at its next message: nothing built, nothing remembered."""
        begin_anew()
        self._workers = Container(os.environ, AwsClients(), clock=self.clock, chance=lambda: 0.0)

    def work(self, queue: str) -> bool:
        """Give one message to its function; false if there is none."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queues[queue],
            MaxNumberOfMessages=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        for message in answer.get("Messages", []):
            failures = process_batch({"Records": [_record(message, queue)]}, self._worker(queue))
            if failures["batchItemFailures"]:
                self._waiting.append((queue, message["ReceiptHandle"]))
            else:
                self.sqs.delete_message(
                    QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"]
                )
            return True
        return False

    def _worker(self, queue: str) -> RetryingConsumer:
        """Give the function's own worker, with the clock in hand."""
        workers = self._workers
        return workers.channel_delivery if queue == NOTIFICATIONS else workers.outbound_messaging

    def _invoke(self, request: Request) -> Answer:
        """Answer Lambda's Invoke, which workers call for token_refresh alone."""
        try:
            result = token_refresh.handler(request.json(), None)
        except Exception as failure:  # noqa: BLE001 - Lambda tells of any failure in this way
            body = json.dumps({"errorType": type(failure).__name__}).encode()
            return Answer(200, body, {"X-Amz-Function-Error": "Unhandled"})
        return Answer(200, json.dumps(result).encode())

    def _webhook(self, request: Request) -> Answer:
        """Hand a webhook to its function as API Gateway does."""
        event = {
            "headers": dict(request.headers),
            "httpMethod": "POST",
            "body": request.body.decode(),
            "isBase64Encoded": False,
        }
        answer = webhook_intake.handler(event, None)
        return Answer(int(str(answer["statusCode"])), str(answer["body"]).encode())

    def _set_environment(self, lambda_url: str) -> None:
        values = {
            "PARAMETER_PREFIX": f"/{self._stack}",
            "TABLE_NAME": self._table,
            "CONSUMER_EVENTS_QUEUE_URL": self.queues[CONSUMER_EVENTS],
            "CONSUMER_EVENTS_DEAD_LETTERS_URL": self.queues[f"{CONSUMER_EVENTS}-dlq"],
            "NOTIFICATIONS_QUEUE_URL": self.queues[NOTIFICATIONS],
            "NOTIFICATIONS_DEAD_LETTERS_URL": self.queues[f"{NOTIFICATIONS}-dlq"],
            "TOKEN_REFRESH_FUNCTION": "token-refresh",
            "LIVEPERSON_DOMAIN_API_URL": self.liveperson.url,
            "CONSUMER_ID_SALT": f"{SALT} {self._stack}",
            "CALLBACK_NETWORK": "loopback",
        }
        environment = self._parts.enter_context(pytest.MonkeyPatch.context())
        for function in functions().values():
            for name in function["Environment"]["Variables"]:
                environment.setenv(name, values.get(name, "http://127.0.0.1:9/nothing"))
        environment.setenv("AWS_ENDPOINT_URL_LAMBDA", lambda_url)


def _record(message: Mapping[str, Any], queue: str) -> dict[str, Any]:
    """Write a received message as the record that Lambda makes of it."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {"stringValue": value["StringValue"], "dataType": value["DataType"]}
            for name, value in message.get("MessageAttributes", {}).items()
        },
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}.fifo",
    }
