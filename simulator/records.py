"""
What a simulated partner remembers of the traffic: counts, recent requests and violations.

A violation is something a strict reader of the partner's pages would refuse or warn of. Secrets
and tokens are redacted before anything is kept.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from simulator.calls import Call, JsonObject
from simulator.http_server import Request

REDACTED = "<redacted>"
SECRET_NAMES = frozenset(
    {
        "authorization",
        "x-lp-on-behalf",
        "cookie",
        "client_secret",
        "access_token",
        "temp_url_sig",
        "token",
        "api_key",
        "x-api-key",
    }
)
"""Names of headers (in lower case), fields and path parameters whose values are redacted."""
KEPT_REQUESTS = 2_000
KEPT_VIOLATIONS = 2_000


class Records:
    """Counts and bounded histories, safe to use from every connection's thread."""

    def __init__(self, services: Iterable[str] = ()) -> None:
        """Count for `services` even while they were not called."""
        self._services = tuple(services)
        self._lock = threading.Lock()
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._requests: deque[JsonObject] = deque(maxlen=KEPT_REQUESTS)
        self._violations: deque[JsonObject] = deque(maxlen=KEPT_VIOLATIONS)

    def arrived(self, call: Call) -> None:
        """Count one request to a service of an account."""
        with self._lock:
            self._counts[call.account_id][call.service] += 1

    def answered(self, call: Call, status: int | None, started: float) -> None:
        """Record one request, redacted, with its status; None means the connection was reset."""
        entry = {
            **_place(call),
            "query": redacted(call.request.query),
            "headers": redacted(call.request.headers),
            "body": _readable(call.request),
            "status": status,
            "milliseconds": round((time.monotonic() - started) * 1000, 1),
        }
        with self._lock:
            self._requests.append(entry)

    def violation(self, call: Call, reason: str) -> None:
        """Record a violation; `reason` must not quote a secret."""
        entry = {
            **_place(call),
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
            total: Counter[str] = Counter(dict.fromkeys(self._services, 0))
            for each in self._counts.values():
                total.update(each)
            by_account = {name: dict(each) for name, each in self._counts.items()}
            return {**total, "accounts": by_account}


def _place(call: Call) -> JsonObject:
    """Return what every record begins with; secrets in the path are redacted."""
    secrets = {value for name, value in call.params.items() if name in SECRET_NAMES}
    path = "/".join(_without(secrets, part) for part in call.request.path.split("/"))
    return {
        "at": time.time(),
        "service": call.service,
        "account_id": call.account_id,
        "method": call.request.method,
        "path": path,
    }


def _without(secrets: set[str], part: str) -> str:
    """Return a path segment as it was sent, with every secret in it replaced."""
    plain = unquote(part)
    for secret in secrets:
        plain = plain.replace(secret, REDACTED)
    return part if plain == unquote(part) else plain


def redacted(values: Mapping[str, str]) -> dict[str, str]:
    """Return headers, query or form fields with every secret replaced."""
    return {
        name: REDACTED if name.lower() in SECRET_NAMES else value for name, value in values.items()
    }


def _readable(request: Request) -> Any:
    """Return a body to show: JSON as it is, a form with secrets redacted, else its size."""
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
