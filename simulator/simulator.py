"""The simulated LivePerson as an object that is started and stopped."""

from __future__ import annotations

from typing import Self

from simulator import rpc, services
from simulator.calls import JsonObject
from simulator.control import Controls
from simulator.http_server import Answer, HttpServer, Request
from simulator.state import SimulatorState


class SimulatedLivePerson(Controls):
    """
    A LivePerson on 127.0.0.1 with all its services on one port; port 0 takes a free one.

    `url` is known before `start`. Everything else is in `Controls`.
    """

    def __init__(self, port: int = 0, unknown_account_status: int = 404) -> None:
        super().__init__(SimulatorState(unknown_account_status))
        self._services = services.api(self._state)
        self._server = HttpServer(self._answer, port=port)
        self.port = self._server.port
        self.url = self._state.url = self._server.url

    def start(self) -> Self:
        """Begin to answer; return itself."""
        self._state.timers.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """Stop answering, end every connection and send no more webhooks."""
        self._server.stop()
        self._state.timers.stop()
        self._state.senders.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def counts(self) -> JsonObject:
        """Return the counts of `Controls`, and how many TCP connections were accepted."""
        return {**super().counts(), "connections": self._server.connections}

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith(rpc.PREFIX):
            return rpc.answer(self, request)
        return self._services.answer(request)
