"""WhatsApp's webhooks, requests and answers (https://developers.facebook.com/docs/whatsapp)."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from liveperson_connector.channel.adapters.interface import (
    Choice,
    File,
    Incoming,
    Location,
    ProviderAnswer,
    ReadMark,
    Template,
    Text,
    Typing,
    Verdict,
    WebhookRequest,
)
from liveperson_connector.channel.adapters.reading import event_id

from . import ADDRESS, FILE_URL, Fetched, Refusal, Samples, Sent, Webhook

SETTINGS = {
    "phone_number_id": "106540352242922",
    "business_account_id": "102290129340398",
    "token": "made-up-token-of-a-system-user",
    "app_secret": "0123456789abcdef" * 2,
    "verify_token": "made-up-verify-token",
    "menu_label": "Auswahl",
}
FOREIGN = {**SETTINGS, "phone_number_id": "106540352242923", "app_secret": "fedcba9876543210" * 2}

ADA = "DE.13491208655302741918"
ADAS_NUMBER = "4915550100001"
MESSAGE = "wamid.HBgNNDkxNTU1MDEwMDAwMRUCABIYFDNBMDBDMUI5QTk1ODlBRjVGNUQxAA=="
OURS = "wamid.HBgNNDkxNTU1MDEwMDAwMRUCABEYEjgxQkVFRDVBQTVDODFDOTg3MQA="
_PATH = f"/v25.0/{SETTINGS['phone_number_id']}"


def sign(body: bytes, settings: Mapping[str, str]) -> WebhookRequest:
    """Send ``body`` as Meta would."""
    digest = hmac.digest(settings["app_secret"].encode(), body, "sha256").hex()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}
    return WebhookRequest("POST", ADDRESS, {}, headers, body)


def value(**content: Any) -> dict[str, Any]:
    """Write what has changed at the number."""
    number = {"display_phone_number": "4930555010", "phone_number_id": SETTINGS["phone_number_id"]}
    return {"messaging_product": "whatsapp", "metadata": number, **content}


def webhook(*values: dict[str, Any]) -> bytes:
    """Write a webhook."""
    changes = [{"field": "messages", "value": each} for each in values]
    entry = {"id": SETTINGS["business_account_id"], "changes": changes}
    body = {"object": "whatsapp_business_account", "entry": [entry]}
    return json.dumps(body, ensure_ascii=False).encode()


def contact(**more: Any) -> dict[str, Any]:
    """Write what is told of Ada."""
    profile = {"name": "Ada Example", "username": "ada.example"}
    return {"profile": profile, "user_id": ADA, "wa_id": ADAS_NUMBER, **more}


def message(kind: str, content: Any = None, **more: Any) -> dict[str, Any]:
    """Write a message of Ada's."""
    said = {} if content is None else {kind: content}
    return {
        "from": ADAS_NUMBER,
        "from_user_id": ADA,
        "id": MESSAGE,
        "timestamp": "1764290000",
        "type": kind,
        **said,
        **more,
    }


def said(**event: Any) -> list[Incoming]:
    """Return what is read of a message of Ada's."""
    return [Incoming(ADA, {"id": event_id(MESSAGE), "mark": MESSAGE, **event}, "Ada Example")]


def read_message(
    sample: str, kind: str, content: Any, more: Mapping[str, Any] | None = None, /, **event: Any
) -> Webhook:
    """Return a message and what it says."""
    body = webhook(value(contacts=[contact()], messages=[message(kind, content, **(more or {}))]))
    return Webhook(sample, body, said(**event))


def not_carried(what: str, kind: str, content: Any) -> Webhook:
    """Return a message that is only named to the agent."""
    return read_message(what, kind, content, type="not_carried", what=what)


def report(kind: str, **more: Any) -> Webhook:
    """Return what has become of a message of ours."""
    status = {
        "id": OURS,
        "status": kind,
        "timestamp": "1764290100",
        "recipient_id": ADAS_NUMBER,
        "recipient_user_id": ADA,
        **more,
    }
    reason = {"reason": "131047"} if "errors" in more else {}
    event = {"type": "report", "message": OURS, "status": kind, **reason}
    told = {} if "errors" in more else {"contacts": [contact()]}
    events = [Incoming(ADA, {"id": event_id(f"{OURS}:{kind}"), **event})]
    return Webhook(kind, webhook(value(**told, statuses=[status])), events)


