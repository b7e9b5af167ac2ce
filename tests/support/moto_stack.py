"""
The stores of a stack in moto, an AWS that is not ours, for the operator's command line.

It has the queues and the table as the template describes them, a bucket, Parameter Store, and what
CloudFormation and Lambda say of them. No function runs in it; their logs are what a test writes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws
from moto.sqs.models import sqs_backends

from connector_cli.logs import FUNCTIONS
from connector_cli.main import cli
from liveperson_connector.domain.queue_messages import new_id
from tools.template import resources

from .accounts import ACCOUNT, SALT

STACK = "connector"
CHANNEL_API_URL = "https://connector.example/v1"

_QUEUES = (
    *("ConsumerEventsQueue", "ConsumerEventsDeadLetters"),
    *("NotificationsQueue", "NotificationsDeadLetters"),
)


@dataclass(frozen=True)
class MotoStack:
    """A stack, with clients that may do anything, and its operator."""

    queues: Mapping[str, str]
    table: str
    bucket: str

    def connector(self, *arguments: str, typed: str = "") -> Result:
        """Run ``connector`` with some arguments; ``typed`` is what stands on standard input."""
        return CliRunner(mix_stderr=False).invoke(
            cli, [*arguments, "--stack", STACK], input=typed, catch_exceptions=False
        )

    @staticmethod
    @cache
    def client(service: str) -> Any:
        """Return a client; making one takes longer than most of its calls."""
        make: Any = boto3.client
        return make(service, region_name="us-east-1")

    def send(self, queue: str, body: str, group: str, **attributes: str) -> None:
        """Put a message on a queue, by the queue's name in the template."""
        self.client("sqs").send_message(
            QueueUrl=self.queues[queue],
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=new_id(),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    def stand(self, queue: str) -> list[tuple[str, str]]:
        """Give id and body of everything in a queue, also of what SQS would not show."""
        backend = sqs_backends["123456789012"]["us-east-1"]
        return [
            (message.id, message.body)
            for message in backend.queues[self.queues[queue].rpartition("/")[2]]._messages
        ]

    def bodies(self, queue: str) -> list[str]:
        """Give everything that stands in a queue."""
        return [body for _, body in self.stand(queue)]

    def items(self) -> list[str]:
        """Give the keys of all items of the table."""
        found = self.client("dynamodb").scan(TableName=self.table)["Items"]
        return [each["pk"]["S"] for each in found]

    def everything(self) -> str:
        """Give all that stands anywhere, as one text."""
        s3 = self.client("s3")
        files = s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return json.dumps(
            [
                self.client("dynamodb").scan(TableName=self.table)["Items"],
                [self.bodies(each) for each in self.queues],
                [s3.head_object(Bucket=self.bucket, Key=each["Key"])["Metadata"] for each in files],
            ],
            default=str,
        )

    def log(self, written: str) -> None:
        """Put the lines that functions wrote to standard output into the log of each."""
        logs, now = self.client("logs"), int(time.time() * 1000)
        for line in written.splitlines():
            function = FUNCTIONS[json.loads(line)["function"]]
            group = self._physical(f"{function}Logs")
            with suppress(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_stream(logGroupName=group, logStreamName="a container")
            event = {"timestamp": now, "message": line}
            logs.put_log_events(logGroupName=group, logStreamName="a container", logEvents=[event])

    def _physical(self, logical: str) -> str:
        found = self.client("cloudformation").describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def write_parameter(self, kind: str, value: Mapping[str, Any], account: str = ACCOUNT) -> None:
        """Write a parameter of an account."""
        self.client("ssm").put_parameter(
            Name=f"/{STACK}/accounts/{account}/{kind}",
            Value=json.dumps(value),
            Type="SecureString",
            Overwrite=True,
        )


@contextmanager
def moto_stack() -> Iterator[MotoStack]:
    """Make a stack, and let ``connector`` and the clients of the test find it."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws():
            yield _made()


def _made() -> MotoStack:
    cloudformation = MotoStack.client("cloudformation")
    body = json.dumps(_template(_made_key()))
    cloudformation.create_stack(StackName=STACK, TemplateBody=body)
    found = cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
    physical = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in found}
    return MotoStack(
        {name: physical[name] for name in _QUEUES}, physical["Table"], physical["Bucket"]
    )


def _made_key() -> str:
    """Make the stack's own API key and its usage plan; moto's CloudFormation knows neither."""
    gateway = MotoStack.client("apigateway")
    plan = gateway.create_usage_plan(name=STACK, apiStages=[{"apiId": "an-api", "stage": "v1"}])
    key = gateway.create_api_key(name=STACK, enabled=True)
    gateway.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    return str(key["id"])


def _template(api_key_id: str) -> dict[str, Any]:
    queues = resources("AWS::SQS::Queue")
    (table,) = resources("AWS::DynamoDB::Table").values()
    keys = ("AttributeDefinitions", "KeySchema", "BillingMode")
    function = {
        "Code": {"ZipFile": "def handler(event, context): ..."},
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Runtime": "python3.13",
        "Environment": {"Variables": {"CONSUMER_ID_SALT": SALT}},
    }
    service = {"Service": "lambda.amazonaws.com"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service}],
    }
    return {
        "Parameters": {"CallbackNetwork": {"Type": "String", "Default": "loopback"}},
        "Resources": {
            **{f"{each}Logs": {"Type": "AWS::Logs::LogGroup"} for each in FUNCTIONS.values()},
            **{
                name: {"Type": "AWS::SQS::Queue", "Properties": _without_policy(queues[name])}
                for name in _QUEUES
            },
            "Table": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {each: table[each] for each in keys},
            },
            "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "files"}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "MessageIntake": {"Type": "AWS::Lambda::Function", "Properties": function},
        },
        "Outputs": {
            "TableName": {"Value": {"Ref": "Table"}},
            "FilesBucketName": {"Value": {"Ref": "Bucket"}},
            "ChannelApiUrl": {"Value": CHANNEL_API_URL},
            "ChannelApiKeyId": {"Value": api_key_id},
            "WebhookUrl": {"Value": f"{CHANNEL_API_URL}/webhooks/liveperson"},
        },
    }


def _without_policy(queue: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what moves messages by itself: nothing is received a thousand times here."""
    return {name: value for name, value in queue.items() if name != "RedrivePolicy"}
