"""
The control API: every method of `Controls`, as JSON under `/simulator`, and its client.

    POST /simulator/call/agent_text    {"account_id": …, "conversation_id": …, "text": …}
    POST /simulator/accounts/{account}/conversations/{conversation}/agent-text    {"text": …}
    GET  /simulator/accounts/{account}/conversations

`call` takes every method and its arguments by name; `LivePersonControl` uses nothing else. For
people there are paths with account and conversation in them: the last part is the method's name,
with hyphens, except for those in `SHORT`; GET calls only what reads, and its query has the other
arguments. The answer is `{"result": …}`, or `{"error": …}` with 409 for what cannot be done and 400
for what cannot be understood.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import requests

from simulator.calls import JsonObject
from simulator.control import ControlRefused, Controls
from simulator.http_server import Answer, Request

PREFIX = "/simulator"
CALL = f"{PREFIX}/call/"
PATH = re.compile(PREFIX + r"(?:/accounts/([^/]+)(?:/conversations/([^/]+)(?=/))?)?(?:/([a-z-]+))?")
SHORT = {
    ("PUT", ""): "put_account",
    ("DELETE", "violations"): "clear_violations",
    ("POST", "faults"): "add_fault",
    ("DELETE", "faults"): "clear_faults",
    ("GET", "webhooks"): "deliveries",
    ("POST", "foreign-conversations"): "foreign_conversation",
    ("POST", "survey"): "start_survey",
}
READING = frozenset(
    {"state", "counts", "violations", "requests", "faults", "faults_applied"}
    | {"conversations", "deliveries", "webhook_state"}
)
TIMEOUT_SECONDS = 30


def answer(controls: Controls, request: Request) -> Answer:
    """Call the method that a control request names."""
    try:
        method, places = _find(controls, request)
        return Answer(200, {"result": method(*places, **_arguments(request))})
    except ControlRefused as problem:
        return Answer(409, {"error": str(problem)})
    except (LookupError, TypeError, ValueError) as problem:
        return Answer(400, {"error": f"{type(problem).__name__}: {problem}"})


def _find(controls: Controls, request: Request) -> tuple[Callable[..., Any], list[str]]:
    places: list[str] = []
    name = request.path.removeprefix(CALL)
    if match := PATH.fullmatch(request.path):
        *places, last = match.groups(default="")
        name = SHORT.get((request.method, last), last.replace("-", "_"))
    allowed = request.method != "GET" or name in READING
    if name.startswith("_") or name not in vars(Controls) or not allowed:
        raise LookupError("no such method and path")
    return getattr(controls, name), [unquote(each) for each in places if each]


def _arguments(request: Request) -> JsonObject:
    if request.method == "GET":
        return {
            name: int(value) if name == "limit" else value for name, value in request.query.items()
        }
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


if TYPE_CHECKING:
    _Methods = Controls  # for type checkers the client has the very methods
else:
    _Methods = object


class LivePersonControl(_Methods):
    """Every method of `Controls`, with the same arguments, for a simulator in another process."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # loopback is not reached through a proxy

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of that name."""
        signature = inspect.signature(getattr(Controls, name))

        def call(*positional: Any, **named: Any) -> Any:
            given = signature.bind(None, *positional, **named).arguments
            del given["self"]
            for each in signature.parameters.values():
                if each.kind is each.VAR_KEYWORD:
                    given.update(given.pop(each.name, {}))
            return self._call(name, given)

        return call

    def _call(self, name: str, arguments: JsonObject) -> Any:
        timeout = TIMEOUT_SECONDS + float(arguments.get("timeout", 0))
        content = self._session.post(
            f"{self.url}{CALL}{name}", json=arguments, timeout=timeout
        ).json()
        if "error" in content:
            raise ControlRefused(content["error"])
        return content["result"]
