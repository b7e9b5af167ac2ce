"""
An HTTP API that remembers: routes, counts, recent requests, violations, and faults on purpose.

It is the base of the simulated LivePerson, and of any other partner that has to be simulated:

    def send_text(call: Call) -> Answer:
        body = call.request.json()
        if set(body) != {"to", "text"}:                # the strict check: what the pages allow
            records.violation(call, "body: must have to and text alone")
            raise Refused(Answer(400, {"error": "bad request"}))
        sent.append(body)                              # what this partner remembers itself
        return Answer(201, {"id": str(len(sent))})

    sent, records = [], Records()
    api = RecordedApi([("POST", "/accounts/{account}/texts", "texts", send_text)], records)

    with HttpServer(api.answer) as server:             # the connector talks to server.url
        api.faults.add({"service": "texts", "kind": "status", "status": 503, "times": 2})
        ...
        assert records.violations() == []
        assert records.requests("texts")[-1]["status"] == 201

A route is method, path template, name of the service, and function. The kinds of faults and the
other fields of a rule are those of `faults`. Secrets are redacted wherever a request is kept: path
parameters, headers and fields with one of the names in `records.SECRET_NAMES`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from simulator.calls import Call
from simulator.faults import REQUEST_KINDS, Fault, Faults
from simulator.http_server import Answer, Refused, Request, Reset, Routes
from simulator.records import Records

Service = Callable[[Call], Answer]
Route = tuple[str, str, str, Service]


class RecordedApi:
    """Answer requests by routes, keep what was asked, and fail where a rule says so."""

    def __init__(
        self, routes: Iterable[Route], records: Records, faults: Faults | None = None
    ) -> None:
        table = list(routes)
        names = {name for _, _, name, _ in table}
        self.records = records
        self.faults = faults or Faults(dict.fromkeys(names, REQUEST_KINDS))
        self._routes = Routes((method, path, (name, work)) for method, path, name, work in table)

    def answer(self, request: Request) -> Answer:
        """Return the answer of the service a request is for; raise `Reset` if a fault says so."""
        call, service = self._find(request)
        started = time.monotonic()
        self.records.arrived(call)
        status: int | None = None
        try:
            fault = self.faults.pick(call.service, call.account_id, request.body)
            answer = spoilt(fault, lambda: _plain(call, service))
            status = answer.status
            return answer
        finally:
            self.records.answered(call, status, started)

    def _find(self, request: Request) -> tuple[Call, Service]:
        """Return the call; leading slashes count as one, an unknown path is a violation."""
        path = "/" + request.path.lstrip("/")
        found = self._routes.find(request.method, path)
        if found is None:
            return Call("unknown", "", request, {}), self._not_found
        (name, service), params = found
        return Call(name, params.get("account", ""), request, params), service

    def _not_found(self, call: Call) -> Answer:
        if call.request.method != "HEAD":  # it reads headers, such as the date, and uses no service
            self.records.violation(call, "no service answers this method and path")
        return Answer(404, {"error": "not found"})


def _plain(call: Call, service: Service) -> Answer:
    try:
        return service(call)
    except Refused as refused:
        return refused.answer


def _as_told(fault: Fault) -> Answer:
    return Answer(fault.status, fault.body, fault.headers)


def spoilt(
    fault: Fault | None,
    serve: Callable[[], Answer],
    refuse: Callable[[Fault], Answer] = _as_told,
) -> Answer:
    """Serve with a fault, if there is one; `refuse` writes the answer of a `status`."""
    if fault is None:
        return serve()
    pause = fault.delay_ms / 1000
    if fault.kind != "slow_answer":
        time.sleep(pause)
    if fault.kind == "status":
        return refuse(fault)
    if fault.kind == "reset_before":
        raise Reset
    answer = serve()
    if fault.kind == "lost_answer":
        raise Reset
    if fault.kind == "reset_after":
        raise Reset(answer.raw()[:40])
    if fault.kind == "slow_answer":
        time.sleep(pause)
    return answer
