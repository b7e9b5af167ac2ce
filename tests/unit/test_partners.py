"""
Every partner of ours, called while it misbehaves in every way that a partner can.

All are called through one client. So each of these ways is tried on each of them, with the code
that the functions call them with: what a new partner does badly is dealt with before it does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from liveperson_connector.channel.callbacks import Callbacks
from liveperson_connector.channel.files import ConsumerFileFetcher
from liveperson_connector.domain.errors import (
    FileRefused,
    LivePersonRefused,
    LivePersonUnavailable,
    Transient,
)
from liveperson_connector.liveperson import payloads
from liveperson_connector.liveperson.app_jwt import Sentinel
from liveperson_connector.liveperson.consumer_jws import ConsumerJws, Idp
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.files import MAX_BYTES, LivePersonFiles
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.liveperson.monitoring import Monitoring, Visit
from liveperson_connector.liveperson.payloads import Place
from liveperson_connector.liveperson.send_api import OnBehalf, SendApi
from liveperson_connector.support.http_client import USER_AGENT
from tests.support.accounts import ACCOUNT, CREDENTIALS, channel_settings
from tests.support.clocks import Clock
from tests.support.misbehaving import (
    CLOSING,
    NO_BODY,
    NO_STATUS,
    TOO_LARGE,
    Behaviour,
    MisbehavingServer,
    Talk,
    answering,
    body,
    misbehaving,
    well,
)
from tests.support.servers import Answer, HttpServer, Request, json_answer, serving
from tests.support.tokens import app_jwt, consumer_jws, held_app_jwt

# How long a call may take here; and how much later it may end on a machine that is busy.
SECONDS = 1.0
_SLACK = 3.0

PICTURE = b"\x89PNG\r\n\x1a\n" + b"x" * 100

TAKEN, IN_DOUBT, NOT_DONE, REFUSED = "taken", "in doubt", "surely not done", "refused"

Call = Callable[[str], Callable[[], object]]
"""Makes what calls the partner at an address; made once, it keeps its connections."""


@dataclass(frozen=True)
class Partner:
    """
    Somebody we call: how, and what would be a good answer.

    ``needs`` says what of an answer is needed: its ``status``, its ``json``, or a ``file``.
    """

    name: str
    call: Call
    answer: bytes
    needs: str = "json"


Use = Callable[[LivePersonHttp, Domains, OnBehalf], object]
WHO = OnBehalf(ACCOUNT, held_app_jwt(), ConsumerJws(consumer_jws(), "lp-1"))


@dataclass(frozen=True)
class Service:
    """A service of LivePerson's: what the Domain API calls it, and how we call it."""

    name: str
    use: Use

    def at(self, url: str) -> Callable[[], object]:
        """Call the service there, while all others are well."""
        http = LivePersonHttp(seconds=SECONDS)

        def call() -> object:
            with all_well_but(self.name, [url]) as good:
                return self.use(http, Domains(http, good.url), WHO)

        return call


@contextmanager
def all_well_but(service: str, urls: Sequence[str]) -> Iterator[HttpServer]:
    """Be LivePerson, but for one service; with each look-up that is at the next of some URLs."""
    places = iter(urls)

    def behave(request: Request) -> Answer:
        if "baseURI" in request.path:
            others = ("sentinel", "idp", "asyncMessagingEnt", "swift", "smt")
            bases = {**dict.fromkeys(others, good.url), service: next(places)}
            return json_answer(
                {"baseURIs": [{"service": name, "baseURI": at} for name, at in bases.items()]}
            )
        return json_answer({"body": {"relativePath": "/file", "queryParams": {"sig": "1"}}})

    with serving(behave) as good:
        yield good


def _upload(http: LivePersonHttp, domains: Domains, who: OnBehalf) -> object:
    return LivePersonFiles(http, domains, SendApi(http, domains)).upload(who, PICTURE, "PNG")


def _download(http: LivePersonHttp, domains: Domains, who: OnBehalf) -> object:
    return LivePersonFiles(http, domains, SendApi(http, domains)).download(who, "/file")


def _issue(http: LivePersonHttp, domains: Domains, _who: OnBehalf) -> object:
    return Sentinel(http, domains, clock=Clock()).issue(ACCOUNT, CREDENTIALS)


