"""
No web page can use a running sandbox: neither run code through it, nor read it, nor change it.

The listening sockets are asked of the kernel, so that a server that is added later is tested too.
The last tests attack from a page in a real browser, where there is one.
"""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import ssl
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from rich.console import Console

from sandbox.channel import ConnectorClient
from sandbox.channel.signature import sign
from sandbox.ports import LOOPBACK
from sandbox.progress import Progress
from sandbox.sam_local import opened
from sandbox.sam_local.bridge import MeetingPoint
from sandbox.system import Options, System, running
from tests.e2e.conftest import wait_for
from tests.support import chromium, listening
from tests.support.servers import Answer, HttpServer, Request, serving

PAGE_SECONDS = 60
PRESIGNED = (
    "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=test%2F20260101%2Fus-east-1%2Flambda"
    "%2Faws4_request&X-Amz-Date=20260101T000000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host"
    "&X-Amz-Signature=00"
)
"""The emulator's well-known key, in the address: so a page needs no header of its own."""


@pytest.fixture(name="before", scope="module")
def _before() -> set[tuple[str, int]]:
    """Where this process listened before it had a sandbox."""
    return listening.addresses([os.getpid()]) if listening.can_be_seen() else set()


@pytest.fixture(name="system", scope="module")
def _system(
    tmp_path_factory: pytest.TempPathFactory, before: set[tuple[str, int]]
) -> Iterator[System]:
    """Run everything, with the gate for containers, and let every function have worked."""
    options = Options(port=0, state_dir=tmp_path_factory.mktemp("sandbox"), publish=False)
    with running(options, Progress(Console(quiet=True))) as system:
        layer = system.emulator.folder.path / "build" / "ConnectorLayer"
        with opened(system, MeetingPoint(LOOPBACK, LOOPBACK), layer):
            talk(system)
            yield system


def client(system: System) -> ConnectorClient:
    where = system.endpoints
    return ConnectorClient(where.channel_api_url, where.channel_api_key, where.account_id)


def talk(system: System) -> None:
    """Let a text travel each way."""
    liveperson, channel, account = system.liveperson, system.channel, system.account.account_id
    assert liveperson
    assert channel
    assert 202 == client(system).send_text("+49 151", "Hello").status
    wait_for(lambda: bool(liveperson.conversations(account)), seconds=30, what="a conversation")
    [conversation] = liveperson.conversations(account)
    liveperson.agent_text(account, conversation["conversation_id"], "Hi")
    wait_for(lambda: "Hi" in str(channel.callbacks()), seconds=30, what="the answer")


# ── Every port ──


@dataclass(frozen=True)
class Listener:
    """A port of the sandbox: who stands there, and how it is spoken to."""

    port: int
    name: str
    secure: bool = False

    def ask(self, method: str, headers: Mapping[str, str]) -> int | None:
        """Send what a page can send; give the status, or None if nothing is answered."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=10)
        if self.secure:
            unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(
                LOOPBACK, self.port, timeout=10, context=unchecked
            )
        given = {name: value.format(port=self.port) for name, value in headers.items()}
        with closing(connection):
            try:
                connection.request(method, "/", b"{}", {"content-type": "text/plain", **given})
                return connection.getresponse().status
            except (http.client.RemoteDisconnected, ConnectionError):
                return None


def known(system: System) -> dict[int, Listener]:
    """Name the ports that the sandbox is meant to have."""
    where = system.endpoints
    names = {
        "emulator": where.aws_endpoint_url,
        "LivePerson": where.liveperson_url,
        "channel": where.channel_url or "",
        "files": system.files.put(b""),
    }
    parts = {name: urlsplit(url) for name, url in names.items()}
    return {
        each.port: Listener(each.port, name, each.scheme == "https")
        for name, each in parts.items()
        if each.port
    }


@pytest.fixture(name="listeners", scope="module")
def _listeners(system: System, before: set[tuple[str, int]]) -> list[Listener]:
    """Ask the kernel where this process and the emulator's listen since the sandbox started."""
    if not listening.can_be_seen():
        pytest.skip("this system does not tell which process listens where")
    processes = [os.getpid(), *listening.processes_of(system.emulator.pid or 0)]
    found = listening.addresses(processes) - before
    assert {LOOPBACK} == {host for host, _ in found}
    names = known(system)
    return [names.get(port, Listener(port, "gate")) for _, port in sorted(found)]


def test_the_sandbox_listens_where_it_says(listeners: list[Listener]) -> None:
    """On loopback alone: four servers, and the gate for containers."""
    assert ["LivePerson", "channel", "emulator", "files", "gate"] == sorted(
        each.name for each in listeners
    )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        {"host": "page.example"},
        {"host": "page.example:{port}"},
        {"origin": "https://page.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_no_port_answers_a_web_page(
    listeners: list[Listener], method: str, headers: dict[str, str]
) -> None:
    """A foreign Host, Origin or Sec-Fetch-Site gets 403, and at the gate nothing at all."""
    answers = {each.name: each.ask(method, headers) for each in listeners}

    assert {name: None if name == "gate" else 403 for name in answers} == answers


def test_every_port_answers_programs(listeners: list[Listener]) -> None:
    """What is refused above is refused for what a browser adds, and for nothing else."""
    answers = {each.name: each.ask("GET", {}) for each in listeners}

    assert answers.pop("gate") is None
    assert 403 not in answers.values()
    assert None not in answers.values()


