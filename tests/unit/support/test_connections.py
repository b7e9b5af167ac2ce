"""Sockets whose time holds for everything that they do."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from liveperson_connector.support.connections import DeadlineSocket
from liveperson_connector.support.dialer import Dialer

HERE = "127.0.0.1"

# A busy machine may take its time; a time-out that begins anew would never come.
_MUCH_LATER = 5.0


def connected(listener: socket.socket) -> DeadlineSocket:
    """Connect to a listener on this machine."""
    return Dialer().connect(HERE, listener.getsockname()[1], 5, DeadlineSocket)


def test_a_sockets_time_is_for_everything_it_does() -> None:
    """Reading byte by byte takes no longer than reading at once."""
    with socket.create_server((HERE, 0)) as listener:
        found = connected(listener)
        there, _ = listener.accept()
        over = threading.Event()

        def drip() -> None:
            while not over.wait(0.02):
                there.sendall(b"x")

        dripping = threading.Thread(target=drip, daemon=True)
        dripping.start()
        began = time.monotonic()
        found.settimeout(0.3)
        with found.makefile("rb") as reading, pytest.raises(TimeoutError):
            reading.readline()

        assert 0.25 < time.monotonic() - began < _MUCH_LATER
        over.set()
        dripping.join(5)
        for each in (found, there):
            each.close()


def test_sending_takes_no_longer_either() -> None:
    """A partner that does not read does not hold us."""
    with socket.create_server((HERE, 0)) as listener:
        found = connected(listener)
        there, _ = listener.accept()
        found.settimeout(0.2)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            found.sendall(bytes(100_000_000))

        assert time.monotonic() - began < _MUCH_LATER
        for each in (found, there):
            each.close()


def test_a_socket_whose_time_is_over_does_not_even_begin() -> None:
    """Nothing is read or sent with no time left."""
    with socket.create_server((HERE, 0)) as listener:
        found = connected(listener)
        there, _ = listener.accept()
        there.sendall(b"x")
        found.settimeout(0)
        while True:  # the least time there is, a thousandth of a second, passes
            try:
                found.send(b"x")
            except TimeoutError:
                break
        with pytest.raises(TimeoutError):
            found.recv_into(bytearray(1))
        for each in (found, there):
            each.close()