def _domain_api(url: str) -> Callable[[], object]:
    http = LivePersonHttp(seconds=SECONDS)
    return lambda: Domains(http, url).base(ACCOUNT, "idp")


def _callbacks(url: str) -> Callable[[], object]:
    callbacks = Callbacks(network="loopback", seconds=SECONDS)
    return lambda: callbacks.post(channel_settings(f"{url}/cb"), "msg_1", {"type": "message"})


def _files(url: str) -> Callable[[], object]:
    files = ConsumerFileFetcher(network="loopback", most=MAX_BYTES, seconds=SECONDS)
    return lambda: files.content({"url": f"{url}/picture.png", "file_type": "PNG"})


def _text(value: object) -> bytes:
    return json.dumps(value).encode()


SERVICES = {
    "Sentinel": Service("sentinel", _issue),
    "IDP": Service("idp", lambda http, at, who: Idp(http, at).issue(ACCOUNT, who.app_jwt, "key")),
    "SEND": Service(
        "asyncMessagingEnt",
        lambda http, at, who: SendApi(http, at).send(
            who, payloads.text(Place("c-1", "c-1"), "Hello")
        ),
    ),
    "Monitoring": Service(
        "smt",
        lambda http, at, _who: Monitoring(http, at).engagement(
            ACCOUNT, "app", "key", Visit(), ["https://a.example"]
        ),
    ),
    "storage, upload": Service("swift", _upload),
    "storage, download": Service("swift", _download),
}

_ANSWERS = {
    "Sentinel": _text({"access_token": app_jwt()}),
    "IDP": _text({"token": consumer_jws()}),
    "SEND": _text({"code": "OK", "body": {"sequence": 1}}),
    "Monitoring": _text({"sessionId": "s", "visitorId": "v"}),
    "storage, upload": b"",
    "storage, download": PICTURE,
}
_NEEDS = {"storage, upload": "status", "storage, download": "file"}

PARTNERS = (
    Partner(
        "Domain API", _domain_api, _text({"service": "idp", "baseURI": "va.idp.liveperson.net"})
    ),
    *(
        Partner(name, service.at, _ANSWERS[name], _NEEDS.get(name, "json"))
        for name, service in SERVICES.items()
    ),
    Partner("callbacks", _callbacks, b"OK", needs="status"),
    Partner("consumers' files", _files, PICTURE, needs="file"),
)
NAMES = [partner.name for partner in PARTNERS]


def outcome(partner: Partner, call: Callable[[], object]) -> str:
    """Make a call and say what we know of it then; getting a file does nothing at its host."""
    began = time.monotonic()
    try:
        call()
        found = TAKEN
    except (LivePersonRefused, FileRefused):
        found = REFUSED
    except Transient as failure:
        doubt = failure.maybe_done or partner.needs == "file"
        found = IN_DOUBT if doubt else NOT_DONE
    took = time.monotonic() - began
    return found if took < SECONDS + _SLACK else f"{found}, after {took:.1f} s"


def everywhere(
    behave: Callable[[Partner], Behaviour],
    act: Callable[[Partner, MisbehavingServer], object],
) -> dict[str, object]:
    """Do something with every partner at the same time, each at a server of its own."""

    def one(partner: Partner) -> object:
        with misbehaving(behave(partner)) as server:
            return act(partner, server)

    with ThreadPoolExecutor(len(PARTNERS)) as pool:
        return dict(zip(NAMES, pool.map(one, PARTNERS), strict=True))


def called(partner: Partner, server: MisbehavingServer) -> tuple[str, int]:
    """Call a partner once; say what came of it, and how many requests it got."""
    return outcome(partner, partner.call(server.url)), len(server.requests)


def all_of(found: object) -> dict[str, object]:
    """Say that with every partner the same is found."""
    return dict.fromkeys(NAMES, found)


def by_need(requests: int, **found: str) -> dict[str, object]:
    """Say what is to become of a call, by what is needed of its answer."""
    return {partner.name: (found[partner.needs], requests) for partner in PARTNERS}


@pytest.mark.parametrize("way", NO_STATUS)
def test_without_a_status_a_call_is_in_doubt_in_time_and_not_repeated(way: str) -> None:
    """What may have arrived must not be sent again unseen; and nobody is waited for too long."""
    found = everywhere(lambda _partner: NO_STATUS[way], called)

    assert all_of((IN_DOUBT, 1)) == found


