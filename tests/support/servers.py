"""A real HTTP server for one test, for answers that no well-behaved partner gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from simulator import http_server
from simulator.http_server import Answer, Request

__all__ = ["Answer", "Behaviour", "HttpServer", "Request", "json_answer", "serving"]

Behaviour = Callable[[Request], Answer | None]
"""Return the answer to a request, or None to close the connection without one."""


def json_answer(value: object, status: int = 200) -> Answer:
    """Answer with JSON."""
    return Answer(status, http_server.compact(value), {"Content-Type": "application/json"})


class HttpServer(http_server.HttpServer):
    """Remembers every request. It takes any Host: tests resolve made-up names to loopback."""

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(self._take, guard=None)
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.stopping = Event()

    def stop(self) -> None:
        """Release the callers that were left hanging, then stop."""
        self.stopping.set()
        super().stop()

    def hang(self, _request: Request | None = None) -> None:
        """Leave the caller without an answer until the test is over."""
        self.stopping.wait(60)

    def _take(self, request: Request) -> Answer | None:
        self.requests.append(request)
        answer = self.behaviour(request)
        return None if self.stopping.is_set() else answer


@contextmanager
def serving(behaviour: Behaviour | Answer) -> Iterator[HttpServer]:
    """Run a server that gives one answer always, or behaves as told."""
    with HttpServer(behaviour if callable(behaviour) else lambda _request: behaviour) as server:
        yield server
