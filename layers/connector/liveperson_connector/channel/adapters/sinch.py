"""
WhatsApp, RCS and SMS through Sinch's Conversation API.

Facts, below https://developers.sinch.com/docs/conversation.

- Webhooks and their signature: ``/callbacks`` (tried again, with growing waits, after 429 and 5xx).
- Requests: ``/api-reference/conversation/messages`` and ``…/events``, at the region's host.
- Tokens of an hour: ``/api-reference/conversation``; basic authentication is for tests, and slow.
- What a channel can do: ``/channel-support/whatsapp/message-support``, ``/channel-support/rcs/
  message-support`` (texts of 3,072), ``/channel-support/sms``; buttons: ``/message-types/
  choice-message``.
- The window of WhatsApp: ``/channel-support/whatsapp``.
- Our address: ``/api-reference/conversation/webhooks``. An app may have five webhooks, each told
  of all its means of transport: a channel reads what comes by its own.

A person is the identity at that means of transport, which can be written to in both of the API's
processing modes; there is a contact's id in one of them only.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .by_whatsapp import MEGABYTE, PICTURES, WHATSAPP
from .interface import (
    API_URL,
    Adapter,
    Call,
    Capabilities,
    Choice,
    File,
    Incoming,
    Location,
    Piece,
    ProviderAnswer,
    Recipient,
    Setting,
    Settings,
    Template,
    Text,
    Token,
    Typing,
    Unreadable,
    Verdict,
    WebhookRequest,
    origin,
)
from .reading import Fields, event_id, filled, json_object, location, quoting, report
from .writing import basic, bearer, form_call, json_call, judged, same

_TOKEN_HOST = "auth.sinch.com"  # noqa: S105 - a host
_TRIGGERS = ("MESSAGE_INBOUND", "MESSAGE_DELIVERY", "EVENT_INBOUND")

_DOCUMENTS = ("PDF", "TXT", "DOCX", "XLSX", "PPTX")
_CAN: Mapping[str, Capabilities] = {
    "SMS": Capabilities(text=1600, reports=frozenset({"delivered", "failed"})),
    "WHATSAPP": replace(
        WHATSAPP,
        buttons=3,
        button_title=20,
        choice_data=200,
        text_with_choices=1024,
        files={**WHATSAPP.files, **dict.fromkeys(_DOCUMENTS, 100 * MEGABYTE)},
        typing_in=True,
        typing_stops=True,
    ),
    "RCS": Capabilities(
        text=3072,
        buttons=11,
        button_title=25,
        choice_data=2048,
        text_with_choices=3072,
        link_buttons=11,
        files=dict.fromkeys((*PICTURES, "GIF", "PDF"), 100 * MEGABYTE),
        consumer_files=dict.fromkeys(("JPEG", "PNG", "GIF"), 100 * MEGABYTE),
        location_in=True,
        location_out=True,
        typing_in=True,
        typing_out=True,
        typing_stops=True,
        reports=frozenset({"delivered", "read", "failed"}),
    ),
}
_REPORTS = {"DELIVERED": "delivered", "READ": "read", "FAILED": "failed"}

# https://developers.sinch.com/docs/conversation/api-reference/conversation: gRPC's words
_REASONS = {
    "UNAUTHENTICATED": "bad_credentials",
    "PERMISSION_DENIED": "not_allowed",
    "NOT_FOUND": "not_allowed",  # the app, or its region
    "INVALID_ARGUMENT": "invalid_message",
    "FAILED_PRECONDITION": "refused",
}
_LATER = {"RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "INTERNAL"}


class Sinch(Adapter):
    """The adapter for one means of transport of one app."""

    kind = "sinch"
    hosts = (_TOKEN_HOST, ".conversation.api.sinch.com")
    settings = (
        Setting("project_id", "Project ID", pattern="[A-Za-z0-9-]{8,64}"),
        Setting("app_id", "ID of the Conversation API app", pattern="[A-Za-z0-9-]{8,64}"),
        Setting("region", "Region of the app: us, eu or br", pattern="us|eu|br", example="eu"),
        Setting(
            "transport",
            "What is written by: WHATSAPP, RCS or SMS",
            pattern="|".join(_CAN),
            example="WHATSAPP",
        ),
        Setting("key_id", "ID of an access key", pattern="[A-Za-z0-9-]{8,64}"),
        Setting("key_secret", "Secret of the access key", secret=True, pattern="[!-~]{16,}"),
        Setting(
            "webhook_secret",
            "Secret that webhooks are signed with",
            secret=True,
            generated=True,
            pattern="[!-~]{16,128}",
        ),
        Setting("sms_sender", "Number that SMS come from", default="", pattern=r"|\+?[A-Za-z0-9]+"),
        API_URL,
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what the means of transport can do."""
        return _CAN[settings["transport"]]

    # In

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Check the HMAC-SHA256 of ``body.nonce.timestamp``."""
        prefix = "x-sinch-webhook-signature"
        nonce, timestamp = (
            request.headers.get(f"{prefix}-{name}", "").encode("utf-8", "surrogatepass")
            for name in ("nonce", "timestamp")
        )
        signed = b".".join((request.body, nonce, timestamp))
        digest = hmac.digest(settings["webhook_secret"].encode(), signed, "sha256")
        same(request.headers.get(prefix, ""), b64encode(digest), "signature")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read a message, a report or typing, of our app and our means of transport."""
        body = json_object(request.body)
        if body.text("app_id", "") != settings["app_id"]:
            return []
        for name, read in _EVENTS.items():
            if name in body:
                found = body.within(name)
                identity = found.within("channel_identity")
                if identity.text("channel", "") != settings["transport"]:
                    return []
                return list(read(found, identity.text("identity")))
        return []

    # Out

    def token_request(self, settings: Settings) -> Call:
        """Ask for a token of an hour."""
        url = f"{origin(_TOKEN_HOST, settings)}/oauth2/token"
        credentials = basic(settings["key_id"], settings["key_secret"])
        return form_call(url, credentials, {"grant_type": "client_credentials"})

    def token(self, answer: ProviderAnswer) -> Token | None:
        """Read the token."""
        try:
            body = json_object(answer.body)
            return Token(body.text("access_token"), body.number("expires_in"))
        except Unreadable:
            return None

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write a piece as a message, typing as an event."""
        identity = {"channel": settings["transport"], "identity": recipient.person}
        said = {
            "app_id": settings["app_id"],
            "recipient": {"identified_by": {"channel_identities": [identity]}},
        }
        if isinstance(piece, Typing):
            event = "composing_event" if piece.is_typing else "composing_end_event"
            return _call("POST", "events:send", settings, said | {"event": {event: {}}})
        if settings["transport"] == "SMS" and settings.get("sms_sender", ""):
            said["channel_properties"] = {"SMS_SENDER": settings["sms_sender"]}
        return _call(
            "POST", "messages:send", settings, said | {"message": _message(piece, settings)}
        )

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Read the message's id, or the error's word."""
        return judged(answer, _answered, _REASONS, _LATER)

    # Files

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask for the file, which lies at a public address, by https or at a sandbox."""
        if not reference["url"].startswith(("https://", f"{origin(_TOKEN_HOST, settings)}/")):
            raise Unreadable("the file's address is not https")
        return None if answers else Call("GET", reference["url"])

    # Set-up

    def probe(self, settings: Settings) -> Call:
        """Ask for the app."""
        return _call("GET", f"apps/{settings['app_id']}", settings)

    def register(self, address: str, settings: Settings) -> tuple[Call, ...]:
        """Add a webhook to the app; the same address a second time is refused."""
        webhook = {
            "app_id": settings["app_id"],
            "target": address,
            "target_type": "HTTP",
            "triggers": _TRIGGERS,
            "secret": settings["webhook_secret"],
        }
        return (_call("POST", "webhooks", settings, webhook),)

    def registration(self, settings: Settings) -> Call:
        """Ask for the app's webhooks."""
        return _call("GET", f"apps/{settings['app_id']}/webhooks", settings)

    def registered(self, answer: ProviderAnswer) -> tuple[str, ...]:
        """Return their addresses."""
        return tuple(each.text("target", "") for each in json_object(answer.body).each("webhooks"))

    def deregister(
        self, address: str, settings: Settings, found: ProviderAnswer | None
    ) -> Call | None:
        """Remove the webhook with our address."""
        webhooks = json_object(found.body).each("webhooks") if found else ()
        for each in webhooks:
            if each.text("target", "") == address:
                return _call("DELETE", f"webhooks/{quote(each.text('id'), safe='')}", settings)
        return None


