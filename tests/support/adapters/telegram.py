"""Telegram's webhooks, requests and answers (https://core.telegram.org/bots/api)."""

from __future__ import annotations

import json
from typing import Any

from liveperson_connector.channel.adapters.interface import (
    Choice,
    File,
    Incoming,
    Location,
    ProviderAnswer,
    Text,
    Typing,
    Verdict,
    WebhookRequest,
)

from . import ADDRESS, FILE_URL, Fetched, Refusal, Samples, Sent, Webhook

SETTINGS = {
    "bot_token": "1234567:made-up-made-up-made-up-made-up-abc",
    "webhook_secret": "made_up_webhook_secret-1",
}
FOREIGN = {
    "bot_token": "7654321:made-up-made-up-made-up-made-up-xyz",
    "webhook_secret": "made_up_webhook_secret-2",
}
CHAT = {"id": 5551234, "type": "private", "first_name": "Ada", "last_name": "Example"}
ADA = {"id": 5551234, "is_bot": False, "first_name": "Ada", "last_name": "Example"}
BOT = {"id": 1234567, "is_bot": True, "first_name": "Shop", "username": "shop_bot"}
_BOT_PATH = f"/bot{SETTINGS['bot_token']}"


def sign(body: bytes, settings: Any) -> WebhookRequest:
    """Send ``body`` as Telegram would."""
    headers = {
        "content-type": "application/json",
        "x-telegram-bot-api-secret-token": settings["webhook_secret"],
    }
    return WebhookRequest("POST", ADDRESS, {}, headers, body)


def message(**content: Any) -> dict[str, Any]:
    """Write a message of Ada's."""
    return {"message_id": 77, "date": 1764290000, "chat": CHAT, "from": ADA, **content}


def update(**content: Any) -> bytes:
    """Write an update."""
    return json.dumps({"update_id": 900001, **content}, ensure_ascii=False).encode()


def said(**event: Any) -> list[Incoming]:
    """Return what is read of an update of Ada's."""
    return [Incoming("5551234", {"id": "900001", **event}, "Ada Example")]


def read_message(sample: str, content: dict[str, Any], **event: Any) -> Webhook:
    """Return a message and what it says."""
    return Webhook(sample, update(message=message(**content)), said(**event))


def not_carried(what: str, field: str, content: Any) -> Webhook:
    """Return a message that is only named to the agent."""
    return read_message(field, {field: content}, type="not_carried", what=what)


