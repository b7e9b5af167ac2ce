"""
HTTP on loopback: the routing table, kept connections, and faults on the way in and out.

Each answer leaves in one write on a socket without Nagle's delay, so that requests on a kept
connection take microseconds and not the 40 ms of a delayed acknowledgement.
"""

from __future__ import annotations

import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from simulator import domains, files, idp, monitoring, send_api, sentinel, tolerance
from simulator.faults import Fault
from simulator.loopback_guard import LoopbackOnly
from simulator.state import SimulatorState
from simulator.wire import Answer, Call, Refused, Request

Service = Callable[[SimulatorState, Call], Answer]
Control = Callable[[Request], Answer]

ACCOUNT = r"(?P<account>[^/]+)"
EXTENSION = r"(?P<extension>(\.json)?)"
SEND_API = rf"/api/account/{ACCOUNT}/messaging/consumer/conversation"
ROUTES: list[tuple[str, re.Pattern[str], str, Service]] = [
    (method, re.compile(pattern), name, service)
    for method, pattern, name, service in (
        (
            "GET",
            rf"/api/account/{ACCOUNT}/service/(?P<name>[^/]+)/baseURI{EXTENSION}",
            "domain",
            domains.one_service,
        ),
        (
            "GET",
            rf"/api/account/{ACCOUNT}/service/baseURI{EXTENSION}",
            "domain",
            domains.all_services,
        ),
        ("POST", rf"/sentinel/api/account/{ACCOUNT}/app/token", "sentinel", sentinel.token_v1),
        ("POST", rf"/sentinel/api/v2/account/{ACCOUNT}/app/token", "sentinel", sentinel.token_v2),
        ("GET", r"/sentinel/well-known/jwks", "sentinel", sentinel.keys),
        ("POST", rf"/api/account/{ACCOUNT}/consumer", "idp", idp.consumer),
        ("POST", SEND_API, "conversation", send_api.conversation),
        ("POST", rf"{SEND_API}/send", "send", send_api.send),
        (
            "POST",
            rf"/api/account/{ACCOUNT}/app/(?P<app>[^/]+)/engagement",
            "smt",
            monitoring.engagement,
        ),
        ("PUT", rf"/v1/AUTH_async-images/{ACCOUNT}/[^/]+", "swift", files.put),
        ("GET", rf"/v1/AUTH_async-images/{ACCOUNT}/[^/]+", "swift", files.get),
    )
]
# Examples page: its template for files, https://{swift}/{relativePath}, doubles the slash.
DOUBLED = "path: it should begin with one slash"
LARGEST_BODY_BYTES = 8 * 1024 * 1024
LONGEST_LINE = 8 * 1024


class Reset(Exception):
    """Break the connection, after so many bytes of an answer."""

    def __init__(self, first: bytes = b"") -> None:
        super().__init__("connection reset on purpose")
        self.first = first


