"""
The gate: forwards connections of this sandbox's containers to its loopback ports, and no others.

A connection begins with a line, `{word} {port}`. Only the layer written for this sandbox has the
word, because any program that reaches the emulator's port can run code on this machine.
"""

import secrets
import socket
import socketserver
import sys
import threading
from collections.abc import Collection
from typing import Any, Self

from sandbox.ports import LOOPBACK
from sandbox.sam_local.loopback import CONNECT_SECONDS, join

LONGEST_GREETING = 100


class Gate(socketserver.ThreadingTCPServer):
    """Listens at `host`, on any free port, while its block lasts."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, ports: Collection[int]) -> None:
        super().__init__((host, 0), _Visitor)
        self.ports = frozenset(ports)
        self.word = secrets.token_hex(16)

    @property
    def port(self) -> int:
        """The port at which it listens."""
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def admits(self, greeting: bytes) -> int | None:
        """Return the port to which a greeting admits; None if it admits to none."""
        word, _, port = greeting.rstrip(b"\n").partition(b" ")
        if not (secrets.compare_digest(word, self.word.encode()) and port.isdigit()):
            return None
        return int(port) if int(port) in self.ports else None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about clients that closed the connection or sent nothing."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Visitor(socketserver.StreamRequestHandler):
    server: Gate
    timeout = CONNECT_SECONDS
    rbufsize = 0  # the bytes behind the greeting belong to the target

    def handle(self) -> None:
        port = self.server.admits(self.rfile.readline(LONGEST_GREETING))
        if port is None:
            return
        self.connection.settimeout(None)
        with socket.create_connection((LOOPBACK, port), CONNECT_SECONDS) as inside:
            inside.settimeout(None)
            join(self.connection, inside)
