"""
The stand-ins of the providers, and the adapters before them.

What an adapter writes is sent over HTTP and judged as the provider would judge it; what the
stand-in sends is believed and read by the adapter.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from liveperson_connector.channel.adapters import adapter_of
from liveperson_connector.channel.adapters.interface import (
    Adapter,
    Call,
    Choice,
    File,
    Piece,
    ProviderAnswer,
    ReadMark,
    Recipient,
    Text,
    Typing,
    Verdict,
    WebhookRequest,
)
from liveperson_connector.channel.provider_pieces import say
from sandbox.providers import KINDS, stand_in
from sandbox.providers.stand_in import StandIn
from simulator.http_server import Answer, HttpServer, Request
from tests.support.adapters import samples
from tests.support.rendering import OFFER, elements

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
KEYS = (f"4f3c2b1a-0000-4000-8000-{number:012d}" for number in range(10**6))


class Wired:
    """An adapter that talks with its stand-in."""

    def __init__(self, provider: StandIn) -> None:
        self.provider = provider
        self.adapter: Adapter = adapter_of(provider.kind)
        self.settings = {**provider.settings, **self._token()}
        self.heard: list[Request] = []

    def _token(self) -> dict[str, str]:
        asked = self.adapter.token_request(self.provider.settings)
        token = asked and self.adapter.token(self.call(asked))
        return {"access_token": token.value} if token else {}

    def call(self, call: Call) -> ProviderAnswer:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(
                call.method, call.url, headers=dict(call.headers), data=call.body, timeout=10
            )
        return ProviderAnswer(answer.status_code, dict(answer.headers), answer.content)

    def send(self, piece: Piece, person: str = "Ada", key: str = "") -> Verdict:
        mark = read_mark(self, person) if isinstance(piece, Typing) else ""
        recipient = Recipient(self.provider.person(person), key or next(KEYS), mark)
        return self.adapter.judge(self.call(self.adapter.request(piece, recipient, self.settings)))

    def hear(self, request: Request) -> Answer:
        asked = WebhookRequest(request.method, "", request.query, request.headers, request.body)
        if challenged := self.adapter.challenge(asked, self.settings):
            return Answer(challenged.status, challenged.body.encode())
        self.heard.append(request)
        return Answer(200)

    def webhook(self, request: Request, url: str) -> WebhookRequest:
        return WebhookRequest(request.method, url + request.path, {}, request.headers, request.body)


@pytest.fixture(params=KINDS)
def wired(request: Any) -> Iterator[Wired]:
    with stand_in(request.param) as provider:
        yield Wired(provider)


@pytest.fixture
def files() -> Iterator[str]:
    contents = {"/1.PNG": PNG, "/1.JPG": b"\xff\xd8\xff", "/1.PDF": b"%PDF-1", "/1.GIF": b"GIF89a"}
    contents |= {"/large.PNG": PNG + bytes(21 * 1024 * 1024)}
    with HttpServer(lambda request: Answer(200, contents[request.path])) as server:
        yield server.url


# ── The way out ──


def test_every_piece_is_taken_and_seen(wired: Wired, files: str) -> None:
    """All samples of the conformance suite pass the stand-in's checks; the person sees them."""
    for sample in samples(wired.provider.kind).sent:
        piece = sample.piece
        if isinstance(piece, File):
            piece = dataclasses.replace(piece, url=f"{files}/1.{piece.file_type}")
        if isinstance(piece, ReadMark):
            piece = ReadMark(read_mark(wired))
        before = len(wired.provider.seen("Ada"))
        assert "sent" == wired.send(piece).outcome, sample.name
        assert before + 1 == len(wired.provider.seen("Ada")), sample.name


def read_mark(wired: Wired, person: str = "Ada") -> str:
    sent = wired.provider.webhook(person, {"text": "Hello"})
    headers = {name.lower(): value for name, value in sent.headers.items()}
    request = WebhookRequest("POST", "", {}, headers, sent.body)
    (incoming,) = wired.adapter.read(request, wired.settings)
    return str(incoming.event.get("mark", incoming.event["id"]))


def test_every_element_of_livepersons_is_taken(wired: Wired) -> None:
    """No element makes a request that a provider refuses, such as a button for a call."""
    can = wired.adapter.capabilities(wired.settings)
    for name, content in elements():
        for piece in say(content, can, OFFER).pieces:
            assert "sent" == wired.send(piece).outcome, name


