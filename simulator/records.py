"""
What the simulator remembers of the traffic: counts, recent requests and violations.

A violation is something a strict reader of LivePerson's pages would refuse or warn of. No secret
and no token ever enters a record: they are replaced before anything is kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from simulator.wire import Call, JsonObject, Request

REDACTED = "<redacted>"
SECRET_NAMES = frozenset(
    {"authorization", "x-lp-on-behalf", "client_secret", "cookie", "temp_url_sig", "access_token"}
)
SERVICES = ("domain", "sentinel", "idp", "conversation", "send", "swift", "smt")
KEPT_REQUESTS = 2_000
KEPT_VIOLATIONS = 2_000


class Records:
    """Counts and bounded histories, safe to use from every connection's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._requests: deque[JsonObject] = deque(maxlen=KEPT_REQUESTS)
        self._violations: deque[JsonObject] = deque(maxlen=KEPT_VIOLATIONS)
        self.connections = 0

    def connected(self) -> None:
        """Count one accepted TCP connection."""
        with self._lock:
            self.connections += 1

    def arrived(self, call: Call) -> None:
        """Count one request to a service of an account."""
        with self._lock:
            self._counts[call.account_id][call.service] += 1

    def answered(self, call: Call, status: int | None, started: float) -> None:
        """Keep one request, redacted, with its status; None means the connection was reset."""
        entry = {
            "at": time.time(),
            "service": call.service,
            "account_id": call.account_id,
            "method": call.request.method,
            "path": call.request.path,
            "query": redacted(call.request.query),
            "headers": redacted(call.request.headers),
            "body": _readable(call.request),
            "status": status,
            "milliseconds": round((time.monotonic() - started) * 1000, 1),
        }
        with self._lock:
            self._requests.append(entry)

    def violation(self, call: Call, reason: str) -> None:
        """Keep one thing that is wrong with a request; `reason` must not quote a secret."""
        entry = {
            "at": time.time(),
            "service": call.service,
            "account_id": call.account_id,
            "method": call.request.method,
            "path": call.request.path,
            "reason": reason,
        }
        with self._lock:
            self._violations.append(entry)

    def violations(self) -> list[JsonObject]:
        """Return the violations, oldest first."""
        with self._lock:
            return list(self._violations)

    def clear_violations(self, account_id: str | None = None) -> None:
        """Forget the violations of an account, or all of them."""
        with self._lock:
            kept = [
                each for each in self._violations if account_id not in (None, each["account_id"])
            ]
            self._violations.clear()
            self._violations.extend(kept)

    def requests(
        self, service: str | None = None, account_id: str | None = None, limit: int = 200
    ) -> list[JsonObject]:
        """Return the latest requests, oldest first, of one service or account or of all."""
        with self._lock:
            found = [
                each
                for each in self._requests
                if service in (None, each["service"]) and account_id in (None, each["account_id"])
            ]
        return found[-limit:]

    def counts(self) -> JsonObject:
        """Return the number of requests by service, and again by account and service."""
        with self._lock:
            total: Counter[str] = Counter(dict.fromkeys(SERVICES, 0))
            for each in self._counts.values():
                total.update(each)
            by_account = {name: dict(each) for name, each in self._counts.items()}
            return {**total, "connections": self.connections, "accounts": by_account}


def redacted(values: Mapping[str, str]) -> dict[str, str]:
    """Return headers, query or form fields with every secret replaced."""
    return {
        name: REDACTED if name.lower() in SECRET_NAMES else value for name, value in values.items()
    }


def _readable(request: Request) -> Any:
    """Return a body fit to be shown: JSON as it is, a form without secrets, else its size."""
    if not request.body:
        return None
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        return redacted(dict(parse_qsl(request.body.decode("utf-8", "replace"))))
    if kind.startswith("application/json"):
        try:
            return request.json()
        except (ValueError, json.JSONDecodeError):
            return f"<{len(request.body)} bytes, no JSON>"
    return f"<{len(request.body)} bytes>"