@pytest.mark.parametrize("way", NO_BODY)
def test_the_status_decides_whatever_becomes_of_the_body(way: str) -> None:
    """Who needs nothing of the body does not wait for it; who does is in doubt, in time."""
    found = everywhere(lambda _partner: NO_BODY[way], called)

    assert by_need(1, status=TAKEN, json=IN_DOUBT, file=IN_DOUBT) == found


@pytest.mark.parametrize("way", TOO_LARGE)
def test_no_answer_is_read_to_its_end_at_any_size(way: str) -> None:
    """A body is read up to a size, unpacked; a file that is larger is refused for good."""
    found = everywhere(lambda _partner: TOO_LARGE[way], called)

    assert by_need(1, status=TAKEN, json=IN_DOUBT, file=REFUSED) == found


@pytest.mark.parametrize("way", well(b""))
def test_an_odd_answer_that_is_right_is_taken(way: str) -> None:
    """The first, and the ones after it, on whatever connection they go; and without a cookie."""

    def call_thrice(partner: Partner, server: MisbehavingServer) -> object:
        call, found = partner.call(server.url), []
        for _ in range(3):
            found.append(outcome(partner, call))
            if way in CLOSING:
                server.hung_up.acquire(timeout=5)
        heads = [each.lower() for each in server.requests]
        return found, len(heads), [each for each in heads if b"cookie" in each]

    found = everywhere(lambda partner: well(partner.answer)[way], call_thrice)

    assert all_of(([TAKEN] * 3, 3, [])) == found


def test_we_say_who_we_are() -> None:
    """A firewall can let us in by our name."""

    def names(partner: Partner, server: MisbehavingServer) -> object:
        partner.call(server.url)()
        return f"User-Agent: {USER_AGENT}".encode() in server.requests[0].split(b"\r\n")

    assert all_of(True) == everywhere(lambda partner: answering(body(partner.answer)), names)


def test_a_redirect_is_not_followed() -> None:
    """Neither tokens nor words go where nobody looked."""
    with misbehaving(answering(body(b""))) as elsewhere:
        head = f"HTTP/1.1 307 Elsewhere\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n"
        found = everywhere(lambda _partner: answering(head.encode()), called)

    refused = {"consumers' files": (REFUSED, 1)}  # so says the contract
    assert {**by_need(1, status=NOT_DONE, json=NOT_DONE, file=IN_DOUBT), **refused} == found
    assert 0 == elsewhere.connections


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_is_a_matter_of_time_is_tried_again(status: int) -> None:
    """By the queue, for all partners alike (https://www.rfc-editor.org/rfc/rfc9110#section-15)."""
    head = b"HTTP/1.1 %d Later\r\nContent-Length: 0\r\n\r\n" % status
    found = everywhere(lambda _partner: answering(head), called)

    assert set() == {
        name for name, each in found.items() if each not in [(IN_DOUBT, 1), (NOT_DONE, 1)]
    }


@pytest.mark.parametrize("way", ["closed", "says nothing", "drips"])
def test_without_a_connection_nothing_was_sent(way: str) -> None:
    """Nobody listens, or nobody greets: no request has left, and the time for it is limited."""

    def behave(talk: Talk) -> None:
        talk.drip(b"\x16\x03\x03\x40") if way == "drips" else talk.hang()

    def greet(partner: Partner, server: MisbehavingServer) -> object:
        if way == "closed":
            server.stop()
            return called(partner, server)
        address = server.url.replace("http:", "https:")
        return outcome(partner, partner.call(address)), len(server.requests)

    found = everywhere(lambda _partner: behave, greet)

    assert by_need(0, status=NOT_DONE, json=NOT_DONE, file=IN_DOUBT) == found


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_moved_is_looked_up_again(name: str) -> None:
    """Where it was, nobody was reached; the next call goes where it is now."""
    service, http = SERVICES[name], LivePersonHttp(seconds=SECONDS)
    with (
        misbehaving(answering(body(_ANSWERS[name]))) as now,
        all_well_but(service.name, ["http://127.0.0.1:1", now.url]) as liveperson,
    ):
        domains = Domains(http, liveperson.url)
        with pytest.raises(LivePersonUnavailable) as unreached:
            service.use(http, domains, WHO)
        service.use(http, domains, WHO)

    assert not unreached.value.maybe_done
    assert 1 == len(now.requests)
