"""How the demo channel sends consumer events."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sandbox.channel import ConnectorClient


class Connector(BaseHTTPRequestHandler):
    """Remembers one request and accepts it."""

    server: HTTPServer
    seen: dict[str, object]
    keys: list[tuple[str, str | None]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.update(path=self.path, key=self.headers["x-api-key"], event=json.loads(body))
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b'{"id": "m-1", "status": "accepted"}')

    def do_GET(self) -> None:
        Connector.keys.append((self.path, self.headers["x-api-key"]))
        if self.path == "/files/1":
            self.send_response(302)
            self.send_header("location", f"http://127.0.0.1:{self.server.server_port}/shown?for=60")
        else:
            self.send_response(200 if self.path.startswith("/shown") else 404)
            self.send_header("content-type", "image/png")
        self.send_header("content-length", "0" if self.path == "/files/1" else "5")
        self.end_headers()
        if self.path != "/files/1":
            self.wfile.write(b"bytes")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(name="connector")
def _connector() -> Iterator[HTTPServer]:
    Connector.seen, Connector.keys = {}, []
    server = HTTPServer(("127.0.0.1", 0), Connector)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_text_is_sent_as_the_channel_api_wants_it(connector: HTTPServer) -> None:
    """The consumer's id is encoded to the last sign, and the key is in its header."""
    url = f"http://127.0.0.1:{connector.server_port}/v1"

    answer = ConnectorClient(url, "the-key", "42").send_text("+49 1/2@x", "Hallo 👋", "m-1")

    assert Connector.seen == {
        "path": "/v1/accounts/42/consumers/%2B49%201%2F2%40x/events",
        "key": "the-key",
        "event": {"id": "m-1", "type": "text", "text": "Hallo 👋"},
    }
    assert (answer.status, answer.document["status"]) == (202, "accepted")


def test_a_file_is_fetched_where_the_connector_shows_it(connector: HTTPServer) -> None:
    """The redirect is followed, and the key is not told to whoever shows the file."""
    url = f"http://127.0.0.1:{connector.server_port}"

    fetched = ConnectorClient(url, "the-key", "42").fetch(f"{url}/files/1")

    assert (fetched.status, fetched.content, fetched.content_type) == (200, b"bytes", "image/png")
    assert fetched.shown_at == f"{url}/shown?for=60"
    assert Connector.keys == [("/files/1", "the-key"), ("/shown?for=60", None)]


def test_a_file_that_is_gone(connector: HTTPServer) -> None:
    """What was answered instead is given back."""
    url = f"http://127.0.0.1:{connector.server_port}"

    fetched = ConnectorClient(url, "the-key", "42").fetch(f"{url}/files/2")

    assert (fetched.status, fetched.shown_at) == (404, "")
