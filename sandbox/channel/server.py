"""
The demo channel's HTTP server, on loopback.

    POST   /callbacks           where the connector delivers
    GET    /channel/callbacks   what arrived, in order
    DELETE /channel/callbacks   forget it
    POST   /channel/faults      {"status"?, "delay"?, "reset"?, "times"?}: fail the next callbacks
    DELETE /channel/faults      remove every fault
"""

import time
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from sandbox.channel.inbox import Callback, Fault, Inbox
from simulator.http_server import Answer, HttpServer, Request, Reset, Routes

LARGEST_BODY = 1024 * 1024


class DemoChannel(HttpServer):
    """A channel that listens on a port of its own."""

    def __init__(self, signing_secret: str, port: int = 0) -> None:
        super().__init__(self._answer, port=port, largest_body=LARGEST_BODY)
        self.inbox = Inbox(signing_secret)
        work: list[tuple[str, str, Callable[[Request], Answer]]] = [
            ("POST", "/callbacks", self._receive_callback),
            ("GET", "/channel/callbacks", self._list_callbacks),
            ("DELETE", "/channel/callbacks", self._forget),
            ("POST", "/channel/faults", self._add_fault),
            ("DELETE", "/channel/faults", self._behave),
        ]
        self._routes = Routes(work)
        self.callback_url = f"{self.url}/callbacks"
        """Where the connector delivers; the inspection API is at `url`."""

    def callbacks(self) -> list[Callback]:
        """List everything that arrived, whatever it was answered."""
        return self.inbox.callbacks()

    def add_fault(self, fault: Fault) -> None:
        """Fail the next callbacks."""
        self.inbox.add_fault(fault)

    def _answer(self, request: Request) -> Answer:
        found = self._routes.find(request.method, request.path)
        return found[0](request) if found else Answer(404, {"error": "not_found"})

    def _receive_callback(self, request: Request) -> Answer:
        callback, fault = self.inbox.receive(request.headers, request.body)
        time.sleep(fault.delay)
        if fault.reset:
            raise Reset
        if callback.accepted:
            return Answer(callback.status, {})
        return Answer(callback.status, {"error": callback.problem or "a fault, as asked for"})

    def _list_callbacks(self, _: Request) -> Answer:
        return Answer(200, {"callbacks": [each.as_json() for each in self.inbox.callbacks()]})

    def _add_fault(self, request: Request) -> Answer:
        try:
            self.inbox.add_fault(_fault(request.json()))
        except (ValueError, TypeError) as error:
            return Answer(400, {"error": str(error)})
        return Answer(201, {})

    def _forget(self, _: Request) -> Answer:
        self.inbox.clear()
        return Answer(200, {})

    def _behave(self, _: Request) -> Answer:
        self.inbox.clear_faults()
        return Answer(200, {})


def _fault(wanted: Any) -> Fault:
    known = {field.name for field in fields(Fault)}
    if not isinstance(wanted, dict) or not wanted.keys() <= known:
        raise ValueError(f"a fault is an object with some of {', '.join(sorted(known))}")
    return Fault(**wanted)
