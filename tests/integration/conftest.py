"""One emulated AWS for all integration tests: a child process, on loopback, that forgets all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient
from mypy_boto3_ssm import SSMClient

from liveperson_connector.aws.clients import patient
from sandbox.channel import DemoChannel
from sandbox.emulator import Emulator
from sandbox.environment import emulator_python
from sandbox.errors import EmulatorFailed, PortTaken
from sandbox.folders import Folder
from sandbox.liveperson import SimulatedLivePerson
from sandbox.ports import free_port
from tests.support.accounts import SIGNING_SECRET
from tests.support.bench import Bench, table_of_template

_numbers = itertools.count(1)


@pytest.fixture(name="aws", scope="session")
def _aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the emulator, and let every boto3 client made from now on talk to it."""
    with ExitStack() as parts:
        emulator = _started(tmp_path_factory.mktemp("aws"), parts)
        environment = parts.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("AWS_ENDPOINT_URL", emulator.url)
        yield emulator.url


def _started(folder: Path, parts: ExitStack) -> Emulator:
    for _ in range(3):  # another program may take the port that was free a moment ago
        port = free_port()
        claimed = Folder.claim(folder / str(port))
        parts.callback(claimed.release)
        emulator = Emulator(emulator_python(), claimed, port, least_privilege=False)
        try:
            emulator.start()
        except (PortTaken, EmulatorFailed):
            emulator.stop()
            continue
        parts.callback(emulator.stop)
        return emulator
    raise EmulatorFailed("the AWS emulator found no free port")


@pytest.fixture(name="sqs", scope="session")
def _sqs(aws: str) -> SQSClient:
    client: SQSClient = patient("sqs")
    return client


@pytest.fixture(name="ssm", scope="session")
def _ssm(aws: str) -> SSMClient:
    client: SSMClient = patient("ssm")
    return client


@pytest.fixture(name="dynamodb", scope="session")
def _dynamodb(aws: str) -> DynamoDBClient:
    client: DynamoDBClient = patient("dynamodb")
    return client


@pytest.fixture(name="s3", scope="session")
def _s3(aws: str) -> S3Client:
    client: S3Client = patient("s3")
    return client


@pytest.fixture(name="new_queue", scope="session")
def _new_queue(sqs: SQSClient) -> Callable[[], str]:
    """Make a FIFO queue as the template does, and give its URL."""

    def make() -> str:
        return sqs.create_queue(
            QueueName=f"test-{next(_numbers)}.fifo",
            Attributes={
                "FifoQueue": "true",
                "DeduplicationScope": "messageGroup",
                "FifoThroughputLimit": "perMessageGroupId",
                "VisibilityTimeout": "180",
            },
        )["QueueUrl"]

    return make


@pytest.fixture(name="table")
def _table(dynamodb: DynamoDBClient) -> str:
    """Make a table of the test's own, as the template describes it."""
    return table_of_template(dynamodb, f"table-{next(_numbers)}")


@pytest.fixture(name="channel")
def _channel() -> Iterator[DemoChannel]:
    """Run a channel that believes only what is signed for it."""
    channel = DemoChannel(SIGNING_SECRET)
    channel.start()
    yield channel
    channel.stop()


@pytest.fixture(name="bench")
def _bench(
    aws: str,
    table: str,
    new_queue: Callable[[], str],
    liveperson: SimulatedLivePerson,
    channel: DemoChannel,
) -> Iterator[Bench]:
    """Put the functions on the bench: real queues, table and parameters, and a clock in hand."""
    bench = Bench(liveperson, channel, table, new_queue, stack=f"stack-{next(_numbers)}")
    with bench:
        yield bench
