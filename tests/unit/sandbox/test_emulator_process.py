"""What stands in front of the emulator, in its process."""

import asyncio
from typing import Any

import pytest

from sandbox.emulator_process import Message, Receive, Scope, Send, with_api_key, wrapped

API = "/_aws/execute-api/a1b2c3d4/v1/accounts/1/consumers"
WEB_PAGES = [
    (b"host", b"page.example"),
    (b"origin", b"null"),
    (b"origin", b"http://127.0.0.1:4566"),
    (b"sec-fetch-site", b"same-origin"),
    (b"sec-fetch-site", b"none"),
]


class Emulator:
    """An ASGI application that remembers which paths it was asked for."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        self.paths.append(scope.get("path", scope["type"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def ask(emulator: Emulator, path: str = "/", **changes: Any) -> list[Message]:
    """Ask as the server does that MiniStack runs on; give the messages of the answer."""
    headers = [(b"host", b"127.0.0.1:4566"), *changes.pop("headers", [])]
    scope = {
        "type": "http",
        "method": "POST",
        "path": path.replace("%2F", "/").replace("%41", "A"),
        "raw_path": path.encode(),
        "headers": headers,
        "server": ("127.0.0.1", 4566),
        **changes,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(wrapped(emulator)(scope, receive, send))
    return sent


def test_programs_reach_the_emulator() -> None:
    """boto3 and sam are answered as if nothing stood in front."""
    emulator = Emulator()

    [start, _] = ask(emulator, "/queue")

    assert (200, ["/queue"]) == (start["status"], emulator.paths)


@pytest.mark.parametrize("header", WEB_PAGES)
def test_web_pages_do_not(header: tuple[bytes, bytes]) -> None:
    """A browser can run code through it, so none is answered, whatever page it shows."""
    emulator = Emulator()

    [start, body] = ask(emulator, headers=[header])

    assert (403, []) == (start["status"], emulator.paths)
    assert b"error" in body["body"]


def test_web_sockets_of_pages_are_refused() -> None:
    """They are not subject to CORS; browsers send an Origin with each."""
    emulator = Emulator()

    sent = ask(emulator, type="websocket", headers=[(b"origin", b"https://page.example")])

    assert ([{"type": "websocket.close", "code": 1008}], []) == (sent, emulator.paths)


def test_the_servers_own_start_and_end_pass() -> None:
    """They are no requests, and have no headers."""
    emulator = Emulator()
    asyncio.run(wrapped(emulator)({"type": "lifespan"}, None, _ignore))  # type: ignore[arg-type]

    assert ["lifespan"] == emulator.paths


async def _ignore(_message: Message) -> None:
    pass


@pytest.mark.parametrize("one", ["a%2F", "%2Fa", "a", "%41", "A", "a//b", "a/b", "a%2F%2Fb"])
def test_a_path_parameter_is_handed_over_as_sent(one: str) -> None:
    """Percent-encoding and empty segments survive, as on API Gateway; the function decodes once."""
    emulator = Emulator()

    ask(emulator, f"{API}/{one}/events")

    assert [f"{API}/{one.replace('//', '/%2F')}/events"] == emulator.paths


def test_other_paths_are_decoded_as_ever() -> None:
    """S3 and the other services decode nothing themselves."""
    emulator = Emulator()

    ask(emulator, "/bucket/a%2Fb")

    assert ["/bucket/a/b"] == emulator.paths


def test_function_is_told_which_key_a_request_had() -> None:
    """By its id, as API Gateway tells it; of a request without a known key nothing is told."""
    keys = {"a-value": {"id": "a-key", "value": "a-value"}}

    def build(headers: dict[str, str]) -> dict[str, Any]:
        return {"headers": headers, "requestContext": {"identity": {"sourceIp": "127.0.0.1"}}}

    told = [
        with_api_key(build, keys.get)(each)["requestContext"]["identity"].get("apiKeyId")
        for each in ({"x-api-key": "a-value"}, {"x-api-key": "another"}, {})
    ]

    assert ["a-key", None, None] == told
