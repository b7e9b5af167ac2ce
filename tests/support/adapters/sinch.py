"""
Sinch's webhooks, requests and answers (https://developers.sinch.com/docs/conversation), WhatsApp's.

``tests/unit/channel/adapters/test_sinch_judged.py`` has what differs for RCS and SMS.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from liveperson_connector.channel.adapters.interface import (
    Choice,
    File,
    Incoming,
    Location,
    ProviderAnswer,
    Template,
    Text,
    Typing,
    Verdict,
    WebhookRequest,
)

from . import ADDRESS, FILE_URL, Fetched, Refusal, Samples, Sent, Webhook

SETTINGS = {
    "project_id": "project-of-the-tests",
    "app_id": "01EXAMPLEAPP",
    "region": "eu",
    "transport": "WHATSAPP",
    "key_id": "key-of-the-tests",
    "key_secret": "made-up-secret-of-the-key",
    "webhook_secret": "made-up-secret-of-webhooks",
}
FOREIGN = {**SETTINGS, "webhook_secret": "made-up-secret-of-another"}

ADA = "4915550100001"
MESSAGE = "01EXAMPLEMESSAGE1"
OURS = "01EXAMPLEMESSAGE2"
_PROJECT = f"/v1/projects/{SETTINGS['project_id']}"
_IDENTITY = {"channel": "WHATSAPP", "identity": ADA, "app_id": SETTINGS["app_id"]}


def sign(body: bytes, settings: Mapping[str, str]) -> WebhookRequest:
    """Send ``body`` as Sinch would."""
    nonce, timestamp = "01EXAMPLENONCE", "1764290000"
    signed = b".".join((body, nonce.encode(), timestamp.encode()))
    digest = hmac.digest(settings["webhook_secret"].encode(), signed, "sha256")
    headers = {
        "content-type": "application/json",
        "x-sinch-webhook-signature": b64encode(digest).decode(),
        "x-sinch-webhook-signature-nonce": nonce,
        "x-sinch-webhook-signature-timestamp": timestamp,
        "x-sinch-webhook-signature-algorithm": "HmacSHA256",
    }
    return WebhookRequest("POST", ADDRESS, {}, headers, body)


def webhook(**content: Any) -> bytes:
    """Write a webhook."""
    common = {
        "app_id": SETTINGS["app_id"],
        "project_id": SETTINGS["project_id"],
        "accepted_time": "2026-06-15T14:23:45.123Z",
        "event_time": "2026-06-15T14:23:44.890Z",
        "message_metadata": "",
    }
    return json.dumps({**common, **content}, ensure_ascii=False).encode()


def message(contact_message: Any, **more: Any) -> bytes:
    """Write a message of Ada's."""
    said = {
        "id": MESSAGE,
        "direction": "TO_APP",
        "contact_message": contact_message,
        "channel_identity": _IDENTITY,
        "conversation_id": "",
        "contact_id": "",
        "accept_time": "2026-06-15T14:23:45.123Z",
        "sender_id": "4930555010",
        "processing_mode": "DISPATCH",
        **more,
    }
    return webhook(message=said)


def read_message(sample: str, contact_message: Any, **event: Any) -> Webhook:
    """Return a message and what it says."""
    return Webhook(sample, message(contact_message), [Incoming(ADA, {"id": MESSAGE, **event})])


def report(status: str, means: str, **more: Any) -> Webhook:
    """Return what has become of a message of ours."""
    told = {"message_id": OURS, "status": status, "channel_identity": _IDENTITY, **more}
    reason = {"reason": more["reason"]["code"]} if more else {}
    event = {"id": f"{OURS}:{means}", "type": "report", "message": OURS, "status": means}
    body = webhook(message_delivery_report={**told, "processing_mode": "DISPATCH"})
    return Webhook(status, body, [Incoming(ADA, {**event, **reason})])


def typing(name: str, state: str) -> Webhook:
    """Return what Ada's fingers do."""
    event = {
        "id": MESSAGE,
        "direction": "TO_APP",
        "contact_event": {name: {}},
        "channel_identity": _IDENTITY,
    }
    read = [Incoming(ADA, {"id": MESSAGE, "type": "typing", "state": state})]
    return Webhook(name, webhook(event=event), read)


_PICTURE_URL = "https://media.sinch.example/1.jpg"
_BERLIN = {"latitude": 52.5163, "longitude": 13.3777}
_WINDOW = {"code": "OUTSIDE_ALLOWED_SENDING_WINDOW", "description": "closed", "sub_code": "X"}
_WEBHOOKS = [
    read_message(
        "text",
        {"text_message": {"text": "Grüße 👩‍👩‍👧 你好"}},
        type="text",
        text="Grüße 👩‍👩‍👧 你好",
    ),
    read_message(
        "reply",
        {"text_message": {"text": "Yes"}, "reply_to": {"message_id": OURS}},
        type="text",
        text="Yes",
        quotes={"message": OURS},
    ),
    read_message(
        "button",
        {"choice_response_message": {"message_id": OURS, "postback_data": "7.2"}},
        type="choice",
        data="7.2",
        text="",
    ),
    read_message(
        "picture",
        {"media_message": {"url": _PICTURE_URL}},
        type="file",
        reference={"url": _PICTURE_URL},
    ),
    read_message(
        "picture_with_caption",
        {"media_card_message": {"url": _PICTURE_URL, "caption": "The damage"}},
        type="file",
        reference={"url": _PICTURE_URL},
        caption="The damage",
    ),
    read_message(
        "location",
        {"location_message": {"title": "Gate", "label": "North", "coordinates": _BERLIN}},
        type="location",
        **_BERLIN,
        title="Gate",
        address="North",
    ),
    read_message(
        "fallback",
        {"fallback_message": {"raw_message": "{}"}},
        type="not_carried",
        what="message of an unknown type",
    ),
    report("DELIVERED", "delivered"),
    report("READ", "read"),
    report("FAILED", "failed", reason=_WINDOW),
    typing("composing_event", "composing"),
    typing("composing_end_event", "paused"),
]
_TEXT = {"text_message": {"text": "Hi"}}
_IGNORED = [
    Webhook("another_app", message(_TEXT).replace(b"01EXAMPLEAPP", b"01EXAMPLEAPQ")),
    Webhook("another_transport", message(_TEXT, channel_identity={**_IDENTITY, "channel": "SMS"})),
    Webhook("queued", report("QUEUED_ON_CHANNEL", "queued").body),
    Webhook("another_trigger", webhook(opt_in_notification={"identity": ADA, "channel": "VIBER"})),
]


