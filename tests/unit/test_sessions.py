"""Bodies of files are read in bounded size and time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from liveperson_connector.sessions import new_session, read_up_to
from tests.support.servers import Answer, serving

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"


@contextmanager
def dripping(pause: float) -> Iterator[str]:
    """Serve a body byte by byte until the caller hangs up."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(HEAD)
            try:
                for _ in range(200):
                    connection.sendall(b"x")
                    time.sleep(pause)
            except OSError:
                return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()
    thread.join(5)


def test_a_body_is_read_whole() -> None:
    """Every byte, if it is small enough."""
    with serving(Answer(200, b"x" * 300_000)) as server:
        answer = new_session().get(server.url, stream=True, timeout=5)

        assert b"x" * 300_000 == read_up_to(answer, 300_000)


def test_a_body_that_is_too_large_shows_as_larger() -> None:
    """Reading stops soon after the most that is wanted."""
    with serving(Answer(200, b"x" * 1_000_000)) as server:
        answer = new_session().get(server.url, stream=True, timeout=5)

        assert 1000 < len(read_up_to(answer, 1000)) < 200_000


def test_a_body_that_drips_is_given_up() -> None:
    """However steadily it comes: a time-out of ours would tell nobody why."""
    with dripping(0.02) as url:
        answer = new_session().get(url, stream=True, timeout=5)
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            read_up_to(answer, 1_000_000, seconds=0.3)

        assert time.monotonic() - began < 2
        answer.close()
