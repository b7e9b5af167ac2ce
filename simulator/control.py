"""
The control API: what `SimulatedLivePerson` can do, as JSON under `/simulator`.

    GET    /simulator/state  counts  violations  requests?service=&account_id=&limit=
           faults  faults-applied
    POST   /simulator/faults  wait-idle            DELETE /simulator/faults  violations
    PUT    /simulator/accounts/{id}                installs an app, or changes its settings
    GET    /simulator/accounts/{id}/conversations  webhooks  webhook-state
    POST   /simulator/accounts/{id}/revoke-tokens  revoke-consumer-jws  foreign-conversations
    POST   /simulator/accounts/{id}/conversations/{id}/{action}
           agent-text private-note agent-event agent-typing agent-receipt agent-file agent-joins
           transfer close survey

A body is the arguments of the method by name; the answer is `{"result": …}` or `{"error": …}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from simulator.wire import Answer, JsonObject, Request

if TYPE_CHECKING:
    from simulator.simulator import SimulatedLivePerson

GENERAL = {
    ("GET", "state"): "state",
    ("GET", "counts"): "counts",
    ("GET", "violations"): "violations",
    ("DELETE", "violations"): "clear_violations",
    ("GET", "requests"): "requests",
    ("GET", "faults"): "faults",
    ("GET", "faults-applied"): "faults_applied",
    ("POST", "faults"): "add_fault",
    ("DELETE", "faults"): "clear_faults",
    ("POST", "wait-idle"): "wait_idle",
}
OF_ACCOUNT = {
    ("GET", "conversations"): "conversations",
    ("GET", "webhooks"): "deliveries",
    ("GET", "webhook-state"): "webhook_state",
    ("POST", "profile"): "profile",
    ("POST", "file-content"): "file_content",
    ("POST", "consumer-id"): "consumer_id",
    ("POST", "revoke-tokens"): "revoke_tokens",
    ("POST", "revoke-consumer-jws"): "revoke_consumer_jws",
    ("POST", "foreign-conversations"): "foreign_conversation",
}
OF_CONVERSATION = {
    "agent-text": "agent_text",
    "private-note": "private_note",
    "agent-event": "agent_event",
    "agent-typing": "agent_typing",
    "agent-receipt": "agent_receipt",
    "agent-file": "agent_file",
    "agent-joins": "agent_joins",
    "transfer": "transfer",
    "close": "close",
    "survey": "start_survey",
}
PATH = re.compile(
    r"/simulator(?:/accounts/(?P<account>[^/]+)(?:/conversations/(?P<conversation>[^/]+))?)?"
    r"(?:/(?P<name>[a-z-]+))?"
)


class ControlRefused(Exception):
    """The simulator cannot do what a test asks for: the message says why."""


class ControlApi:
    """The simulator's methods, found by method and path."""

    def __init__(self, simulator: SimulatedLivePerson) -> None:
        self._simulator = simulator

    def answer(self, request: Request) -> Answer:
        """Do what a control request asks for."""
        try:
            work, places = self._find(request)
            return Answer(200, {"result": work(*places, **_arguments(request))})
        except ControlRefused as problem:
            return Answer(409, {"error": str(problem)})
        except (LookupError, TypeError, ValueError) as problem:
            return Answer(400, {"error": f"{type(problem).__name__}: {problem}"})

    def _find(self, request: Request) -> tuple[Callable[..., Any], list[str]]:
        match = PATH.fullmatch(request.path)
        if match is None:
            raise LookupError("no such path")
        account, conversation, name = match.group("account", "conversation", "name")
        places = [unquote(each) for each in (account, conversation) if each is not None]
        if conversation is not None and request.method == "POST":
            return getattr(self._simulator, OF_CONVERSATION[name]), places
        if account is not None and request.method == "PUT" and name is None:
            return self._put_account, places
        table = GENERAL if account is None else OF_ACCOUNT
        return getattr(self._simulator, table[request.method, name]), places

    def _put_account(self, account_id: str, **body: Any) -> None:
        """Install an app; for an account that is there, change what is given."""
        if account_id in self._simulator.state()["accounts"]:
            self._simulator.set(account_id, **body)
        else:
            self._simulator.add_account(account_id, **body)


def _arguments(request: Request) -> JsonObject:
    if request.method == "GET":
        return {
            name: int(value) if name == "limit" else value for name, value in request.query.items()
        }
    body = request.json() if request.body else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body
