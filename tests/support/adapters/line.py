"""LINE's webhooks, requests and answers (https://developers.line.biz/en/reference/messaging-api/)."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from liveperson_connector.channel.adapters.interface import (
    Choice,
    File,
    Incoming,
    Location,
    ProviderAnswer,
    ReadMark,
    Text,
    Typing,
    Verdict,
    WebhookRequest,
)

from . import ADDRESS, FILE_URL, Fetched, Refusal, Samples, Sent, Webhook

SETTINGS = {
    "channel_access_token": "made-up-token-of-a-channel/" + "0123456789" * 3 + "=",
    "channel_secret": "00112233445566778899aabbccddeeff",
}
FOREIGN = {
    "channel_access_token": "made-up-token-of-another-channel/" + "9876543210" * 3 + "=",
    "channel_secret": "ffeeddccbbaa99887766554433221100",
}
PERSON = "U0123456789abcdef0123456789abcdef"
BOT = "Ufedcba9876543210fedcba9876543210"
EVENT_ID = "01HF3ZC9RA9KT2JM1CXSXEJ3GV"
TAKEN = {"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]}


def sign(body: bytes, settings: Any) -> WebhookRequest:
    """Send ``body`` as LINE would."""
    digest = hmac.digest(settings["channel_secret"].encode(), body, "sha256")
    signature = base64.b64encode(digest).decode()
    headers = {"content-type": "application/json; charset=utf-8", "x-line-signature": signature}
    return WebhookRequest("POST", ADDRESS, {}, headers, body)


def event(kind: str, **content: Any) -> dict[str, Any]:
    """Write an event of the person's."""
    return {
        "type": kind,
        "mode": "active",
        "timestamp": 1764290000123,
        "source": {"type": "user", "userId": PERSON},
        "webhookEventId": EVENT_ID,
        "deliveryContext": {"isRedelivery": False},
        **content,
    }


def callback(*events: dict[str, Any]) -> bytes:
    """Write a webhook."""
    return json.dumps({"destination": BOT, "events": events}, ensure_ascii=False).encode()


def message(kind: str, **content: Any) -> dict[str, Any]:
    """Write an event with a message."""
    said = {"id": "444573844083572737", "type": kind, **content}
    return event("message", replyToken="made-up-reply-token", message=said)


def read(sample: str, of: dict[str, Any], **said: Any) -> Webhook:
    """Return an event and what it says."""
    return Webhook(sample, callback(of), [Incoming(PERSON, {"id": EVENT_ID, **said})])


_QUOTE = {"quoteToken": "q3Plxr4AgKd"}
_MARK = {"markAsReadToken": "nz0x74mZT2mRn"}
_HERE = {"contentProvider": {"type": "line"}}
_THERE = {
    "contentProvider": {
        "type": "external",
        "originalContentUrl": "https://elsewhere.example/1.jpg",
        "previewImageUrl": "https://elsewhere.example/2.jpg",
    }
}
_BERLIN = {"latitude": 52.5163, "longitude": 13.3777}
_FILE = {"type": "file", "reference": {"message": "444573844083572737"}}
_TWO = [
    message("text", text="One", **_QUOTE),
    {**message("text", text="Two", **_QUOTE), "webhookEventId": "01HF3ZC9RA9KT2JM1CXSXEJ3GW"},
]
_WEBHOOKS = [
    read(
        "text",
        message("text", text="Grüße 👩‍👩‍👧 你好", **_QUOTE, **_MARK),
        type="text",
        text="Grüße 👩‍👩‍👧 你好",
        mark="nz0x74mZT2mRn",
    ),
    read(
        "reply",
        message("text", text="This one", quotedMessageId="461230966842064897", **_QUOTE),
        type="text",
        text="This one",
        quotes={"message": "461230966842064897"},
    ),
    Webhook(
        "two_at_once",
        callback(*_TWO),
        [
            Incoming(PERSON, {"id": EVENT_ID, "type": "text", "text": "One"}),
            Incoming(PERSON, {"id": EVENT_ID[:-1] + "W", "type": "text", "text": "Two"}),
        ],
    ),
    read("picture", message("image", **_HERE, **_QUOTE), **_FILE),
    read(
        "picture_as_file",
        message("file", fileName="damage.PNG", fileSize=2138),
        **_FILE,
        file_type="PNG",
        name="damage.PNG",
    ),
    read(
        "picture_elsewhere", message("image", **_THERE, **_QUOTE), type="not_carried", what="image"
    ),
    read(
        "document",
        message("file", fileName="bill.pdf", fileSize=2138),
        type="not_carried",
        what="document",
    ),
    read(
        "video",
        message("video", duration=6000, **_HERE, **_QUOTE),
        type="not_carried",
        what="video",
    ),
    read(
        "voice", message("audio", duration=6000, **_HERE), type="not_carried", what="voice message"
    ),
    read(
        "sticker",
        message(
            "sticker", packageId="446", stickerId="1988", stickerResourceType="STATIC", **_QUOTE
        ),
        type="not_carried",
        what="sticker",
    ),
    read(
        "location",
        message("location", title="Gate", address="Pariser Platz", **_BERLIN),
        type="location",
        title="Gate",
        address="Pariser Platz",
        **_BERLIN,
    ),
    read("place", message("location", **_BERLIN), type="location", **_BERLIN),
    read(
        "pressed_button",
        event("postback", replyToken="made-up-reply-token", postback={"data": "7.2"}),
        type="choice",
        data="7.2",
        text="",
    ),
    read("unsent", event("unsend", unsend={"messageId": "444573844083572737"}), type="deleted"),
]
_GROUP = {"type": "group", "groupId": "C0123456789abcdef0123456789abcdef", "userId": PERSON}
_IGNORED = [
    Webhook("connection_test", callback()),
    Webhook("group", callback({**message("text", text="Hi", **_QUOTE), "source": _GROUP})),
    Webhook("standby", callback({**message("text", text="Hi", **_QUOTE), "mode": "standby"})),
    Webhook(
        "followed",
        callback(event("follow", replyToken="made-up", follow={"isUnblocked": False})),
    ),
    Webhook("blocked", callback(event("unfollow"))),
    Webhook("unknown_event", callback(event("somethingNew", something={"id": "1"}))),
]


