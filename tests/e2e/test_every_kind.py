"""Everything the Connector API can carry, both ways, through the deployed template."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox.channel import FileHost
from tests.e2e.conftest import World
from tests.support.brands import (
    PICTURE,
    Brand,
    Object,
    Talk,
    base64_of,
    breaks_contract,
    eventually,
    file_host,
    without_ids,
)

MakeBrand = Callable[..., Brand]

PUBLISH = "ms.PublishEvent"
CHANGE = "cm.UpdateConversationField"
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


@pytest.fixture(name="files", scope="module")
def _files(world: World) -> Iterator[FileHost]:
    host = file_host(world.endpoints)
    host.start()
    yield host
    host.stop()


@pytest.fixture(name="composer", scope="module", autouse=True)
def _composer(brand: Brand) -> tuple[Talk, float]:
    """Let somebody begin to type at once, whose indicator nobody ends; the last test looks."""
    talk = brand.open("composer")
    talk.sends("typing", state="composing")
    return talk, time.monotonic()


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


# ── Consumer events, as LivePerson sees them ───────────────────────────────────────────────


PROFILE = {
    "customer": {"customerId": "C-1", "ctype": "vip", "balance": 12.5, "companySize": 3},
    "personal": {
        "firstname": "Zoë",
        "contacts": [{"email": "zoe@example.com", "phone": "+49 151 1"}],
        "gender": "FEMALE",
        "language": "de-DE",
    },
}
ROUTING = {
    "campaign_id": "880524023",
    "engagement_id": "880524123",
    "skill_id": "4711",
    "visitor_id": "visitor-1",
    "session_id": "session-1",
    "context_id": "1",
    "language": "de-DE",
    "urgency": "URGENT",
}


def test_a_conversation_opens_as_the_channel_asks(brand: Brand) -> None:
    """Profile, campaign, skill, context and urgency go out under LivePerson's own names."""
    talk = brand.open("opener", conversation={"profile": PROFILE, "routing": ROUTING, **ABLE})

    request = brand.requests("conversation")[-1]

    assert ("POST", {"v": "3"}) == (request["method"], request["query"])
    assert "/api/account/le70000001/messaging/consumer/conversation" == request["path"]
    headers = request["headers"]
    assert {"type": ".ClientProperties", **ABLE} == json.loads(headers["client-properties"])
    assert {"authorization", "x-lp-on-behalf"} <= headers.keys()
    assert [
        {
            "kind": "req",
            "type": "userprofile.SetUserProfile",
            "body": {
                "authenticatedData": {
                    "lp_sdes": [
                        {"type": "ctmrinfo", "info": PROFILE["customer"]},
                        {"type": "personal", "personal": PROFILE["personal"]},
                    ]
                }
            },
        },
        {
            "kind": "req",
            "type": "cm.ConsumerRequestConversation",
            "body": {
                "brandId": "le70000001",
                "channelType": "MESSAGING",
                "ttrDefName": "URGENT",
                "skillId": "4711",
                "campaignInfo": {"campaignId": "880524023", "engagementId": "880524123"},
                "conversationContext": {
                    "type": "SharkContext",
                    "visitorId": "visitor-1",
                    "sessionId": "session-1",
                    "interactionContextId": "1",
                    "lang": "de-DE",
                },
            },
        },
    ] == [without_ids(each) for each in request["body"]]
    assert [{"event": text_event("Hello, this is opener")}] == publishes(talk, 1)


