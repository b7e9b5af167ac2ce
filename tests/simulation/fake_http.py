"""
The network between the connector and its partners, where most things go wrong.

A wire stands where ``requests`` has its transport; the connector's own HTTP client uses it, so what
it makes of an answer, or of none, is its own.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from liveperson_connector.support.dialer import NotSent

from .faults import Faults, destinations
from .scheduler import Scheduler
from .schedules import Fault, dice

_HALF_WAY = 0.04
_READ_SECONDS = 8.0


@dataclass
class Reply:
    """An answer: its body is sent as JSON, bytes as they are, and None as nothing."""

    status_code: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def received(self) -> requests.Response:
        """Give the answer as a transport of ``requests`` does."""
        response = requests.Response()
        response.status_code = self.status_code
        response.headers.update(self.headers)
        content = b"" if self.body is None else self.body
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        response.raw = HTTPResponse(BytesIO(content), preload_content=False)
        return response


@dataclass(frozen=True)
class Call:
    """A request on its way: to which service of which account, and what is in it."""

    method: str
    url: str
    service: str
    account_id: str
    body: Any
    headers: Mapping[str, str]


Answering = Callable[[Call], Callable[[], Reply]]


def plainly(_call: Call, status: int, retry_after: int) -> Reply:
    """Refuse a request as any server does; without a wait if that is 0."""
    return Reply(status, {}, {"Retry-After": str(retry_after)} if retry_after else {})


class Wire(BaseAdapter):
    """
    The transport to one partner.

    ``route`` names service and account of a URL with its headers; ``answer`` takes the request as
    it leaves and gives what does it when it arrives. What is ``unlucky`` is answered 503 before all
    else. ``refuse`` writes a 503 and a 429 as the partner does.
    """

    def __init__(
        self,
        kernel: Scheduler,
        faults: Faults,
        route: Callable[[str, Mapping[str, str]], tuple[str, str]],
        answer: Answering,
        *,
        unlucky: Callable[[Call], bool] = lambda _call: False,
        refuse: Callable[[Call, int, int], Reply] = plainly,
    ) -> None:
        super().__init__()
        self._kernel = kernel
        self._faults = faults
        self._route = route
        self._answer = answer
        self._unlucky = unlucky
        self._refuse = refuse
        self._chance = dice(1)

    def close(self) -> None:
        """Drop connections, of which there are none."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Send a request and wait for its answer."""
        url = str(request.url)
        headers = cast("Mapping[str, str]", request.headers)
        service, account_id = self._route(url, headers)
        call = Call(str(request.method), url, service, account_id, request.body, headers)
        kernel = self._kernel
        kernel.step()
        fault = self._faults.strikes(*destinations(service), account_id=account_id)
        act = self._answer(call)
        if self._unlucky(call):
            return self._http_503(call, act).received()
        if fault and fault.kind in _SPOILT:
            return _SPOILT[fault.kind](self, call, act).received()
        kernel.wait(_HALF_WAY)
        reply = _rejected(fault) or act()
        kernel.wait(_HALF_WAY if fault is None else self._chance.uniform(1, 7.5))
        kernel.step()
        return reply.received()

    # ── What can become of it ──

    def _unreachable(self, _call: Call, _act: Callable[[], Reply]) -> Reply:
        self._kernel.wait(_HALF_WAY)
        raise NotSent("no connection could be made")

    def _http_503(self, call: Call, _act: Callable[[], Reply]) -> Reply:
        self._kernel.wait(_HALF_WAY)
        return self._refuse(call, 503, 0)

    def _done_503(self, call: Call, act: Callable[[], Reply]) -> Reply:
        self._kernel.wait(_HALF_WAY)
        act()
        return self._refuse(call, 503, 0)

    def _busy(self, call: Call, _act: Callable[[], Reply]) -> Reply:
        self._kernel.wait(_HALF_WAY)
        return self._refuse(call, 429, self._chance.choice((0, 1, 30)))

    def _timeout(self, _call: Call, _act: Callable[[], Reply]) -> Reply:
        self._kernel.wait(_READ_SECONDS)
        raise requests.ReadTimeout("no answer")

    def _answer_lost(self, _call: Call, act: Callable[[], Reply]) -> Reply:
        self._kernel.wait(_HALF_WAY)
        act()
        self._kernel.wait(_READ_SECONDS)
        raise requests.ReadTimeout("no answer")

    def _late(self, _call: Call, act: Callable[[], Reply]) -> Reply:
        self._kernel.later(_READ_SECONDS + self._chance.uniform(0, 6), act)
        self._kernel.wait(_READ_SECONDS)
        raise requests.ReadTimeout("no answer yet")


def _rejected(fault: Fault | None) -> Reply | None:
    if fault is None or fault.kind != "rejected":
        return None
    return Reply(401, {"code": 401, "body": {"errorCode": 40102, "title": "no such token"}})


_SPOILT: dict[str, Callable[[Wire, Call, Callable[[], Reply]], Reply]] = {
    "unreachable": Wire._unreachable,
    "http_503": Wire._http_503,
    "done_503": Wire._done_503,
    "busy": Wire._busy,
    "timeout": Wire._timeout,
    "answer_lost": Wire._answer_lost,
    "late": Wire._late,
}
