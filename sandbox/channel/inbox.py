"""What the demo channel received, in the order of arrival, and its faults."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.channel.signature import NotTrusted, verify

ACCEPTED = 200
REFUSED = 401
UNREADABLE = 400


@dataclass(frozen=True)
class Fault:
    """How to fail the next callbacks: answer a status, answer late, or reset the connection."""

    status: int | None = None
    delay: float = 0.0
    reset: bool = False
    times: int = 1


@dataclass(frozen=True)
class Callback:
    """One callback as it arrived, and how it was answered."""

    number: int
    """Its place in the order of arrival, from 1."""
    received_at: str
    """When it had arrived completely: ISO 8601, UTC."""
    webhook_id: str
    duplicate: bool
    """Whether a callback with this `webhook-id` had been accepted before."""
    problem: str
    """Why it was not accepted; empty if it was valid."""
    status: int
    """The status of the answer; 0 if the connection was reset instead."""
    body: Any
    """The JSON document, or the text if it was not JSON."""

    @property
    def accepted(self) -> bool:
        """Whether the connector may consider it delivered."""
        return 200 <= self.status < 300

    def as_json(self) -> dict[str, Any]:
        """Return the callback as the inspection API shows it."""
        return {**asdict(self), "accepted": self.accepted}


class Inbox:
    """Keeps callbacks and decides how to answer each; safe for several threads."""

    def __init__(self, signing_secret: str) -> None:
        self._signing_secret = signing_secret
        self._lock = threading.Lock()
        self._callbacks: list[Callback] = []
        self._accepted: set[str] = set()
        self._faults: list[Fault] = []

    def receive(self, headers: Mapping[str, str], body: bytes) -> tuple[Callback, Fault]:
        """Record one callback; return it with its answer, and the fault to apply."""
        now = time.time()
        webhook_id = headers.get("webhook-id", "")
        status, problem = self._check(headers, body)
        with self._lock:
            fault = self._next_fault()
            callback = Callback(
                number=len(self._callbacks) + 1,
                received_at=datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds"),
                webhook_id=webhook_id,
                duplicate=webhook_id in self._accepted,
                problem=problem,
                status=0 if fault.reset else fault.status or status,
                body=_document(body),
            )
            self._callbacks.append(callback)
            if callback.accepted:
                self._accepted.add(webhook_id)
        return callback, fault

    def callbacks(self) -> list[Callback]:
        """List everything that arrived, whatever it was answered."""
        with self._lock:
            return list(self._callbacks)

    def clear(self) -> None:
        """Forget what arrived, except the accepted ids."""
        with self._lock:
            self._callbacks.clear()

    def add_fault(self, fault: Fault) -> None:
        """Fail the next callbacks; faults take effect in the order they were added."""
        with self._lock:
            self._faults.extend([fault] * fault.times)

    def clear_faults(self) -> None:
        """Remove every fault."""
        with self._lock:
            self._faults.clear()

    def _check(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        try:
            verify(self._signing_secret, headers, body)
        except NotTrusted as reason:
            return REFUSED, str(reason)
        if not isinstance(_document(body), dict):
            return UNREADABLE, "the body is not a JSON object"
        return ACCEPTED, ""

    def _next_fault(self) -> Fault:
        return self._faults.pop(0) if self._faults else Fault()


def _document(body: bytes) -> Any:
    text = body.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
