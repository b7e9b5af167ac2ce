"""How the demo channel sends consumer events."""

from collections.abc import Iterator

import pytest

from sandbox.channel import ConnectorClient
from simulator.http_server import Answer, HttpServer, Request


class Connector(HttpServer):
    """Accepts events, and shows one agent's file."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.requests: list[Request] = []

    def _answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if request.method == "POST":
            return Answer(202, {"id": "m-1", "status": "accepted"})
        if request.path == "/files/1":
            return Answer(302, headers={"location": f"{self.url}/shown?for=60"})
        shown = request.path == "/shown"
        return Answer(200 if shown else 404, b"bytes", {"content-type": "image/png"})


@pytest.fixture(name="connector")
def _connector() -> Iterator[Connector]:
    with Connector() as connector:
        yield connector


def test_a_text_is_sent_as_the_channel_api_wants_it(connector: Connector) -> None:
    """The consumer's id is encoded to the last sign, and the key is in its header."""
    url = f"{connector.url}/v1"

    answer = ConnectorClient(url, "the-key", "42").send_text("+49 1/2@x", "Hallo 👋", "m-1")

    [seen] = connector.requests
    assert seen.path == "/v1/accounts/42/consumers/%2B49%201%2F2%40x/events"
    assert seen.headers["x-api-key"] == "the-key"
    assert seen.json() == {"id": "m-1", "type": "text", "text": "Hallo 👋"}
    assert (answer.status, answer.document["status"]) == (202, "accepted")


def test_a_file_is_fetched_where_the_connector_shows_it(connector: Connector) -> None:
    """The redirect is followed, and the key is not told to whoever shows the file."""
    url = connector.url

    fetched = ConnectorClient(url, "the-key", "42").fetch(f"{url}/files/1")

    assert (fetched.status, fetched.content, fetched.content_type) == (200, b"bytes", "image/png")
    assert fetched.shown_at == f"{url}/shown?for=60"
    keys = [(each.target, each.headers.get("x-api-key")) for each in connector.requests]
    assert keys == [("/files/1", "the-key"), ("/shown?for=60", None)]


def test_a_file_that_is_gone(connector: Connector) -> None:
    """What was answered instead is given back."""
    url = connector.url

    fetched = ConnectorClient(url, "the-key", "42").fetch(f"{url}/files/2")

    assert (fetched.status, fetched.shown_at) == (404, "")
