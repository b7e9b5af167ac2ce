"""How the demo channel sends consumer events."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from sandbox.channel import ConnectorClient


class Connector(BaseHTTPRequestHandler):
    """Remembers one request and accepts it."""

    seen: dict[str, object]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.seen.update(path=self.path, key=self.headers["x-api-key"], event=json.loads(body))
        self.send_response(202)
        self.end_headers()
        self.wfile.write(b'{"id": "m-1", "status": "accepted"}')

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(name="connector")
def _connector() -> Iterator[HTTPServer]:
    Connector.seen = {}
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
