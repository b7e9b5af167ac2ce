"""
How requests reaches a partner: over connections that are limited in time as a whole.

They are urllib3's, below requests, with five things of our own:

- **One deadline** for name, connection, TLS, request, headers and body (:mod:`.dialer`).
- **Every allowed address is tried**, and no other is.
- **What surely was not sent is told apart** (:class:`.dialer.NotSent`): no connection was made, or
  not the whole request left.
- **Idle connections count as closed**: the other side may have dropped them without a word.
- **The request line is what was given**: urllib3 would rewrite its escapes.
"""

from __future__ import annotations

import http.client
import logging
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, cast

import certifi
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from .dialer import DeadlineSocket, DeadlineTlsSocket, Dialer, NoAnswer, NotSent
from .web_address import WebAddress

# Its warnings quote addresses and headers, and go to the function's log by way of the root logger.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

CONNECT_SECONDS = 3.0
"""How long name, connection and TLS may take together."""

IDLE_SECONDS = 25.0
"""
A connection that lay idle for longer may be closed without our noticing.

Writing to it would leave us unsure whether the request arrived.
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
        """The settings of TLS; to read all trusted certificates takes milliseconds."""
        context = create_urllib3_context()
        context.load_verify_locations(self.ca_file or certifi.where())
        context.sslsocket_class = DeadlineTlsSocket
        return context


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
        return self.network.dialer.connect(self._dns_host, self.port, seconds)

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


def _pools(network_: Network) -> dict[str, type[HTTPConnectionPool]]:
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


class Request(PreparedRequest):
    """A request as it leaves: nothing of it is rewritten, and it carries no cookies."""

    def __init__(
        self, method: str, address: WebAddress, headers: dict[str, str], body: bytes | None
    ) -> None:
        super().__init__()
        self.method = method
        self.address = address
        self.url = str(address)
        self.headers = CaseInsensitiveDict(headers)
        self.body = body


class Transport(HTTPAdapter):
    """How requests reaches a partner: over our connections, with nothing read from the machine."""

    def __init__(self, network: Network) -> None:
        self._classes = _pools(network)
        super().__init__(pool_connections=8, pool_maxsize=2, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of our classes."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._classes

    def build_connection_pool_key_attributes(
        self,
        request: PreparedRequest,
        verify: Any,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
    ) -> Any:
        """Find a pool by the parts of the address that were checked."""
        address = cast("Request", request).address
        return {"scheme": address.scheme, "host": address.host, "port": address.port}, {}

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ARG002
        """Return what stands in the request line."""
        return cast("Request", request).address.target

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave it to our settings of TLS, which always verify."""

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:  # noqa: ARG002
        """Make the answer; cookies are not even looked at."""
        response = Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        return response