def sends(name: str, piece: Any, **content: Any) -> Sent:
    """Return a piece, and the message that it becomes for Ada."""
    return Sent(name, piece, "POST", f"{_PROJECT}/messages:send", to_ada(message=content))


def to_ada(**content: Any) -> dict[str, Any]:
    """Address a request to Ada."""
    identity = {"channel": "WHATSAPP", "identity": ADA}
    recipient = {"identified_by": {"channel_identities": [identity]}}
    return {"app_id": SETTINGS["app_id"], "recipient": recipient, **content}


_SENT = [
    sends("text", Text("Grüße 👋"), text_message={"text": "Grüße 👋"}),
    sends(
        "buttons",
        Text("Which?", (Choice("Red", "7.1"), Choice("Blue", "7.2"))),
        choice_message={
            "text_message": {"text": "Which?"},
            "choices": [
                {"text_message": {"text": "Red"}, "postback_data": "7.1"},
                {"text_message": {"text": "Blue"}, "postback_data": "7.2"},
            ],
        },
    ),
    sends("picture", File(FILE_URL, "PNG"), media_message={"url": FILE_URL}),
    sends(
        "document",
        File(FILE_URL, "PDF", name="a.pdf"),
        media_message={"url": FILE_URL, "filename_override": "a.pdf"},
    ),
    sends(
        "location",
        Location(52.5163, 13.3777),
        location_message={"coordinates": _BERLIN, "title": "52.51630, 13.37770"},
    ),
    sends(
        "template",
        Template("answer_waits", "de"),
        template_message={
            "channel_template": {"WHATSAPP": {"template_id": "answer_waits", "language_code": "de"}}
        },
    ),
    Sent(
        "typing",
        Typing(is_typing=True),
        "POST",
        f"{_PROJECT}/events:send",
        to_ada(event={"composing_event": {}}),
    ),
    Sent(
        "typing_ends",
        Typing(is_typing=False),
        "POST",
        f"{_PROJECT}/events:send",
        to_ada(event={"composing_end_event": {}}),
    ),
]


def answer(status: int, word: str) -> ProviderAnswer:
    """Write a refusal."""
    body = {"error": {"code": status, "message": "Refused.", "status": word, "details": []}}
    return ProviderAnswer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def never(status: int, word: str, reason: str) -> Refusal:
    """Return a refusal for good."""
    return Refusal(word, answer(status, word), Verdict("never", reason=reason, detail=word))


_ERRORS = [
    never(400, "INVALID_ARGUMENT", "invalid_message"),
    never(400, "FAILED_PRECONDITION", "refused"),
    never(401, "UNAUTHENTICATED", "bad_credentials"),
    never(403, "PERMISSION_DENIED", "not_allowed"),
    never(404, "NOT_FOUND", "not_allowed"),
    Refusal(
        "rate",
        answer(429, "RESOURCE_EXHAUSTED"),
        Verdict("later", detail="RESOURCE_EXHAUSTED"),
    ),
    Refusal("unavailable", answer(503, "UNAVAILABLE"), Verdict("later", detail="UNAVAILABLE")),
    Refusal("down", ProviderAnswer(502, {}, b"<html>"), Verdict("later", detail="502")),
    Refusal(
        "no_token",
        ProviderAnswer(401, {}, b'{"error": "invalid_client"}'),
        Verdict("never", reason="bad_credentials", detail="401"),
    ),
]

SAMPLES = Samples(
    kind="sinch",
    settings=SETTINGS,
    foreign=FOREIGN,
    person=ADA,
    sign=sign,
    proof="x-sinch-webhook-signature",
    proves_body=True,
    webhooks=_WEBHOOKS,
    ignored=_IGNORED,
    sent=_SENT,
    taken=Refusal(
        "taken",
        ProviderAnswer(200, {}, json.dumps({"message_id": OURS}).encode()),
        Verdict("sent", OURS),
    ),
    errors=_ERRORS,
    read_body=json.loads,
    fetched=[Fetched({"url": _PICTURE_URL}, [ProviderAnswer(200)], [_PICTURE_URL])],
    bad_settings={
        "project_id": ["", "a/../b/../c"],
        "app_id": ["", "my app"],
        "region": ["", "EU", "de"],
        "transport": ["", "whatsapp", "FAX"],
        "key_secret": ["", "short"],
        "webhook_secret": ["", "short", "with some spaces in it"],
        "sms_sender": ["+49 30 555010"],
    },
)
