"""Consumers' files: which addresses are fetched, what is taken for a file, and what never will."""

from __future__ import annotations

import base64
import socket
from collections.abc import Sequence
from typing import Any

import pytest

from liveperson_connector.channel.files import ConsumerFileFetcher
from liveperson_connector.domain.errors import ChannelUnavailable, FileRefused
from liveperson_connector.support.connections import Network
from liveperson_connector.support.dialer import AddressInfo, Dialer
from liveperson_connector.support.http_client import HttpClient
from tests.support.servers import Answer, serving

PICTURE = b"\x89PNG\r\n\x1a\n" + b"x" * 100
FILES = ConsumerFileFetcher(network="loopback", most=1000)


def fetched(answer: Answer) -> bytes:
    """Fetch a picture whose address answers so."""
    with serving(answer) as server:
        return FILES.content({"url": f"{server.url}/x.png", "file_type": "PNG"})


def names_that_fail(code: int) -> ConsumerFileFetcher:
    """Fetch files while the name service fails in one way."""

    def fail(*_: Any, **__: Any) -> Sequence[AddressInfo]:
        raise socket.gaierror(code, "words of the resolver's")

    return ConsumerFileFetcher(HttpClient(Network(Dialer(getaddrinfo=fail))), most=1000)


@pytest.mark.parametrize("status", [200, 203])
def test_file_is_what_is_answered(status: int) -> None:
    """By its host, or by a proxy that says that it changed it."""
    assert PICTURE == fetched(Answer(status, PICTURE))


def test_file_may_come_with_its_event() -> None:
    """Then nothing is fetched."""
    inline = base64.b64encode(PICTURE).decode()

    assert PICTURE == FILES.content({"content_base64": inline, "file_type": "PNG"})


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(200, PICTURE * 10), "more than 1000 bytes"),
        (Answer(200, b"<html>"), "is not a PNG"),
        (Answer(204, b""), "answered 204"),
        (Answer(206, PICTURE), "answered 206"),
        (Answer(301, headers={"Location": "https://b.example/"}), "answered 301"),
        (Answer(404), "answered 404"),
        (Answer(410), "answered 410"),
    ],
)
def test_what_will_never_be_the_file_is_refused(answer: Answer, problem: str) -> None:
    """The next event goes on, and the channel is told."""
    with pytest.raises(FileRefused, match=problem):
        fetched(answer)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_host_that_asks_for_patience_gets_it(status: int) -> None:
    """As long as it asks for."""
    with pytest.raises(ChannelUnavailable) as later:
        fetched(Answer(status, headers={"Retry-After": "7"}))

    assert (status, 7.0) == (later.value.http_status, later.value.retry_after)


@pytest.mark.parametrize(
    "url",
    [
        "https://files.invalid/x.png",
        "https://files.invalid:8443/x.png",
        "https://a..b/x.png",
        "https://./x.png",
        "https://files.example:0/x.png",
        "https://files.example:99999/x.png",
        f"https://{'a' * 64}.example/x.png",
        f"https://{'a.' * 200}example/x.png",
        "https://10.0.0.1/x.png",
        "https://localhost/x.png",
        "http://files.example/x.png",
    ],
)
def test_address_that_can_never_be_one_is_refused_at_once(url: str) -> None:
    """It would hold back everything else that the consumer says for a day."""
    with pytest.raises(FileRefused, match="the file's url") as refused:
        ConsumerFileFetcher(most=1000).content({"url": url, "file_type": "PNG"})

    assert url not in str(refused.value)


@pytest.mark.parametrize("code", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_host_that_does_not_exist_is_an_answer(code: int) -> None:
    """The channel gets to know it now, and not in a day."""
    with pytest.raises(FileRefused, match="names a host that does not exist") as refused:
        names_that_fail(code).content({"url": "https://files.example/x.png", "file_type": "PNG"})

    assert "resolver" not in str(refused.value)


@pytest.mark.parametrize("code", [socket.EAI_AGAIN, socket.EAI_FAIL])
def test_name_service_that_fails_is_a_matter_of_time(code: int) -> None:
    """It has not said that there is no such host."""
    with pytest.raises(ChannelUnavailable):
        names_that_fail(code).content({"url": "https://files.example/x.png", "file_type": "PNG"})
