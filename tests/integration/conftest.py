"""One emulated AWS for all integration tests: a child process, on loopback, that forgets all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient

from liveperson_connector.aws.clients import retrying
from sandbox.channel import DemoChannel
from simulator import SimulatedLivePerson
from tests.support.accounts import SIGNING_SECRET
from tests.support.emulators import emulated_aws, new_fifo_queue, table_of_template
from tests.support.harness import Bench

_numbers = itertools.count(1)


@pytest.fixture(name="aws", scope="session")
def _aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the emulator, and let every boto3 client made from now on talk to it."""
    with (
        emulated_aws(tmp_path_factory.mktemp("aws")) as url,
        pytest.MonkeyPatch.context() as environment,
    ):
        environment.setenv("AWS_ENDPOINT_URL", url)
        yield url


@pytest.fixture(name="sqs", scope="session")
def _sqs(aws: str) -> SQSClient:
    client: SQSClient = retrying("sqs")
    return client


@pytest.fixture(name="s3", scope="session")
def _s3(aws: str) -> S3Client:
    client: S3Client = retrying("s3")
    return client


@pytest.fixture(name="new_queue", scope="session")
def _new_queue(sqs: SQSClient) -> Callable[[], str]:
    """Make FIFO queues as the template does; each call gives the URL of another."""
    return partial(new_fifo_queue, sqs)


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
    new_queue: Callable[[], str],
    liveperson: SimulatedLivePerson,
    channel: DemoChannel,
) -> Iterator[Bench]:
    """Put the functions on the bench: real queues, table and parameters, and a clock in hand."""
    table = table_of_template(retrying("dynamodb"), f"table-{next(_numbers)}")
    bench = Bench(liveperson, channel, table, new_queue, stack=f"stack-{next(_numbers)}")
    with bench:
        yield bench