ADAPTER = Sinch()


# ── What a person did ──


def _message_in(message: Fields, person: str) -> Iterator[Incoming]:
    said = message.within("contact_message")
    event = next(
        (read(said.within(name)) for name, read in _CONTENTS.items() if name in said), None
    )
    event = event or {"type": "not_carried", "what": "message of an unknown type"}
    answer = quoting(event, said.within("reply_to").text("message_id", ""))
    yield Incoming(person, {"id": event_id(message.text("id")), **answer})


def _text(content: Fields) -> dict[str, Any]:
    return {"type": "text", "text": content.text("text")}


def _pressed(content: Fields) -> dict[str, Any]:
    return {"type": "choice", "data": content.text("postback_data"), "text": ""}


def _media(content: Fields) -> dict[str, Any]:
    """Read a file, of which only the address is told, and with some a caption."""
    caption = filled(caption=content.text("caption", ""))
    return {"type": "file", "reference": {"url": content.text("url")}, **caption}


def _location(content: Fields) -> dict[str, Any]:
    named = content.text("title", ""), content.text("label", "")
    return location(content.within("coordinates"), *named)


_CONTENTS = {
    "text_message": _text,
    "choice_response_message": _pressed,
    "media_message": _media,
    "media_card_message": _media,
    "location_message": _location,
}


