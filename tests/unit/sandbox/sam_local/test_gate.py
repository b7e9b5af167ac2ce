"""The gate: who knows the word comes to the sandbox's ports, and nobody comes anywhere else."""

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from sandbox.ports import LOOPBACK, free_port
from sandbox.sam_local.gate import Gate


class Shouting(socketserver.StreamRequestHandler):
    """Answers in capitals what it is told, when all of it was said."""

    def handle(self) -> None:
        self.wfile.write(self.rfile.read().upper())


@pytest.fixture(name="inside")
def _inside() -> Iterator[int]:
    with socketserver.ThreadingTCPServer((LOOPBACK, 0), Shouting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@pytest.fixture(name="gate")
def _gate(inside: int) -> Iterator[Gate]:
    with Gate(LOOPBACK, [inside]) as gate:
        yield gate


def say(gate: Gate, *pieces: bytes) -> bytes:
    """Say something at the gate, in pieces, and give back what is answered."""
    with socket.create_connection((LOOPBACK, gate.port), 5) as connection:
        for piece in pieces:
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


def test_who_knows_the_word_is_let_through(gate: Gate, inside: int) -> None:
    """And the greeting itself stays at the gate."""
    assert b"HELLO" == say(gate, f"{gate.word} {inside}\n".encode(), b"hello")


def test_what_follows_the_greeting_at_once_is_carried_too(gate: Gate, inside: int) -> None:
    """However the bytes are cut on their way."""
    assert b"HELLO" == say(gate, f"{gate.word} {inside}\nhel".encode(), b"lo")


def test_a_long_talk_arrives_whole(gate: Gate, inside: int) -> None:
    """A message of a megabyte is longer than any buffer on the way."""
    much = b"ab" * 2**19

    assert much.upper() == say(gate, f"{gate.word} {inside}\n".encode(), much)


@pytest.mark.parametrize("word", ["", "x", "Ä", "0" * 32, "x" * 10_000])
def test_who_does_not_know_the_word_hears_nothing(gate: Gate, inside: int, word: str) -> None:
    """Whoever reaches the emulator may run code on this machine."""
    assert b"" == refused(gate, f"{word} {inside}\n".encode())


@pytest.mark.parametrize("port", ["", "22", "x", "-1", "²", "1e3"])
def test_the_word_opens_no_other_port(gate: Gate, port: str) -> None:
    """What else listens on this machine is not the containers' business."""
    assert b"" == refused(gate, f"{gate.word} {port}\n".encode())


def test_every_gate_has_its_own_word(gate: Gate) -> None:
    """A layer that an earlier sandbox left behind opens nothing."""
    with Gate(LOOPBACK, [free_port()]) as other:
        assert gate.word != other.word


def refused(gate: Gate, greeting: bytes) -> bytes:
    """Give what is answered to a greeting; a reset is an answer too."""
    try:
        return say(gate, greeting)
    except OSError:
        return b""
