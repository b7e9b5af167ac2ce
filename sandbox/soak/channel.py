"""
The channel of a soak: takes callbacks, records every attempt, and fails as planned.

It behaves as a good channel does: it accepts only what is signed, and drops a `webhook-id` that it
has already. A callback whose answer is lost has been taken.
"""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.channel.signature import NotTrusted, verify
from sandbox.soak import tagged_texts
from sandbox.soak.plan import PlannedFault
from simulator.http_server import Answer, HttpServer, Request, Reset

HELD_SECONDS = 3.0
NEVER_TAKEN = {"status", "refused", "reset_before", "down"}


@dataclass(frozen=True)
class Call:
    """One attempt to deliver a callback, and how it was answered."""

    at: float
    webhook_id: str
    body: Any
    met: str
    """`ok`, `bad_signature`, `down`, `held`, or the kind of the fault."""

    @property
    def taken(self) -> bool:
        """Whether the channel has it now, whatever answer the connector got."""
        return self.met != "bad_signature" and self.met not in NEVER_TAKEN

    @property
    def known_taken(self) -> bool:
        """Whether the connector was answered in time that it was taken."""
        return self.met == "ok"


class SoakChannel(HttpServer):
    """A channel on loopback, with the plan's faults."""

    def __init__(self, signing_secret: str, planned_faults: Iterable[PlannedFault]) -> None:
        super().__init__(self._answer)
        self.callback_url = f"{self.url}/callbacks"
        """Where the connector delivers."""
        self.signing_secret = signing_secret
        self.down = False
        """While True, every callback is answered 503."""
        self.holding = threading.Event()
        """Set when the callback to be held has arrived and waits for its answer."""
        self.held_tag = ""
        self._hold = False
        self._planned_faults: defaultdict[str, deque[PlannedFault]] = defaultdict(deque)
        for fault in planned_faults:
            self._planned_faults[fault.tag].append(fault)
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def calls(self) -> list[Call]:
        """List every attempt, in order of arrival."""
        with self._lock:
            return list(self._calls)

    def hold_next(self) -> None:
        """Take the next message and answer late; `holding` is set when it is there."""
        self.holding.clear()
        self._hold = True

    def end_faults(self) -> None:
        """End every fault."""
        with self._lock:
            self._planned_faults.clear()
            self.down = self._hold = False

    def _answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/callbacks"):
            return Answer(404)
        fault = self._record(request.headers, request.body)
        time.sleep(fault.delay_ms / 1000)
        if fault.kind in {"reset_before", "lost_answer"}:
            raise Reset
        retry_after = {"retry-after": str(fault.retry_after)} if fault.retry_after else {}
        return Answer(fault.status or 200, headers=retry_after)

    def _record(self, headers: Mapping[str, str], body: bytes) -> PlannedFault:
        """Keep one attempt; return how to answer it."""
        document = _document(body)
        with self._lock:
            fault = self._how(headers, body, document)
            call = Call(time.time(), headers.get("webhook-id", ""), document, fault.kind)
            self._calls.append(call)
        return fault

    def _how(self, headers: Mapping[str, str], body: bytes, document: Any) -> PlannedFault:
        try:
            verify(self.signing_secret, headers, body)
        except NotTrusted:
            return PlannedFault("channel", "", "bad_signature", status=401)
        if self.down:
            return PlannedFault("channel", "", "down", status=503)
        [tag, *_] = [*tagged_texts.tags(json.dumps(document)), ""]
        if tag and self._planned_faults[tag]:
            return self._planned_faults[tag].popleft()
        if tag and self._hold:
            self._hold, self.held_tag = False, tag
            self.holding.set()
            return PlannedFault("channel", tag, "held", delay_ms=int(HELD_SECONDS * 1000))
        return PlannedFault("channel", tag, "ok")


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
