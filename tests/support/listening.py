"""Which addresses processes listen at, as the kernel has it (Linux alone)."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h


def wait_until_open(port: int, seconds: float = 30.0) -> None:
    """Return once something listens at this port of loopback."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at port {port}")


def can_be_seen() -> bool:
    """Whether this system tells."""
    return (PROC / "net" / "tcp").exists()


def processes_of(session: int) -> list[int]:
    """List the processes of a session: whatever its leader started, and left in it."""
    found = []
    for folder in PROC.glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                found.append(int(folder.name))
    return found


def addresses(processes: Iterable[int]) -> set[tuple[str, int]]:
    """Return host and port of every socket at which one of the processes listens."""
    inodes = {inode for process in processes for inode in _inodes(process)}
    return {
        (_host(host), int(port, 16))
        for table in ("tcp", "tcp6")
        for (host, port), inode in _listening(PROC / "net" / table)
        if inode in inodes
    }


def _inodes(process: int) -> Iterator[str]:
    for handle in (PROC / str(process) / "fd").glob("*"):
        with suppress(OSError):
            target = str(handle.readlink())
            if target.startswith("socket:["):
                yield target.removeprefix("socket:[").removesuffix("]")


def _listening(table: Path) -> Iterator[tuple[list[str], str]]:
    for line in table.read_text().splitlines()[1:]:
        fields = line.split()
        if fields[3] == LISTEN:
            yield fields[1].split(":"), fields[9]


def _host(words: str) -> str:
    """Read an address that the kernel prints as words of 32 bits in its own byte order."""
    packed = b"".join(
        struct.pack("=I", int(words[at : at + 8], 16)) for at in range(0, len(words), 8)
    )
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)