_MEDIA = {"sha256": "made-up=", "id": "1003383421387256"}
_BERLIN = {"latitude": 52.5163, "longitude": 13.3777}
_PRESSED = {"button_reply": {"id": "7.2", "title": "Red"}, "type": "button_reply"}
_PICKED = {"list_reply": {"id": "7.3", "title": "Blue", "description": "Sky"}, "type": "list_reply"}
_REPLY = {"context": {"from": "4930555010", "id": OURS}}
_WINDOW = {
    "code": 131047,
    "title": "Re-engagement message",
    "message": "Re-engagement message",
    "error_data": {"details": "More than 24 hours have passed since the customer last replied."},
}

_WEBHOOKS = [
    read_message(
        "text", "text", {"body": "Grüße 👩‍👩‍👧 你好"}, type="text", text="Grüße 👩‍👩‍👧 你好"
    ),
    read_message(
        "reply", "text", {"body": "Yes"}, _REPLY, type="text", text="Yes", quotes={"message": OURS}
    ),
    read_message(
        "forwarded",
        "text",
        {"body": "Look"},
        {"context": {"forwarded": True}},
        type="text",
        text="Look",
    ),
    read_message("button", "interactive", _PRESSED, _REPLY, type="choice", data="7.2", text="Red"),
    read_message("row", "interactive", _PICKED, _REPLY, type="choice", data="7.3", text="Blue"),
    read_message(
        "template_button",
        "button",
        {"payload": "yes", "text": "Yes, please"},
        _REPLY,
        type="choice",
        data="yes",
        text="Yes, please",
    ),
    read_message(
        "picture",
        "image",
        {**_MEDIA, "mime_type": "image/jpeg", "caption": "The damage"},
        type="file",
        file_type="JPEG",
        reference={"id": _MEDIA["id"]},
        caption="The damage",
    ),
    read_message(
        "picture_as_document",
        "document",
        {**_MEDIA, "mime_type": "image/png", "filename": "damage.png"},
        type="file",
        file_type="PNG",
        reference={"id": _MEDIA["id"]},
        name="damage.png",
    ),
    read_message("location", "location", _BERLIN, type="location", **_BERLIN),
    read_message(
        "place",
        "location",
        {**_BERLIN, "name": "Gate", "address": "Pariser Platz"},
        type="location",
        **_BERLIN,
        title="Gate",
        address="Pariser Platz",
    ),
    read_message(
        "reaction",
        "reaction",
        {"message_id": OURS, "emoji": "👍"},
        type="reaction",
        text="👍",
        quotes={"message": OURS},
    ),
    read_message(
        "edit",
        "edit",
        {
            "original_message_id": OURS,
            "message": {"type": "text", "text": {"body": "Grüße an alle"}},
        },
        type="edited",
        text="Grüße an alle",
    ),
    read_message(
        "edited_caption",
        "edit",
        {
            "original_message_id": OURS,
            "message": {
                "type": "image",
                "image": {**_MEDIA, "mime_type": "image/jpeg", "caption": "Worse"},
            },
        },
        type="edited",
        text="Worse",
    ),
    read_message("deletion", "revoke", {"original_message_id": OURS}, type="deleted"),
    not_carried(
        "document", "document", {**_MEDIA, "mime_type": "application/pdf", "filename": "a.pdf"}
    ),
    not_carried(
        "voice message", "audio", {**_MEDIA, "mime_type": "audio/ogg; codecs=opus", "voice": True}
    ),
    not_carried("video", "video", {**_MEDIA, "mime_type": "video/mp4"}),
    not_carried("sticker", "sticker", {**_MEDIA, "mime_type": "image/webp", "animated": False}),
    not_carried("contact", "contacts", [{"name": {"formatted_name": "Bo", "first_name": "Bo"}}]),
    not_carried("order", "order", {"catalog_id": "1", "product_items": []}),
    not_carried(
        "form",
        "interactive",
        {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": "{}"}},
    ),
    not_carried("message of an unknown type", "unsupported", {"type": "poll_creation"}),
    Webhook(
        "without_telephone_number",
        webhook(
            value(
                contacts=[{"profile": {"name": "Ada Example"}, "user_id": ADA}],
                messages=[{**message("text", {"body": "Hi"}), "from": None}],
            )
        ),
        said(type="text", text="Hi"),
    ),
    Webhook(
        "before_scoped_ids",
        webhook(
            value(
                contacts=[{"profile": {"name": "Ada Example"}, "wa_id": ADAS_NUMBER}],
                messages=[{**message("text", {"body": "Hi"}), "from_user_id": None}],
            )
        ),
        [
            Incoming(
                ADAS_NUMBER,
                {"id": event_id(MESSAGE), "mark": MESSAGE, "type": "text", "text": "Hi"},
                "Ada Example",
            )
        ],
    ),
    Webhook(
        "of_two_people",
        webhook(
            value(
                contacts=[
                    {"profile": {"name": "Bo"}, "user_id": "DE.2", "wa_id": "4915550100002"},
                    contact(),
                ],
                messages=[
                    message("text", {"body": "Hi"}),
                    {
                        **message("text", {"body": "Ho"}),
                        "id": "wamid.2",
                        "from": "4915550100002",
                        "from_user_id": "DE.2",
                    },
                ],
            )
        ),
        [
            *said(type="text", text="Hi"),
            Incoming(
                "DE.2", {"id": "wamid.2", "mark": "wamid.2", "type": "text", "text": "Ho"}, "Bo"
            ),
        ],
    ),
    report("delivered"),
    report("read"),
    report("failed", errors=[_WINDOW]),
]
_OTHER = {"metadata": {"display_phone_number": "1", "phone_number_id": FOREIGN["phone_number_id"]}}
_IGNORED = [
    Webhook("another_number", webhook(value(messages=[message("text", {"body": "Hi"})], **_OTHER))),
    Webhook(
        "new_number",
        webhook(
            value(messages=[message("system", {"body": "changed", "type": "user_changed_number"})])
        ),
    ),
    Webhook("chat_opened", webhook(value(messages=[message("request_welcome")]))),
    Webhook("sent", report("sent").body),
    Webhook(
        "reaction_taken_back",
        webhook(value(messages=[message("reaction", {"message_id": OURS})])),
    ),
    Webhook("another_field", webhook({"event": "APPROVED", "message_template_id": 1})),
    Webhook("nothing", json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()),
]


def sends(name: str, piece: Any, kind: str, content: Any) -> Sent:
    """Return a piece, and the message that it becomes for Ada."""
    product = {"messaging_product": "whatsapp", "recipient_type": "individual"}
    said = {**product, "recipient": ADA, "type": kind, kind: content}
    return Sent(name, piece, "POST", f"{_PATH}/messages", said)


def marks(name: str, piece: Any, message_id: str, **more: Any) -> Sent:
    """Return a piece, and the mark at a message that it becomes."""
    said = {"messaging_product": "whatsapp", "status": "read", "message_id": message_id, **more}
    return Sent(name, piece, "POST", f"{_PATH}/messages", said)


_CHOICES = (Choice("Red", "7.1"), Choice("Blue", "7.2"))
_SENT = [
    sends("text", Text("Grüße 👋"), "text", {"body": "Grüße 👋"}),
    sends(
        "buttons",
        Text("Which?", _CHOICES),
        "interactive",
        {
            "type": "button",
            "body": {"text": "Which?"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "7.1", "title": "Red"}},
                    {"type": "reply", "reply": {"id": "7.2", "title": "Blue"}},
                ]
            },
        },
    ),
    sends(
        "list",
        Text("Which?", _CHOICES, "list"),
        "interactive",
        {
            "type": "list",
            "body": {"text": "Which?"},
            "action": {
                "button": "Auswahl",
                "sections": [
                    {"rows": [{"id": "7.1", "title": "Red"}, {"id": "7.2", "title": "Blue"}]}
                ],
            },
        },
    ),
    sends("picture", File(FILE_URL, "PNG", "Look"), "image", {"link": FILE_URL, "caption": "Look"}),
    sends(
        "document",
        File(FILE_URL, "PDF", name="a.pdf"),
        "document",
        {"link": FILE_URL, "filename": "a.pdf"},
    ),
    sends("location", Location(52.5163, 13.3777), "location", _BERLIN),
    sends("place", Location(52.5163, 13.3777, "Gate"), "location", {**_BERLIN, "name": "Gate"}),
    sends(
        "template",
        Template("answer_waits", "de"),
        "template",
        {"name": "answer_waits", "language": {"code": "de"}},
    ),
    marks("typing", Typing(is_typing=True), "mark-1", typing_indicator={"type": "text"}),
    marks("read", ReadMark(MESSAGE), MESSAGE),
]


