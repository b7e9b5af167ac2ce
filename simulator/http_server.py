"""
The one HTTP server of everything simulated here: a function from a request to an answer.

    def answer(request: Request) -> Answer:
        return Answer(200, {"path": request.path})

    with HttpServer(answer) as server:
        ...  # server.url, server.port, server.connections

It listens on loopback, keeps connections, serves each in its own thread, and refuses what a web
page sends (`loopback_guard`). A handler raises `Refused` to answer at once and `Reset` to break the
connection; it returns None to close the connection without an answer. With a certificate the
server speaks https. `stop` ends kept connections, too.

The choice of the standard library is explained in docs/decisions/0048.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Generic, Self, TypeVar
from urllib.parse import parse_qsl, unquote

from simulator.loopback_guard import STATUS as FORBIDDEN
from simulator.loopback_guard import LoopbackGuard, refusal_body

LOOPBACK = "127.0.0.1"
LARGEST_BODY_BYTES = 8 * 1024 * 1024
LONGEST_LINE = 8 * 1024
DRAIN_SECONDS = 1.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, and no time to send what is left
Target = TypeVar("Target")


@dataclass(frozen=True)
class Request:
    """One HTTP request. `target` is the path and the query as they were sent."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By name in lower case; of a repeated header the last value."""
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The path as it was sent: percent-encoded, with every slash."""
        return self.target.partition("?")[0]

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The first value of each name in the query."""
        return dict(reversed(parse_qsl(self.target.partition("?")[2], keep_blank_values=True)))

    def json(self) -> Any:
        """Return the body as JSON; raise ValueError if it is not JSON in UTF-8."""
        return json.loads(self.body.decode("utf-8"))


@dataclass(frozen=True)
class Answer:
    """
    One HTTP answer. The body is a JSON value, raw bytes, or None for an empty one.

    An iterator of bytes is a stream: each piece is written when it comes, and the connection's end
    is the body's.
    """

    status: int = 200
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return the bytes of the body."""
        if self.body is None or isinstance(self.body, bytes):
            return self.body or b""
        return compact(self.body)

    def raw(self, *, head_only: bool = False) -> bytes:
        """Return the answer as HTTP/1.1 writes it; `head_only` leaves out the body (HEAD)."""
        payload = self.payload()
        headers = {"content-length": str(len(payload))}
        if not (self.body is None or isinstance(self.body, bytes)):
            headers["content-type"] = "application/json; charset=utf-8"
        headers |= {name.lower(): value for name, value in self.headers.items()}
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head if head_only else head + payload


class Refused(Exception):
    """A handler will not do what was asked; carries the answer to give instead."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


class Reset(Exception):
    """Break the connection with a TCP reset, after the given first bytes of an answer."""

    def __init__(self, first: bytes = b"") -> None:
        super().__init__("connection reset on purpose")
        self.first = first


Handler = Callable[[Request], "Answer | None"]


class Routes(Generic[Target]):
    """
    Targets by method and path template: `("POST", "/accounts/{account}/texts", target)`.

    A parameter matches one path segment, or a part of one; the first matching row counts.
    """

    def __init__(self, table: Iterable[tuple[str, str, Target]]) -> None:
        self._rows = [(method, _pattern(path), target) for method, path, target in table]

    def find(self, method: str, path: str) -> tuple[Target, dict[str, str]] | None:
        """Return the target for a request and its decoded parameters; None if no row matches."""
        for wanted, pattern, target in self._rows:
            if wanted == method and (match := pattern.fullmatch(path)):
                return target, {name: unquote(part) for name, part in match.groupdict().items()}
        return None


