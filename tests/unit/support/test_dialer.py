"""Sockets are made in time, to allowed addresses, and keep to the time that is left."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

import pytest

from liveperson_connector.support.dialer import (
    AddressInfo,
    Dialer,
    ForbiddenAddress,
    NoSuchHost,
    NotSent,
)

HERE, ELSEWHERE, NOWHERE = "127.0.0.1", "127.0.0.2", "127.0.0.3"

# A machine that is busy with other tests is slow; what hangs is slower.
_MUCH_LATER = 10.0


def dial(dialer: Dialer, host: str, port: int, seconds: float) -> socket.socket:
    """Connect by a plain socket."""
    return dialer.connect(host, port, seconds, socket.socket)


class Names:
    """A name service: the addresses it gives, or how it fails, and what it was asked."""

    def __init__(self, *addresses: str, failure: Exception | None = None) -> None:
        self.asked: list[str] = []
        self._addresses = addresses
        self._failure = failure

    def __call__(self, host: str, port: int, **_: Any) -> Sequence[AddressInfo]:
        self.asked.append(host)
        if self._failure:
            raise self._failure
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in self._addresses
        ]


@pytest.fixture(name="port")
def _port() -> Iterator[int]:
    """Listen at one address of this machine; at its others, the port is closed."""
    with socket.create_server((HERE, 0)) as listener:
        yield listener.getsockname()[1]


@contextmanager
def full(address: str, port: int) -> Iterator[None]:
    """Listen somewhere without room for a caller: connecting there takes for ever."""
    with socket.create_server((address, port), backlog=0):
        callers = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex((address, port))
            callers.append(caller)
        yield
        for caller in callers:
            caller.close()


# ── Addresses ──


def test_every_address_is_tried(port: int) -> None:
    """A host is reached if one of its addresses answers, whichever it is."""
    names = Names(ELSEWHERE, NOWHERE, HERE)

    with closing(dial(Dialer(getaddrinfo=names), "channel.example", port, 5)) as found:
        assert (HERE, port) == found.getpeername()


def test_an_address_that_is_dead_leaves_time_for_the_next(port: int) -> None:
    """Each gets its share."""
    with full(ELSEWHERE, port):
        names = Names(ELSEWHERE, HERE)
        with closing(dial(Dialer(getaddrinfo=names), "channel.example", port, 2)) as found:
            assert (HERE, port) == found.getpeername()
            assert (found.gettimeout() or 0) > 0.2


def test_a_host_without_a_living_address_is_given_up_in_time(port: int) -> None:
    """However many it has."""
    began = time.monotonic()
    with full(ELSEWHERE, port), pytest.raises(NotSent, match="in time") as late:
        Dialer(getaddrinfo=Names(ELSEWHERE, ELSEWHERE)).connect(
            "channel.example", port, 0.4, socket.socket
        )

    assert time.monotonic() - began < _MUCH_LATER
    assert not late.value.at_once


def test_a_closed_port_may_open_at_once(port: int) -> None:
    """A server that is just starting again refuses connections for a moment."""
    with pytest.raises(NotSent, match="could be made") as refused:
        dial(Dialer(getaddrinfo=Names(ELSEWHERE)), "channel.example", port, 5)

    assert refused.value.at_once


def test_only_allowed_addresses_are_tried(port: int) -> None:
    """One that is not allowed is passed over, wherever it stands in the list."""
    dialer = Dialer(lambda address: address != HERE, Names(HERE, ELSEWHERE, HERE))

    with pytest.raises(NotSent, match="could be made"):
        dial(dialer, "channel.example", port, 5)


def test_a_host_without_an_allowed_address_is_forbidden(port: int) -> None:
    """That is another thing than not being reachable."""
    with pytest.raises(ForbiddenAddress):
        Dialer(lambda _address: False, Names(HERE)).connect(
            "channel.example", port, 5, socket.socket
        )


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_that_is_a_number_is_checked_too(host: str, port: int) -> None:
    """Nothing is gained by leaving the name service out."""
    with pytest.raises(ForbiddenAddress):
        dial(Dialer(lambda _address: False), host, port, 5)


# ── Names ──


@pytest.mark.parametrize(
    "failure",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_NODATA, "No address associated with hostname"),
        UnicodeError("label empty or too long"),
    ],
)
def test_a_host_that_does_not_exist_is_an_answer(failure: Exception) -> None:
    """The name service has said so."""
    with pytest.raises(NoSuchHost):
        dial(Dialer(getaddrinfo=Names(failure=failure)), "files.example", 443, 5)


@pytest.mark.parametrize(
    "failure",
    [
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        socket.gaierror(socket.EAI_FAIL, "Non-recoverable failure in name resolution"),
        OSError("broken"),
    ],
)
def test_a_name_service_that_fails_is_a_matter_of_time(failure: Exception) -> None:
    """It has not said that there is no such host."""
    with pytest.raises(NotSent) as failed:
        dial(Dialer(getaddrinfo=Names(failure=failure)), "files.example", 443, 5)

    assert not isinstance(failed.value, NoSuchHost)


@pytest.mark.parametrize("host", ["files.invalid", "files.invalid.", "invalid"])
def test_names_that_never_exist_are_not_even_looked_up(host: str) -> None:
    """RFC 6761 keeps ``invalid`` for them, and a resolver without a network could not tell."""
    names = Names(HERE)
    with pytest.raises(NoSuchHost):
        dial(Dialer(getaddrinfo=names), host, 443, 5)

    assert [] == names.asked


def test_a_name_service_that_does_not_answer_is_given_up_in_time() -> None:
    """The resolver itself would take half a minute."""
    over = threading.Event()

    def hang(*_: Any, **__: Any) -> Sequence[AddressInfo]:
        over.wait(60)
        return []

    began = time.monotonic()
    with pytest.raises(NotSent, match="in time"):
        dial(Dialer(getaddrinfo=hang), "channel.example", 443, 0.2)

    assert time.monotonic() - began < _MUCH_LATER
    over.set()