def pushes(name: str, piece: Any, **said: Any) -> Sent:
    """Return a piece, and the message that is pushed to the person."""
    return Sent(name, piece, "POST", "/v2/bot/message/push", {"to": PERSON, "messages": [said]})


def postback(title: str, data: str) -> dict[str, str]:
    """Write the action of a button."""
    return {"type": "postback", "label": title, "data": data, "displayText": title}


_FIVE = tuple(Choice(f"No. {number}", f"7.{number}") for number in range(5))
_SENT = [
    pushes("text", Text("Grüße 👋"), type="text", text="Grüße 👋"),
    pushes(
        "buttons",
        Text("Which?", (Choice("Red", "7.1"), Choice("Site", url="https://shop.example/"))),
        type="template",
        altText="Which?",
        template={
            "type": "buttons",
            "text": "Which?",
            "actions": [
                postback("Red", "7.1"),
                {"type": "uri", "label": "Site", "uri": "https://shop.example/"},
            ],
        },
    ),
    pushes(
        "quick_replies",
        Text("Which?", _FIVE),
        type="text",
        text="Which?",
        quickReply={
            "items": [
                {"type": "action", "action": postback(each.title, each.data)} for each in _FIVE
            ]
        },
    ),
    pushes(
        "picture",
        File(FILE_URL, "PNG"),
        type="image",
        originalContentUrl=FILE_URL,
        previewImageUrl=FILE_URL,
    ),
    pushes(
        "location",
        Location(52.5163, 13.3777, "Gate"),
        type="location",
        title="Gate",
        address="52.51630, 13.37770",
        **_BERLIN,
    ),
    pushes(
        "place",
        Location(52.5163, 13.3777),
        type="location",
        title="52.51630, 13.37770",
        address="52.51630, 13.37770",
        **_BERLIN,
    ),
    Sent(
        "typing",
        Typing(is_typing=True),
        "POST",
        "/v2/bot/chat/loading/start",
        {"chatId": PERSON, "loadingSeconds": 20},
    ),
    Sent(
        "read",
        ReadMark("nz0x74mZT2mRn"),
        "POST",
        "/v2/bot/chat/markAsRead",
        {"markAsReadToken": "nz0x74mZT2mRn"},
    ),
]


def answer(status: int, message: str, **more: Any) -> ProviderAnswer:
    """Write a refusal (#error-responses)."""
    return ProviderAnswer(status, {}, json.dumps({"message": message, **more}).encode())


def never(name: str, status: int, message: str, reason: str) -> Refusal:
    """Return a refusal for good."""
    return Refusal(
        name, answer(status, message), Verdict("never", reason=reason, detail=str(status))
    )


def later(name: str, status: int, message: str) -> Refusal:
    """Return a refusal for a while."""
    return Refusal(name, answer(status, message), Verdict("later", detail=str(status)))


_ERRORS = [
    never("invalid", 400, "The request body has 1 error(s)", "invalid_message"),
    never("unknown_person", 400, "Failed to send messages", "unknown_recipient"),
    never("wrong_token", 401, "Authentication failed. Confirm that …", "bad_credentials"),
    never("not_available", 403, "Not available", "not_allowed"),
    never("monthly_limit", 429, "You have reached your monthly limit.", "not_allowed"),
    never("gone", 410, "Gone", "refused"),
    later("rate", 429, "The API rate limit has been exceeded. Try again later."),
    later("down", 500, "Internal Server Error"),
    Refusal(
        "taken_before",
        answer(409, "The retry key is already accepted", **TAKEN),
        Verdict("sent", "461230966842064897"),
    ),
]


SAMPLES = Samples(
    kind="line",
    settings=SETTINGS,
    foreign=FOREIGN,
    person=PERSON,
    sign=sign,
    proof="x-line-signature",
    proves_body=True,
    webhooks=_WEBHOOKS,
    ignored=_IGNORED,
    sent=_SENT,
    taken=Refusal(
        "taken",
        ProviderAnswer(200, {}, json.dumps(TAKEN).encode()),
        Verdict("sent", "461230966842064897"),
    ),
    errors=_ERRORS,
    read_body=json.loads,
    fetched=[
        Fetched(
            {"message": "444573844083572737"},
            [ProviderAnswer(200, {}, b"\x89PNG")],
            ["https://api-data.line.me/v2/bot/message/444573844083572737/content"],
        ),
        Fetched(
            {"message": "../../info?"},
            [ProviderAnswer(200)],
            ["https://api-data.line.me/v2/bot/message/..%2F..%2Finfo%3F/content"],
        ),
    ],
    bad_settings={
        "channel_access_token": ["", "short", "with a space " * 10],
        "channel_secret": ["", "0" * 31, "0" * 33, "G" * 32],
        "api_url": ["http://line.example", "https://127.0.0.1:1", "http://127.0.0.1:1/x"],
    },
)
