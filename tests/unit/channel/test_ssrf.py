"""The guard: no connection leads into our own network."""

from __future__ import annotations

import ipaddress

import pytest

from liveperson_connector.channel.ssrf import checked, is_allowed, ssrf_safe_client
from liveperson_connector.support.dialer import ForbiddenAddress, NoAnswer
from liveperson_connector.support.http_client import Answer as HttpAnswer
from liveperson_connector.support.web_address import BadAddress
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


def reach(url: str, network: str) -> HttpAnswer:
    """Go where ``url`` leads as a callback would."""
    address = checked(url, network=network)
    return ssrf_safe_client(network).call("GET", address, seconds=1, most=100)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "193.0.6.139"])
def test_public_addresses_may_be_called(address: str) -> None:
    """Any channel on the internet."""
    assert is_allowed(address, network="public")


def test_public_address_may_be_written_as_ipv6() -> None:
    """It is what it stands for, there as with inner ones."""
    assert is_allowed("::ffff:8.8.8.8", network="public")
    assert is_allowed("::ffff:127.0.0.1", network="loopback")
    assert not is_allowed("::ffff:127.0.0.1", network="public")


@pytest.mark.parametrize("url", [*REFUSED_EVERYWHERE, *LOOPBACK])
def test_on_the_public_network_nothing_inside_is_called(url: str) -> None:
    """No callback reaches into the network, this machine or the cloud's own services."""
    with pytest.raises((BadAddress, ForbiddenAddress, NoAnswer)) as refused:
        reach(url, "public")

    assert "in time" not in str(refused.value)


@pytest.mark.parametrize("url", REFUSED_EVERYWHERE)
def test_sandbox_calls_nothing_more_than_its_own_machine(url: str) -> None:
    """``loopback`` opens this machine and not the network it stands in."""
    with pytest.raises((BadAddress, ForbiddenAddress, NoAnswer)) as refused:
        reach(url, "loopback")

    assert "in time" not in str(refused.value)


@pytest.mark.parametrize("url", LOOPBACK)
def test_sandbox_may_call_its_own_machine(url: str) -> None:
    """Plain http included."""
    assert checked(url, network="loopback")
    assert is_allowed("127.0.0.1", network="loopback")


# https://www.iana.org/assignments/iana-ipv4-special-registry, and what is not unicast.
SPECIAL_IPV4 = """
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24
192.0.2.0/24 192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
240.0.0.0/4 255.255.255.255/32
"""

# https://www.iana.org/assignments/iana-ipv6-special-registry, what is not unicast, what is not
# given out, and addresses that are said to be of IPv4.
SPECIAL_IPV6 = """
::/128 ::1/128 ::/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/32
2001:2::/48 2001:10::/28 2001:20::/28 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 4000::/3
fc00::/7 fd00:ec2::/64 fe80::/10 fec0::/10 ff00::/8
"""


@pytest.mark.parametrize("network", ["public", "loopback"])
@pytest.mark.parametrize("block", [*SPECIAL_IPV4.split(), *SPECIAL_IPV6.split()])
def test_nothing_but_global_unicast_is_called(block: str, network: str) -> None:
    """From the first address of every other block to its last, but for loopback in a sandbox."""
    addresses = ipaddress.ip_network(block)
    ends = [addresses[0], addresses[addresses.num_addresses // 2], addresses[-1]]

    assert [] == [
        each
        for each in ends
        if is_allowed(str(each), network=network) and not (network != "public" and each.is_loopback)
    ]


@pytest.mark.parametrize("inner", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "8.8.8.8"])
@pytest.mark.parametrize(
    "outer", ["::{}", "::ffff:0:{}", "64:ff9b::{}", "64:ff9b:1::{}", "64:ff9b:1:7f:ff:0:{}"]
)
def test_no_inner_address_hides_in_one_of_ipv6(outer: str, inner: str) -> None:
    """Nor does a public one: nothing of ours translates it."""
    assert not is_allowed(outer.format(inner), network="public")


@pytest.mark.parametrize("address", ["2002:0a00:0001::", "::ffff:10.0.0.1", "fe80::1%eth0"])
def test_no_inner_address_hides_in_a_public_one(address: str) -> None:
    """Translated, mapped and scoped addresses are what they lead to."""
    assert not is_allowed(address, network="public")
    assert not is_allowed(address, network="loopback")


def test_name_is_checked_by_what_it_resolves_to() -> None:
    """A host name that leads to this machine is refused, whatever it is called."""
    with serving(Answer()) as server:
        address = checked(server.url.replace("127.0.0.1", "localhost"), network="loopback")
        with pytest.raises(ForbiddenAddress):
            ssrf_safe_client("public").call("GET", address, seconds=1)

    assert 0 == server.connections
