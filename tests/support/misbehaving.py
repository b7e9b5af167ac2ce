"""
A server that misbehaves in every way in which a partner, or what stands before it, can.

It is made of sockets: no HTTP library would let it.
"""

from __future__ import annotations

import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PAUSE = 0.02
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset instead of an end

OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class Talk:
    """One connection, as the server has it."""

    server: MisbehavingServer
    connection: socket.socket
    number: int
    _left: bytes = b""

    def hear(self) -> bool:
        """Read a whole request, and remember it; false if the caller hung up."""
        head, found, rest = self._until(b"\r\n\r\n")
        if not found:
            return False
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        content = bytearray(rest)
        while len(content) < length and (more := self.connection.recv(65536)):
            content += more
        self._left = bytes(content[length:])
        self.server.requests.append(head)
        return True

    def say(self, *parts: bytes) -> None:
        """Send something at once."""
        self.connection.sendall(b"".join(parts))

    def drip(self, content: bytes) -> None:
        """Send bytes one by one, again and again, until the caller hangs up."""
        while not self.server.stopping.is_set():
            for byte in content:
                self.connection.sendall(bytes([byte]))
                if self.server.stopping.wait(_PAUSE):
                    return

    def pour(self, content: bytes) -> None:
        """Send the same again and again, as fast as it is taken."""
        while not self.server.stopping.is_set():
            self.connection.sendall(content)

    def hang(self) -> None:
        """Keep the connection, and do nothing."""
        self.server.stopping.wait(60)

    def reset(self) -> None:
        """Break the connection."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()

    def _until(self, mark: bytes) -> tuple[bytes, bytes, bytes]:
        heard = self._left
        while mark not in heard and (more := self.connection.recv(65536)):
            heard += more
        return heard.partition(mark)


Behaviour = Callable[[Talk], None]


class MisbehavingServer:
    """Listens on a free loopback port, and behaves in one way towards every caller."""

    def __init__(self, behaviour: Behaviour, host: str, port: int, tls: Path | None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, port), family=family)
        self._behaviour = behaviour
        self._tls = _context(tls)
        self.port = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Semaphore(0)
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http{'s' if tls else ''}://{shown}:{self.port}"

    def stop(self) -> None:
        """Hang up on everybody."""
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            target = self._talk, (connection, self.connections)
            threading.Thread(target=target[0], args=target[1], daemon=True).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError):  # the caller hung up, as it should
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            with connection:
                self._behaviour(Talk(self, connection, number))
        self.hung_up.release()


def _context(certificate: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextmanager
def misbehaving(
    behaviour: Behaviour, *, host: str = "127.0.0.1", port: int = 0, tls: Path | None = None
) -> Iterator[MisbehavingServer]:
    """Run a server; with ``tls``, a file of its key and certificate, it speaks https."""
    server = MisbehavingServer(behaviour, host, port, tls)
    try:
        yield server
    finally:
        server.stop()


# ── What it does ──


def answering(*parts: bytes) -> Behaviour:
    """Answer every request with the same bytes, well or badly, and keep the connection."""

    def behave(talk: Talk) -> None:
        while talk.hear():
            talk.say(*parts)

    return behave


def then(act: Callable[[Talk], None], *parts: bytes) -> Behaviour:
    """Answer the first request with some bytes, and then do something."""

    def behave(talk: Talk) -> None:
        if talk.hear():
            talk.say(*parts)
            act(talk)

    return behave


def body(content: bytes, *headers: bytes) -> bytes:
    """Write a whole answer."""
    length = b"Content-Length: %d\r\n" % len(content)
    return b"".join([OK, *headers, length, b"\r\n", content])


def bomb(megabytes: int) -> bytes:
    """Pack so many megabytes of nothing, a thousand times smaller: gzip takes one part by one."""
    return gzip.compress(bytes(1024 * 1024)) * megabytes


def chunked(content: bytes) -> bytes:
    """Write a body in chunks of one byte."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content)
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


_GZIP = b"Content-Encoding: gzip\r\n"
_GZIP_TWICE = b"Content-Encoding: gzip, gzip\r\n"
_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"
_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

