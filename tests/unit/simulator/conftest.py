"""One LivePerson and one endpoint for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import SimulatedLivePerson
from tests.unit.simulator.helpers import (
    ACCOUNT,
    CLIENT,
    SECRET,
    Connector,
    Endpoint,
    serving,
)


@pytest.fixture(name="endpoint")
def _endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    thread = serving(endpoint)
    yield endpoint
    endpoint.shutdown()
    thread.join()
    endpoint.server_close()


@pytest.fixture(name="lp")
def _lp(endpoint: Endpoint) -> Iterator[SimulatedLivePerson]:
    with SimulatedLivePerson() as lp:
        lp.add_account(ACCOUNT, CLIENT, SECRET, endpoint.url, time_scale=0.01)
        yield lp


@pytest.fixture(name="connector")
def _connector(lp: SimulatedLivePerson) -> Connector:
    return Connector(lp)
