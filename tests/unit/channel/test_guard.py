"""The guard: no connection leads into our own network."""

from __future__ import annotations

import pytest
import requests

from liveperson_connector.channel.guard import (
    NO_ANSWER,
    Forbidden,
    check_scheme,
    guarded_session,
    is_allowed,
)
from liveperson_connector.errors import MisconfiguredAccount
from tests.support.servers import Answer, serving

REFUSED_EVERYWHERE = [
    "ftp://8.8.8.8/cb",
    "file:///etc/passwd",
    "//8.8.8.8/cb",
    "8.8.8.8/cb",
    "https://169.254.169.254/latest/meta-data",
    "http://169.254.169.254/latest/meta-data",
    "https://[fd00:ec2::254]/latest/meta-data",
    "https://169.254.170.2/v2/credentials",
    "https://10.0.0.1/cb",
    "https://172.16.0.1/cb",
    "https://192.168.0.1/cb",
    "https://100.64.0.1/cb",
    "https://0.0.0.0/cb",
    "https://255.255.255.255/cb",
    "https://224.0.0.1/cb",
    "https://198.18.0.1/cb",
    "https://[::]/cb",
    "https://[fd00::1]/cb",
    "https://[fe80::1]/cb",
    "https://[ff02::1]/cb",
    "https://[::ffff:10.0.0.1]/cb",
    "https://[::ffff:169.254.169.254]/cb",
    "https://2852039166/cb",
    "https://0xa9fea9fe/cb",
    "https://user@10.0.0.1/cb",
    "https://[::1/cb",
    "https://8.8.8.8:99999/cb",
    "https://8.8.8.8:port/cb",
    "https:///cb",
    "https://:443/cb",
    "https://8.8.8.8:0/cb",
    "",
]
LOOPBACK = [
    "http://127.0.0.1:8080/cb",
    "https://127.0.0.1/cb",
    "http://127.8.8.8/cb",
    "http://[::1]:8080/cb",
    "http://localhost:8080/cb",
]


def reach(url: str, network: str) -> None:
    """Go where ``url`` leads as a callback would."""
    check_scheme(url, network=network, what="callback_url")
    guarded_session(network).get(url, timeout=1)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "193.0.6.139"])
def test_public_addresses_may_be_called(address: str) -> None:
    """Any channel on the internet."""
    assert is_allowed(address, network="public")


def test_a_public_address_may_be_written_as_ipv6() -> None:
    """It is what it stands for, there as with inner ones."""
    assert is_allowed("::ffff:8.8.8.8", network="public")
    assert is_allowed("::ffff:127.0.0.1", network="loopback")
    assert not is_allowed("::ffff:127.0.0.1", network="public")


@pytest.mark.parametrize("scheme", ["https://", "http://"])
def test_nothing_is_repeated_by_itself(scheme: str) -> None:
    """There is one retry policy a hop, and it is the queue's."""
    adapter = guarded_session("public").get_adapter(f"{scheme}channel.example")

    assert isinstance(adapter, requests.adapters.HTTPAdapter)
    assert 0 == adapter.max_retries.total


@pytest.mark.parametrize("url", [*REFUSED_EVERYWHERE, *LOOPBACK])
def test_on_the_public_network_nothing_inside_is_called(url: str) -> None:
    """No callback reaches into the network, this machine or the cloud's own services."""
    with pytest.raises((MisconfiguredAccount, Forbidden, *NO_ANSWER)) as refused:
        reach(url, "public")

    assert not isinstance(refused.value, requests.Timeout)


@pytest.mark.parametrize("url", REFUSED_EVERYWHERE)
def test_a_sandbox_calls_nothing_more_than_its_own_machine(url: str) -> None:
    """``loopback`` opens this machine and not the network it stands in."""
    with pytest.raises((MisconfiguredAccount, Forbidden, *NO_ANSWER)) as refused:
        reach(url, "loopback")

    assert not isinstance(refused.value, requests.Timeout)


@pytest.mark.parametrize("url", LOOPBACK)
def test_a_sandbox_may_call_its_own_machine(url: str) -> None:
    """Plain http included."""
    check_scheme(url, network="loopback", what="callback_url")

    assert is_allowed("127.0.0.1", network="loopback")


@pytest.mark.parametrize("address", ["64:ff9b::a9fe:a9fe", "2002:0a00:0001::", "::ffff:10.0.0.1"])
def test_no_inner_address_hides_in_a_public_one(address: str) -> None:
    """Translated and mapped addresses are what they lead to."""
    assert not is_allowed(address, network="public")
    assert not is_allowed(address, network="loopback")


def test_a_name_is_checked_by_what_it_resolves_to() -> None:
    """A host name that leads to this machine is refused, whatever it is called."""
    with serving(Answer()) as server, pytest.raises(Forbidden):
        guarded_session("public").get(server.url.replace("127.0.0.1", "localhost"), timeout=1)

    assert 0 == server.connections
