"""
The emulator's main program: MiniStack, wrapped, in its own process.

It is run by the Python of the emulator's environment, which has none of the sandbox's packages, so
it imports MiniStack, the standard library and `simulator.loopback_guard` only. Wrapping the ASGI
application adds no second hop, and leaves no unguarded port that a web page could reach.

- No web browser is answered, and only loopback host names are (`loopback_guard.py`). A program that
  can call the emulator can run code on this machine, and its keys are well known.
- Path parameters reach the functions as they were sent, as with API Gateway. MiniStack decodes the
  whole path and drops empty segments, so that different consumer ids become equal:
  `%41` and `A`, `a%2F` and `a`, `a//b` and `a/b`.
- Functions are told which API key a request had, as by API Gateway. MiniStack checks the key and
  its usage plan, and leaves it out of the event.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from pathlib import Path
from typing import Any

PROJECT = str(Path(__file__).resolve().parent.parent)
sys.path.insert(0, PROJECT)
from simulator.loopback_guard import STATUS, LoopbackGuard, refusal_body  # noqa: E402

sys.path.remove(PROJECT)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]

GUARD = LoopbackGuard(allow_own_pages=False, allow_subdomains=True)
REST_APIS = "/_aws/execute-api/"
AFTER_A_SLASH = re.compile("(?<=/)/")
POLICY_VIOLATION = 1008  # the close code of a WebSocket (RFC 6455, 7.4.1)


def wrapped(app: AsgiApp) -> AsgiApp:
    """Return `app` behind the guard, with the paths of REST APIs as they were sent."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        reason = _refusal(scope)
        if reason is None:
            await app(_with_path_as_sent(scope), receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        else:
            await _refuse(send, reason)

    return guarded


def _refusal(scope: Scope) -> str | None:
    if scope["type"] not in ("http", "websocket"):
        return None  # the server's start and end
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return GUARD.refusal(headers, scope["server"][1])


async def _refuse(send: Send, reason: str) -> None:
    body = refusal_body(reason)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": STATUS, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_path_as_sent(scope: Scope) -> Scope:
    """Return the scope with a REST API's path undecoded, and `%2F` for a slash after a slash."""
    path = scope.get("raw_path", b"").decode("latin-1")
    if scope["type"] != "http" or not path.startswith(REST_APIS):
        return scope
    return {**scope, "path": AFTER_A_SLASH.sub("%2F", path)}


def with_api_key(build: Callable[..., Any], find: Callable[[str], Any]) -> Callable[..., Any]:
    """Return `build`, which makes a function's event, with the id of the request's API key."""

    def built(*given: Any, **named: Any) -> Any:
        event = build(*given, **named)
        if key := find(event["headers"].get("x-api-key", "")):
            event["requestContext"]["identity"] |= {"apiKeyId": key["id"], "apiKey": key["value"]}
        return event

    return built


def main() -> None:
    """Run MiniStack until a signal stops it."""
    import ministack.app  # type: ignore[import-not-found]  # noqa: PLC0415 (not in our environment)
    import ministack.services.apigateway_v1  # type: ignore[import-not-found]  # noqa: PLC0415

    gateway = ministack.services.apigateway_v1
    gateway._build_lambda_event_v1 = with_api_key(
        gateway._build_lambda_event_v1, gateway._resolve_api_key
    )
    ministack.app.app = wrapped(ministack.app.app)
    ministack.app.main()


if __name__ == "__main__":
    main()
