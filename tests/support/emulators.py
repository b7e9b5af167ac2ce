"""An emulated AWS of one's own: a child process, on loopback, that forgets all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_sqs import SQSClient

from sandbox.emulator import Emulator
from sandbox.environment import emulator_python
from sandbox.errors import EmulatorFailed, PortTaken
from sandbox.ports import free_port
from sandbox.state_dir import Folder
from tools.template import resources

_numbers = itertools.count(1)


@contextmanager
def emulated_aws(folder: Path) -> Iterator[str]:
    """Run the emulator while the block lasts, and give its address."""
    for _ in range(3):  # another program may take the port that was free a moment ago
        port = free_port()
        claimed = Folder.claim(folder / str(port))
        emulator = Emulator(emulator_python(), claimed, port, least_privilege=False)
        try:
            emulator.start()
        except (PortTaken, EmulatorFailed):
            emulator.stop()
            claimed.release()
            continue
        try:
            yield emulator.url
        finally:
            emulator.stop()
            claimed.release()
        return
    raise EmulatorFailed("the AWS emulator found no free port")


def new_fifo_queue(sqs: SQSClient) -> str:
    """Make a FIFO queue as the template does, and give its URL."""
    return sqs.create_queue(
        QueueName=f"test-{next(_numbers)}.fifo",
        Attributes={
            "FifoQueue": "true",
            "DeduplicationScope": "messageGroup",
            "FifoThroughputLimit": "perMessageGroupId",
            "VisibilityTimeout": "180",
        },
    )["QueueUrl"]


def table_of_template(dynamodb: DynamoDBClient, name: str) -> str:
    """Make the table that the template describes."""
    (properties,) = resources("AWS::DynamoDB::Table").values()
    keys = ("AttributeDefinitions", "KeySchema", "BillingMode")
    dynamodb.create_table(TableName=name, **{each: properties[each] for each in keys})
    return name
