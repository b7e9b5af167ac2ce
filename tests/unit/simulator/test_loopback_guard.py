"""Which requests the sandbox's servers answer: those of programs here, and of no web page."""

import importlib
import pkgutil
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from socketserver import BaseRequestHandler
from urllib.parse import urlsplit

import pytest

import sandbox
from sandbox.certificates import make_certificate
from sandbox.channel import DemoChannel, FileHost
from sandbox.ports import LOOPBACK
from sandbox.soak.channel import SoakChannel
from simulator import SimulatedLivePerson
from simulator.loopback_guard import LoopbackGuard, LoopbackOnly

PORT = 4566
CERTIFICATE = "loopback.pem"
SECRET = "whsec_dGhpcyBpcyBhIG1hZGUtdXAgc2VjcmV0IQ=="

FOREIGN = {
    "no host": {"host": ""},
    "another host": {"host": "page.example"},
    "another host with our port": {"host": "page.example:{port}"},
    "a host that begins like ours": {"host": "127.0.0.1.page.example:{port}"},
    "another port": {"host": "127.0.0.1:1"},
    "another site": {"origin": "https://page.example"},
    "a sandboxed page": {"origin": "null"},
    "a page of another local server": {"origin": "http://127.0.0.1:1"},
    "from another site": {"sec-fetch-site": "cross-site"},
    "from another local server": {"sec-fetch-site": "same-site"},
}
"""What a web page's request has, wherever it comes from; `{port}` is the server's."""


GUARDS = [LoopbackGuard(), LoopbackGuard(allow_own_pages=False, allow_subdomains=True)]


def own(port: int = PORT) -> dict[str, str]:
    return {"host": f"127.0.0.1:{port}"}


# ── The rule ──


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("guard", GUARDS)
def test_what_a_web_page_sends_is_refused(guard: LoopbackGuard, headers: dict[str, str]) -> None:
    """A foreign Host, Origin or Sec-Fetch-Site is enough, each by itself."""
    given = {name: value.format(port=PORT) for name, value in headers.items()}

    assert guard.refusal({**own(), **given}, PORT)


@pytest.mark.parametrize("host", ["127.0.0.1:4566", "localhost:4566", "LocalHost:4566"])
@pytest.mark.parametrize("guard", GUARDS)
def test_programs_on_this_machine_are_answered(guard: LoopbackGuard, host: str) -> None:
    """boto3, sam, curl and the functions send a Host and nothing of a browser."""
    assert guard.refusal({"host": host, "user-agent": "curl/8"}, PORT) is None


def test_the_usual_port_need_not_be_named() -> None:
    """Clients leave out 80 of http and 443 of https."""
    guard = LoopbackGuard()

    assert guard.refusal({"host": "localhost"}, 80) is None
    assert guard.refusal({"host": "localhost"}, 443, "https") is None
    assert guard.refusal({"host": "localhost"}, 80, "https")


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_servers_own_pages_are_answered(site: str) -> None:
    """What it serves may call it, and an address may be typed into a browser."""
    headers = {**own(), "origin": "http://127.0.0.1:4566", "sec-fetch-site": site}

    assert LoopbackGuard().refusal(headers, PORT) is None


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://127.0.0.1:4566"}, {"sec-fetch-site": "none"}, {"sec-fetch-site": ""}],
)
def test_where_code_can_be_run_no_browser_is_answered(headers: dict[str, str]) -> None:
    """Not even a link that is clicked in a mail, and no file that the emulator's S3 serves."""
    guard = LoopbackGuard(allow_own_pages=False)

    assert guard.refusal({**own(), **headers}, PORT)


def test_names_below_localhost_are_the_emulators_alone() -> None:
    """S3 clients put a bucket there; no page can be served under such a name."""
    headers = {"host": "bucket.s3.localhost:4566"}

    assert LoopbackGuard(allow_subdomains=True).refusal(headers, PORT) is None
    assert LoopbackGuard().refusal(headers, PORT)


# ── Every server ──


def _liveperson(parts: ExitStack, _folder: Path) -> int:
    return parts.enter_context(SimulatedLivePerson()).port


def _demo_channel(parts: ExitStack, _folder: Path) -> int:
    channel = DemoChannel(SECRET)
    channel.start()
    parts.callback(channel.stop)
    return port_of(channel.url)


def _soak_channel(parts: ExitStack, _folder: Path) -> int:
    channel = SoakChannel(SECRET, [])
    channel.start()
    parts.callback(channel.stop)
    return port_of(channel.callback_url)


def _file_host(parts: ExitStack, folder: Path) -> int:
    host = FileHost(make_certificate(folder / CERTIFICATE))
    host.start()
    parts.callback(host.stop)
    return port_of(host.put(b"content"))


def port_of(url: str) -> int:
    return urlsplit(url).port or 0


Connect = Callable[[], HTTPConnection]


@pytest.fixture(
    name="connect",
    scope="module",
    params=[_liveperson, _demo_channel, _soak_channel, _file_host],
    ids=lambda each: each.__name__,
)
def _connect(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connect]:
    folder = tmp_path_factory.mktemp("server")
    with ExitStack() as parts:
        port = request.param(parts, folder)
        if request.param is _file_host:
            trust = ssl.create_default_context(cafile=folder / CERTIFICATE)
            yield lambda: HTTPSConnection(LOOPBACK, port, timeout=5, context=trust)
        else:
            yield lambda: HTTPConnection(LOOPBACK, port, timeout=5)


def status(connection: HTTPConnection, method: str, headers: dict[str, str]) -> int:
    """Send one request; give the status of the answer, and end the connection."""
    body = b'{"status": 503}'
    given = {name: value.format(port=connection.port) for name, value in headers.items()}
    try:
        connection.request(method, "/", body, {"content-type": "text/plain", **given})
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_every_server_refuses_what_a_web_page_sends(
    connect: Connect, method: str, headers: dict[str, str]
) -> None:
    """Whatever the method is, a preflight too, before the request means anything."""
    assert 403 == status(connect(), method, headers)


def test_every_server_answers_programs(connect: Connect) -> None:
    """There is nothing at this path, but the request is taken."""
    assert status(connect(), "GET", {}) in (404, 501)


def test_a_refusal_says_why(connect: Connect) -> None:
    """Whoever put something in front of a server reads what is wrong."""
    connection = connect()
    connection.request("GET", "/", headers={"host": "page.example"})
    answer = connection.getresponse()

    assert b'{"error": "Host is not the address of this server"}' == answer.read()
    assert answer.headers["access-control-allow-origin"] is None
    connection.close()


NO_HTTP = {
    "sandbox.sam_local.gate": "asks for a secret word before the first byte is passed on",
    "sandbox.sam_local.loopback": "runs in containers alone, whose loopback no browser has",
}


def test_no_server_of_the_sandbox_is_forgotten() -> None:
    """Each request handler in the package has the guard, or a reason why it needs none."""
    for module in pkgutil.walk_packages(sandbox.__path__, "sandbox."):
        importlib.import_module(module.name)
    handlers = {each for each in _subclasses(BaseRequestHandler) if each is not LoopbackOnly}
    ours = {each for each in handlers if each.__module__.startswith("sandbox.")}
    unguarded = {each.__module__ for each in ours if not issubclass(each, LoopbackOnly)}

    assert len(ours) >= len(NO_HTTP)
    assert set(NO_HTTP) == unguarded


def _subclasses(base: type[BaseRequestHandler]) -> Iterator[type[BaseRequestHandler]]:
    for each in base.__subclasses__():
        yield each
        yield from _subclasses(each)