def test_automatic_messages_are_asked_for_with_every_request(brand: Brand) -> None:
    """AUTO_MESSAGES stands on CONVERSATION and every SEND, of which the first follows at once."""
    features = ["AUTO_MESSAGES", "MULTI_DIALOG"]
    before = len(brand.requests("conversation"))
    talk = brand.open("automatic", conversation={"features": features})
    talk.sends("text", text="And again")
    talk.sends("typing", state="composing")
    talk.sends("close")
    talk.is_asked(CHANGE)

    (opening,) = brand.requests("conversation")[before:]
    sends = [
        each
        for each in brand.requests("send")
        if each["body"]["body"].get("conversationId") == talk.conversation_id
    ]

    assert len(sends) >= 4
    for each in (opening, *sends):
        properties = json.loads(each["headers"]["client-properties"])
        assert {"type": ".ClientProperties", "features": features} == properties
    assert sends[0]["at"] - opening["at"] < 10


def test_without_features_nothing_is_claimed(brand: Brand) -> None:
    """A channel that says nothing of its consumers' apps claims nothing for them."""
    before = len(brand.requests("conversation"))

    brand.open("plain")

    (opening,) = brand.requests("conversation")[before:]
    assert "client-properties" not in opening["headers"]
    assert {} == opening["body"][0]["body"]
    assert {"brandId": "le70000001", "channelType": "MESSAGING"} == opening["body"][1]["body"]


@pytest.mark.parametrize("way", ["inline", "by_url"])
def test_a_consumers_picture_arrives(brand: Brand, files: FileHost, way: str) -> None:
    """It is announced, uploaded to storage and shown, byte by byte, inline or from an address."""
    talk = brand.open(f"painter-{way}")
    url = files.put(PICTURE)
    where = {"content_base64": base64_of(PICTURE)} if way == "inline" else {"url": url}
    before = len(brand.requests("swift"))

    talk.sends("file", file_type="PNG", caption="My shoes", **where)

    shown = publishes(talk, 2)[1]["event"]
    path = shown["message"]["relativePath"]
    assert {
        "type": "ContentEvent",
        "contentType": "hosted/file",
        "message": {"relativePath": path, "fileType": "PNG", "caption": "My shoes"},
    } == shown
    (upload,) = brand.requests("swift")[before:]
    assert ("PUT", path, 201) == (upload["method"], upload["path"], upload["status"])
    assert not {"authorization", "x-lp-on-behalf"} & upload["headers"].keys()
    announced = [
        each["body"]
        for each in brand.requests("send")
        if each["body"]["type"] == "ms.GenerateURLForUploadFile"
    ][-1]
    assert {"fileSize": str(len(PICTURE)), "fileType": "PNG"} == announced["body"]
    assert base64_of(PICTURE) == brand.liveperson.file_content(brand.account_id, path)
    assert (0 if way == "inline" else 1) == files.fetched(url)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"these are words", "the file's content is not a PNG"),
        (PICTURE + bytes(3 * 1024 * 1024), "the file has more than 3145728 bytes"),
    ],
    ids=["words", "too_large"],
)
def test_what_is_no_picture_never_leaves(
    brand: Brand, files: FileHost, content: bytes, words: str
) -> None:
    """A file is judged by its bytes; the channel is told by name, and the next event goes on."""
    talk = brand.open(f"forger-{len(content)}")

    event_id = talk.sends("file", file_type="PNG", url=files.put(content))
    talk.sends("text", text="Never mind")

    (failed,) = talk.is_told("failed")
    assert event_id == failed["event_id"]
    assert ("file", "file_refused") == (failed["event_type"], failed["reason"])
    assert words in failed["message"]
    assert text_event("Never mind") == publishes(talk, 2)[1]["event"]


QUICK_REPLIES = {
    "type": "quickReplies",
    "itemsPerRow": 8,
    "replies": [
        {
            "type": "button",
            "tooltip": "Yes!",
            "title": "Yes",
            "click": {
                "actions": [{"type": "publishText", "text": "yep"}],
                "metadata": [{"type": "ExternalId", "id": "Yes-1234"}],
            },
        }
    ],
}


