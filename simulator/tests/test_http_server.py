"""Which requests a server on loopback answers, and how: those of programs, and of no web page."""

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected
from typing import Any

import pytest

from simulator.http_server import LOOPBACK, Answer, HttpServer, Refused, Request, Reset, Routes
from simulator.loopback_guard import LoopbackGuard

PORT = 4566

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


# ── The server ──


def echo(request: Request) -> Answer | None:
    """Answer with what arrived, or as the path says."""
    if request.path == "/refused":
        raise Refused(Answer(418, {"error": "no coffee"}))
    if request.path == "/reset":
        raise Reset(b"HTTP/1.1 200 OK\r\ncontent-le")
    if request.path == "/closed":
        return None
    return Answer(200, {"method": request.method, "query": request.query, "path": request.path})


@pytest.fixture(name="server")
def _server() -> Iterator[HttpServer]:
    with HttpServer(echo, largest_body=1000) as server:
        yield server


@pytest.fixture(name="connection")
def _connection(server: HttpServer) -> Iterator[HTTPConnection]:
    connection = HTTPConnection(LOOPBACK, server.port, timeout=5)
    yield connection
    connection.close()


def asked(connection: HTTPConnection, method: str, target: str, **given: Any) -> HTTPResponse:
    connection.request(method, target, **given)
    answer = connection.getresponse()
    answer.body = answer.read()  # type: ignore[attr-defined]
    return answer


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_a_request_of_a_web_page_never_reaches_the_handler(
    connection: HTTPConnection, method: str, headers: dict[str, str]
) -> None:
    """It is answered 403 whatever its method, and says why; no other origin may read that."""
    given = {name: value.format(port=connection.port) for name, value in headers.items()}

    answer = asked(connection, method, "/", body=b"{}", headers=given)

    assert answer.status == 403
    assert answer.headers["access-control-allow-origin"] is None
    if method != "HEAD":
        assert b'{"error": "' in answer.body  # type: ignore[attr-defined]


def test_a_path_arrives_as_it_was_sent(connection: HTTPConnection) -> None:
    """Percent-encoding and doubled slashes are kept; of a repeated name the first value counts."""
    answer = asked(connection, "PATCH", "//a%2Fb?x=1&x=2&y=")

    assert json.loads(answer.body) == {  # type: ignore[attr-defined]
        "method": "PATCH",
        "path": "//a%2Fb",
        "query": {"x": "1", "y": ""},
    }


def test_a_connection_is_kept_and_counted_once(
    server: HttpServer, connection: HTTPConnection
) -> None:
    """A refusal by the handler is an answer like any other."""
    statuses = [asked(connection, "POST", path).status for path in ("/", "/refused", "/")]

    assert statuses == [200, 418, 200]
    assert server.connections == 1


def test_head_has_no_body(connection: HTTPConnection) -> None:
    """The next answer on the connection is read from its beginning."""
    assert int(asked(connection, "HEAD", "/").headers["content-length"]) > 0
    assert asked(connection, "GET", "/").status == 200


@pytest.mark.parametrize(
    ("path", "error"), [("/reset", ConnectionResetError), ("/closed", RemoteDisconnected)]
)
def test_a_connection_ends_as_the_handler_says(
    connection: HTTPConnection, path: str, error: type[Exception]
) -> None:
    """A reset is a TCP reset; None closes in order, without a byte."""
    with pytest.raises(error):
        asked(connection, "GET", path)


def test_a_body_that_is_too_long_is_not_read(connection: HTTPConnection) -> None:
    """The answer arrives although the client sends more than is read."""
    assert asked(connection, "POST", "/", body=b"x" * 300_000).status == 413


def test_an_error_of_the_handler_is_printed(
    connection: HTTPConnection, server: HttpServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """The client gets no answer, and the error output says why."""
    server.handler = lambda _: Answer(200, object())

    with pytest.raises(RemoteDisconnected):
        asked(connection, "GET", "/")
    assert "not JSON serializable" in capfd.readouterr().err


def test_a_server_can_be_stopped_at_any_time(connection: HTTPConnection) -> None:
    """Before it was started, and twice; kept connections end with it."""
    HttpServer(echo).stop()
    with HttpServer(echo) as server:
        kept = HTTPConnection(LOOPBACK, server.port, timeout=5)
        asked(kept, "GET", "/")
        server.stop()

        with pytest.raises((ConnectionError, RemoteDisconnected)):
            asked(kept, "GET", "/")


def test_routes_find_targets_and_parameters() -> None:
    """A parameter is one segment or part of one, decoded; the first matching row counts."""
    routes = Routes([("GET", "/a/{x}/b", 1), ("GET", "/bot{token}/send", 2), ("GET", "/a/1/b", 3)])

    assert routes.find("GET", "/a/1%2F2/b") == (1, {"x": "1/2"})
    assert routes.find("GET", "/bot12:ab/send") == (2, {"token": "12:ab"})
    assert routes.find("GET", "/a/1/b") == (1, {"x": "1"})
    assert routes.find("POST", "/a/1/b") is None
    assert routes.find("GET", "/a/1/2/b") is None
