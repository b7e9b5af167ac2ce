"""
Bodies of files are read in bounded size and time, waits as they are asked for.

And it is known which requests never left.
"""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
)

from liveperson_connector.sessions import never_left, new_session, read_up_to, retry_after
from tests.support.servers import Answer, serving

CONNECTION = HTTPConnection("channel.example")
POOL = HTTPConnectionPool("channel.example")
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


def test_a_body_is_unpacked() -> None:
    """It is the file's own bytes that count, however they travelled."""
    packed = Answer(200, gzip.compress(b"x" * 1000), {"Content-Encoding": "gzip"})
    with serving(packed) as server:
        answer = new_session().get(server.url, stream=True, timeout=5)

        assert b"x" * 1000 == read_up_to(answer, 1000)


def test_a_body_that_drips_is_given_up() -> None:
    """However steadily it comes: a time-out of ours would tell nobody why."""
    with dripping(0.02) as url:
        answer = new_session().get(url, stream=True, timeout=5)
        began = time.monotonic()
        with pytest.raises(requests.Timeout):
            read_up_to(answer, 1_000_000, seconds=0.3)

        assert time.monotonic() - began < 2
        answer.close()


# ── Failures ──


def failed(reason: Exception) -> requests.ConnectionError:
    """Give what ``requests`` makes of a failure below it."""
    return requests.ConnectionError(MaxRetryError(POOL, "/", reason))


@pytest.mark.parametrize(
    "reason",
    [
        NewConnectionError(CONNECTION, "refused"),
        NameResolutionError("channel.example", CONNECTION, OSError()),  # type: ignore[arg-type]
        ConnectTimeoutError(),
    ],
)
def test_without_a_connection_nothing_left(reason: HTTPError) -> None:
    """Refused, not found, or not in time: the request was never written."""
    assert never_left(failed(reason))


def test_a_connection_that_was_not_made_in_time_sent_nothing() -> None:
    """The one time-out of which the other side knows nothing."""
    assert never_left(requests.ConnectTimeout())


@pytest.mark.parametrize(
    "failure",
    [
        failed(ProtocolError("closed")),
        requests.ConnectionError(ProtocolError("closed")),
        requests.ReadTimeout(),
        requests.ConnectionError("closed"),
        requests.ConnectionError(),
    ],
)
def test_whatever_else_goes_wrong_it_may_have_arrived(failure: requests.RequestException) -> None:
    """In doubt it is taken for sent."""
    assert not never_left(failure)


# ── Settings ──


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"Retry-After": "0"}, 0.0), ({"Retry-After": "120"}, 120.0), ({}, None)],
)
def test_a_wait_is_read_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    """Without the header there is none."""
    assert seconds == retry_after(headers)


@pytest.mark.parametrize("scheme", ["https://", "http://"])
def test_nothing_is_repeated_and_nothing_of_the_machine_is_read(scheme: str) -> None:
    """There is one retry policy a hop, and a token goes only where it is put."""
    session = new_session()
    adapter = session.get_adapter(f"{scheme}channel.example")

    assert isinstance(adapter, requests.adapters.HTTPAdapter)
    assert 0 == adapter.max_retries.total
    assert not session.trust_env