def test_a_choice_arrives_with_its_metadata(brand: Brand) -> None:
    """A reply is an ACTION on the message and then its words, both with the metadata on top."""
    talk = brand.open("chooser")
    asked = talk.agent_sends({**text_event("Ready?"), "quickReplies": QUICK_REPLIES})
    click = asked["content"]["quick_replies"]["replies"][0]["click"]

    talk.sends(
        "reply",
        text=click["actions"][0]["text"],
        metadata=click["metadata"],
        to_sequence=asked["sequence"],
        dialog_id=asked["dialog_id"],
    )

    action = {"type": "AcceptStatusEvent", "status": "ACTION", "sequenceList": [asked["sequence"]]}
    assert [
        {"event": action, "metadata": click["metadata"]},
        {"event": text_event("yep"), "metadata": click["metadata"]},
    ] == publishes(talk, 3)[1:]


def test_the_agent_sees_what_the_consumer_is_doing(brand: Brand) -> None:
    """Each state goes out once, in order."""
    talk = brand.open("fidget")
    states = {
        "composing": "COMPOSING",
        "paused": "PAUSE",
        "active": "ACTIVE",
        "inactive": "INACTIVE",
        "gone": "GONE",
    }

    for state in states:
        talk.sends("typing", state=state)

    assert [
        {"event": {"type": "ChatStateEvent", "chatState": theirs}} for theirs in states.values()
    ] == publishes(talk, 6)[1:]


def test_words_end_the_typing(brand: Brand) -> None:
    """LivePerson leaves the indicator on when the words arrive; the connector clears it."""
    talk = brand.open("writer")

    talk.sends("typing", state="composing")
    talk.sends("text", text="Here I am")
    talk.sends("text", text="And here")

    assert [
        {"type": "ChatStateEvent", "chatState": "COMPOSING"},
        text_event("Here I am"),
        {"type": "ChatStateEvent", "chatState": "PAUSE"},
        text_event("And here"),
    ] == [each["event"] for each in publishes(talk, 5)[1:]]


def test_typing_opens_nothing_and_is_never_tried_again(brand: Brand) -> None:
    """Before a conversation it is dropped; when LivePerson fails, it is not sent again."""
    early = Talk(brand, "early")
    before = len(brand.requests("conversation"))
    early.sends("typing", state="composing")
    talk = brand.open("unlucky")
    brand.liveperson.add_fault(
        service="send", kind="status", status=500, account=brand.account_id, match="INACTIVE"
    )

    talk.sends("typing", state="inactive")
    talk.sends("text", text="Behind it, without a wait")

    published = [each["event"] for each in publishes(talk, 3)]
    brand.liveperson.clear_faults()
    assert {"type": "ChatStateEvent", "chatState": "INACTIVE"} == published[1]
    assert text_event("Behind it, without a wait") == published[2]
    assert before + 1 == len(brand.requests("conversation"))
    assert [] == early.told() + talk.told("failed")


@pytest.mark.parametrize(
    ("status", "theirs"),
    [("accepted", "ACCEPT"), ("read", "READ"), ("accessed", "ACCESS"), ("rejected", "NACK")],
)
def test_receipts_arrive(brand: Brand, status: str, theirs: str) -> None:
    """What became of an agent's messages on the consumer's side, by their numbers."""
    talk = brand.open(f"reader-{status}")
    first, second = talk.agent("text", "One"), talk.agent("text", "Two")

    talk.sends("receipt", status=status, sequences=[first, second])

    expected = {"type": "AcceptStatusEvent", "status": theirs, "sequenceList": [first, second]}
    assert {"event": expected} == publishes(talk, 2)[1]