NO_STATUS: dict[str, Behaviour] = {
    "never answers": then(Talk.hang),
    "closes without an answer": then(lambda _talk: None),
    "resets without an answer": then(Talk.reset),
    "speaks no HTTP": then(Talk.hang, b"220 mail.example ESMTP\r\n"),
    "drips the status": then(lambda talk: talk.drip(b"H")),
    "drips headers": then(lambda talk: talk.drip(b"X: y\r\n"), OK),
    "never ends a header": then(lambda talk: talk.pour(b"x" * 999), OK + b"X: "),
    "never ends its headers": then(lambda talk: talk.pour(b"X: y\r\n"), OK),
    "resets in the headers": then(Talk.reset, OK + b"Content-Len"),
    "floods with 100": then(lambda talk: talk.pour(_CONTINUE)),
    "floods with 103": then(lambda talk: talk.pour(_HINTS)),
    "has two lengths": answering(OK, b"Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}"),
}
"""Ways to give no status, or none in an answer that may be used (RFC 9112, section 6.3)."""

NO_BODY: dict[str, Behaviour] = {
    "drips the body": then(lambda talk: talk.drip(b"x"), OK + b"Content-Length: 1000000\r\n\r\n"),
    "drips chunks": then(lambda talk: talk.drip(b"1\r\nx\r\n"), _CHUNKS),
    "drips a body without a length": then(lambda talk: talk.drip(b"x"), OK + b"\r\n"),
    "never sends the body": then(Talk.hang, OK + b"Content-Length: 10\r\n\r\n"),
    "resets in the body": then(Talk.reset, OK + b"Content-Length: 999\r\n\r\n" + b"{" * 500),
    "ends before its length": then(lambda _talk: None, OK + b"Content-Length: 999\r\n\r\n{}"),
    "ends inside of a chunk": then(lambda _talk: None, _CHUNKS + b"ff\r\n{}"),
    "sends chunks of no length": answering(_CHUNKS + b"zz\r\n{}\r\n"),
    "says it is packed, and it is not": answering(body(b"{}", _GZIP)),
    "has a header that cannot be read": answering(body(b"{}", b"X-\xff: y\r\n")),
    "packs badly": answering(body(gzip.compress(b"{}")[:-8] + b"x" * 8, _GZIP)),
}
"""Ways to spoil the body behind a status of 200."""

TOO_LARGE: dict[str, Behaviour] = {
    "pours": then(lambda talk: talk.pour(b"x" * 65536), OK + b"\r\n"),
    "pours chunks": then(lambda talk: talk.pour(b"ffff\r\n" + b"x" * 65535 + b"\r\n"), _CHUNKS),
    "sends a bomb": answering(body(bomb(300), _GZIP)),
    "sends a bomb in a bomb": answering(body(gzip.compress(bomb(300)), _GZIP_TWICE)),
}
"""Ways to fill the memory of who reads the body."""


def well(content: bytes) -> dict[str, Behaviour]:
    """Give odd ways to answer ``content`` that are right all the same."""
    plain = body(content)
    return {
        "sets cookies": answering(body(content, b"Set-Cookie: a=b\r\nSet-Cookie: c=d; Path=/\r\n")),
        "hints first": answering(_HINTS, _CONTINUE, _HINTS, plain),
        "packs": answering(body(gzip.compress(content), _GZIP)),
        "sends chunks": answering(chunked(content)),
        "sends no length": then(lambda _talk: None, OK + b"\r\n" + content),
        "speaks HTTP/1.0": then(lambda _talk: None, plain.replace(b"HTTP/1.1", b"HTTP/1.0")),
        "closes without a word": then(lambda _talk: None, plain),
        "says that it closes": then(lambda _talk: None, body(content, b"Connection: close\r\n")),
        "says more than its length": answering(plain, b"and more"),
        "has headers that nobody knows": answering(body(content, b"X: \xff\r\n\tz\r\nY:\r\n")),
        "answers 203": answering(plain.replace(b"200 OK", b"203 Another")),
    }


CLOSING = frozenset(
    {"sends no length", "speaks HTTP/1.0", "closes without a word", "says that it closes"}
)
"""Those of them after which the server hangs up."""
