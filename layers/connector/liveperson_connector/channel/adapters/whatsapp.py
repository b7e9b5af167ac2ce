"""
WhatsApp, by Meta's own Cloud API. Facts, below https://developers.facebook.com/docs/whatsapp.

- Webhooks: ``/cloud-api/webhooks/components``. Edits and deletions come from a few people only;
  the others' come as a message of the type ``unsupported``.
- Persons: ``/documentation/business-messaging/whatsapp/business-scoped-user-ids`` of the same host.
  Since 2026 every webhook has a person's business-scoped id, such as ``DE.1234``, and not always
  the telephone number. One is written to as ``recipient``, the other as ``to``.
- Requests: ``/cloud-api/reference/messages``. Buttons: ``/cloud-api/messages/
  interactive-reply-buttons-messages``, lists: ``…/interactive-list-messages``.
- Files: ``/cloud-api/reference/media``. Typing: ``/cloud-api/typing-indicators``.
- The window: ``/pricing#customer-service-windows``. Errors: ``/cloud-api/support/error-codes``.
- Our address: ``/embedded-signup/webhooks/override``: the number's goes before the account's, and
  that before the app's.
"""

from __future__ import annotations

import hmac
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
    File,
    Incoming,
    Location,
    Piece,
    ProviderAnswer,
    ReadMark,
    Recipient,
    Reply,
    Setting,
    Settings,
    Template,
    Text,
    Typing,
    Unreadable,
    Verdict,
    WebhookRequest,
    origin,
)
from .reading import Fields, event_id, filled, json_object, location, quoting, report
from .writing import bearer, json_call, judged, same

_HOST, _MEDIA_HOST = "graph.facebook.com", "lookaside.fbsbx.com"
_VERSION = "v25.0"  # good for two years: https://developers.facebook.com/docs/graph-api/changelog

_DOCUMENTS = ("PDF", "TXT", "DOC", "DOCX", "XLS", "XLSX", "PPT", "PPTX")
_FILE_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG"}
_WHAT = {
    **{kind: kind for kind in ("video", "sticker", "document", "order")},
    "audio": "voice message",
    "contacts": "contact",
    "image": "picture",
    "interactive": "form",
}
_NOT_SAID = ("system", "request_welcome")  # a number has changed, a chat was opened

_OF_TEMPLATES = range(132000, 132017)
_CODES = {
    "bad_credentials": (0, 190),
    "not_allowed": (3, 10, *range(200, 300), 368, 130497, 131005, 131030, 131031, 131037, 131042),
    "unknown_recipient": (131026,),
    "window_closed": (131047,),
    "blocked_by_user": (131050,),
    "invalid_message": (100, 131008, 131009, 131021, 131051, 131053, 131062, *_OF_TEMPLATES),
}
_REASONS = {str(code): reason for reason, codes in _CODES.items() for code in codes}
_LATER = {*"124", "80007", "130429", "131000", "131016", "131048", "131056", "131057"}


_CAN = replace(
    WHATSAPP,
    caption=1024,
    buttons=3,
    button_title=20,
    rows=10,
    row_title=24,
    choice_data=200,
    text_with_choices=1024,
    files={**WHATSAPP.files, **dict.fromkeys(_DOCUMENTS, 100 * MEGABYTE)},
    typing_at_message=True,
    read_marks=True,
    edits=True,
    deletions=True,
    reactions=True,
    per_second=80,
)


