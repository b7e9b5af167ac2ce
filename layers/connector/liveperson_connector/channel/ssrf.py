"""
Protect against SSRF: call addresses that a channel chose, but none in our own network.

Callback URLs and URLs of files come from outside. Their host name is resolved once, each of its
addresses is checked here, and connections are made only to those that passed
(:mod:`liveperson_connector.support.dialer`), so DNS rebinding gains nothing.
"""

from __future__ import annotations

import ipaddress
import time
from base64 import b64encode
from functools import partial
from urllib.parse import unquote_to_bytes

from ..domain.clock import Clock
from ..support.connections import Network
from ..support.dialer import Dialer
from ..support.http_client import HttpClient
from ..support.web_address import BadAddress, WebAddress

PUBLIC = "public"
LOOPBACK = "loopback"

_IPv4, _IPv6 = ipaddress.IPv4Network, ipaddress.IPv6Network

# All that was ever assigned to the public internet
# (https://www.iana.org/assignments/ipv6-unicast-address-assignments). Everything else needs no line
# here: site-local, link-local, unique local, multicast, and addresses that contain one of IPv4,
# such as ::a.b.c.d, ::ffff:0:a.b.c.d and NAT64's.
_GLOBAL_UNICAST = _IPv6("2000::/3")

# Special ranges within it
# (https://www.iana.org/assignments/iana-ipv6-special-registry): of protocols such as Teredo, of
# documentation, and 6to4.
_SPECIAL_IPV6 = tuple(map(_IPv6, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

# https://www.iana.org/assignments/iana-ipv4-special-registry, multicast, and reserved ranges.
_SPECIAL_IPV4 = tuple(
    map(
        _IPv4,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)


def ssrf_safe_client(network: str, *, clock: Clock = time.time) -> HttpClient:
    """
    Make a client that calls public addresses only, or this machine too.

    ``network`` is ``public``, or ``loopback`` for a sandbox.
    """
    dialer = Dialer(allowed=partial(is_allowed, network=network))
    return HttpClient(Network(dialer, clock=clock))


def checked(url: str, *, network: str) -> WebAddress:
    """
    Parse an address that may be called, or raise :class:`BadAddress`.

    It must be https: only to this machine may messages be sent unencrypted.
    """
    address = WebAddress.parse(url)
    if address.scheme != "https" and network != LOOPBACK:
        raise BadAddress("it is not an https address")
    return address


def basic_auth(address: WebAddress) -> dict[str, str]:
    """Return the ``Authorization`` header for the user name and password in an address, if any."""
    if not address.user:
        return {}
    user, _, password = address.user.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return {"Authorization": f"Basic {b64encode(pair).decode()}"}


def is_allowed(address: str, *, network: str) -> bool:
    """Whether a connection to this IP address may be made."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip  # the kernel connects to the IPv4 address
    if ip.is_loopback:
        return network == LOOPBACK
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in each for each in _SPECIAL_IPV4)
    return ip in _GLOBAL_UNICAST and not any(ip in each for each in _SPECIAL_IPV6)