_FILE = {"file_id": "AgACAgIAAxkBAAM", "file_unique_id": "AQADz", "file_size": 81_000}
_PHOTO = [
    {**_FILE, "file_id": "small", "width": 90, "height": 60},
    {**_FILE, "width": 1280, "height": 853},
]
_VIDEO = {**_FILE, "width": 320, "height": 240, "duration": 4}
_BERLIN = {"latitude": 52.5163, "longitude": 13.3777}
_OURS = {"message_id": 70, "date": 1764280000, "chat": CHAT, "from": BOT, "text": "Which one?"}
_WEBHOOKS = [
    read_message("text", {"text": "Grüße 👩‍👩‍👧 你好"}, type="text", text="Grüße 👩‍👩‍👧 你好"),
    read_message("start", {"text": "/start"}, type="text", text="/start"),
    read_message(
        "reply",
        {"text": "This one", "reply_to_message": _OURS},
        type="text",
        text="This one",
        quotes={"message": "70", "text": "Which one?"},
    ),
    read_message(
        "quote",
        {"text": "Yes", "reply_to_message": _OURS, "quote": {"text": "one", "position": 6}},
        type="text",
        text="Yes",
        quotes={"message": "70", "text": "one"},
    ),
    read_message(
        "picture",
        {"photo": _PHOTO, "caption": "The damage"},
        type="file",
        file_type="JPEG",
        reference={"file_id": "AgACAgIAAxkBAAM"},
        caption="The damage",
    ),
    read_message(
        "picture_as_file",
        {"document": {**_FILE, "mime_type": "image/png", "file_name": "damage.png"}},
        type="file",
        file_type="PNG",
        reference={"file_id": "AgACAgIAAxkBAAM"},
        name="damage.png",
    ),
    read_message(
        "document",
        {"document": {**_FILE, "mime_type": "application/pdf", "file_name": "bill.pdf"}},
        type="not_carried",
        what="document",
    ),
    read_message("location", {"location": _BERLIN}, type="location", **_BERLIN),
    read_message(
        "venue",
        {
            "location": _BERLIN,
            "venue": {"location": _BERLIN, "title": "Gate", "address": "Pariser Platz"},
        },
        type="location",
        **_BERLIN,
        title="Gate",
        address="Pariser Platz",
    ),
    not_carried("voice message", "voice", {**_FILE, "duration": 3}),
    not_carried("video", "video", _VIDEO),
    not_carried("video message", "video_note", {**_FILE, "length": 240, "duration": 4}),
    not_carried("audio file", "audio", {**_FILE, "duration": 200}),
    not_carried(
        "sticker",
        "sticker",
        {**_FILE, "width": 512, "height": 512, "type": "regular"}
        | {"is_animated": False, "is_video": False, "emoji": "👋"},
    ),
    not_carried("contact", "contact", {"phone_number": "+15550100", "first_name": "Bo"}),
    not_carried("dice", "dice", {"emoji": "🎲", "value": 3}),
    read_message(
        "animation",
        {"animation": _VIDEO, "document": {**_FILE, "mime_type": "video/mp4"}},
        type="not_carried",
        what="animation",
    ),
    Webhook(
        "edit",
        update(edited_message=message(text="Grüße an alle", edit_date=1764290100)),
        said(type="edited", text="Grüße an alle"),
    ),
    Webhook(
        "edited_caption",
        update(edited_message=message(photo=_PHOTO, caption="Worse", edit_date=1764290100)),
        said(type="edited", text="Worse"),
    ),
    Webhook(
        "pressed_button",
        update(
            callback_query={
                "id": "4382bfdwdsb323b2d9",
                "from": ADA,
                "chat_instance": "-3",
                "data": "7.2",
                "message": {**_OURS, "text": "Which one?"},
            }
        ),
        said(type="choice", data="7.2", text=""),
    ),
    Webhook(
        "reaction",
        update(
            message_reaction={
                "chat": CHAT,
                "message_id": 70,
                "user": ADA,
                "date": 1764290200,
                "old_reaction": [],
                "new_reaction": [{"type": "emoji", "emoji": "👍"}],
            }
        ),
        said(type="reaction", text="👍", quotes={"message": "70"}),
    ),
]
_GROUP = {"id": -100200, "type": "supergroup", "title": "Friends"}
_IGNORED = [
    Webhook("group", update(message={**message(text="Hi"), "chat": _GROUP})),
    Webhook("channel_post", update(channel_post={**message(text="Hi"), "chat": _GROUP})),
    Webhook("another_bot", update(message={**message(text="Hi"), "from": BOT})),
    Webhook("pinned", update(message=message(pinned_message=_OURS))),
    Webhook("unknown_update", update(something_new={"id": 1})),
    Webhook("unknown_content", update(message=message(something_new={"id": 1}))),
    Webhook(
        "live_location", update(edited_message=message(location=_BERLIN, edit_date=1764290100))
    ),
    Webhook(
        "reaction_taken_back",
        update(
            message_reaction={
                "chat": CHAT,
                "message_id": 70,
                "user": ADA,
                "date": 1764290200,
                "old_reaction": [{"type": "emoji", "emoji": "👍"}],
                "new_reaction": [],
            }
        ),
    ),
    Webhook(
        "blocked",
        update(
            my_chat_member={
                "chat": CHAT,
                "from": ADA,
                "date": 1764290000,
                "old_chat_member": {"status": "member", "user": BOT},
                "new_chat_member": {"status": "kicked", "user": BOT, "until_date": 0},
            }
        ),
    ),
]


def sends(name: str, piece: Any, method: str, **parameters: Any) -> Sent:
    """Return a piece, and the method that sends it to Ada."""
    return Sent(name, piece, "POST", f"{_BOT_PATH}/{method}", {"chat_id": 5551234, **parameters})


