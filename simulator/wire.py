"""
What travels over HTTP, as plain values: a request, the call it is, and its answer.

A service is a function from a `Call` to an `Answer`; leaving early is `raise Refused(answer)`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One HTTP request: header names in lower case, the query's first value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON; raise ValueError if it is none, or is not UTF-8."""
        return json.loads(self.body.decode("utf-8"))


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. The body is a JSON value, raw bytes, or None for an empty one."""

    status: int
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes:
        """Return the bytes of the body, JSON compact and in UTF-8."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return compact(self.body)


@dataclass(frozen=True)
class Call:
    """A request that found its service: which one, for which account, with what in the path."""

    service: str
    account_id: str
    request: Request
    params: Mapping[str, str]


class Refused(Exception):
    """A service will not do what was asked; carries the answer to give."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


def compact(value: Any) -> bytes:
    """Return JSON without white space, in UTF-8 and not escaped: the form LivePerson signs."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def bad_request(req_id: object, message: str = "Bad Request", status: int = 400) -> Answer:
    """Return the Send API's answer to a request it does not accept (how-to guide)."""
    return Answer(status, outcome("BAD_REQUEST", {"msg": message}, req_id))


def outcome(code: str, body: JsonObject, req_id: object) -> JsonObject:
    """Return one result object; `reqId` is a string even if the id was a number (examples page)."""
    return {"code": code, "body": body, "reqId": "" if req_id is None else str(req_id)}