def test_closing_without_a_survey(brand: Brand) -> None:
    """The whole conversation is closed, once; the channel knows by whom; the next text opens."""
    talk = brand.open("leaver")

    talk.sends("close", survey=False)

    (request,) = talk.is_asked(CHANGE)
    field = {"field": "Stage", "conversationState": "CLOSE"}
    assert {"conversationId": talk.conversation_id, "conversationField": field} == request["body"]
    closed = eventually(lambda: _events(talk, "closed"), what="the end is told")[0]
    assert ("CONSUMER", talk.conversation_id) == (closed["reason"], closed["conversation_id"])
    talk.sends("close")  # there is nothing to close any more, which is no failure
    talk.sends("text", text="Back again")
    opened = eventually(lambda: _events(talk, "opened")[1:], what="another conversation")[0]
    assert talk.conversation_id != opened["conversation_id"]
    assert [] == talk.told("failed")
    assert 1 == len(talk.requests(CHANGE))


@pytest.mark.parametrize(
    ("given", "theirs"),
    [
        (
            {"csat": 4, "resolved": False},
            {"csatRate": 4, "csatResolutionConfirmation": False, "status": "FILLED"},
        ),
        ({"csat": 1}, {"csatRate": 1, "status": "PARTIALLY_FILLED"}),
        ({"resolved": True}, {"csatResolutionConfirmation": True, "status": "PARTIALLY_FILLED"}),
        ({"skipped": True}, {"status": "SKIPPED"}),
    ],
    ids=["filled", "csat", "resolved", "skipped"],
)
def test_a_rating_belongs_to_the_conversation_that_ended(
    brand: Brand, given: Object, theirs: Object
) -> None:
    """After the close there is no open conversation; the rating is for the one that was."""
    talk = brand.open(f"rater-{'-'.join(given)}")
    talk.agent("close")
    eventually(lambda: _events(talk, "closed"), what="the end is told")

    talk.sends("rating", **given)

    (request,) = talk.is_asked(CHANGE)
    assert {
        "conversationId": talk.conversation_id,
        "conversationField": {"field": "CSATRate", **theirs},
    } == request["body"]
    assert theirs == eventually(lambda: talk.conversation()["csat"], what="the rating")


def test_a_profile_can_change(brand: Brand) -> None:
    """What becomes known of a consumer later is sent alone."""
    talk = brand.open("known")

    talk.sends("profile", personal={"firstname": "Ada", "company": "Engines & Co"})

    def sent() -> list[Object]:
        every = [each["body"] for each in brand.requests("send")]
        return [each for each in every if "Engines & Co" in json.dumps(each)]

    (request,) = eventually(sent, what="the profile")
    sdes = [{"type": "personal", "personal": {"firstname": "Ada", "company": "Engines & Co"}}]
    assert {
        "kind": "req",
        "type": "userprofile.SetUserProfile",
        "body": {"authenticatedData": {"lp_sdes": sdes}},
    } == without_ids(request)


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({"type": "text", "text": ""}, "text"),
        ({"type": "reply", "text": "Yes", "to_sequence": 1}, "metadata"),
        ({"type": "rating", "csat": 6}, "csat"),
        ({"type": "file", "file_type": "PDF", "url": "https://example.com/a"}, "file_type"),
        ({"type": "file", "file_type": "PNG", "url": "http://example.com/a"}, "url"),
        ({"type": "receipt", "status": "read", "sequences": []}, "sequences"),
        ({"type": "typing", "state": "dancing"}, "state"),
        ({"type": "profile"}, ""),
    ],
    ids=lambda given: given["type"] if isinstance(given, dict) else str(given),
)
def test_limits_are_named_at_once(brand: Brand, event: Object, path: str) -> None:
    """What can be known to be wrong is refused with its path, and never queued."""
    answer = brand.client.send("careless", {"id": "e-1", **event})

    assert (400, "invalid_event") == (answer.status, answer.document["error"])
    assert path in [each["path"] for each in answer.document["problems"]]


# ── Callbacks, as the channel sees them ────────────────────────────────────────────────────


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
FORM = {"invitationId": "a55716-1", "title": "Credit card form"}


