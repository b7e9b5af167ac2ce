"""What the client promises of every call; test_partners.py shows that every partner has it."""

from __future__ import annotations

import socket
import threading
import time
import tomllib
import tracemalloc
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from liveperson_connector.support.connections import IDLE_SECONDS, Network
from liveperson_connector.support.dialer import (
    AddressInfo,
    Dialer,
    NoAnswer,
    NoSuchHost,
    NotSent,
)
from liveperson_connector.support.http_client import USER_AGENT, Answer, HttpClient
from liveperson_connector.support.web_address import WebAddress
from sandbox.certificates import make_certificate
from tests.support.clocks import Clock
from tests.support.misbehaving import (
    NO_BODY,
    NO_STATUS,
    TOO_LARGE,
    Behaviour,
    Talk,
    answering,
    body,
    misbehaving,
    well,
)
from tests.support.servers import Answer as Given
from tests.support.servers import Request, serving
from tools.template import PROJECT

SECONDS = 1.0
_SLACK = 3.0
_MUCH = 10_000_000


def call(url: str, client: HttpClient | None = None, **how: Any) -> Answer:
    """Get what is at an address."""
    client = client or HttpClient()
    method = "POST" if "body" in how else "GET"
    return client.call(method, WebAddress.parse(url), **{"seconds": 5.0, "most": _MUCH, **how})


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "certificate.pem")


@pytest.fixture(name="trusting")
def _trusting(certificate: Path) -> HttpClient:
    """Trust the certificate of this machine."""
    return HttpClient(Network(ca_file=str(certificate)))


# ── What is sent ──


@pytest.mark.parametrize(
    "target", ["/a/../b//c/./d?x=%7e&y=%2f&z=%7E", "/odd|\"<>\\^`{}'()[]", "/?", "/x?a=b?c"]
)
def test_an_address_is_called_as_it_was_given(target: str) -> None:
    """A signature over it stays right."""
    with misbehaving(answering(body(b""))) as server:
        call(server.url + target)

    assert f"GET {target} HTTP/1.1" == server.requests[0].split(b"\r\n")[0].decode()


def test_a_request_says_who_sends_it_and_asks_for_nothing_packed() -> None:
    """And the caller's own headers are there."""
    with serving(Given()) as server:
        call(server.url, headers={"X-Own": "1"}, body=b"{}")

    (request,) = server.requests
    assert b"{}" == request.body
    assert {
        "host": server.url.removeprefix("http://"),
        "user-agent": USER_AGENT,
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-length": "2",
        "x-own": "1",
    } == request.headers


def test_our_name_has_our_version() -> None:
    """So that a partner can tell what changed."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]

    assert f"{project['name']}/{project['version']}" == USER_AGENT


def test_a_host_may_be_an_address_of_ipv6() -> None:
    """It stands in brackets in the request."""
    with misbehaving(answering(body(b"yes")), host="::1") as server:
        assert b"yes" == call(server.url).body

    assert f"Host: [::1]:{server.port}".encode() in server.requests[0]


# ── What is answered ──


@pytest.mark.parametrize("status", [200, 204, 301, 404, 418, 500, 599, 999])
def test_any_status_is_an_answer(status: int) -> None:
    """What it means is for the caller to say."""
    with misbehaving(answering(b"HTTP/1.1 %d Odd\r\nContent-Length: 0\r\n\r\n" % status)) as server:
        assert status == call(server.url).status


def test_a_head_has_no_body_whatever_its_length_says() -> None:
    """It is not waited for, and the connection can be used again."""
    with misbehaving(
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nDate: now\r\n\r\n")
    ) as server:
        client = HttpClient()
        address = WebAddress.parse(server.url)
        for most in (0, _MUCH):
            answer = client.call("HEAD", address, seconds=60, most=most)
            assert (b"", "now") == (answer.body, answer.headers.get("date"))

    assert 1 == server.connections


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30.0),
        ("Wed, 21 Oct 2026 07:28:30 -0000", 30.0),
        ("Wed, 21 Oct 2026 07:20:00 GMT", 0.0),
        ("", None),
        ("1.5", None),
        ("-1", None),
        ("soon", None),
        ("Wed, 99 Oct 2026 07:28:30 GMT", None),
        ("٣", None),
    ],
)
def test_a_wait_is_read_in_seconds_or_from_a_date(header: str, seconds: float | None) -> None:
    """A date is meant by the clock of who gives it; without one, our own waits apply."""
    headers = {"Retry-After": header, "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}

    assert seconds == Answer(503, headers).retry_after


def test_a_date_without_another_is_meant_by_our_clock() -> None:
    """Not every answer shows the clock of who gives it."""
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)

    assert 500 < (Answer(503, {"Retry-After": later}).retry_after or 0) <= 600
    assert Answer(503).retry_after is None


@pytest.mark.parametrize("content", [b"", b"<html>", b"{", b"\xff", b"[" * 100_000])
def test_what_is_not_json_is_a_plain_error(content: bytes) -> None:
    """Whatever is wrong with it."""
    with pytest.raises(ValueError, match=r"\S"):
        Answer(200, body=content).json()


@pytest.mark.parametrize("way", NO_BODY)
def test_a_body_that_breaks_off_takes_no_status_back(way: str) -> None:
    """The caller is told of both."""
    with misbehaving(NO_BODY[way]) as server:
        answer = call(server.url, seconds=SECONDS)

    assert (200, True) == (answer.status, answer.broke_off)


@pytest.mark.parametrize("way", TOO_LARGE)
def test_a_body_is_read_up_to_a_size(way: str) -> None:
    """Of one that is, or grows, a hundred times as large, little more than that is ever kept."""
    most = 1_000_000
    with misbehaving(TOO_LARGE[way]) as server:
        client = HttpClient()
        tracemalloc.start()
        answer = call(server.url, client, most=most)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert most < len(answer.body) < most + 100_000
    assert peak < 5 * most


def test_a_body_is_there_to_its_last_byte() -> None:
    """Up to the size that was asked for."""
    with serving(Given(200, b"x" * 300_000)) as server:
        answer = call(server.url, most=300_000)

    assert (b"x" * 300_000, False) == (answer.body, answer.broke_off)


def test_nothing_of_an_answer_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The library below would warn, with the address and the headers, and Lambda logs that."""
    with misbehaving(NO_BODY["has a header that cannot be read"]) as server:
        call(f"{server.url}/secret-path", seconds=0.1)

    assert "" == caplog.text


