"""
The channel of a soak: takes callbacks, remembers every try, and fails as the plan says.

It does what a good channel does: it believes only what is signed, and drops a `webhook-id` that it
has taken already. What is lost after it was taken, it has.
"""

import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.channel.signature import NotTrusted, verify
from sandbox.ports import LOOPBACK
from sandbox.soak import tagged_texts as words
from sandbox.soak.plan import Hit
from simulator.loopback_guard import LoopbackOnly

HELD_SECONDS = 3.0
LINGER_NOT = struct.pack("ii", 1, 0)  # close() then resets the connection instead of ending it
NEVER_TAKEN = {"status", "refused", "reset_before", "down"}


@dataclass(frozen=True)
class Call:
    """One try to deliver a callback, and how it was met."""

    at: float
    webhook_id: str
    body: Any
    met: str
    """`ok`, `bad_signature`, `down`, `held`, or the kind of fault that was shown."""

    @property
    def taken(self) -> bool:
        """Whether the channel has it now, whatever the connector heard."""
        return self.met != "bad_signature" and self.met not in NEVER_TAKEN

    @property
    def known_taken(self) -> bool:
        """Whether the connector heard in time that it was taken."""
        return self.met == "ok"


class SoakChannel:
    """A channel on loopback with the plan's faults in it."""

    def __init__(self, signing_secret: str, hits: Iterable[Hit]) -> None:
        self.signing_secret = signing_secret
        self.down = False
        """While true, everything is answered 503."""
        self.holding = threading.Event()
        """Set when the callback that was to be held has arrived, and waits for its answer."""
        self.held_tag = ""
        self._hold = False
        self._hits: defaultdict[str, deque[Hit]] = defaultdict(deque)
        for hit in hits:
            self._hits[hit.tag].append(hit)
        self._calls: list[Call] = []
        self._lock = threading.Lock()
        self._server = _Server(self)

    @property
    def callback_url(self) -> str:
        """Where the connector delivers."""
        return f"http://{LOOPBACK}:{self._server.server_port}/callbacks"

    def start(self) -> None:
        """Answer from now on."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def calls(self) -> list[Call]:
        """List every try, in order of arrival."""
        with self._lock:
            return list(self._calls)

    def hold_next(self) -> None:
        """Take the next message and be slow to say so; `holding` tells when it is there."""
        self.holding.clear()
        self._hold = True

    def be_calm(self) -> None:
        """Fail no more."""
        with self._lock:
            self._hits.clear()
            self.down = self._hold = False

    def meet(self, headers: dict[str, str], body: bytes) -> Hit:
        """Take note of one try; say how it is to be answered."""
        document = _document(body)
        with self._lock:
            hit = self._how(headers, body, document)
            call = Call(time.time(), headers.get("webhook-id", ""), document, hit.kind)
            self._calls.append(call)
        return hit

    def _how(self, headers: dict[str, str], body: bytes, document: Any) -> Hit:
        try:
            verify(self.signing_secret, headers, body, time.time())
        except NotTrusted:
            return Hit("channel", "", "bad_signature", status=401)
        if self.down:
            return Hit("channel", "", "down", status=503)
        [tag, *_] = [*words.tags(json.dumps(document)), ""]
        if tag and self._hits[tag]:
            return self._hits[tag].popleft()
        if tag and self._hold:
            self._hold, self.held_tag = False, tag
            self.holding.set()
            return Hit("channel", tag, "held", delay_ms=int(HELD_SECONDS * 1000))
        return Hit("channel", tag, "ok")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, channel: SoakChannel) -> None:
        self.channel = channel
        super().__init__((LOOPBACK, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of callers that hung up: some are killed on purpose."""


class _Handler(LoopbackOnly, BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 60

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        hit = self.server.channel.meet(headers, body)
        time.sleep(hit.delay_ms / 1000)
        if hit.kind in {"reset_before", "lost_answer"}:
            self._reset()
        else:
            self._answer(hit.status or 200, hit.retry_after)

    def log_message(self, *_: Any) -> None:
        """Say nothing: what arrived is kept."""

    def _answer(self, status: int, retry_after: int) -> None:
        with suppress(OSError):
            self.send_response(status)
            self.send_header("content-length", "0")
            if retry_after:
                self.send_header("retry-after", str(retry_after))
            self.end_headers()

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self.connection.close()


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