def answer(status: int, code: int, message: str) -> ProviderAnswer:
    """Write a refusal."""
    error = {"message": f"(#{code}) {message}", "type": "OAuthException", "code": code}
    body = {"error": {**error, "fbtrace_id": "A1b2"}}
    return ProviderAnswer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def never(name: str, status: int, code: int, reason: str) -> Refusal:
    """Return a refusal for good."""
    return Refusal(
        name, answer(status, code, name), Verdict("never", reason=reason, detail=str(code))
    )


def later(name: str, status: int, code: int) -> Refusal:
    """Return a refusal for now."""
    return Refusal(name, answer(status, code, name), Verdict("later", detail=str(code)))


_ERRORS = [
    never("window_closed", 400, 131047, "window_closed"),
    never("undeliverable", 400, 131026, "unknown_recipient"),
    never("stopped_marketing", 400, 131050, "blocked_by_user"),
    never("token_expired", 401, 190, "bad_credentials"),
    never("not_authenticated", 401, 0, "bad_credentials"),
    never("no_permission", 403, 10, "not_allowed"),
    never("no_permission_either", 403, 200, "not_allowed"),
    never("not_in_the_test_list", 400, 131030, "not_allowed"),
    never("payment", 400, 131042, "not_allowed"),
    never("locked", 403, 131031, "not_allowed"),
    never("bad_parameter", 400, 100, "invalid_message"),
    never("no_template", 404, 132001, "invalid_message"),
    never("unsupported_type", 400, 131051, "invalid_message"),
    never("unknown_code", 404, 999, "refused"),
    later("app_rate", 400, 4),
    later("account_rate", 400, 80007),
    later("throughput", 429, 130429),
    later("spam_rate", 400, 131048),
    later("pair_rate", 400, 131056),
    later("unknown", 500, 131000),
    later("unavailable", 503, 131016),
    Refusal("down", ProviderAnswer(502, {}, b"<html>"), Verdict("later", detail="502")),
]
_MEDIA_URL = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1003&hash=abc"


