"""
The connector itself: its real flows and AWS code, on AWS and partners that are in this process.

The container is the one that the functions use; what Lambda does with it is in ``runtime.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from liveperson_connector.channel.ready_channels import AdapterOf
from liveperson_connector.entrypoints.container import AwsClients, Container
from liveperson_connector.support.http_client import HttpClient
from tests.support.accounts import CLIENT_ID, CLIENT_SECRET, SALT, SIGNING_SECRET, copy_of_settings

from .fake_http import Call, Reply, Wire
from .fake_partners import Channel, LivePerson
from .scheduler import Scheduler
from .services import Client

PREFIX = "/simulated"
EVENTS, NOTIFICATIONS = "consumer-events.fifo", "notifications.fifo"
DEAD_EVENTS, DEAD_NOTIFICATIONS = "consumer-events-dlq.fifo", "notifications-dlq.fifo"
REFRESHES, TIMERS = "token-refresh-dlq", "typing-timers"

ENVIRON = {
    "PARAMETER_PREFIX": PREFIX,
    "TABLE_NAME": "table",
    "CONSUMER_EVENTS_QUEUE_URL": EVENTS,
    "CONSUMER_EVENTS_DEAD_LETTERS_URL": DEAD_EVENTS,
    "NOTIFICATIONS_QUEUE_URL": NOTIFICATIONS,
    "NOTIFICATIONS_DEAD_LETTERS_URL": DEAD_NOTIFICATIONS,
    "TOKEN_REFRESH_DEAD_LETTERS_URL": REFRESHES,
    "TYPING_TIMERS_QUEUE_URL": TIMERS,
    "TOKEN_REFRESH_FUNCTION": "token-refresh",
    "LIVEPERSON_DOMAIN_API_URL": "https://domain.liveperson.net",
    "CHANNEL_API_URL": "https://connector.example.com",
    "FILES_BUCKET": "files are not simulated",
    "CALLBACK_NETWORK": "public",
    "CONSUMER_ID_SALT": SALT,
}


def parameters_of(account_id: str, *, receipts: bool) -> dict[str, str]:
    """Write an account's parameters, with a ``webhook`` channel."""
    channel = {
        "callback_url": f"https://channel.example.com/{account_id}",
        "signing_secret": SIGNING_SECRET,
        "receipts": "automatic" if receipts else "channel",
    }
    credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    below = f"{PREFIX}/accounts/{account_id}"
    return {
        f"{below}/credentials": json.dumps(credentials),
        f"{below}/channel": json.dumps(channel),
        f"{below}/intake_settings": copy_of_settings(),
    }


class Partner(Protocol):
    """Someone whom the connector calls."""

    def route(self, url: str, headers: Mapping[str, str]) -> tuple[str, str]:
        """Name the service and the account that a request leads to."""
        ...

    def unlucky(self, call: Call) -> bool:
        """Whether a request is answered 503, whatever it is."""
        ...

    def receive(self, call: Call) -> Callable[[], Reply]:
        """Take a request."""
        ...


@dataclass
class Surroundings:
    """What every container is built on."""

    kernel: Scheduler
    chance: Random
    clients: dict[str, Client]
    liveperson: LivePerson
    channel: Channel
    new_wire: Callable[[Partner], Wire]
    provider: Partner | None = None
    adapters: AdapterOf | None = None


class SimulatedClients(AwsClients):
    """The AWS of the simulation: one client a service, whoever asks."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        super().__init__()
        self._clients = clients

    def fail_fast(self, service: str) -> Any:
        return self._clients[service]

    def retrying(self, service: str) -> Any:
        return self._clients[service]

    def asking_once(self, service: str) -> Any:
        return self._clients[service]

    def file_storage(self) -> Any:
        return self._clients["s3"]


def new_container(around: Surroundings) -> Container:
    """Return a Lambda container: what it builds it keeps, as long as nobody cuts it off."""
    partners: dict[str, Partner] = {"liveperson": around.liveperson, "channel": around.channel}
    if around.provider:
        partners["provider"] = around.provider
    return Container(
        ENVIRON,
        SimulatedClients(around.clients),
        clock=around.kernel,
        chance=around.chance.random,
        http_client=lambda name: HttpClient(transport=around.new_wire(partners[name])),
        adapters=around.adapters,
    )
