"""AWS by moto, which is not ours, and DynamoDB by the simulation's table too: they must agree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from moto import mock_aws
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws import clients
from tests.simulation.table import Table
from tests.support.emulators import table_of_template

TABLE = "table"


@pytest.fixture(name="aws", scope="module")
def _aws() -> Iterator[None]:
    """Let every client that is made from now on talk to moto."""
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.delenv("AWS_ENDPOINT_URL")
        clients.session.cache_clear()  # one that is older than moto would call real AWS
        yield
    clients.session.cache_clear()


@pytest.fixture(name="moto", scope="module")
def _moto(aws: None) -> DynamoDBClient:
    """Give a client that also checks the form of what it sends."""
    client: DynamoDBClient = clients.retrying("dynamodb", parameter_validation=True)
    return client


@pytest.fixture(name="dynamodb", params=["simulation", "moto"])
def _dynamodb(request: Any) -> Iterator[DynamoDBClient]:
    """Give a client of an empty table."""
    if request.param == "simulation":
        yield cast("DynamoDBClient", Table())
        return
    client: DynamoDBClient = request.getfixturevalue("moto")
    table_of_template(client, TABLE)
    yield client
    client.delete_table(TableName=TABLE)