def _given(**body: Any) -> ProviderAnswer:
    return ProviderAnswer(200, {}, json.dumps(body).encode())


SAMPLES = Samples(
    kind="whatsapp",
    settings=SETTINGS,
    foreign=FOREIGN,
    person=ADA,
    sign=sign,
    proof="x-hub-signature-256",
    proves_body=True,
    webhooks=_WEBHOOKS,
    ignored=_IGNORED,
    sent=_SENT,
    taken=Refusal(
        "taken",
        _given(
            messaging_product="whatsapp",
            contacts=[{"input": ADA, "user_id": ADA}],
            messages=[{"id": OURS}],
        ),
        Verdict("sent", OURS),
    ),
    errors=_ERRORS,
    read_body=json.loads,
    fetched=[
        Fetched(
            {"id": "1003383421387256"},
            [_given(url=_MEDIA_URL, mime_type="image/jpeg", file_size=81000), ProviderAnswer(200)],
            ["https://graph.facebook.com/v25.0/1003383421387256", _MEDIA_URL],
            [
                [_given(mime_type="image/jpeg")],
                [_given(url="https://elsewhere.example/whatsapp_business/attachments/")],
                [_given(url="https://lookaside.fbsbx.com.elsewhere.example/a")],
                [_given(url="http://lookaside.fbsbx.com/a")],
                [_given(url="https://lookaside.fbsbx.com@elsewhere.example/a")],
                [ProviderAnswer(200, {}, b"nothing")],
            ],
        )
    ],
    bad_settings={
        "phone_number_id": ["", "+49 30 555010", "12", "1065/../me"],
        "business_account_id": ["", "my business"],
        "token": ["", "short", "with a space, and long enough"],
        "app_secret": ["", "0123456789ABCDEF" * 2, "0123"],
        "verify_token": ["", "short", "has some spaces"],
        "menu_label": ["", "longer than twenty letters"],
    },
)
