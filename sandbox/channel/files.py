"""Where the demo channel keeps its consumers' files for the connector to fetch: https, loopback."""

import secrets
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sandbox.ports import LOOPBACK
from simulator.loopback_guard import LoopbackOnly

IDLE_SECONDS = 60


class FileHost:
    """A web server for files, with a certificate that the sandbox's connector trusts."""

    def __init__(self, certificate: Path) -> None:
        self._server = _Server((LOOPBACK, 0), certificate)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def start(self) -> None:
        """Answer from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def put(self, content: bytes) -> str:
        """Keep a file; give back where it can be fetched."""
        path = f"/files/{secrets.token_urlsafe(12)}"
        self._server.files[path] = content
        return f"https://{LOOPBACK}:{self._server.server_port}{path}"

    def fetched(self, url: str) -> int:
        """Count how often a file was fetched."""
        return self._server.fetched.count("/" + url.split("/", 3)[3])


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], certificate: Path) -> None:
        super().__init__(address, _Handler)
        self.files: dict[str, bytes] = {}
        self.fetched: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Hands are shaken in the connection's own thread, not in the one that accepts.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who hung up, or did not trust the certificate, is no news."""


class _Handler(LoopbackOnly, BaseHTTPRequestHandler):
    server: _Server
    scheme = "https"
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS

    def do_GET(self) -> None:
        content = self.server.files.get(self.path)
        self.server.fetched.append(self.path)
        self.send_response(404 if content is None else 200)
        self.send_header("content-type", "application/octet-stream")
        self.send_header("content-length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")

    def log_message(self, *_: Any) -> None:
        """Say nothing: what was fetched can be asked for."""