# ── Connections ──


def test_a_connection_is_used_again() -> None:
    """Whether the body is read or not, and packed or not."""
    with serving(Given(200, b"x" * 1000)) as server:
        client = HttpClient()
        for most in (0, _MUCH, 0, 0, _MUCH):
            call(server.url, client, most=most)

    assert (5, 1) == (len(server.requests), server.connections)


@pytest.mark.parametrize("way", ["drips the body", "never sends the body"])
def test_a_connection_whose_body_does_not_come_is_given_up(way: str) -> None:
    """What is left of it must not be taken for the next answer, and is not waited for."""
    with misbehaving(NO_BODY[way]) as server:
        client = HttpClient()
        began = time.monotonic()
        for _ in range(2):
            assert 200 == call(server.url, client, most=0, seconds=60).status

        assert time.monotonic() - began < 30
    assert 2 == server.connections


def test_an_interim_answer_is_not_taken_for_the_answer() -> None:
    """Else the answer would be taken for that to the next request."""
    with misbehaving(well(b"yes")["hints first"]) as server:
        client = HttpClient()
        found = [call(server.url, client) for _ in range(3)]

    assert [(200, b"yes")] * 3 == [(each.status, each.body) for each in found]
    assert 1 == server.connections


def test_a_connection_that_lay_idle_is_not_used_again(clock: Clock) -> None:
    """Writing to one that the other side may have closed would leave us in doubt."""
    with serving(Given()) as server:
        client = HttpClient(Network(clock=clock))
        for pause in (0, IDLE_SECONDS, IDLE_SECONDS + 1, -IDLE_SECONDS - 1):
            clock.pass_seconds(pause)
            call(server.url, client)

    assert 3 == server.connections


def test_each_connection_is_idle_for_itself(clock: Clock) -> None:
    """A partner that is called all the time keeps no other's connection fresh."""
    with serving(Given()) as busy, serving(Given()) as quiet:
        client = HttpClient(Network(clock=clock))
        call(quiet.url, client)
        for _ in range(3):
            clock.pass_seconds(IDLE_SECONDS / 2)
            call(busy.url, client)
        call(quiet.url, client)

    assert (1, 2) == (busy.connections, quiet.connections)


# ── No answer ──


@pytest.mark.parametrize(
    "way", ["never answers", "closes without an answer", "resets without an answer"]
)
def test_what_may_have_arrived_is_not_sent_again(way: str) -> None:
    """Neither on a new connection nor on one that was kept."""

    def well_once(talk: Talk) -> None:
        if talk.hear():
            talk.say(body(b""))
            NO_STATUS[way](talk)

    with misbehaving(well_once) as server:
        client = HttpClient()
        call(server.url, client)
        with pytest.raises(NoAnswer) as lost:
            call(server.url, client, seconds=SECONDS)

    assert not lost.value.surely_not_sent
    assert (2, 1) == (len(server.requests), server.connections)


def _half_heard(times: int) -> Behaviour:
    """Break the first connections before their request is there, and answer the others."""

    def behave(talk: Talk) -> None:
        if talk.number <= times:
            talk.connection.recv(1)
            talk.reset()
        else:
            answering(body(b"yes"))(talk)

    return behave


def test_what_surely_was_not_sent_is_sent_again_at_once() -> None:
    """The other side closed before the request was out: it can't have acted on it."""
    with misbehaving(_half_heard(1)) as server:
        assert b"yes" == call(server.url, body=bytes(8_000_000)).body

    assert (1, 2) == (len(server.requests), server.connections)


def test_it_is_sent_again_once() -> None:
    """Then the queue has the word."""
    with misbehaving(_half_heard(9)) as server, pytest.raises(NotSent) as failed:
        call(server.url, body=bytes(8_000_000))

    assert failed.value.surely_not_sent
    assert 2 == server.connections


