#!/var/lang/bin/python3.13
"""
A Lambda extension: inside a container, the sandbox's loopback ports lead to the sandbox.

It is copied into a layer as `/opt/extensions/loopback`, with its settings beside it, so it imports
only the standard library. Lambda starts it before the function, and starts the function when the
extension has registered; its ports answer by then.
"""

import http.client
import json
import os
import socket
import socketserver
import threading
from contextlib import suppress
from pathlib import Path

SETTINGS = Path("/opt/loopback.json")
LOOPBACK = "127.0.0.1"
EXTENSION_API = "/2020-01-01/extension"
CONNECT_SECONDS = 5
PIECE = 65536


def main() -> None:
    """Listen on the ports, register with Lambda, and stay until the container ends."""
    settings = json.loads(SETTINGS.read_text())
    host, port = settings["gate"]
    for each in settings["ports"]:
        Door(each, (host, port), settings["word"]).start()
    _stay(os.environ["AWS_LAMBDA_RUNTIME_API"])


class Door(socketserver.ThreadingTCPServer):
    """A port in the container that leads through the gate to the same port of the machine."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int, gate: tuple[str, int], word: str) -> None:
        super().__init__((LOOPBACK, port), _Carrier)
        self.gate = gate
        self.greeting = f"{word} {port}\n".encode()

    def start(self) -> None:
        """Begin to forward."""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Carrier(socketserver.BaseRequestHandler):
    server: Door

    def handle(self) -> None:
        with socket.create_connection(self.server.gate, CONNECT_SECONDS) as outside:
            outside.settimeout(None)
            outside.sendall(self.server.greeting)
            join(self.request, outside)


def join(one: socket.socket, other: socket.socket) -> None:
    """Forward bytes both ways until both sides have closed."""
    back = threading.Thread(target=_carry, args=(other, one), daemon=True)
    back.start()
    _carry(one, other)
    back.join()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _stay(runtime_api: str) -> None:
    """Register for no event; the call for the next event then blocks until the end."""
    lambda_ = http.client.HTTPConnection(runtime_api)
    name = {"Lambda-Extension-Name": Path(__file__).name}
    lambda_.request("POST", f"{EXTENSION_API}/register", json.dumps({"events": []}), name)
    answer = lambda_.getresponse()
    answer.read()
    identifier = {"Lambda-Extension-Identifier": answer.headers["Lambda-Extension-Identifier"]}
    lambda_.request("GET", f"{EXTENSION_API}/event/next", headers=identifier)
    lambda_.getresponse().read()


if __name__ == "__main__":
    main()
