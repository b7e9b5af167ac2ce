"""
What accounts and kinds of message need of the deployed template, beside what the demo shows.

That each kind of message travels is the demo's to show, and each field of it the unit tests'.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from simulator.settings import Settings
from tests.e2e.conftest import Composer, World
from tests.support.brands import (
    PICTURE,
    Brand,
    Object,
    Talk,
    base64_of,
    breaks_contract,
    eventually,
    without_ids,
)

MakeBrand = Callable[..., Brand]

PUBLISH = "ms.PublishEvent"
SURVEY = {"survey": True, "survey_questions": ["How was it?", "Anything else?"]}
ABLE = {"features": ["MULTI_DIALOG", "RICH_CONTENT", "QUICK_REPLIES"]}
COMPOSING_SECONDS = 30.0


# ── Who plays ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture(name="make_brand", scope="module")
def _make_brand(world: World) -> Iterator[MakeBrand]:
    """Let tests have accounts of their own: settings are cached for minutes, so none changes."""
    made: list[Brand] = []

    def make(account_id: str, channel: Object | None = None, **switches: Any) -> Brand:
        brand = Brand(world.endpoints, world.liveperson, account_id, channel, **switches)
        made.append(brand)
        return brand

    yield make
    for each in made:
        each.close()


@pytest.fixture(name="brand", scope="module")
def _brand(make_brand: MakeBrand) -> Brand:
    return make_brand("le70000001", **SURVEY)


def publishes(talk: Talk, count: int) -> list[Object]:
    """Wait for so many published events of a talk, and return the bodies without their place."""
    found = []
    for each in talk.is_asked(PUBLISH, count):
        request = without_ids(each)
        assert ("req", PUBLISH) == (request.pop("kind"), request.pop("type"))
        body = request.pop("body")
        assert talk.conversation_id == body["conversationId"] == body["dialogId"]
        assert {"conversationId", "dialogId", "event"} == body.keys()
        found.append({"event": body["event"], **request})
    return found


def text_event(words: str) -> Object:
    return {"type": "ContentEvent", "contentType": "text/plain", "message": words}


CARD = {
    "type": "vertical",
    "elements": [
        {"type": "image", "url": "https://example.com/hat.jpg", "tooltip": "A hat"},
        {"type": "text", "text": "Straw hat"},
        {
            "type": "button",
            "title": "Buy",
            "click": {"actions": [{"type": "link", "uri": "https://example.com/buy"}]},
        },
        {
            "type": "button",
            "title": "Tell me more",
            "click": {
                "actions": [{"type": "publishText", "text": "More!"}],
                "metadata": [{"type": "ExternalId", "id": "more"}],
            },
        },
    ],
}
CARD_TEXT = (
    "A hat: https://example.com/hat.jpg\nStraw hat\nBuy: https://example.com/buy\n1. Tell me more"
)


def test_an_agents_file_can_be_fetched(brand: Brand, world: World) -> None:
    """It is fetched in LivePerson's minute, kept, and shown to who has the key, for a minute."""
    talk = brand.open("collector")
    path = talk.agent("file", base64_of(PICTURE), "PNG", "Look")

    (told,) = talk.is_told("message")

    url = told["content"]["url"]
    assert {"type": "file", "caption": "Look", "file_type": "PNG", "url": url} == told["content"]
    assert url.startswith(f"{world.endpoints.channel_api_url}/accounts/le70000001/files/")
    got = [
        (each["method"], each["path"], each["status"])
        for each in brand.requests("swift")
        if each["path"] == path
    ]
    assert [("GET", path, 200)] == got
    fetched = brand.client.fetch(url)
    assert (200, PICTURE, "image/png") == (fetched.status, fetched.content, fetched.content_type)
    assert not fetched.shown_at.startswith(world.endpoints.channel_api_url)
    assert 403 == requests.get(url, timeout=90, allow_redirects=False).status_code
    gone = brand.client.fetch(f"{url[:-1]}{'0' if url[-1] != '0' else '1'}")
    assert (404, {"error": "no_such_file"}) == (gone.status, json.loads(gone.content))


# ── What an account's settings ask ─────────────────────────────────────────────────────────


def test_receipts_can_be_automatic(make_brand: MakeBrand) -> None:
    """The connector confirms what the channel took; and the channel is told what it wants."""
    channel = {"receipts": "automatic", "callbacks": ["message"]}
    brand = make_brand("le70000003", channel, **SURVEY)
    talk = brand.open("relaxed", conversation=ABLE)
    talk.agent("joins")
    first, second = talk.agent("text", "One"), talk.agent("text", "Two")
    talk.agent("typing")
    talk.agent("receipt", [0])

    accepted = [
        {"event": {"type": "AcceptStatusEvent", "status": "ACCEPT", "sequenceList": [each]}}
        for each in (first, second)
    ]
    assert accepted == publishes(talk, 3)[1:]

    talk.sends("close")
    question = talk.is_told("message", 4)[3]
    talk.has_events(5)
    survey = [each["dialog_id"] for each in talk.lines()[3:]]
    assert [question["dialog_id"]] * 2 == survey
    talk.sends("receipt", "r-1", status="read", sequences=[0], dialog_id=question["dialog_id"])
    assert brand.liveperson.wait_idle(20)
    assert {"message"} == {each["type"] for each in talk.told()}
    assert [] == brand.violations()