class Server(ThreadingHTTPServer):
    """The listening socket; knows its open connections so that `close_all` can end them."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, port: int, world: SimulatorState, control: Control) -> None:
        self.world = world
        self.control = control
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Count a connection and serve it in its own thread."""
        self.world.records.connected()
        with self._lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        with self._lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def close_all(self) -> None:
        """End every kept connection, so that nobody talks to a stopped simulator."""
        with self._lock:
            remaining = list(self._open)
        for each in remaining:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, except that a client left."""
        if not isinstance(sys.exception(), (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(LoopbackOnly, BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server_version = "SimulatedLivePerson"

    def do_GET(self) -> None:
        """Serve a GET."""
        self._serve()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing: the records tell, and they are redacted."""

    def _serve(self) -> None:
        try:
            request = self._read()
        except ValueError:
            self._write(Answer(400, {"error": "the body is malformed or too long"}))
            self.close_connection = True
            return
        try:
            self._write(self._answer(request))
        except Reset as reset:
            self._reset(reset.first)

    def _read(self) -> Request:
        """Return the request; raise ValueError if its body has no end or is too long."""
        address = urlsplit(self.path)
        return Request(
            method=self.command,
            path=self._slashes() + address.path.lstrip("/"),
            query=dict(reversed(parse_qsl(address.query, keep_blank_values=True))),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=b"".join(self._pieces()),
        )

    def _pieces(self) -> Iterator[bytes]:
        """Read the body, whose length is told beforehand or before each chunk (RFC 9112, 7.1)."""
        if "transfer-encoding" not in self.headers:
            yield self._piece(int(self.headers.get("content-length", "0")))
            return
        left = LARGEST_BODY_BYTES
        while size := int(self.rfile.readline(LONGEST_LINE).partition(b";")[0], 16):
            yield self._piece(size, left)
            left -= size
            self.rfile.readline(LONGEST_LINE)  # what ends the chunk
        while self.rfile.readline(LONGEST_LINE).strip():  # fields behind the last one
            pass

    def _piece(self, size: int, most: int = LARGEST_BODY_BYTES) -> bytes:
        if not 0 <= size <= most:
            raise ValueError("too long")
        return self.rfile.read(size)

    def _slashes(self) -> str:
        """Return the slashes the path began with: the base class leaves one of them."""
        target = self.requestline.split()[1]
        return "/" * max(1, len(target) - len(target.lstrip("/")))

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/simulator"):
            return self.server.control(request)
        return serve(self.server.world, request)

    def _write(self, answer: Answer) -> None:
        self.wfile.write(raw(answer))

    def _reset(self, first: bytes) -> None:
        """End the connection with a reset instead of an orderly close."""
        if first:
            self.wfile.write(first)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.connection.close()
        self.close_connection = True


def raw(answer: Answer) -> bytes:
    """Return an answer as the bytes of HTTP/1.1."""
    payload = answer.payload()
    headers = {
        "content-type": "application/json; charset=utf-8",
        **answer.headers,
        "content-length": str(len(payload)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} {_phrase(answer.status)}\r\n{lines}\r\n".encode() + payload


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def serve(world: SimulatorState, request: Request) -> Answer:
    """Return the answer of the service a request is for; raise `Reset` where a fault says so."""
    call, service = route(replace(request, path="/" + request.path.lstrip("/")))
    started = time.monotonic()
    world.records.arrived(call)
    status: int | None = None
    if request.path.startswith("//") and not tolerance.takes(world, call, DOUBLED):
        service = _nothing_here
    try:
        fault = world.faults.pick(call.service, call.account_id, request.body)
        answer = _spoilt(world, call, service, fault) if fault else _plain(world, call, service)
        status = answer.status
        return answer
    finally:
        world.records.answered(call, status, started)


def route(request: Request) -> tuple[Call, Service]:
    """Return the call a request is and its service; an unknown path is a service that says so."""
    for method, pattern, name, service in ROUTES:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            params = {key: unquote(value) for key, value in match.groupdict().items()}
            return Call(name, params.get("account", ""), request, params), service
    return Call("unknown", "", request, {}), _nothing_here


def _nothing_here(world: SimulatorState, call: Call) -> Answer:
    world.records.violation(call, "no service answers this method and path")
    return Answer(404, {"error": "not found"})


def _plain(world: SimulatorState, call: Call, service: Service) -> Answer:
    try:
        return service(world, call)
    except Refused as refused:
        return refused.answer


def _spoilt(world: SimulatorState, call: Call, service: Service, fault: Fault) -> Answer:
    """Serve with a fault."""
    pause = fault.delay_ms / 1000
    if fault.kind != "slow_answer":
        time.sleep(pause)
    if fault.kind == "status":
        return Answer(fault.status, fault.body, fault.headers)
    if fault.kind == "reset_before":
        raise Reset
    answer = _plain(world, call, service)
    if fault.kind == "lost_answer":
        raise Reset
    if fault.kind == "reset_after":
        raise Reset(raw(answer)[:40])
    if fault.kind == "slow_answer":
        time.sleep(pause)
    return answer
