"""
Twilio's webhooks, requests and answers (https://www.twilio.com/docs/messaging), for WhatsApp.

SMS can do less; ``tests/unit/channel/adapters/test_twilio_judged.py`` has what differs.
"""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from liveperson_connector.channel.adapters.interface import (
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
    "account_sid": "AC" + "0123456789abcdef" * 2,
    "auth_token": "00112233445566778899aabbccddeeff",
    "number": "whatsapp:+4930555010",
    "sender_sid": "XE" + "0123456789abcdef" * 2,
    "shared_key": "made-up-shared-key-of-the-tests",
    "address": ADDRESS,
}
FOREIGN = {**SETTINGS, "auth_token": "ffeeddccbbaa99887766554433221100"}

ADA = "whatsapp:+4915550100001"
MESSAGE = "SM" + "1" * 32
OURS = "SM" + "2" * 32
_ACCOUNT = f"/2010-04-01/Accounts/{SETTINGS['account_sid']}"
_MEDIA_URL = f"https://api.twilio.com{_ACCOUNT}/Messages/{MESSAGE}/Media/ME{'3' * 32}"


def sign(
    body: bytes, settings: Mapping[str, str], url: str = ADDRESS, algorithm: str = "sha1"
) -> WebhookRequest:
    """Send a form as Twilio would; ``sha256`` is signed with the SharedKey."""
    form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    text = url + "".join(name + value for name, value in sorted(set(form)))
    key = settings["auth_token" if algorithm == "sha1" else "shared_key"]
    signature = b64encode(hmac.digest(key.encode(), text.encode(), algorithm)).decode()
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signature,
    }
    if algorithm == "sha256":
        announced = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
        headers["x-twilio-webhooks-signature-settings"] = announced
    return WebhookRequest("POST", url, {}, headers, body)


def write(form: Any) -> bytes:
    """Write a form, whatever stands in it."""
    fields = form if isinstance(form, dict) else {"value": form}
    return urlencode(
        {name: str(value) for name, value in fields.items()}, errors="replace"
    ).encode()


def read(body: bytes) -> dict[str, str]:
    """Read a form."""
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def message(**form: str) -> bytes:
    """Write a message of Ada's."""
    common = {
        "MessageSid": MESSAGE,
        "SmsMessageSid": MESSAGE,
        "SmsStatus": "received",
        "AccountSid": SETTINGS["account_sid"],
        "From": ADA,
        "To": SETTINGS["number"],
        "ProfileName": "Ada Example",
        "WaId": "4915550100001",
        "NumMedia": "0",
        "NumSegments": "1",
        "Body": "",
        "ApiVersion": "2010-04-01",
    }
    return write({**common, **form})


def said(*events: dict[str, Any]) -> list[Incoming]:
    """Return what is read of a message of Ada's."""
    return [
        Incoming(
            ADA,
            {"id": f"{MESSAGE}:{number}" if number else MESSAGE, "mark": MESSAGE, **event},
            "Ada Example",
        )
        for number, event in enumerate(events)
    ]


def picture(number: int, content_type: str = "image/jpeg", **more: str) -> dict[str, Any]:
    """Return the event of one picture."""
    types = {"image/jpeg": "JPEG", "image/png": "PNG"}
    reference = {"url": f"{_MEDIA_URL}{number or ''}"}
    return {"type": "file", "file_type": types[content_type], "reference": reference, **more}


def media(*content_types: str) -> dict[str, str]:
    """Write the fields of files."""
    fields = {"NumMedia": str(len(content_types))}
    for number, content_type in enumerate(content_types):
        fields[f"MediaContentType{number}"] = content_type
        fields[f"MediaUrl{number}"] = f"{_MEDIA_URL}{number or ''}"
    return fields


def report(status: str, means: str, **more: str) -> Webhook:
    """Return what has become of a message of ours."""
    form = {"MessageSid": OURS, "MessageStatus": status, "To": ADA, "From": SETTINGS["number"]}
    reason = {"reason": more["ErrorCode"]} if more else {}
    event = {"id": f"{OURS}:{means}", "type": "report", "message": OURS, "status": means}
    body = write({**form, "AccountSid": SETTINGS["account_sid"], **more})
    return Webhook(status, body, [Incoming(ADA, {**event, **reason})])


def not_carried(what: str, content_type: str) -> Webhook:
    """Return a file that is only named to the agent."""
    return Webhook(
        what, message(**media(content_type)), said({"type": "not_carried", "what": what})
    )


_PLACE = {"Latitude": "52.5163", "Longitude": "13.3777"}
_BERLIN = {"latitude": 52.5163, "longitude": 13.3777}
_WEBHOOKS = [
    Webhook(
        "text",
        message(Body="Grüße 👩‍👩‍👧 你好 + &"),
        said({"type": "text", "text": "Grüße 👩‍👩‍👧 你好 + &"}),
    ),
    Webhook(
        "reply",
        message(Body="Yes", OriginalRepliedMessageSid=OURS),
        said({"type": "text", "text": "Yes", "quotes": {"message": OURS}}),
    ),
    Webhook(
        "template_button",
        message(Body="Red", ButtonText="Red", ButtonPayload="7.1", OriginalRepliedMessageSid=OURS),
        said({"type": "choice", "data": "7.1", "text": "Red"}),
    ),
    Webhook(
        "picture",
        message(Body="The damage", **media("image/jpeg")),
        said(picture(0, caption="The damage")),
    ),
    Webhook(
        "two_pictures",
        message(**media("image/jpeg", "image/png")),
        said(picture(0), picture(1, "image/png")),
    ),
    Webhook(
        "words_beside_a_video",
        message(Body="Look", **media("video/mp4")),
        said({"type": "text", "text": "Look"}, {"type": "not_carried", "what": "video"}),
    ),
    not_carried("voice message", "audio/ogg"),
    not_carried("document", "application/pdf"),
    not_carried("sticker", "image/webp"),
    Webhook("location", message(**_PLACE), said({"type": "location", **_BERLIN})),
    Webhook(
        "place",
        message(**_PLACE, Label="Gate", Address="Pariser Platz"),
        said({"type": "location", **_BERLIN, "title": "Gate", "address": "Pariser Platz"}),
    ),
    report("delivered", "delivered"),
    report("read", "read"),
    report("undelivered", "failed", ErrorCode="63016"),
]
_IGNORED = [
    Webhook("queued", report("queued", "queued").body),
    Webhook("sent", report("sent", "sent").body),
    Webhook("says_nothing", message()),
]