def test_a_campaign_is_looked_up(make_brand: MakeBrand) -> None:
    """With an entry point, the Monitoring API finds campaign and visitor, kept per consumer."""
    brand = make_brand("le70000004", {"entry_point": ["https://example.com/help", "channel://app"]})
    talk = brand.open("visitor")

    (first,) = brand.requests("smt")
    assert ("POST", {"v": "1.1"}) == (first["method"], first["query"])
    path = "/api/account/le70000004/app/client-of-le70000004/engagement"
    assert path == first["path"]
    consumer = talk.conversation()["ext_consumer_id"]
    assert {
        "identities": [{"iss": "connector", "acr": "loa1", "sub": consumer}],
        "entryPoints": ["https://example.com/help", "channel://app"],
    } == first["body"]
    asked = talk.conversation()["request"]
    assert {"campaignId": "880524023", "engagementId": "880524123"} == asked["campaignInfo"]
    context = asked["conversationContext"]
    assert {"type", "visitorId", "sessionId", "interactionContextId"} == context.keys()

    talk.agent("close")
    eventually(lambda: _events(talk, "closed"), what="the end is told")
    talk.sends("text", text="Once more")
    eventually(lambda: _events(talk, "opened")[1:], what="another conversation")
    visit = {"vid": context["visitorId"], "sid": context["sessionId"]}
    assert {"v": "1.1", **visit} == brand.requests("smt")[1]["query"]

    brand.open("informed", conversation={"routing": {"skill_id": "1"}})
    assert 2 == len(brand.requests("smt"))
    assert [] == brand.violations()


# ── LivePerson's other forms ───────────────────────────────────────────────────────────────


FORMS_OF_2018 = {
    "omit_conversation_id": True,
    "omit_audience": True,
    "omit_dialogs": True,
    "null_metadata": True,
    "envelope": "none",
}
FORMS_TO_COME = {"unknown_fields": True, "envelope": "sentTs", "changes_per_body": 4}


@pytest.fixture(name="forms", params=[FORMS_OF_2018, FORMS_TO_COME], ids=["of_2018", "to_come"])
def _forms(request: pytest.FixtureRequest, brand: Brand) -> Iterator[None]:
    """Let LivePerson write its webhooks in another form."""
    usual = {name: getattr(Settings(), name) for name in request.param}
    brand.liveperson.set(brand.account_id, **request.param)
    yield
    brand.liveperson.set(brand.account_id, **usual)


@pytest.mark.usefixtures("forms")
def test_other_forms_of_webhooks(brand: Brand, request: pytest.FixtureRequest) -> None:
    """Fields that are missing as in 2018, or that nobody knows yet, break nothing."""
    talk = brand.open(request.node.name)
    talk.agent("joins")
    note = "Between us"
    brand.liveperson.private_note(brand.account_id, talk.conversation_id, note)

    told = [
        talk.agent_sends(each)["content"]
        for each in (text_event("Hello"), {"type": "RichContentEvent", "content": CARD})
    ]
    talk.sends("receipt", status="read", sequences=[2])
    talk.agent("receipt", [0])
    talk.agent("typing")

    assert [{"type": "text", "text": "Hello"}, CARD_TEXT] == [told[0], told[1]["fallback_text"]]
    assert {"status": "read", "sequences": [0]}.items() <= talk.is_told("receipt")[0].items()
    assert "composing" == talk.is_told("typing")[0]["state"]
    talk.agent("close")
    eventually(lambda: _events(talk, "closed"), what="the end is told")
    talk.sends("text", text="Another")
    eventually(lambda: _events(talk, "opened")[1:], what="another conversation")
    events = [each["event"] for each in talk.told("conversation")]
    assert ["opened", "agent_joined", "closed", "opened"] == events
    assert note not in json.dumps(talk.told())
    assert [] == breaks_contract(brand.channel.callbacks())
    assert [] == brand.violations()


# ── Several accounts ───────────────────────────────────────────────────────────────────────


def test_accounts_do_not_meet(brand: Brand, composer: Composer) -> None:
    """One consumer id in two accounts of a stack is two consumers, each with its own brand."""
    other = composer.talk.brand
    here, there = brand.open("twin"), other.open("twin")

    here.agent("text", "From here")
    there.agent("text", "From there")

    assert "From here" == here.is_told("message")[0]["content"]["text"]
    assert "From there" == there.is_told("message")[0]["content"]["text"]
    assert here.conversation()["consumer"] != there.conversation()["consumer"]
    assert {brand.account_id} == {each["account_id"] for each in here.told()}
    assert {other.account_id} == {each["account_id"] for each in there.told()}


# ── What takes a while, and what must hold after all of it ─────────────────────────────────


def test_typing_that_nobody_ends_is_ended(composer: Composer) -> None:
    """Half a minute after it began, at the latest, the agent does not see it any more."""
    talk = composer.talk
    rest = composer.since + COMPOSING_SECONDS + 10 - time.monotonic()

    eventually(lambda: len(talk.events()) >= 3, what="the end of the typing", seconds=max(rest, 1))

    assert [
        {"type": "ChatStateEvent", "chatState": "COMPOSING"},
        {"type": "ChatStateEvent", "chatState": "PAUSE"},
    ] == talk.events()[1:]


def test_nothing_was_done_wrong(brand: Brand) -> None:
    """LivePerson saw no mistake, and every callback was signed, once, and as the contract says."""
    received = brand.channel.callbacks()

    assert [] == brand.violations()
    assert [] == breaks_contract(received)
    assert [] == [each for each in received if each.duplicate]


def _events(talk: Talk, event: str) -> list[Object]:
    return [each for each in talk.told("conversation") if each["event"] == event]
