"""Files at LivePerson's storage: with an address of their own, which lives a minute."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from liveperson_connector.domain.errors import LivePersonRefused, LivePersonUnavailable
from liveperson_connector.liveperson.consumer_jws import ConsumerJws
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.files import LivePersonFiles
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.liveperson.send_api import OnBehalf, SendApi
from tests.support.accounts import ACCOUNT
from tests.support.servers import Answer, HttpServer, Request, json_answer, serving
from tests.support.tokens import consumer_jws, held_app_jwt

WHO = OnBehalf(ACCOUNT, held_app_jwt(), ConsumerJws(consumer_jws(), "lp-1"))


@dataclass
class Storage:
    """LivePerson: gives out numbered addresses; those that ``ran_out`` get another status."""

    ran_out: dict[int, int] = field(default_factory=dict)
    path: str = "/v1/AUTH_async-images/picture"
    given: int = 0
    ask_status: int = 200

    def __call__(self, request: Request) -> Answer:
        """Answer a request."""
        if "baseURI" in request.path:
            entries = [{"service": s, "baseURI": self.url} for s in ("asyncMessagingEnt", "swift")]
            return json_answer({"baseURIs": entries})
        if request.target.endswith("/conversation/send?v=3"):
            self.given += 1
            place = {"relativePath": self.path, "queryParams": {"temp_url_sig": f"{self.given}+/="}}
            return json_answer({"code": "OK", "body": place}, self.ask_status)
        number = int(request.target.rpartition("temp_url_sig=")[2].partition("%")[0])
        return Answer(self.ran_out.get(number, 201 if request.method == "PUT" else 200), b"content")

    url: str = ""

    @contextmanager
    def serving(self) -> Iterator[tuple[LivePersonFiles, HttpServer]]:
        """Run it, and give what talks to it."""
        with serving(self) as server:
            self.url = server.url
            http = LivePersonHttp()
            domains = Domains(http, server.url)
            yield LivePersonFiles(http, domains, SendApi(http, domains)), server


def visits(server: HttpServer) -> list[tuple[str, str]]:
    """Give what was asked of the storage itself."""
    return [
        (each.method, each.target) for each in server.requests if "/api/account/" not in each.path
    ]


def test_file_is_put_where_livepersons_says_and_as_it_says() -> None:
    """The address is signed: nothing of it changes on the way."""
    with Storage(path="/v1/a%7Eb/~c//d+e").serving() as (storage, server):
        assert "/v1/a%7Eb/~c//d+e" == storage.upload(WHO, b"content", "PNG")

    assert [("PUT", "/v1/a%7Eb/~c//d+e?temp_url_sig=1%2B%2F%3D")] == visits(server)


def test_path_that_cannot_stand_in_a_request_is_escaped() -> None:
    """An agent's file may be called anything."""
    with Storage(path='/v1/Grüße aus "Köln".png').serving() as (storage, server):
        assert b"content" == storage.download(WHO, "/v1/x")

    ((_, path),) = visits(server)
    assert path.startswith("/v1/Gr%C3%BC%C3%9Fe%20aus%20%22K%C3%B6ln%22.png?")


@pytest.mark.parametrize("status", [401, 403])
def test_upload_address_that_ran_out_is_asked_for_anew(status: int) -> None:
    """The consumer's picture is not lost for it."""
    with Storage(ran_out={1: status}).serving() as (storage, server):
        storage.upload(WHO, b"content", "PNG")

    assert ["1%2B%2F%3D", "2%2B%2F%3D"] == [path.split("=")[1] for _, path in visits(server)]


@pytest.mark.parametrize("status", [401, 403])
def test_download_address_that_ran_out_is_asked_for_anew(status: int) -> None:
    """The channel gets the agent's file."""
    with Storage(ran_out={1: status}).serving() as (storage, server):
        assert b"content" == storage.download(WHO, "/file")

    assert 2 == len(visits(server))


@pytest.mark.parametrize("status", [401, 403])
def test_it_is_asked_for_anew_once(status: int) -> None:
    """What is refused with a fresh address, too, is not a matter of time."""
    ran_out = dict.fromkeys(range(1, 9), status)
    with (
        Storage(ran_out=ran_out).serving() as (storage, server),
        pytest.raises(LivePersonRefused) as refused,
    ):
        storage.upload(WHO, b"content", "PNG")

    assert status == refused.value.http_status
    assert 2 == len(visits(server))


@pytest.mark.parametrize(
    ("status", "kind"), [(404, LivePersonRefused), (503, LivePersonUnavailable)]
)
def test_nothing_else_asks_for_another_address(status: int, kind: type[Exception]) -> None:
    """A file that is gone is gone, and a storage that fails is tried by the queue."""
    with Storage(ran_out={1: status}).serving() as (storage, server), pytest.raises(kind):
        storage.download(WHO, "/file")

    assert 1 == len(visits(server))


def test_refusal_to_give_an_address_is_one() -> None:
    """The consumer who is not let in is not asked for twice here."""
    known = Storage(ask_status=401)
    with known.serving() as (storage, server), pytest.raises(LivePersonRefused):
        storage.download(WHO, "/file")

    assert 1 == known.given
    assert [] == visits(server)


@pytest.mark.parametrize("path", ["", "file", "https://evil.example/"])
def test_what_is_no_path_is_not_called(path: str) -> None:
    """The host is the Domain API's to name."""
    with (
        Storage(path=path).serving() as (storage, server),
        pytest.raises(LivePersonUnavailable, match="names no address"),
    ):
        storage.download(WHO, "/file")

    assert [] == visits(server)