def sends(name: str, piece: Any, **form: str) -> Sent:
    """Return a piece, and the form that it becomes for Ada."""
    told = f"{ADDRESS}#rc=5&rp=all"
    said = {"To": ADA, "From": SETTINGS["number"], "StatusCallback": told, **form}
    return Sent(name, piece, "POST", f"{_ACCOUNT}/Messages.json", said)


_SENT = [
    sends("text", Text("Grüße 👋"), Body="Grüße 👋"),
    sends("picture", File(FILE_URL, "PNG"), MediaUrl=FILE_URL),
    sends("document", File(FILE_URL, "PDF", name="a.pdf"), MediaUrl=FILE_URL),
    sends(
        "location",
        Location(52.5163, 13.3777),
        PersistentAction="geo:52.5163000,13.3777000|52.5163000,13.3777000",
        Body="52.5163000,13.3777000",
    ),
    sends(
        "place",
        Location(52.5163, 13.3777, "Gate | North"),
        PersistentAction="geo:52.5163000,13.3777000|Gate   North",
        Body="Gate   North",
    ),
    sends("template", Template("HX" + "4" * 32, "de"), ContentSid="HX" + "4" * 32),
    Sent(
        "typing",
        Typing(is_typing=True),
        "POST",
        "/v2/Indicators/Typing.json",
        {"messageId": "mark-1", "channel": "whatsapp"},
    ),
]


def answer(status: int, code: int, message: str) -> ProviderAnswer:
    """Write a refusal."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    return ProviderAnswer(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def never(name: str, code: int, reason: str, status: int = 400) -> Refusal:
    """Return a refusal for good."""
    means = Verdict("never", reason=reason, detail=str(code))
    return Refusal(name, answer(status, code, name), means)


def later(name: str, status: int, code: int) -> Refusal:
    """Return a refusal for now."""
    return Refusal(name, answer(status, code, name), Verdict("later", detail=str(code)))


_ERRORS = [
    never("unsubscribed", 21610, "blocked_by_user"),
    never("no_number", 21211, "unknown_recipient"),
    never("no_mobile_number", 21614, "unknown_recipient"),
    never("landline", 21635, "unknown_recipient"),
    never("not_at_the_channel", 63003, "unknown_recipient"),
    never("window_closed", 63016, "window_closed"),
    never("wrong_token", 20003, "bad_credentials", 401),
    never("region_forbidden", 21408, "not_allowed"),
    never("not_ours", 21606, "not_allowed"),
    never("no_such_sender", 63007, "not_allowed"),
    never("too_long", 21617, "invalid_message"),
    never("no_media", 21620, "invalid_message"),
    never("no_template", 21656, "invalid_message"),
    never("unknown_code", 29999, "invalid_message"),
    later("rate", 429, 20429),
    later("queue_full", 400, 21611),
    later("whatsapp_rate", 400, 63018),
    Refusal("down", ProviderAnswer(503, {}, b"<html>"), Verdict("later", detail="503")),
    Refusal(
        "no_account",
        answer(404, 20404, "not found"),
        Verdict("never", reason="refused", detail="20404"),
    ),
]
_CDN = "https://mms.twiliocdn.com/AC01/abc?Signature=def"

SAMPLES = Samples(
    kind="twilio",
    settings=SETTINGS,
    foreign=FOREIGN,
    person=ADA,
    sign=sign,
    proof="x-twilio-signature",
    proves_body=True,
    webhooks=_WEBHOOKS,
    ignored=_IGNORED,
    sent=_SENT,
    taken=Refusal(
        "taken",
        ProviderAnswer(201, {}, json.dumps({"sid": OURS, "status": "queued"}).encode()),
        Verdict("sent", OURS),
    ),
    errors=_ERRORS,
    read_body=read,
    write_body=write,
    fetched=[
        Fetched(
            {"url": _MEDIA_URL},
            [ProviderAnswer(307, {"Location": _CDN}), ProviderAnswer(200)],
            [_MEDIA_URL, _CDN],
            [[ProviderAnswer(307, {"Location": _CDN})] * 3],
        ),
        Fetched({"url": _MEDIA_URL}, [ProviderAnswer(200)], [_MEDIA_URL]),
    ],
    bad_settings={
        "account_sid": ["", "SK" + "0" * 32, "AC123", "AC" + "../" * 8],
        "auth_token": ["", "short", "G" * 32],
        "number": ["", "030 555010", "whatsapp:4930555010", "Shop"],
        "sender_sid": ["MG" + "0" * 32, "PN12"],
        "shared_key": ["short", "with a space in it, and long"],
    },
)
