"""
The channel of a soak: takes callbacks, remembers every try, and fails as the plan says.

It does what a good channel does: it believes only what is signed, and drops a `webhook-id` that it
has taken already. What is lost after it was taken, it has.
"""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.channel.signature import NotTrusted, verify
from sandbox.soak import tagged_texts as words
from sandbox.soak.plan import Hit
from simulator.http_server import Answer, HttpServer, Request, Reset

HELD_SECONDS = 3.0
NEVER_TAKEN = {"status", "refused", "reset_before", "down"}


@dataclass(frozen=True)
class Call:
    """One try to deliver a callback, and how it was met."""

    at: float
    webhook_id: str
    body: Any
    met: str
    """`ok`, `bad_signature`, `down`, `held`, or the kind of fault that was shown."""

    @property
    def taken(self) -> bool:
        """Whether the channel has it now, whatever the connector heard."""
        return self.met != "bad_signature" and self.met not in NEVER_TAKEN

    @property
    def known_taken(self) -> bool:
        """Whether the connector heard in time that it was taken."""
        return self.met == "ok"


class SoakChannel(HttpServer):
    """A channel on loopback with the plan's faults in it."""

    def __init__(self, signing_secret: str, hits: Iterable[Hit]) -> None:
        super().__init__(self._answer)
        self.callback_url = f"{self.url}/callbacks"
        """Where the connector delivers."""
        self.signing_secret = signing_secret
        self.down = False
        """While true, everything is answered 503."""
        self.holding = threading.Event()
        """Set when the callback that was to be held has arrived, and waits for its answer."""
        self.held_tag = ""
        self._hold = False
        self._hits: defaultdict[str, deque[Hit]] = defaultdict(deque)
        for hit in hits:
            self._hits[hit.tag].append(hit)
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def calls(self) -> list[Call]:
        """List every try, in order of arrival."""
        with self._lock:
            return list(self._calls)

    def hold_next(self) -> None:
        """Take the next message and be slow to say so; `holding` tells when it is there."""
        self.holding.clear()
        self._hold = True

    def be_calm(self) -> None:
        """Fail no more."""
        with self._lock:
            self._hits.clear()
            self.down = self._hold = False

    def _answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/callbacks"):
            return Answer(404)
        hit = self._record(request.headers, request.body)
        time.sleep(hit.delay_ms / 1000)
        if hit.kind in {"reset_before", "lost_answer"}:
            raise Reset
        retry_after = {"retry-after": str(hit.retry_after)} if hit.retry_after else {}
        return Answer(hit.status or 200, headers=retry_after)

    def _record(self, headers: Mapping[str, str], body: bytes) -> Hit:
        """Keep one attempt; return how to answer it."""
        document = _document(body)
        with self._lock:
            hit = self._how(headers, body, document)
            call = Call(time.time(), headers.get("webhook-id", ""), document, hit.kind)
            self._calls.append(call)
        return hit

    def _how(self, headers: Mapping[str, str], body: bytes, document: Any) -> Hit:
        try:
            verify(self.signing_secret, headers, body, time.time())
        except NotTrusted:
            return Hit("channel", "", "bad_signature", status=401)
        if self.down:
            return Hit("channel", "", "down", status=503)
        [tag, *_] = [*words.tags(json.dumps(document)), ""]
        if tag and self._hits[tag]:
            return self._hits[tag].popleft()
        if tag and self._hold:
            self._hold, self.held_tag = False, tag
            self.holding.set()
            return Hit("channel", tag, "held", delay_ms=int(HELD_SECONDS * 1000))
        return Hit("channel", tag, "ok")


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