def test_what_is_declared_fits_and_no_more_does(wired: Wired) -> None:
    """The declared lengths are the longest that the provider takes, in its own unit."""
    can = wired.adapter.capabilities(wired.settings)
    emoji = "👋" * (can.text // 2) if can.unit == "utf16" else "👋" * can.text

    assert "sent" == wired.send(Text("x" * can.text)).outcome
    assert "sent" == wired.send(Text(emoji)).outcome
    assert "invalid_message" == wired.send(Text("x" * (can.text + 1))).reason


def test_choices_fit_up_to_what_is_declared(wired: Wired) -> None:
    """As many buttons as declared, with titles and data as long as declared."""
    can = wired.adapter.capabilities(wired.settings)
    choices = [
        Choice(f"{number:0>{can.button_title}}", f"{number:0>{can.choice_data}}")
        for number in range(can.buttons)
    ]
    too_long = Choice("Red", "x" * 3000)
    if not can.buttons:
        return

    assert "sent" == wired.send(Text("x" * can.text_with_choices, choices)).outcome
    assert can.buttons == len(wired.provider.seen("Ada")[-1].buttons)
    assert "invalid_message" == wired.send(Text("Which?", [too_long])).reason


def test_picture_that_is_too_large_is_not_shown(wired: Wired, files: str) -> None:
    """The provider fetches a file, and takes none that is larger than it says."""
    wired.send(File(f"{files}/large.PNG", "PNG"))

    assert "picture" not in [each.kind for each in wired.provider.seen("Ada")]


def test_person_that_is_not_known_is_refused(wired: Wired) -> None:
    """Nobody else is written to."""
    stranger = wired.provider.person_id("Nobody")
    call = wired.adapter.request(Text("Hello"), Recipient(stranger, next(KEYS)), wired.settings)

    verdict = wired.adapter.judge(wired.call(call))
    assert verdict.outcome == "sent" or verdict.reason == "unknown_recipient"  # some report it
    assert [] == wired.provider.seen()


def test_wrong_credentials_are_refused(wired: Wired) -> None:
    """Those of another channel of the kind; the probe tells right ones."""
    foreign = {**samples(wired.provider.kind).foreign, "api_url": wired.provider.url}

    probed = [
        wired.adapter.judge(wired.call(wired.adapter.probe(each)))
        for each in (wired.settings, foreign)
    ]
    assert ["sent", "never"] == [each.outcome for each in probed]
    assert "bad_credentials" == probed[1].reason


def test_who_has_blocked_the_brand_sees_nothing(wired: Wired) -> None:
    """Some providers say so, some do not."""
    wired.provider.person("Ada")
    wired.provider.say("Ada", {"block": True})
    verdict = wired.send(Text("Hello"))

    assert [] == wired.provider.seen("Ada")
    assert verdict.outcome == "sent" or verdict.reason == "blocked_by_user"


def test_repeat_with_its_key_is_seen_once(wired: Wired) -> None:
    """Where the provider knows a key for repeats, a repeat counts as sent."""
    key = next(KEYS)
    first, again = (wired.send(Text("Hello"), key=key) for _ in range(2))

    is_safe = wired.adapter.capabilities(wired.settings).safe_repeat
    assert "sent" == first.outcome == again.outcome
    assert (first.message == again.message) == is_safe
    assert (1 if is_safe else 2) == len(wired.provider.seen("Ada"))


def test_faults_are_the_providers_errors(wired: Wired) -> None:
    """A provider that is down or busy is tried again; afterwards it works."""
    wired.provider.fail(status=500)
    assert "later" == wired.send(Text("Hello")).outcome
    wired.provider.fail(status=429, headers={"Retry-After": "7"})
    assert "later" == wired.send(Text("Hello")).outcome
    wired.provider.fail(kind="lost_answer")
    with pytest.raises(requests.ConnectionError):
        wired.send(Text("Seen, and not answered"))
    assert "sent" == wired.send(Text("Hello")).outcome
    *faults, taken = [each.status for each in wired.provider.asked()][-4:]
    assert [500, 429, 0] == faults
    assert 200 <= taken < 300
    assert ["Seen, and not answered", "Hello"] == [each.text for each in wired.provider.seen()]


# ── The way in ──


def test_webhooks_are_believed_and_read(wired: Wired) -> None:
    """The registered address gets what people do, with a proof that the adapter takes."""
    with HttpServer(wired.hear) as connector:
        for call in wired.adapter.register(f"{connector.url}/hook", wired.settings):
            assert "sent" == wired.adapter.judge(wired.call(call)).outcome
        wired.send(Text("Which?", [Choice("Red", "7:0")]))
        picture = base64.b64encode(PNG).decode()
        deeds: list[dict[str, Any]] = [
            {"text": "Grüße 👋"},
            {"press": "Red"},
            {"picture": picture},
            {"location": [52.5, 13.5]},
            {"sticker": True},
        ]
        for deed in deeds:
            assert [200] == wired.provider.say("Ada", deed)
        found = []
        for request in wired.heard:
            webhook = wired.webhook(request, connector.url)
            wired.adapter.prove(webhook, wired.settings)
            found += [each.event for each in wired.adapter.read(webhook, wired.settings)]

    chosen = "choice" if wired.adapter.capabilities(wired.settings).buttons else "text"
    assert ["text", chosen, "file", "location", "not_carried"] == [each["type"] for each in found]
    assert ("Grüße 👋", "7:0") == (found[0]["text"], found[1].get("data", "7:0"))
    assert len({each["id"] for each in found}) == len(found)
    assert PNG == fetched(wired, found[2]["reference"])


def fetched(wired: Wired, reference: Any) -> bytes:
    answers: list[ProviderAnswer] = []
    while call := wired.adapter.file_request(reference, answers, wired.settings):
        answers.append(wired.call(call))
    return answers[-1].body


def test_registration_is_known_and_taken_back(wired: Wired) -> None:
    """What was registered is found again; a provider with an API for it takes it away."""
    with HttpServer(wired.hear) as connector:
        address = f"{connector.url}/hook"
        for call in wired.adapter.register(address, wired.settings):
            assert "sent" == wired.adapter.judge(wired.call(call)).outcome
    asked = wired.adapter.registration(wired.settings)
    if asked is None:
        return
    found = wired.call(asked)
    assert (address,) == wired.adapter.registered(found)

    deregister = wired.adapter.deregister(address, wired.settings, found)
    if deregister is not None:
        wired.call(deregister)
        assert () == wired.adapter.registered(wired.call(asked))


def test_sandbox_registers_as_the_connector_does(wired: Wired) -> None:
    """Without the command line, too, the stand-in knows where to send, and with which proof."""
    with HttpServer(wired.hear) as connector:
        wired.provider.register(f"{connector.url}/hook")
        wired.provider.say("Ada", {"text": "Hi"})

    wired.adapter.prove(wired.webhook(wired.heard[0], connector.url), wired.settings)


# ── By hand ──


def test_control_api_shows_and_steers(wired: Wired) -> None:
    """What a test does in Python, a person can do with curl."""
    url = f"{wired.provider.url}/stand-in"
    wired.send(Text("Hello"))
    with requests.Session() as session, HttpServer(wired.hear) as connector:
        session.trust_env = False
        wired.provider.webhook_url = f"{connector.url}/hook"
        said = session.post(f"{url}/say", json={"person": "Ada", "text": "Hi", "times": 2})
        shown = session.get(f"{url}/messages").json()["messages"]
        asked = session.get(f"{url}/requests").json()["requests"]
        broken = session.post(f"{url}/faults", json={"status": 503})
        refused = session.post(f"{url}/faults", json={"colour": "red"})
        unknown = session.post(f"{url}/say", json={"person": "Ada", "sing": "la"})
        session.delete(f"{url}/faults")
        session.delete(f"{url}/messages")

    assert [200, 200] == said.json()["answers"]
    assert wired.heard[0].body == wired.heard[1].body
    assert [("Ada", "Hello")] == [(each["person"], each["text"]) for each in shown]
    assert asked[-1]["status"] in (200, 201)
    assert (201, 400, 400) == tuple(each.status_code for each in (broken, refused, unknown))
    assert [] == wired.provider.seen()


def test_credentials_are_not_shown_by_the_control_api(wired: Wired) -> None:
    """Requests are listed by what they ask for."""
    wired.send(Text("Hello"))

    shown = repr(wired.provider.asked())
    assert not any(
        wired.settings[each.name] in shown
        for each in wired.adapter.settings
        if each.secret and wired.settings.get(each.name)
    )
