"""TCP ports of this machine's loopback address."""

import socket

LOOPBACK = "127.0.0.1"
AWS_PORT = 4566  # where tools look for an AWS emulator


def is_free(port: int) -> bool:
    """Whether no program listens on the port, and this one could."""
    with socket.socket() as probe:
        if probe.connect_ex((LOOPBACK, port)) == 0:
            return False
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def choose(wanted: int | None) -> int:
    """Return the wanted port; for 0 any free one, for None the usual one if it is free."""
    if wanted is None:
        return AWS_PORT if is_free(AWS_PORT) else free_port()
    return wanted or free_port()