class WhatsApp(Adapter):
    """The adapter for one telephone number of a WhatsApp Business account."""

    kind = "whatsapp"
    hosts = (_HOST, _MEDIA_HOST)
    settings = (
        Setting("phone_number_id", "Phone number ID", pattern="[0-9]{5,25}"),
        Setting("business_account_id", "WhatsApp Business account ID", pattern="[0-9]{5,25}"),
        Setting("token", "Permanent token of a system user", secret=True, pattern="[!-~]{20,}"),
        Setting("app_secret", "App secret of the Meta app", secret=True, pattern="[0-9a-f]{32}"),
        Setting("verify_token", "Verify token of the webhook", generated=True, pattern="[!-~]{8,}"),
        Setting(
            "menu_label", "Label of the button that opens a list", default="…", pattern=".{1,20}"
        ),
        API_URL,
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return the limits; rates: /cloud-api/overview#throughput, and 10 a minute a person."""
        return _CAN

    # In

    def challenge(self, request: WebhookRequest, settings: Settings) -> Reply | None:
        """Repeat the challenge of /cloud-api/guides/set-up-webhooks, once the token is ours."""
        if request.method != "GET":
            return None
        same(request.query.get("hub.verify_token", ""), settings["verify_token"], "verify token")
        return Reply(body=request.query.get("hub.challenge", ""))

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Check the HMAC-SHA256 of the raw body with the app's secret."""
        digest = hmac.digest(settings["app_secret"].encode(), request.body, "sha256").hex()
        same(request.headers.get("x-hub-signature-256", ""), f"sha256={digest}", "signature")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read messages and statuses of our number; an app's other numbers may come here, too."""
        number = settings["phone_number_id"]
        return [
            event
            for entry in json_object(request.body).each("entry")
            for change in entry.each("changes")
            for value in (change.within("value"),)
            if value.within("metadata").text("phone_number_id", "") == number
            for event in (*_messages(value), *_reports(value))
        ]

    # Out

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write a piece, or a mark at a message of the person's."""
        said: dict[str, Any]
        if isinstance(piece, Typing):
            said = {**_read_mark(recipient.mark), "typing_indicator": {"type": "text"}}
        elif isinstance(piece, ReadMark):
            said = _read_mark(piece.message)
        else:  # a business-scoped id begins with the two letters of a country
            field = "recipient" if recipient.person[:1].isalpha() else "to"
            said = {
                field: recipient.person,
                "recipient_type": "individual",
                **_content(piece, settings),
            }
        return _call(
            "{phone_number_id}/messages", settings, {"messaging_product": "whatsapp", **said}
        )

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Read the message's id, or the error's code."""
        return judged(answer, _answered, _REASONS, _LATER)

    # Files

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask for the file's address, which is good for five minutes, then for the file."""
        if not answers:
            return _call(quote(reference["id"], safe=""), settings)
        if len(answers) > 1:
            return None
        url = json_object(answers[0].body).text("url")
        if not url.startswith(f"{origin(_MEDIA_HOST, settings)}/"):
            raise Unreadable("the file's address is not at Meta's host for files")
        return Call("GET", url, bearer(settings["token"]))

    # Set-up

    def probe(self, settings: Settings) -> Call:
        """Ask for the number's name."""
        return _call("{phone_number_id}?fields=verified_name", settings)

    def register(self, address: str, settings: Settings) -> tuple[Call, ...]:
        """Subscribe the app to the account's webhooks, and give the number our address."""
        ours = {"override_callback_uri": address, "verify_token": settings["verify_token"]}
        subscribed = _call("{business_account_id}/subscribed_apps", settings, {})
        return subscribed, _configure(ours, settings)

    def registration(self, settings: Settings) -> Call:
        """Ask for the addresses of the number, the account and the app."""
        return _call("{phone_number_id}?fields=webhook_configuration", settings)

    def registered(self, answer: ProviderAnswer) -> tuple[str, ...]:
        """Return the one that webhooks are sent to."""
        found = json_object(answer.body).within("webhook_configuration")
        levels = ("phone_number", "whatsapp_business_account", "application")
        return tuple(filter(None, (found.text(level, "") for level in levels)))[:1]

    def deregister(
        self, address: str, settings: Settings, found: ProviderAnswer | None
    ) -> Call | None:
        """Take the number's address away."""
        return _configure({"override_callback_uri": ""}, settings)

    def instructions(self, address: str, settings: Settings) -> str:
        """Say how the app is subscribed to messages, which is done once for an app."""
        return (
            "In the Meta app's dashboard, at WhatsApp > Configuration: if the app has no callback "
            f"URL yet, enter {address} and the channel's verify token. Subscribe to 'messages'."
        )


ADAPTER = WhatsApp()


# ── What a person did ──


def _messages(value: Fields) -> Iterator[Incoming]:
    contacts = list(value.each("contacts"))
    for message in value.each("messages"):
        kind = message.text("type")
        taken_back = kind == "reaction" and "emoji" not in message.within(kind)
        if kind in _NOT_SAID or taken_back:
            continue
        mark = message.text("id")  # of Base64, which an event's id may not be
        event = quoting(_event(message, kind), message.within("context").text("id", ""))
        person, name = _person(message, contacts)
        yield Incoming(person, {"id": event_id(mark), "mark": mark, **event}, name)


def _person(message: Fields, contacts: Sequence[Fields]) -> tuple[str, str]:
    """Return the person's most stable id and the name; a lone contact is the person."""
    ids = {message.text("from_user_id", ""), message.text("from", "")} - {""}
    for contact in contacts:
        scoped = contact.text("user_id", "")
        if len(contacts) == 1 or {scoped, contact.text("wa_id", "")} & ids:
            person = scoped or message.text("from_user_id", "") or message.text("from")
            return person, contact.within("profile").text("name", "")
    return message.text("from_user_id", "") or message.text("from"), ""


def _event(message: Fields, kind: str) -> dict[str, Any]:
    read = _EVENTS.get(kind)
    return read(message.within(kind), kind) if read else _not_carried(kind)


def _not_carried(kind: str) -> dict[str, Any]:
    return {"type": "not_carried", "what": _WHAT.get(kind, "message of an unknown type")}


def _text(content: Fields, _kind: str) -> dict[str, Any]:
    return {"type": "text", "text": content.text("body")}


def _pressed(content: Fields, kind: str) -> dict[str, Any]:
    """Read a button or row of ours, or the button of a template; a form is not carried."""
    if kind == "button":
        return {"type": "choice", "data": content.text("payload"), "text": content.text("text", "")}
    for chosen in (content.within(name) for name in ("button_reply", "list_reply")):
        if "id" in chosen:
            return {"type": "choice", "data": chosen.text("id"), "text": chosen.text("title", "")}
    return _not_carried(kind)


def _media(content: Fields, kind: str) -> dict[str, Any]:
    """Read a picture, which may have come as a document; other documents are not carried."""
    file_type = _FILE_TYPES.get(content.text("mime_type", "").partition(";")[0])
    if file_type is None:
        return _not_carried(kind)
    named = filled(caption=content.text("caption", ""), name=content.text("filename", ""))
    reference = {"id": content.text("id")}
    return {"type": "file", "file_type": file_type, "reference": reference, **named}


def _location(place: Fields, _kind: str) -> dict[str, Any]:
    return location(place, place.text("name", ""), place.text("address", ""))


def _reaction(content: Fields, _kind: str) -> dict[str, Any]:
    quoted = {"message": content.text("message_id")}
    return {"type": "reaction", "text": content.text("emoji"), "quotes": quoted}


def _edited(content: Fields, _kind: str) -> dict[str, Any]:
    message = content.within("message")
    edited = message.within(message.text("type"))
    return {"type": "edited", "text": edited.text("body", "") or edited.text("caption", "")}


def _deleted(_content: Fields, _kind: str) -> dict[str, Any]:
    return {"type": "deleted"}


_EVENTS = {
    "text": _text,
    "image": _media,
    "document": _media,
    "interactive": _pressed,
    "button": _pressed,
    "location": _location,
    "reaction": _reaction,
    "edit": _edited,
    "revoke": _deleted,
}


def _reports(value: Fields) -> Iterator[Incoming]:
    for status in value.each("statuses"):
        kind, message = status.text("status"), status.text("id")
        if kind in WHATSAPP.reports:
            reason = next((str(each.integer("code", -1)) for each in status.each("errors")), "")
            person = status.text("recipient_user_id", "") or status.text("recipient_id")
            yield report(person, message, kind, reason)


# ── What is sent ──


def _answered(body: Fields) -> tuple[str, str]:
    code = body.within("error").integer("code", -1)
    message = next((each.text("id") for each in body.each("messages")), "")
    return message, "" if code < 0 else str(code)


def _content(piece: Text | File | Location | Template, settings: Settings) -> dict[str, Any]:
    if isinstance(piece, Template):
        named = {"name": piece.name, "language": {"code": piece.language}}
        return {"type": "template", "template": named}
    if isinstance(piece, Location):
        place = {"latitude": piece.latitude, "longitude": piece.longitude}
        return {"type": "location", "location": place | filled(name=piece.title)}
    if isinstance(piece, File):
        file = {"link": piece.url} | filled(caption=piece.caption)
        if piece.file_type.upper() in PICTURES:
            return {"type": "image", "image": file}
        return {"type": "document", "document": file | filled(filename=piece.name)}
    if piece.choices:
        return {"type": "interactive", "interactive": _interactive(piece, settings)}
    return {"type": "text", "text": {"body": piece.text}}


def _interactive(piece: Text, settings: Settings) -> dict[str, Any]:
    offered = [{"id": choice.data, "title": choice.title} for choice in piece.choices]
    body = {"text": piece.text}
    if piece.style == "list":
        action = {"button": settings.get("menu_label", "…"), "sections": [{"rows": offered}]}
        return {"type": "list", "body": body, "action": action}
    buttons = [{"type": "reply", "reply": each} for each in offered]
    return {"type": "button", "body": body, "action": {"buttons": buttons}}


def _read_mark(message: str) -> dict[str, Any]:
    return {"status": "read", "message_id": message}


def _configure(webhook: Mapping[str, str], settings: Settings) -> Call:
    return _call("{phone_number_id}", settings, {"webhook_configuration": webhook})


def _call(path: str, settings: Settings, content: Mapping[str, Any] | None = None) -> Call:
    """Write a GET, or a POST of ``content``; settings in braces are put into ``path``."""
    url = f"{origin(_HOST, settings)}/{_VERSION}/{path.format_map(settings)}"
    method = "GET" if content is None else "POST"
    return json_call(method, url, bearer(settings["token"]), content)
