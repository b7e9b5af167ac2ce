"""
Connections to partners: urllib3's, limited in time as a whole.

Five things about them are our own:

- **One deadline** for name, connection, TLS, request, headers and body.
- **Every allowed address is tried**, and no other is.
- **A request that surely was not sent** raises :class:`.dialer.NotSent`: no connection was made, or
  only a part of the request was sent.
- **Idle connections count as closed**: the other side may have dropped them without a word.
- **The request line is what was given**: urllib3 would rewrite its escapes.
"""

from __future__ import annotations

import http.client
import logging
import math
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from .dialer import Dialer, NoAnswer, NotSent

# A socket with a time-out of 0 would not wait at all, and say so by another error.
_LEAST_SECONDS = 0.001

# Its warnings quote addresses and headers, and go to the function's log by way of the root logger.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

CONNECT_SECONDS = 3.0
"""How long name, connection and TLS may take together."""

IDLE_SECONDS = 25.0
"""
A connection that lay idle for longer may be closed without our noticing.

After writing to it, it would not be certain whether the request arrived.
"""


@dataclass(frozen=True)
class Network:
    """
    What connections are made with: ``ca_file`` are the certificates that are trusted.

    ``clock`` (seconds since 1970) tells how long a connection lay idle. It is not the monotonic
    clock, which may stand still while Lambda has a container frozen.
    """

    dialer: Dialer = field(default_factory=Dialer)
    ca_file: str | None = None
    clock: Callable[[], float] = time.time

    @cached_property
    def tls(self) -> ssl.SSLContext:
        """The TLS settings, made once: reading all trusted certificates takes milliseconds."""
        context = create_urllib3_context()
        context.load_verify_locations(self.ca_file or certifi.where())
        context.sslsocket_class = DeadlineTlsSocket
        return context


class _Deadline:
    """
    A socket whose time-out holds for all that follows, until another is set.

    A time-out of Python begins anew with every read, so a partner that drips would hold its caller
    for as long as it likes.
    """

    _until = math.inf

    def settimeout(self, seconds: float | None) -> None:
        if seconds is not None:
            seconds = max(seconds, _LEAST_SECONDS)
        self._until = math.inf if seconds is None else time.monotonic() + seconds
        super().settimeout(seconds)  # type: ignore[misc]

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self._arm()
        return int(super().recv_into(*args, **kwargs))  # type: ignore[misc]

    def send(self, *args: Any, **kwargs: Any) -> int:
        self._arm()
        return int(super().send(*args, **kwargs))  # type: ignore[misc]

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self._arm()
        super().sendall(*args, **kwargs)  # type: ignore[misc]

    def _arm(self) -> None:
        """Give the next operation the time that is left."""
        if self._until == math.inf:
            return
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is over")
        super().settimeout(left)  # type: ignore[misc]


class DeadlineSocket(_Deadline, socket.socket):
    """A plain socket with a deadline."""


class DeadlineTlsSocket(_Deadline, ssl.SSLSocket):
    """An encrypted one; it begins with the time that the plain one it is made of has left."""


class _FinalResponse(http.client.HTTPResponse):
    """
    The final response: any number of interim ones may come before it.

    http.client skips 100 alone, and would take a 103 for the answer and the answer for that to the
    next request (https://www.rfc-editor.org/rfc/rfc9110#section-15.2). 101 is final.
    """

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = None  # type: ignore[assignment]  # it begins anew when there are none
            super().begin()


class _Connection:
    """What a connection of urllib3 is told to do otherwise; plain and encrypted ones alike."""

    network: Network
    response_class: Any = _FinalResponse

    sock: Any
    timeout: Any
    port: Any
    _dns_host: str
    _used_at = 0.0
    _is_sent = False

    @property
    def is_connected(self) -> bool:
        """Whether it may be used again: urllib3 asks before it does."""
        idle = abs(self.network.clock() - self._used_at)
        return bool(super().is_connected) and idle <= IDLE_SECONDS  # type: ignore[misc]

    def connect(self) -> None:
        """Connect, and leave the socket the time that is left of the whole."""
        until = time.monotonic() + self.timeout
        try:
            super().connect()  # type: ignore[misc]
        except NoAnswer:
            raise
        except TimeoutError:
            raise NotSent("no connection was made in time") from None
        except ssl.SSLCertVerificationError:
            raise NotSent("its certificate is not trusted") from None
        except (OSError, HTTPError):
            raise NotSent("the TLS handshake failed", at_once=True) from None
        self.sock.settimeout(until - time.monotonic())

    def _new_conn(self) -> DeadlineSocket:
        seconds = min(self.timeout, CONNECT_SECONDS)
        return self.network.dialer.connect(self._dns_host, self.port, seconds, DeadlineSocket)

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; a partner that closes meanwhile may have answered all the same."""
        self._is_sent = False
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]
        except (BrokenPipeError, ConnectionResetError):
            raise  # urllib3 looks for an answer then, and calls getresponse
        except (OSError, http.client.HTTPException, ValueError) as failure:
            raise NotSent(
                "the request could not be sent", at_once=isinstance(failure, ssl.SSLError)
            ) from None
        self._is_sent = True

    def getresponse(self) -> Any:
        """Read an answer's status and headers."""
        try:
            response = super().getresponse()  # type: ignore[misc]
        except (OSError, http.client.HTTPException):
            if self._is_sent:
                raise
            raise NotSent("the request could not be sent", at_once=True) from None
        self._used_at = self.network.clock()
        return response


class _ExactPool:
    """A pool that writes the request line as it is given; urllib3 would encode it anew."""

    def urlopen(self, method: str, url: str, **how: Any) -> Any:
        return super().urlopen(method, url, target=url, **how)  # type: ignore[misc]

    def _make_request(
        self, connection: Any, method: str, _url: str, *, target: str, **how: Any
    ) -> Any:
        return super()._make_request(connection, method, target, **how)  # type: ignore[misc]


def pools(network_: Network) -> dict[str, type[HTTPConnectionPool]]:
    """Make the pools of connections of a network, by scheme."""

    class Plain(_Connection, HTTPConnection):
        network = network_

    class Secure(_Connection, HTTPSConnection):
        network = network_

        def connect(self) -> None:
            self.ssl_context = network_.tls
            super().connect()

    class PlainPool(_ExactPool, HTTPConnectionPool):  # type: ignore[misc]
        ConnectionCls: Any = Plain

    class SecurePool(_ExactPool, HTTPSConnectionPool):  # type: ignore[misc]
        ConnectionCls: Any = Secure

    return {"http": PlainPool, "https": SecurePool}