@pytest.mark.parametrize(
    ("event", "content"),
    [
        (text_event("Hi!\n"), {"type": "text", "text": "Hi!\n"}),
        (
            {**text_event("Ready?"), "quickReplies": QUICK_REPLIES},
            {"type": "text", "text": "Ready?", "quick_replies": QUICK_REPLIES},
        ),
        (
            {"type": "RichContentEvent", "content": CARD},
            {"type": "rich", "content": CARD, "fallback_text": CARD_TEXT},
        ),
        (
            {"type": "RichContentEvent", "content": CARD, "quickReplies": QUICK_REPLIES},
            {
                "type": "rich",
                "content": CARD,
                "quick_replies": QUICK_REPLIES,
                "fallback_text": f"{CARD_TEXT}\n2. Yes",
            },
        ),
        (
            {
                "type": "ContentEvent",
                "contentType": "forms/secure-invitation",
                "message": FORM,
            },
            {
                "type": "rich",
                "content": {"type": "forms/secure-invitation", "message": FORM},
                "fallback_text": "Secure form: Credit card form",
            },
        ),
    ],
    ids=["text", "quick_replies", "card", "card_with_quick_replies", "secure_form"],
)
def test_what_an_agent_says(
    brand: Brand, event: Object, content: Object, request: pytest.FixtureRequest
) -> None:
    """It reaches the channel whole, with who said it, where, when, and its number."""
    talk = brand.open(f"listener-{request.node.callspec.id}")

    told = talk.agent_sends(event, metadata=[{"type": "ExternalId", "id": "1"}])

    line = talk.conversation()["transcript"][-1]
    assert {
        "type": "message",
        "account_id": "le70000001",
        "consumer_id": talk.consumer_id,
        "conversation_id": talk.conversation_id,
        "dialog_id": talk.conversation_id,
        "dialog_type": "main",
        "sequence": 1,
        "sent_at": told["sent_at"],
        "sender": {"id": line["originator_id"], "role": "ASSIGNED_AGENT"},
        "content": content,
    } == told
    assert told["sent_at"].startswith(time.strftime("%Y-%m-%dT%H:", time.gmtime()))


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


def test_what_an_agent_does(brand: Brand) -> None:
    """Typing and receipts reach the channel in its own words."""
    talk = brand.open("watcher")
    (said,) = talk.lines()

    for state in ("COMPOSING", "PAUSE", "BACKGROUND"):
        talk.agent("typing", state)
    talk.agent("receipt", [said["sequence"]], "ACCEPT")
    talk.agent("receipt", [said["sequence"]], "READ")

    typing = talk.is_told("typing", 3)
    assert ["composing", "paused", "inactive"] == [each["state"] for each in typing]
    receipts = talk.is_told("receipt", 2)
    assert [("accepted", [0]), ("read", [0])] == [
        (each["status"], each["sequences"]) for each in receipts
    ]
    for each in (*typing, *receipts):
        assert ("main", talk.conversation_id) == (each["dialog_type"], each["dialog_id"])
        assert "ASSIGNED_AGENT" == each["sender"]["role"]


def test_what_becomes_of_a_conversation(brand: Brand) -> None:
    """One callback for each real change; what LivePerson repeats, or changes within, is silent."""
    talk = brand.open("traveller", conversation={"routing": {"skill_id": "4711"}})
    talk.agent("joins")
    talk.agent("joins", "MANAGER")  # changes something that is none of the consumer's business
    talk.agent("transfer", "4712")
    talk.agent("joins")
    talk.agent("close", by="SYSTEM")
    eventually(lambda: _events(talk, "closed"), what="the end is told")
    talk.sends("rating", csat=5)  # changes a conversation that is closed already
    eventually(lambda: talk.conversation()["csat"], what="the rating")
    assert brand.liveperson.wait_idle(20)
    talk.sends("text", text="Again")
    eventually(lambda: _events(talk, "opened")[1:], what="another conversation")

    told = [(each["event"], each.get("reason")) for each in talk.told("conversation")]

    assert [
        ("opened", None),
        ("agent_joined", None),
        ("transferred", None),
        ("agent_joined", None),
        ("closed", "SYSTEM"),
        ("opened", None),
    ] == told


