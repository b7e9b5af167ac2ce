"""Which port the emulator gets."""

import socket

from sandbox import ports


def test_a_port_in_use_is_not_free() -> None:
    """Not while somebody listens there, and again afterwards."""
    with socket.create_server((ports.LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_the_wanted_port_is_taken() -> None:
    """Who names a port gets it, or an error later; never another one."""
    assert ports.choose(4711) == 4711


def test_zero_means_any_free_port() -> None:
    """As everywhere."""
    assert ports.is_free(ports.choose(0))
