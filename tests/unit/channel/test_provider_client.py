"""Credentials go to the provider's own hosts alone, and a short-lived token is asked for once."""

# ruff: noqa: ARG002 - an adapter need not use everything that it is given

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from liveperson_connector.channel.adapters.interface import (
    Call,
    ProviderAnswer,
    Settings,
    Token,
    Unreadable,
)
from liveperson_connector.channel.provider_client import ProviderClient
from liveperson_connector.domain.errors import (
    ChannelUnavailable,
    FileRefused,
    MisconfiguredAccount,
)
from liveperson_connector.support.dialer import NotSent
from liveperson_connector.support.http_client import HttpClient
from tests.simulation.fake_http import Reply
from tests.support.clocks import Clock
from tests.support.ready_channels import TOKEN, ready_channel
from tests.support.sixth_channel import Pigeon

AUTHORIZATION = {"Authorization": f"Bearer {TOKEN}"}
PICTURE = b"\xff\xd8\xff a picture"
MOST = 1000


class Network(BaseAdapter):
    """The wire: notes what leaves, and answers as a test lines up."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[tuple[str, Mapping[str, str]]] = []
        self.answers: deque[Reply | Exception] = deque()

    def close(self) -> None:
        """Drop connections, of which there are none."""

    def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
        """Take a request."""
        self.left.append((str(request.url), request.headers))
        answer = self.answers.popleft() if self.answers else Reply(200, PICTURE)
        if isinstance(answer, Exception):
            raise answer
        return answer.received()

    @property
    def shown(self) -> list[str]:
        """To whom the channel's token was shown."""
        return [url for url, headers in self.left if TOKEN in str(dict(headers))]


class Elsewhere(Pigeon):
    """Its pictures are behind an address that the first answer names."""

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Follow where an answer leads."""
        if not answers:
            return Call("GET", "https://api.pigeon.example/pictures/1", AUTHORIZATION)
        if answers[-1].status in (301, 302, 307):
            return Call("GET", answers[-1].headers["Location"], AUTHORIZATION)
        if answers[-1].body == b"nonsense":
            raise Unreadable("it leads nowhere")
        return None


class Tokened(Pigeon):
    """Its requests carry a token of an hour."""

    def token_request(self, settings: Settings) -> Call:
        """Ask for one."""
        return Call("POST", "https://api.pigeon.example/tokens", AUTHORIZATION)

    def token(self, answer: ProviderAnswer) -> Token | None:
        """Read it."""
        if answer.status != 200:
            return None
        return Token(json.loads(answer.body)["token"], 3600)


@pytest.fixture(name="network")
def _network() -> Network:
    return Network()


@pytest.fixture(name="client")
def _client(network: Network, clock: Clock) -> ProviderClient:
    return ProviderClient(HttpClient(transport=network), clock=clock)


def call(url: str) -> Call:
    """Write a request with the channel's credentials."""
    return Call("GET", url, AUTHORIZATION)


# ── Hosts ──


def test_a_request_to_the_provider_carries_its_credentials(
    client: ProviderClient, network: Network
) -> None:
    """And its answer comes back, whatever its status."""
    network.answers.append(Reply(418, {"a": 1}))
    answer = client.call(ready_channel(), call("https://api.pigeon.example/loft"))

    assert (418, {"a": 1}) == (answer.status, json.loads(answer.body))
    assert ["https://api.pigeon.example/loft"] == network.shown


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/loft",
        "https://api.pigeon.example.elsewhere.example/loft",
        "https://sub.api.pigeon.example/loft",
        "https://api.pigeon.example:8443/loft",
        "http://api.pigeon.example/loft",
        "https://127.0.0.1/loft",
        "not an address",
    ],
)
def test_nothing_leaves_for_another_host(
    client: ProviderClient, network: Network, url: str
) -> None:
    """Nor for another port of it, nor in the clear."""
    with pytest.raises(MisconfiguredAccount) as refused:
        client.call(ready_channel(), call(url))

    assert [] == network.left
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "is_own"),
    [("eu.pigeon.example", True), ("pigeon.example", False), ("notpigeon.example", False)],
)
def test_a_domain_stands_for_the_hosts_below_it(
    client: ProviderClient, network: Network, host: str, is_own: bool
) -> None:
    """And for nothing that only ends alike."""

    class Wide(Pigeon):
        hosts = (".pigeon.example",)

    if is_own:
        client.call(ready_channel(Wide()), call(f"https://{host}/x"))
        assert network.shown
    else:
        with pytest.raises(MisconfiguredAccount):
            client.call(ready_channel(Wide()), call(f"https://{host}/x"))