def test_what_can_never_be_is_told(make_brand: MakeBrand) -> None:
    """A receipt for a number that is not there fails by name; what comes behind it goes on."""
    brand = make_brand("le70000002")
    talk = brand.open("confused")

    unknown = talk.sends("receipt", "r-1", status="read", sequences=[99])
    talk.sends("text", text="Still here")
    (failed,) = talk.is_told("failed")

    assert (unknown, "receipt") == (failed["event_id"], failed["event_type"])
    assert ("liveperson_refused", 400) == (failed["reason"], failed["http_status"])
    assert "Are its sequences messages of that dialog" in failed["message"]
    assert text_event("Still here") == publishes(talk, 3)[2]["event"]
    assert ["sequenceList: the dialog has no [99]"] == brand.violations()
    brand.liveperson.clear_violations(brand.account_id)

    talk.agent("close")
    eventually(lambda: _events(talk, "closed"), what="the end is told")
    late = talk.sends("receipt", "r-2", status="read", sequences=[0])
    failed = talk.is_told("failed", 2)[1]
    assert (late, "no_conversation") == (failed["event_id"], failed["reason"])


# ── Surveys ────────────────────────────────────────────────────────────────────────────────


def test_a_survey_is_answered(brand: Brand) -> None:
    """It is a dialog of its own: its questions are told as such, the answers go there."""
    talk = brand.open("surveyed", conversation=ABLE)
    talk.agent("joins")
    talk.sends("close")
    (request,) = talk.is_asked(CHANGE)
    dialog = {"dialogId": talk.conversation_id, "state": "CLOSE"}
    field = {"field": "DialogChange", "type": "UPDATE"}
    assert {**field, "dialog": {**dialog, "closedCause": "Closed by consumer"}} == (
        request["body"]["conversationField"]
    )
    greeting, question = talk.is_told("message", 2)
    survey = question["dialog_id"]
    assert talk.conversation_id not in {survey, greeting["dialog_id"]}
    assert [("post_survey", 0), ("post_survey", 1)] == [
        (each["dialog_type"], each["sequence"]) for each in (greeting, question)
    ]
    click = question["content"]["quick_replies"]["replies"][4]["click"]
    answer = {"text": "5", "metadata": click["metadata"], "to_sequence": question["sequence"]}

    talk.sends("reply", **answer, dialog_id=survey)
    talk.sends("receipt", status="read", sequences=[1], dialog_id=survey)
    talk.sends("typing", state="composing")  # a survey takes none
    second = talk.is_told("message", 3)[2]
    talk.sends("text", text="All was well")
    thanks = talk.is_told("message", 4)[3]

    assert ["Anything else?", "Thank you for your time."] == [
        each["content"]["text"] for each in (second, thanks)
    ]
    assert [
        (survey, "AcceptStatusEvent", click["metadata"]),
        (survey, "5", click["metadata"]),
        (survey, "AcceptStatusEvent", None),
        (survey, "All was well", None),
    ] == [
        (each["dialog_id"], each.get("text", each["type"]), each.get("metadata"))
        for each in talk.lines()[1:]
    ]
    (closed,) = eventually(lambda: _events(talk, "closed"), what="the end is told")
    assert "CONSUMER" == closed["reason"]
    talk.sends("text", text="New matter")
    eventually(lambda: _events(talk, "opened")[1:], what="another conversation")
    assert [] == talk.told("failed")


def test_who_cannot_be_asked_is_not(brand: Brand) -> None:
    """Without MULTI_DIALOG no survey starts, and the close ends everything."""
    talk = brand.open("brief")
    talk.agent("joins")

    talk.sends("close")

    eventually(lambda: _events(talk, "closed"), what="the end is told")
    assert [] == talk.told("message")


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


