"""
Connect to hosts: within a time that is given once, at addresses that are allowed.

Names are resolved in a thread, since the resolver takes no time-out; every allowed address of a
host is tried.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from urllib3.exceptions import HTTPError

# The name service's codes for a host that does not exist or has no address.
_NO_SUCH_HOST = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}

# A socket with a time-out of 0 would not wait at all, and say so by another error.
_LEAST_SECONDS = 0.001

Socket = TypeVar("Socket", bound=socket.socket)

AddressInfo = tuple[Any, Any, int, str, Any]
"""One result of :func:`socket.getaddrinfo`."""


class NoAnswer(HTTPError):
    """
    No answer came, or none that can be read.

    Its text is made of our own words alone. It is an error of urllib3's kind, so that urllib3 and
    requests hand it on as it is.
    """

    surely_not_sent = False


class NotSent(NoAnswer):
    """
    The request did not arrive, or not whole: the partner surely did not act on it.

    ``at_once`` says that trying again without a pause may help.
    """

    surely_not_sent = True

    def __init__(self, text: str, *, at_once: bool = False) -> None:
        super().__init__(text)
        self.at_once = at_once


class NoSuchHost(NotSent):
    """The name service answers that the host name does not exist."""


class ForbiddenAddress(NotSent):
    """The host name leads only to addresses that must not be called."""


@dataclass(frozen=True)
class Dialer:
    """
    Connects to hosts, at those of their addresses that ``allowed`` lets through: all by default.

    Each allowed address is tried, one after the other, until one answers.
    """

    allowed: Callable[[str], bool] = lambda _address: True
    getaddrinfo: Callable[..., Sequence[AddressInfo]] = socket.getaddrinfo

    def connect(self, host: str, port: int, seconds: float, make: type[Socket]) -> Socket:
        """
        Connect to the first address of a host that can be reached, within ``seconds`` in all.

        Each address gets an equal share of the time that is left. The socket, of the type ``make``,
        is returned with what is left then. Raises :class:`NotSent`.
        """
        until = time.monotonic() + seconds
        found = self._addresses(host, port, seconds)
        failure: OSError | None = None
        for number, info in enumerate(found):
            share = (until - time.monotonic()) / (len(found) - number)
            try:
                opened = _open(make, info, max(share, _LEAST_SECONDS))
            except OSError as refused:
                failure = refused
            else:
                opened.settimeout(max(until - time.monotonic(), _LEAST_SECONDS))
                return opened
        if isinstance(failure, TimeoutError):
            raise NotSent("no connection was made in time")
        raise NotSent("no connection could be made", at_once=True)

    def _addresses(self, host: str, port: int, seconds: float) -> list[AddressInfo]:
        found = self._look_up(host, port, seconds)
        usable = [each for each in found if self.allowed(str(each[4][0]))]
        if found and not usable:
            raise ForbiddenAddress("the host is not on the public internet")
        return usable

    def _look_up(self, host: str, port: int, seconds: float) -> Sequence[AddressInfo]:
        if _never_exists(host):
            raise NoSuchHost("the host does not exist")
        try:
            if _is_literal(host):
                return self._ask(host, port)
            return _within(seconds, lambda: self._ask(host, port))
        except OSError as failure:
            if failure.errno in _NO_SUCH_HOST:
                raise NoSuchHost("the host does not exist") from None
            raise NotSent("the host's address could not be found out") from None
        except UnicodeError:
            raise NoSuchHost("the host does not exist") from None

    def _ask(self, host: str, port: int) -> Sequence[AddressInfo]:
        return self.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def _never_exists(host: str) -> bool:
    """Whether a name is one that no name service may know: RFC 6761, section 6.4."""
    return f".{host}".rstrip(".").endswith(".invalid")


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _within(seconds: float, ask: Callable[[], Sequence[AddressInfo]]) -> Sequence[AddressInfo]:
    """Ask in a thread: the resolver takes no time-out, and may take half a minute."""
    answers: SimpleQueue[Sequence[AddressInfo] | Exception] = SimpleQueue()

    def run() -> None:
        try:
            answers.put(ask())
        except Exception as failure:  # noqa: BLE001 - raised again below, where it belongs
            answers.put(failure)

    threading.Thread(target=run, name="getaddrinfo", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except Empty:
        raise NotSent("the host's address was not found out in time") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _open(make: type[Socket], info: AddressInfo, seconds: float) -> Socket:
    family, kind, protocol, _, address = info
    opened = make(family, kind, protocol)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.settimeout(seconds)
        opened.connect(address)
    except BaseException:
        opened.close()
        raise
    return opened