def test_a_connection_that_is_not_made_is_tried_again_at_once() -> None:
    """A server that starts anew refuses connections for a moment."""
    asked = []

    def names(host: str, port: int, **_: Any) -> list[AddressInfo]:
        asked.append(host)
        where = "127.0.0.2" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (where, port))]

    with serving(Given(200, b"yes")) as server:
        client = HttpClient(Network(Dialer(getaddrinfo=names)))
        url = server.url.replace("127.0.0.1", "channel.example")
        assert b"yes" == call(url, client).body

    assert 2 == len(asked)


def test_one_partners_trouble_drops_no_others_connection() -> None:
    """A brand whose channel is down costs the others no handshake."""
    with serving(Given()) as well_, misbehaving(answering()) as down:
        client = HttpClient()
        call(well_.url, client)
        down.stop()
        with pytest.raises(NotSent):
            call(down.url, client)
        call(well_.url, client)

    assert 1 == well_.connections


def test_a_name_is_looked_up_once_a_connection() -> None:
    """A kept connection needs no name service."""
    asked = []

    def names(host: str, port: int, **_: Any) -> list[AddressInfo]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    with serving(Given()) as server:
        client = HttpClient(Network(Dialer(getaddrinfo=names)))
        url = server.url.replace("127.0.0.1", "channel.example")
        for _ in range(3):
            call(url, client)

    assert ["channel.example"] == asked


def test_a_host_that_does_not_exist_is_told_apart() -> None:
    """It is an answer of the name service's."""
    with pytest.raises(NoSuchHost):
        call("https://files.invalid/x.png")


def test_a_header_that_cannot_be_sent_was_not() -> None:
    """And is not shown: it may be a token."""
    with serving(Given()) as server, pytest.raises(NotSent) as failed:
        call(server.url, headers={"Authorization": "tok\r\nen"})

    assert "tok" not in str(failed.value)
    assert failed.value.__suppress_context__
    assert [] == server.requests


def test_an_error_tells_no_address() -> None:
    """It has words of ours alone, and nothing behind it that a traceback would show."""
    with (
        misbehaving(NO_STATUS["closes without an answer"]) as server,
        pytest.raises(NoAnswer) as lost,
    ):
        call(f"{server.url}/secret?token=1")

    assert "secret" not in str(lost.value)
    assert lost.value.__suppress_context__


def test_the_time_is_for_the_whole_call() -> None:
    """Sending, waiting and reading take what is left, not a time of their own each."""

    def slowly(_request: Request) -> Given:
        server.stopping.wait(0.6)
        return Given(200, b"x")

    with serving(slowly) as server:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="in time"):
            call(server.url, seconds=0.3)

        assert time.monotonic() - began < 0.3 + _SLACK


# ── Encrypted ──


def test_an_encrypted_connection_is_used_again(trusting: HttpClient, certificate: Path) -> None:
    """As a plain one is."""
    with misbehaving(answering(body(b"yes")), tls=certificate) as server:
        assert [b"yes"] * 3 == [call(server.url, trusting).body for _ in range(3)]

    assert 1 == server.connections


@pytest.mark.parametrize("way", ["drips headers", "drips the status", "never answers"])
def test_an_encrypted_answer_has_no_more_time(
    trusting: HttpClient, certificate: Path, way: str
) -> None:
    """However it drips."""
    with misbehaving(NO_STATUS[way], tls=certificate) as server:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match="in time"):
            call(server.url, trusting, seconds=SECONDS)

        assert time.monotonic() - began < SECONDS + _SLACK


@pytest.mark.parametrize("way", ["drips the body", "drips chunks", "ends before its length"])
def test_an_encrypted_body_has_no_more_time(
    trusting: HttpClient, certificate: Path, way: str
) -> None:
    """However it drips."""
    with misbehaving(NO_BODY[way], tls=certificate) as server:
        began = time.monotonic()
        answer = call(server.url, trusting, seconds=SECONDS)

        assert time.monotonic() - began < SECONDS + _SLACK
    assert (200, True) == (answer.status, answer.broke_off)


def test_a_certificate_that_is_not_trusted_gets_nothing(certificate: Path) -> None:
    """Not a byte of the request."""
    with (
        misbehaving(answering(body(b"yes")), tls=certificate) as server,
        pytest.raises(NotSent, match="not trusted"),
    ):
        call(server.url)

    assert [] == server.requests


def test_a_certificate_must_be_the_hosts(trusting: HttpClient, certificate: Path) -> None:
    """A trusted one of another host is no better."""
    with (
        misbehaving(answering(body(b"yes")), host="127.0.0.2", tls=certificate) as server,
        pytest.raises(NotSent, match="not trusted"),
    ):
        call(server.url, trusting)

    assert [] == server.requests


def test_one_client_serves_several_threads() -> None:
    """token_refresh may ask for several accounts at a time."""
    with serving(Given(200, b"x" * 100)) as server:
        client, found = HttpClient(), []
        threads = [
            threading.Thread(target=lambda: found.append(call(server.url, client).body))
            for _ in range(8)
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)

    assert [b"x" * 100] * 8 == found
