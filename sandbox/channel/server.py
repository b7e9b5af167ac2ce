"""
The demo channel's HTTP server, on loopback.

    POST   /callbacks           where the connector delivers
    GET    /channel/callbacks   what arrived, in order
    DELETE /channel/callbacks   forget it
    POST   /channel/faults      {"status"?, "delay"?, "reset"?, "times"?}: fail the next callbacks
    DELETE /channel/faults      behave again
"""

import json
import socket
import struct
import sys
import threading
import time
from contextlib import suppress
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.channel.inbox import Callback, Fault, Inbox
from sandbox.ports import LOOPBACK
from simulator.loopback_guard import LoopbackOnly

LARGEST_BODY = 1024 * 1024
IDLE_SECONDS = 60
LINGER_NOT = struct.pack("ii", 1, 0)  # close() then resets the connection instead of ending it


class DemoChannel:
    """A channel that listens on a port of its own."""

    def __init__(self, signing_secret: str, port: int = 0) -> None:
        self.inbox = Inbox(signing_secret)
        self._server = _Server((LOOPBACK, port), self.inbox)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        """Where the inspection API is."""
        return f"http://{LOOPBACK}:{self._server.server_port}"

    @property
    def callback_url(self) -> str:
        """Where the connector delivers."""
        return f"{self.url}/callbacks"

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, also on connections that are still open."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
        self._server.close_connections()

    def callbacks(self) -> list[Callback]:
        """List everything that arrived, whatever it was answered."""
        return self.inbox.callbacks()

    def add_fault(self, fault: Fault) -> None:
        """Fail the next callbacks."""
        self.inbox.add_fault(fault)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], inbox: Inbox) -> None:
        super().__init__(address, _Handler)
        self.inbox = inbox
        self._connections: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        for connection in list(self._connections):
            with suppress(OSError):  # its own thread may have closed it meanwhile
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), OSError):  # a caller that hung up is no news
            super().handle_error(request, client_address)


class _Handler(LoopbackOnly, BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # the head and the body of an answer leave together
    timeout = IDLE_SECONDS

    def do_POST(self) -> None:
        if self.path == "/callbacks":
            self._receive_callback()
        elif self.path == "/channel/faults":
            self._add_fault()
        else:
            self._answer(404, {"error": "not_found"})

    def do_GET(self) -> None:
        if self.path == "/channel/callbacks":
            callbacks = [callback.as_json() for callback in self.server.inbox.callbacks()]
            self._answer(200, {"callbacks": callbacks})
        else:
            self._answer(404, {"error": "not_found"})

    def do_DELETE(self) -> None:
        actions = {
            "/channel/callbacks": self.server.inbox.clear,
            "/channel/faults": self.server.inbox.clear_faults,
        }
        if self.path in actions:
            actions[self.path]()
            self._answer(200, {})
        else:
            self._answer(404, {"error": "not_found"})

    def log_message(self, *_: Any) -> None:
        """Say nothing: what arrived can be asked for."""

    def _receive_callback(self) -> None:
        body = self._body()
        if body is None:
            return
        callback, fault = self.server.inbox.receive(_lower(self.headers), body)
        time.sleep(fault.delay)
        if fault.reset:
            self._reset()
        elif callback.accepted:
            self._answer(callback.status, {})
        else:
            self._answer(callback.status, {"error": callback.problem or "a fault, as asked for"})

    def _add_fault(self) -> None:
        body = self._body()
        if body is None:
            return
        try:
            self.server.inbox.add_fault(_fault(body))
        except (ValueError, TypeError) as error:
            self._answer(400, {"error": str(error)})
        else:
            self._answer(201, {})

    def _body(self) -> bytes | None:
        length = self.headers.get("content-length", "")
        if not length.isdigit():
            self._refuse(411, "length_required")
            return None
        if int(length) > LARGEST_BODY:
            self._refuse(413, "too_large")
            return None
        return self.rfile.read(int(length))

    def _refuse(self, status: int, error: str) -> None:
        self.close_connection = True  # the body was not read
        self._answer(status, {"error": error})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        self.connection.close()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _fault(body: bytes) -> Fault:
    known = {field.name for field in fields(Fault)}
    wanted = json.loads(body)
    if not isinstance(wanted, dict) or not wanted.keys() <= known:
        raise ValueError(f"a fault is an object with some of {', '.join(sorted(known))}")
    return Fault(**wanted)