_SENT = [
    sends("text", Text("Grüße 👋"), "sendMessage", text="Grüße 👋"),
    sends(
        "buttons",
        Text("Which?", (Choice("Red", "7.1"), Choice("Site", url="https://shop.example/"))),
        "sendMessage",
        text="Which?",
        reply_markup={
            "inline_keyboard": [
                [{"text": "Red", "callback_data": "7.1"}],
                [{"text": "Site", "url": "https://shop.example/"}],
            ]
        },
    ),
    sends("picture", File(FILE_URL, "PNG", "Look"), "sendPhoto", photo=FILE_URL, caption="Look"),
    sends("document", File(FILE_URL, "PDF", name="a.pdf"), "sendDocument", document=FILE_URL),
    sends("gif", File(FILE_URL, "GIF"), "sendDocument", document=FILE_URL),
    sends("location", Location(52.5163, 13.3777), "sendLocation", **_BERLIN),
    sends(
        "venue",
        Location(52.5163, 13.3777, "Gate"),
        "sendVenue",
        **_BERLIN,
        title="Gate",
        address="52.51630, 13.37770",
    ),
    sends("typing", Typing(is_typing=True), "sendChatAction", action="typing"),
]


def answer(status: int, description: str, **more: Any) -> ProviderAnswer:
    """Write a refusal (#making-requests)."""
    body = {"ok": False, "error_code": status, "description": description, **more}
    return ProviderAnswer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def never(name: str, status: int, description: str, reason: str) -> Refusal:
    """Return a refusal for good."""
    means = Verdict("never", reason=reason, detail=str(status))
    return Refusal(name, answer(status, description), means)


_ERRORS = [
    never("blocked", 403, "Forbidden: bot was blocked by the user", "blocked_by_user"),
    never("deactivated", 403, "Forbidden: user is deactivated", "unknown_recipient"),
    never(
        "not_started", 403, "Forbidden: bot can't initiate conversation with a user", "not_allowed"
    ),
    never("no_chat", 400, "Bad Request: chat not found", "unknown_recipient"),
    never("too_long", 400, "Bad Request: message is too long", "invalid_message"),
    never("no_file", 400, "Bad Request: wrong type of the web page content", "invalid_message"),
    never("wrong_token", 401, "Unauthorized", "bad_credentials"),
    never("no_token", 404, "Not Found", "bad_credentials"),
    never("too_large", 413, "Request Entity Too Large", "invalid_message"),
    never("conflict", 409, "Conflict", "refused"),
    Refusal(
        "rate",
        answer(429, "Too Many Requests: retry after 7", parameters={"retry_after": 7}),
        Verdict("later", detail="429", retry_after=7),
    ),
    Refusal("down", ProviderAnswer(502, {}, b"<html>"), Verdict("later", detail="502")),
]


def _given(result: Any) -> ProviderAnswer:
    return ProviderAnswer(200, {}, json.dumps({"ok": True, "result": result}).encode())


SAMPLES = Samples(
    kind="telegram",
    settings=SETTINGS,
    foreign=FOREIGN,
    person="5551234",
    sign=sign,
    proof="x-telegram-bot-api-secret-token",
    proves_body=False,
    webhooks=_WEBHOOKS,
    ignored=_IGNORED,
    sent=_SENT,
    taken=Refusal("taken", _given(_OURS), Verdict("sent", "70")),
    errors=_ERRORS,
    read_body=json.loads,
    fetched=[
        Fetched(
            {"file_id": "AgACAgIAAxkBAAM"},
            [_given({**_FILE, "file_path": "photos/file_0.jpg"}), ProviderAnswer(200)],
            [
                f"https://api.telegram.org{_BOT_PATH}/getFile",
                f"https://api.telegram.org/file{_BOT_PATH}/photos/file_0.jpg",
            ],
            [
                [_given(_FILE)],
                [_given({**_FILE, "file_path": "https://elsewhere.example/a"})],
                [_given({**_FILE, "file_path": "a/../../getMe"})],
                [_given({**_FILE, "file_path": "@elsewhere.example/a"})],
                [ProviderAnswer(200, {}, b"nothing")],
            ],
        )
    ],
    bad_settings={
        "bot_token": ["", "abc", "1234567:short", "1234567:with space with space with space"],
        "webhook_secret": ["", "short", "not allowed: spaces", "x" * 257],
        "api_url": ["http://telegram.example", "https://127.0.0.1:1", "http://127.0.0.1:1/x"],
    },
)