class HttpServer:
    """
    A server on a loopback port; port 0 takes a free one. `url` is known before `start`.

    `guard` None lets any Host and Origin in, for tests that resolve made-up names to loopback.
    `certificate` is a PEM file with key and certificate.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        port: int = 0,
        guard: LoopbackGuard | None = LoopbackGuard(),  # noqa: B008 (a frozen value)
        certificate: Path | None = None,
        largest_body: int = LARGEST_BODY_BYTES,
    ) -> None:
        self.scheme = "https" if certificate else "http"
        self.handler, self.guard, self.largest_body = handler, guard, largest_body
        self._listener = _Listener(self, port, certificate)
        self.port = self._listener.server_port
        self.url = f"{self.scheme}://{LOOPBACK}:{self.port}"
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def connections(self) -> int:
        """How many TCP connections were accepted."""
        return self._listener.accepted

    def start(self) -> Self:
        """Begin to answer; return the server."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end every connection; safe without `start`, and twice."""
        if self._thread.is_alive():
            self._listener.shutdown()
            self._thread.join()
        self._listener.server_close()
        self._listener.end_connections()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, owner: HttpServer, port: int, certificate: Path | None) -> None:
        self.owner = owner
        self.accepted = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__((LOOPBACK, port), _Connection)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake happens at the first read, in the connection's own thread.
            self.socket = context.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self.accepted += 1
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        with self._lock:
            remaining = list(self._open)
        for each in remaining:
            with suppress(OSError):  # its own thread may have closed it meanwhile
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a client that hung up is no error
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    server: _Listener
    protocol_version = "HTTP/1.1"
    # One write without Nagle's delay: a kept connection does not wait for a delayed ACK (40 ms).
    disable_nagle_algorithm = True

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        owner = self.server.owner
        if owner.guard is None:
            return True
        reason = owner.guard.refusal(self._lower(), owner.port, owner.scheme)
        if reason is not None:
            json_type = {"content-type": "application/json"}
            self._refuse(Answer(FORBIDDEN, refusal_body(reason), json_type))
        return reason is None

    def do_GET(self) -> None:
        try:
            request = Request(self.command, self._target(), self._lower(), b"".join(self._body()))
        except _TooLong:
            self._refuse(Answer(413, {"error": "the body is too long"}))
        except ValueError:
            self._refuse(Answer(400, {"error": "the body's length cannot be read"}))
        else:
            self._serve(request)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Print nothing: the handler keeps the requests that are needed."""

    def _serve(self, request: Request) -> None:
        try:
            answer = self.server.owner.handler(request)
        except Refused as refused:
            answer = refused.answer
        except Reset as reset:
            self._reset(reset.first)
            return
        if answer is None:
            self.close_connection = True
        elif isinstance(answer.body, Iterator):
            self._stream(answer)
        else:
            self.wfile.write(answer.raw(head_only=request.method == "HEAD"))

    def _stream(self, answer: Answer) -> None:
        self.close_connection = True
        head = Answer(answer.status, None, {**answer.headers, "connection": "close"})
        self.wfile.write(head.raw().replace(b"content-length: 0\r\n", b"", 1))
        for piece in answer.body:
            self.wfile.write(piece)

    def _target(self) -> str:
        return self.requestline.split()[1]  # in `self.path` the base class merges leading slashes

    def _lower(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _body(self) -> Iterator[bytes]:
        """Read the body, whose length is told beforehand or before each chunk (RFC 9112, 7.1)."""
        left = self.server.owner.largest_body
        if "transfer-encoding" not in self.headers:
            yield self._piece(int(self.headers.get("content-length", "0")), left)
            return
        while size := int(self.rfile.readline(LONGEST_LINE).partition(b";")[0], 16):
            yield self._piece(size, left)
            left -= size
            self.rfile.readline(LONGEST_LINE)  # the line break behind the chunk
        while self.rfile.readline(LONGEST_LINE).strip():  # trailer fields
            pass

    def _piece(self, size: int, most: int) -> bytes:
        if size < 0:
            raise ValueError("negative length")
        if size > most:
            raise _TooLong
        return self.rfile.read(size)

    def _refuse(self, answer: Answer) -> None:
        """Answer without reading the body, and end the connection so that the answer arrives."""
        self.close_connection = True
        self.wfile.write(answer.raw(head_only=self.command == "HEAD"))
        # Closing with unread bytes resets the connection, and the client loses the answer.
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(DRAIN_SECONDS)
        until = time.monotonic() + DRAIN_SECONDS
        with suppress(OSError, ValueError):
            while time.monotonic() < until and self.rfile.read1(LONGEST_LINE):
                pass

    def _reset(self, first: bytes) -> None:
        self.close_connection = True
        if first:
            self.wfile.write(first)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.rfile.close()
        self.connection.close()


class _TooLong(Exception):
    pass


def compact(value: Any) -> bytes:
    """Return JSON without white space, in UTF-8 and not escaped: the form LivePerson signs."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", template)
    return re.compile(
        "".join(
            f"(?P<{each}>[^/]+)" if at % 2 else re.escape(each) for at, each in enumerate(parts)
        )
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
