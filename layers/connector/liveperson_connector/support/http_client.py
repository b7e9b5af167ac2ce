"""
The HTTP client for every partner: LivePerson and its services, channels, hosts of files.

Every call has:

- one deadline for all of it, and bodies read up to a size, or not at all;
- a result that the status decides, whatever becomes of the answer's body;
- no cookies, no redirects, nothing from the machine's environment, a name of our own;
- one immediate retry of a request that surely was not sent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, cast

import requests
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse, Timeout
from urllib3.exceptions import HTTPError

from .. import __version__
from .connections import Network, pools
from .dialer import NoAnswer, NotSent
from .web_address import WebAddress

USER_AGENT = f"liveperson-connector/{__version__}"

# An unread body would keep its connection from being used again. So a small body that arrives along
# with its headers is read; otherwise it is cheaper to close the connection.
_DRAINED_BYTES = 16 * 1024
_DRAINED_SECONDS = 0.1

SUCCESS = range(200, 300)
"""The statuses of success (https://www.rfc-editor.org/rfc/rfc9110#section-15.3)."""

_CHUNK = 64 * 1024

_PATIENCE = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


@dataclass(frozen=True)
class Answer:
    """
    What a partner answered. A ``body`` longer than was asked for shows as longer, and is cut.

    ``broke_off`` says that the body did not come to its end, or could not be unpacked. Names of
    ``headers`` are found in any case of letters.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    broke_off: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return self.status in SUCCESS

    @property
    def asks_for_patience(self) -> bool:
        """Whether it is a 4xx that is a matter of time: time-out, too early, too many requests."""
        return self.status in _PATIENCE

    @property
    def retry_after(self) -> float | None:
        """
        The least wait that is asked for, in seconds: from a number of seconds, or from a date.

        A date is compared with the partner's own clock, where its answer shows it
        (https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3).
        """
        text = self.headers.get("Retry-After", "")
        if text.isascii() and text.isdigit():
            return float(text)
        until, now = _seconds(text), _seconds(self.headers.get("Date", ""))
        return None if until is None else max(0.0, until - (now or time.time()))

    def json(self) -> Any:
        """Return the body's value; raises :class:`ValueError` for what is not JSON."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deep") from None


class Request(PreparedRequest):
    """A request as it leaves: nothing of it is rewritten, and it carries no cookies."""

    def __init__(
        self, method: str, address: WebAddress, headers: dict[str, str], body: bytes | None
    ) -> None:
        super().__init__()
        self.method = method
        self.address = address
        self.url = address.origin + address.target
        self.headers = CaseInsensitiveDict(headers)
        self.body = body


class Transport(HTTPAdapter):
    """requests' adapter on our connections; it reads nothing from the machine."""

    def __init__(self, network: Network) -> None:
        self._classes = pools(network)
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
        """Make the answer; ignore cookies."""
        response = Response()
        response.status_code = resp.status
        response.headers = CaseInsensitiveDict(resp.headers)
        response.raw = resp
        return response


class HttpClient:
    """Calls partners; one instance keeps its connections for the life of a container."""

    def __init__(
        self, network: Network | None = None, *, transport: BaseAdapter | None = None
    ) -> None:
        self._transport = transport or Transport(network or Network())

    def call(  # noqa: PLR0913
        self,
        method: str,
        address: WebAddress,
        *,
        seconds: float,
        most: int = 0,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """
        Send a request and return the answer, which may have any status.

        All of it takes at most ``seconds``. At most ``most`` bytes of the answer's body are
        read, unpacked ones; of 0 none are, and only the status counts. Raises
        :class:`NoAnswer` if no status came, with :class:`NotSent` told apart.
        """
        request = Request(method, address, _headers(headers or {}, body), body)
        until = time.monotonic() + seconds
        try:
            return self._send(request, seconds, most)
        except NotSent as failure:
            left = until - time.monotonic()
            if not failure.at_once or left <= 0:
                raise
        return self._send(request, left, most)

    def _send(self, request: Request, seconds: float, most: int) -> Answer:
        try:
            time_out = cast("float", Timeout(total=seconds))  # requests does not annotate it
            response = self._transport.send(request, stream=True, timeout=time_out)
        except NoAnswer:
            raise
        except requests.Timeout:
            raise NoAnswer("no answer came in time") from None
        except (requests.RequestException, HTTPError, OSError):
            raise NoAnswer("the connection broke, or the answer is not HTTP") from None
        status, received = response.status_code, response.headers
        if not most:
            _let_go(response.raw)
            return Answer(status, received)
        return Answer(status, received, *_read(response.raw, most))


def _seconds(date: str) -> float | None:
    """Read an HTTP date as seconds since 1970."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _headers(given: Mapping[str, str], body: bytes | None) -> dict[str, str]:
    length = {} if body is None else {"Content-Length": str(len(body))}
    # Not compressed: answers are small, and an uncompressed body cannot expand.
    return {
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        **length,
        **given,
    }


def _read(raw: HTTPResponse, most: int) -> tuple[bytes, bool]:
    """Read a body, and stop soon after ``most`` bytes; tell whether it broke off."""
    content = bytearray()
    try:
        while len(content) <= most and (chunk := raw.read1(_CHUNK, decode_content=True)):
            content += chunk
    except (HTTPError, OSError):
        return bytes(content), True
    finally:
        raw.close()  # what was read to its end has given its connection back before
    return bytes(content), False


def _let_go(raw: HTTPResponse) -> None:
    """Discard the body of an answer, and keep its connection if that is cheap."""
    kept = raw.connection
    if kept is not None and kept.sock is not None:
        kept.sock.settimeout(_DRAINED_SECONDS)
        with suppress(HTTPError, OSError):
            raw.read(_DRAINED_BYTES, decode_content=False)
    raw.close()
