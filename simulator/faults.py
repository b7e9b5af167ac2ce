"""
Faults on purpose: rules that spoil a request or a webhook. The first that applies is used.

    service  one of an API's services                            webhook_sender
    kind     status slow slow_answer reset_before reset_after    slow duplicate reorder drop
             lost_answer

`status` answers `status` (with `body` and `headers`, for example Retry-After) and does nothing.
`slow` waits `delay_ms`, then works; `slow_answer` works, then waits. `reset_before` resets the
connection and does nothing; `lost_answer` works and resets without a byte of an answer;
`reset_after` works and resets in the middle of the answer. `duplicate` delivers twice, `reorder`
lets the next webhook of the conversation go first, `drop` loses it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from simulator.calls import JsonObject

REQUEST_KINDS = frozenset(
    {"status", "slow", "slow_answer", "reset_before", "reset_after", "lost_answer"}
)
WEBHOOK_KINDS = frozenset({"slow", "duplicate", "reorder", "drop"})
SENDER = "webhook_sender"
KEPT_APPLICATIONS = 20_000


@dataclass
class Fault:
    """One rule; it applies at most `times` times, without a limit if that is None."""

    service: str
    kind: str
    account: str | None = None
    status: int = 500
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_ms: float = 0
    times: int | None = None
    probability: float = 1.0
    seed: int | None = None
    match: str | None = None
    """Only a request or webhook whose body has this text."""
    for_seconds: float | None = None
    """How long the rule is in force; None: until it is removed."""
    applied: int = 0
    _rng: random.Random = field(init=False, repr=False, compare=False)
    _since: float = field(init=False, repr=False, compare=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)  # noqa: S311  (repeatable, not secret)

    def applies(self, service: str, account_id: str, body: bytes) -> bool:
        """Whether this rule applies now; count it if it does."""
        meant = self.service == service and self.account in (None, account_id)
        if not meant or self.times == self.applied or self._is_over():
            return False
        if self.match is not None and self.match.encode() not in body:
            return False
        if self._rng.random() >= self.probability:
            return False
        self.applied += 1
        return True

    def _is_over(self) -> bool:
        return self.for_seconds is not None and time.monotonic() - self._since > self.for_seconds

    def as_json(self) -> JsonObject:
        """Return the rule with the number of times it was applied."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}


class Faults:
    """The rules in force. The first that applies is used, and only that."""

    def __init__(self, kinds: Mapping[str, frozenset[str]], readable: Collection[str] = ()) -> None:
        """Allow each service its kinds; keep the bodies of `readable` ones, without secrets."""
        self._kinds = kinds
        self._readable = readable
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._retired = 0
        self._journal: deque[JsonObject] = deque(maxlen=KEPT_APPLICATIONS)

    def add(self, rule: JsonObject) -> None:
        """Append a rule; raise ValueError or TypeError if it makes no sense."""
        fault = Fault(**{name: value for name, value in rule.items() if name != "applied"})
        if fault.service not in self._kinds:
            raise ValueError(f"no such service: {fault.service}")
        if fault.kind not in self._kinds[fault.service]:
            raise ValueError(f"{fault.service} knows no fault {fault.kind}")
        with self._lock:
            self._rules.append(fault)

    def clear(self) -> None:
        """Forget every rule; the count of what was applied stays."""
        with self._lock:
            self._retired += sum(rule.applied for rule in self._rules)
            self._rules.clear()

    def pick(self, service: str, account_id: str, body: bytes = b"") -> Fault | None:
        """Return the rule that applies to a request or webhook, or None."""
        with self._lock:
            found = next(
                (rule for rule in self._rules if rule.applies(service, account_id, body)), None
            )
            if found is not None:
                text = body.decode("utf-8", "replace") if service in self._readable else None
                self._journal.append(_application(found, service, account_id, text))
            return found

    def journal(self) -> list[JsonObject]:
        """Return the applied faults, oldest first: time, service, kind, readable body."""
        with self._lock:
            return list(self._journal)

    def as_json(self) -> list[JsonObject]:
        """Return the rules in force, in order."""
        with self._lock:
            return [rule.as_json() for rule in self._rules]

    def applied(self) -> int:
        """Return how many faults were applied since the start."""
        with self._lock:
            return self._retired + sum(rule.applied for rule in self._rules)


def _application(rule: Fault, service: str, account_id: str, body: str | None) -> JsonObject:
    return {
        "at": time.time(),
        "service": service,
        "account_id": account_id,
        "kind": rule.kind,
        "status": rule.status if rule.kind == "status" else None,
        "delay_ms": rule.delay_ms,
        "match": rule.match,
        "body": body,
    }
