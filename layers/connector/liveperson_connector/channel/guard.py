"""
Connections to addresses that somebody else chose, and none into our own network.

A channel's callback URL and a file's URL are given to us. Their host name is resolved once, what
it resolves to is checked, and the connection is made to just that address: nobody gains by
answering the name service one way and then another.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from ..errors import MisconfiguredAccount
from ..sessions import new_session

PUBLIC = "public"
LOOPBACK = "loopback"


# Ranges in which an address of ours can hide inside a public one: NAT64 and 6to4.
_TRANSLATED = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("2002::/16"))


class Forbidden(HTTPError):
    """A host name leads to an address that must not be called."""


class NameNotFound(HTTPError):
    """A host name has no address at the moment."""


NO_ANSWER = (requests.RequestException, NameNotFound)
"""What a request raises that got no answer."""


def guarded_session(network: str) -> requests.Session:
    """
    Make a session that talks to the internet alone, or also to this machine.

    ``network`` is ``public``, or ``loopback`` for a sandbox.
    """
    session = new_session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, _GuardedAdapter(network))
    return session


def check_scheme(url: str, *, network: str, what: str) -> None:
    """Refuse to send words in the clear; ``what`` names the address in the error."""
    try:
        parts = urlsplit(url)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise MisconfiguredAccount(f"{what} is not an address")
    if parts.scheme != "https" and not (parts.scheme == "http" and network == LOOPBACK):
        raise MisconfiguredAccount(f"{what} must be an https address, not {parts.scheme}:")


def is_allowed(address: str, *, network: str) -> bool:
    """Whether a connection to this IP address may be used."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or ip
    if mapped.is_loopback:
        return network == LOOPBACK
    if any(mapped in range_ for range_ in _TRANSLATED):
        return False
    return bool(mapped.is_global and not mapped.is_multicast)


class _GuardedAdapter(HTTPAdapter):
    def __init__(self, network: str) -> None:
        self._network = network
        super().__init__(pool_connections=8, pool_maxsize=2, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = _pools(self._network)


def _pools(network: str) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(_Guarded, HTTPConnection):
        allowed_network = network

    class Secure(_Guarded, HTTPSConnection):
        allowed_network = network

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


class _Guarded:
    """A connection that looks where it goes, and goes just there."""

    allowed_network = PUBLIC
    port: int
    _dns_host: str

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        self._dns_host = _checked(name, self.port, self.allowed_network)
        try:
            connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        finally:
            self._dns_host = name  # the certificate must be the name's, not the address's
        return connection


def _checked(name: str, port: int, network: str) -> str:
    """Resolve a host name and return an address of it, all of which must be allowed."""
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NameNotFound(f"{name} has no address") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not all(is_allowed(address, network=network) for address in addresses):
        raise Forbidden(f"{name} is not an address on the internet")
    return addresses[0]
