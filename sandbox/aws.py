"""AWS clients that call the emulator only."""

from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_lambda import LambdaClient
from mypy_boto3_sqs import SQSClient
from mypy_boto3_ssm import SSMClient

REGION = "us-east-1"
ACCESS_KEY = "test"  # the emulator's root
CONFIG = Config(connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 3}, proxies={})


class Aws:
    """The services of one emulator."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url

    def client(self, service: str) -> Any:
        """Return a client for a service by its name."""
        make: Any = boto3.client
        return make(
            service,
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=ACCESS_KEY,
            config=CONFIG,
        )

    @cached_property
    def sqs(self) -> SQSClient:
        """Queues."""
        client: SQSClient = self.client("sqs")
        return client

    @cached_property
    def ssm(self) -> SSMClient:
        """Parameter Store."""
        client: SSMClient = self.client("ssm")
        return client

    @cached_property
    def functions(self) -> LambdaClient:
        """Lambda."""
        client: LambdaClient = self.client("lambda")
        return client

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """Tables."""
        client: DynamoDBClient = self.client("dynamodb")
        return client