def test_a_campaign_that_is_not_found_holds_nobody_up(make_brand: MakeBrand) -> None:
    """While LivePerson loads the account, a conversation without a campaign is better than none."""
    brand = make_brand("le70000005", {"entry_point": "https://example.com"}, monitoring="loading")

    talk = brand.open("patient")

    assert "campaignInfo" not in talk.conversation()["request"]


# ── LivePerson's other forms ───────────────────────────────────────────────────────────────


FORMS_OF_2018 = {
    "omit_conversation_id": True,
    "omit_audience": True,
    "omit_dialogs": True,
    "null_metadata": True,
    "envelope": "none",
}
FORMS_TO_COME = {"unknown_fields": True, "envelope": "sentTs", "changes_per_body": 4}


@pytest.mark.parametrize(
    ("account_id", "forms"),
    [("le70000006", FORMS_OF_2018), ("le70000007", FORMS_TO_COME)],
    ids=["of_2018", "to_come"],
)
def test_other_forms_of_webhooks(make_brand: MakeBrand, account_id: str, forms: Object) -> None:
    """Fields that are missing as in 2018, or that nobody knows yet, break nothing."""
    brand = make_brand(account_id, **forms)
    talk = brand.open("old-timer")
    talk.agent("joins")
    note = "Between us"
    brand.liveperson.private_note(account_id, talk.conversation_id, note)

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


def test_a_survey_in_the_form_of_2018(make_brand: MakeBrand) -> None:
    """A survey's messages that name no conversation are known by their dialog."""
    brand = make_brand("le70000008", omit_conversation_id=True, omit_audience=True, **SURVEY)
    talk = brand.open("old-survey", conversation=ABLE)
    talk.agent("joins")
    talk.sends("close")

    question = talk.is_told("message", 2)[1]
    talk.sends("text", text="Skip")
    talk.is_told("message", 3)

    assert "post_survey" == question["dialog_type"]
    assert talk.conversation_id == question["conversation_id"]
    assert question["dialog_id"] == talk.lines()[-1]["dialog_id"]
    eventually(lambda: _events(talk, "closed"), what="the end is told")


# ── Several accounts ───────────────────────────────────────────────────────────────────────


def test_accounts_do_not_meet(brand: Brand, make_brand: MakeBrand) -> None:
    """One consumer id in two accounts of a stack is two consumers, each with its own brand."""
    other = make_brand("le70000009")
    here, there = brand.open("twin"), other.open("twin")

    here.agent("text", "From here")
    there.agent("text", "From there")

    assert "From here" == here.is_told("message")[0]["content"]["text"]
    assert "From there" == there.is_told("message")[0]["content"]["text"]
    assert here.conversation()["consumer"] != there.conversation()["consumer"]
    assert {"le70000001"} == {each["account_id"] for each in here.told()}
    assert {"le70000009"} == {each["account_id"] for each in there.told()}


# ── What takes a while, and what must hold after all of it ─────────────────────────────────


def test_stale_typing_is_dropped(make_brand: MakeBrand) -> None:
    """An indicator that waited behind a text for more than ten seconds tells nothing any more."""
    brand = make_brand("le70000010")
    talk = brand.open("stuck")
    brand.liveperson.add_fault(
        service="send",
        kind="status",
        status=429,
        headers={"Retry-After": "11"},
        account=brand.account_id,
        times=1,
    )

    talk.sends("text", text="Slowly")
    talk.sends("typing", state="composing")
    talk.sends("text", text="Afterwards")

    assert ["Slowly", "Afterwards"] == [each["text"] for each in talk.has_events(3)[1:]]


def test_typing_that_nobody_ends_is_ended(composer: tuple[Talk, float]) -> None:
    """Half a minute after it began, at the latest, the agent does not see it any more."""
    talk, began = composer
    rest = began + COMPOSING_SECONDS + 10 - time.monotonic()

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