def _report(told: Fields, person: str) -> Iterator[Incoming]:
    status, message = _REPORTS.get(told.text("status", "")), told.text("message_id")
    if status:
        code = told.within("reason").text("code", "") if status == "failed" else ""
        yield report(person, message, status, code)


def _typing(event: Fields, person: str) -> Iterator[Incoming]:
    said = event.within("contact_event")
    for name, state in (("composing_event", "composing"), ("composing_end_event", "paused")):
        if name in said:
            typing = {"id": event_id(event.text("id")), "type": "typing", "state": state}
            yield Incoming(person, typing)


_EVENTS = {"message": _message_in, "message_delivery_report": _report, "event": _typing}


# ── What is sent ──


def _answered(body: Fields) -> tuple[str, str]:
    word = body.within("error").text("status", "")
    return body.text("message_id", ""), word if word.isupper() else ""


def _message(piece: Piece, settings: Settings) -> dict[str, Any]:
    if isinstance(piece, Template):
        template = {"template_id": piece.name, "language_code": piece.language}
        return {"template_message": {"channel_template": {settings["transport"]: template}}}
    if isinstance(piece, Location):
        degrees = {"latitude": piece.latitude, "longitude": piece.longitude}
        title = piece.title or f"{piece.latitude:.5f}, {piece.longitude:.5f}"
        return {"location_message": {"coordinates": degrees, "title": title}}
    if isinstance(piece, File):
        return {"media_message": {"url": piece.url} | filled(filename_override=piece.name)}
    text = {"text_message": {"text": piece.text if isinstance(piece, Text) else ""}}
    if isinstance(piece, Text) and piece.choices:
        return {"choice_message": {**text, "choices": [_choice(each) for each in piece.choices]}}
    return text


def _choice(choice: Choice) -> dict[str, Any]:
    if choice.url:
        return {"url_message": {"title": choice.title, "url": choice.url}}
    return {"text_message": {"text": choice.title}, "postback_data": choice.data}


def _call(method: str, path: str, settings: Settings, content: Any = None) -> Call:
    host = f"{settings['region']}.conversation.api.sinch.com"
    url = f"{origin(host, settings)}/v1/projects/{settings['project_id']}/{path}"
    return json_call(method, url, bearer(settings.get("access_token", "")), content)