def test_a_sandboxs_stand_in_is_called_in_a_sandbox_alone(network: Network, clock: Clock) -> None:
    """Elsewhere a channel with such an address calls nobody."""
    channel = ready_channel(api_url="http://127.0.0.1:8081")
    here = ProviderClient(HttpClient(transport=network), network="loopback", clock=clock)
    here.call(channel, call("http://127.0.0.1:8081/loft"))
    with pytest.raises(MisconfiguredAccount):
        here.call(channel, call("http://127.0.0.1:9999/loft"))
    with pytest.raises(MisconfiguredAccount):
        ProviderClient(HttpClient(transport=network), clock=clock).call(
            channel, call("http://127.0.0.1:8081/loft")
        )

    assert ["http://127.0.0.1:8081/loft"] == network.shown


def test_no_answer_is_told_from_one_that_never_left(
    client: ProviderClient, network: Network
) -> None:
    """Only what may have arrived is in doubt."""
    for failure, is_in_doubt in ((requests.ReadTimeout(), True), (NotSent("x"), False)):
        network.answers.append(failure)
        with pytest.raises(ChannelUnavailable) as unavailable:
            client.call(ready_channel(), call("https://api.pigeon.example/loft"))
        assert is_in_doubt == unavailable.value.maybe_done


# ── Files ──


def fetch(client: ProviderClient) -> bytes:
    """Fetch a person's picture."""
    return client.fetch(ready_channel(Elsewhere()), {}, most=MOST)


def test_a_file_elsewhere_is_fetched_without_credentials(
    client: ProviderClient, network: Network
) -> None:
    """As after a redirect to a store of files."""
    there = {"Location": "https://files.elsewhere.example/1?signature=2"}
    network.answers.extend([Reply(307, None, there), Reply(200, PICTURE)])

    assert PICTURE == fetch(client)
    assert ["https://api.pigeon.example/pictures/1"] == network.shown
    assert "https://files.elsewhere.example/1?signature=2" == network.left[1][0]


@pytest.mark.parametrize(
    "answer",
    [
        Reply(404),
        Reply(403),
        Reply(200, b"x" * (MOST + 1)),
        Reply(200, b"nonsense"),
        Reply(307, None, {"Location": "http://elsewhere.example/in-the-clear"}),
        Reply(304),
    ],
)
def test_a_file_that_cannot_be_had_is_refused(
    client: ProviderClient, network: Network, answer: Reply
) -> None:
    """It is gone, too large, or leads where nobody should follow."""
    network.answers.append(answer)

    with pytest.raises(FileRefused) as refused:
        fetch(client)
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("status", [401, 408, 429, 500, 503])
def test_a_file_may_be_had_later(client: ProviderClient, network: Network, status: int) -> None:
    """The provider is down, busy, or has other credentials for a while."""
    network.answers.append(Reply(status))

    with pytest.raises(ChannelUnavailable):
        fetch(client)


def test_a_file_is_not_followed_for_ever(client: ProviderClient, network: Network) -> None:
    """Addresses that lead to each other end somewhere."""
    here = {"Location": "https://api.pigeon.example/pictures/1"}
    network.answers.extend([Reply(302, None, here)] * 20)

    with pytest.raises(FileRefused, match="too many"):
        fetch(client)
    assert 4 == len(network.left)


# ── Tokens ──


def test_a_token_is_asked_for_once_in_its_time(
    client: ProviderClient, network: Network, clock: Clock
) -> None:
    """And again a minute before it ends."""
    channel = ready_channel(Tokened())
    network.answers.extend([Reply(200, {"token": "one"}), Reply(200, {"token": "two"})])

    assert "one" == client.settings(channel)["access_token"]
    clock.pass_seconds(3539)
    assert "one" == client.settings(channel)["access_token"]
    clock.pass_seconds(1)
    assert "two" == client.settings(channel)["access_token"]
    assert 2 == len(network.left)


def test_a_token_that_is_not_taken_is_forgotten(client: ProviderClient, network: Network) -> None:
    """The provider may have withdrawn it."""
    channel = ready_channel(Tokened())
    network.answers.extend([Reply(200, {"token": "one"}), Reply(200, {"token": "two"})])
    client.settings(channel)
    client.forget_token(channel)

    assert "two" == client.settings(channel)["access_token"]


def test_another_channels_token_is_another(client: ProviderClient, network: Network) -> None:
    """And so is that of other credentials."""
    network.answers.extend([Reply(200, {"token": "one"}), Reply(200, {"token": "two"})])
    client.settings(ready_channel(Tokened()))

    other = ready_channel(Tokened(), token="another-token-of-the-tests")
    assert "two" == client.settings(other)["access_token"]


@pytest.mark.parametrize(
    ("status", "kind"), [(503, ChannelUnavailable), (401, MisconfiguredAccount)]
)
def test_without_a_token_the_message_waits(
    client: ProviderClient, network: Network, status: int, kind: type[Exception]
) -> None:
    """For the provider, or for the operator."""
    network.answers.append(Reply(status))

    with pytest.raises(kind):
        client.settings(ready_channel(Tokened()))


def test_most_providers_need_no_token(client: ProviderClient, network: Network) -> None:
    """Then nothing is asked."""
    channel = ready_channel()

    assert channel.settings == client.settings(channel)
    assert [] == network.left