# ── From a page ──


def archive(code: str) -> str:
    """Return a function's code as Lambda takes it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("index.py", code)
    return base64.b64encode(packed.getvalue()).decode()


def attacks(system: System, trace: Path, control: HttpServer) -> list[dict[str, str]]:
    """
    List the requests of the page: what it can send without asking for leave.

    A function that writes a file when it runs; faults for both partners; reading a file.
    """
    where = system.endpoints
    functions = f"{where.aws_endpoint_url}/2015-03-31/functions"
    role = system.aws.client("iam").list_roles()["Roles"][0]["Arn"]  # a page could make one
    code = f"def handler(*_):\n    open({str(trace)!r}, 'w').close()\n"
    function = {
        "FunctionName": "of-the-page",
        "Runtime": "python3.13",
        "Role": role,
        "Handler": "index.handler",
        "Code": {"ZipFile": archive(code)},
    }
    invocation = f"{functions}/of-the-page/invocations?{PRESIGNED}"
    fault = json.dumps({"status": 503, "times": 100})
    liveperson = json.dumps({"service": "send", "kind": "status", "status": 500})
    return [
        {"url": control.url, "body": "{}"},
        {"url": f"{functions}?{PRESIGNED}", "body": json.dumps(function)},
        {"url": invocation, "body": "{}"},
        {"url": f"{where.channel_url}/channel/faults", "body": fault},
        {"url": f"{where.liveperson_url}/simulator/faults", "body": liveperson},
        {"url": system.files.put(b"")},
        {"url": f"{where.channel_url}/channel/callbacks"},
    ]


PAGE = """<!doctype html><script type="module">
const attempts = ATTEMPTS, read = [];
for (const {url, body} of attempts) {
  const how = body === undefined ? {} : {method: "POST", body, headers: {"content-type": "text/plain"}};
  try { read.push(await (await fetch(url, how)).text()); } catch { read.push(null); }
  try { await fetch(url, {...how, mode: "no-cors"}); } catch {}
}
await fetch("/done", {method: "POST", body: JSON.stringify(read)});
</script>"""  # noqa: E501 (it is a page)


class Page:
    """A web server that serves the attack, and hears what came of it."""

    def __init__(self, attempts: list[dict[str, str]]) -> None:
        self.read: list[str | None] = []
        self.done = threading.Event()
        self._page = PAGE.replace("ATTEMPTS", json.dumps(attempts)).encode()

    def answer(self, request: Request) -> Answer:
        """Serve the page; take its report."""
        if request.method == "POST":
            self.read = request.json()
            self.done.set()
        return Answer(200, self._page, {"content-type": "text/html"})


@pytest.fixture(name="browser")
def _browser(tmp_path: Path) -> Path:
    """Give a folder for the profile of a browser, if there is one."""
    if reason := chromium.why_not():
        pytest.skip(f"a page in a real browser: {reason}")
    return tmp_path / "profile"


def test_a_page_in_a_browser_reaches_nothing(system: System, browser: Path, tmp_path: Path) -> None:
    """It runs no code, spoils neither partner, fetches no file and reads nothing."""
    trace, body = tmp_path / "code-was-run", b"{}"
    with serving(Answer()) as control:
        attempts = attacks(system, trace, control)
        page = Page(attempts)
        with serving(page.answer) as site, chromium.showing(site.url, browser):
            assert page.done.wait(PAGE_SECONDS), "the page did not report"
        assert {"same-site"} == {each.headers["sec-fetch-site"] for each in control.requests}
        assert [b"{}", b"{}"] == [each.body for each in control.requests]

    assert [None] * len(attempts) == page.read
    assert not trace.exists()
    assert system.liveperson
    assert [] == system.liveperson.faults()
    assert 0 == system.files.fetched(attempts[5]["url"])
    now = int(time.time())
    signed = {
        "webhook-id": "w-1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(system.account.signing_secret, "w-1", now, body),
    }
    answer = requests.post(system.account.callback_url, body, headers=signed, timeout=10)
    assert 200 == answer.status_code


def test_the_attack_succeeds_where_nothing_refuses_it(system: System, tmp_path: Path) -> None:
    """The same requests without what a browser adds: so the test above tests something."""
    trace = tmp_path / "code-was-run"
    with serving(Answer()) as control:
        creates, invokes = attacks(system, trace, control)[1:3]
    for each in (creates, invokes):
        answer = requests.post(
            each["url"], each["body"], headers={"content-type": "text/plain"}, timeout=60
        )
        assert answer.ok, answer.text

    assert trace.exists()


def test_a_name_that_leads_to_this_machine_reads_nothing(
    system: System, browser: Path, tmp_path: Path
) -> None:
    """DNS rebinding: the browser believes that it talks to the page's own server."""
    rebound = "--host-resolver-rules=MAP page.example 127.0.0.1"
    where = system.endpoints
    for url in (where.channel_url, where.liveperson_url, where.aws_endpoint_url):
        assert url
        port = urlsplit(url).port
        address = f"http://page.example:{port}/channel/callbacks"

        assert "Host is not the address" in chromium.shown(address, browser, rebound)
