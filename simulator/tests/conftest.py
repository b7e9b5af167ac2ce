"""One LivePerson and one endpoint for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import SimulatedLivePerson
from simulator.tests.helpers import (
    ACCOUNT,
    CLIENT,
    SECRET,
    Connector,
    Endpoint,
)


@pytest.fixture(name="endpoint")
def _endpoint() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


@pytest.fixture(name="lp")
def _lp(endpoint: Endpoint) -> Iterator[SimulatedLivePerson]:
    with SimulatedLivePerson() as lp:
        lp.add_account(ACCOUNT, CLIENT, SECRET, endpoint.webhooks_url, time_scale=0.01)
        yield lp


@pytest.fixture(name="connector")
def _connector(lp: SimulatedLivePerson) -> Connector:
    return Connector(lp)
