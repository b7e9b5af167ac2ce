"""
SMS and WhatsApp through Twilio's Messages. Facts, below https://www.twilio.com/docs.

- Proof: ``/usage/security#validating-requests``; the SharedKey form is the one that Twilio's own
  library has checked since its version 9.13.
- Webhooks: ``/messaging/guides/webhook-request``, reports: ``/messaging/guides/
  track-outbound-message-status``. Twilio tries a webhook again only if its address says so, in a
  fragment that is not sent and not signed: ``/usage/webhooks/webhooks-connection-overrides``.
- Requests: ``/messaging/api/message-resource`` (texts of 1,600 characters), pictures by SMS
  (in the USA and Canada): ``/messaging/guides/accepted-mime-types``, files by WhatsApp:
  ``/whatsapp/guidance-whatsapp-media-messages``.
- Buttons need a template that is made before: they are numbered here. A template's pressed button
  comes as a choice.
- Typing, by WhatsApp alone: ``/whatsapp/api/typing-indicators-resource`` (a public beta).
- The window of WhatsApp: ``/whatsapp/key-concepts``. Errors: ``/api/errors``.
- Our address: ``/phone-numbers/api/incomingphonenumber-resource`` and ``/whatsapp/api/senders``.

A person is the webhook's ``From``: whatever form it has, it can be written to.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from .by_whatsapp import MEGABYTE, PICTURES, WHATSAPP
from .interface import (
    API_URL,
    Adapter,
    Call,
    Capabilities,
    File,
    Incoming,
    Location,
    NotProven,
    Piece,
    ProviderAnswer,
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
from .writing import basic, form_call, json_call, judged, same

_HOST, _MESSAGING_HOST = "api.twilio.com", "messaging.twilio.com"
_RETRIES = "#rc=5&rp=all"

_DOCUMENTS = ("PDF", "DOC", "DOCX", "PPTX", "XLSX")
_PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}
_REPORTS = {"delivered": "delivered", "read": "read", "failed": "failed", "undelivered": "failed"}

_CODES = {
    "bad_credentials": (20003,),
    "blocked_by_user": (21610, 63033),
    "unknown_recipient": (21211, 21217, 21612, 21614, 21635, 63003, 63024),
    "window_closed": (63016,),
    "not_allowed": (20008, 21408, 21606, 21659, 21660, 63007, 63051),
    "invalid_message": (12300, 21602, 21617, 21620, 21655, 21656, 63019, 63021),
}
_REASONS = {str(code): reason for reason, codes in _CODES.items() for code in codes}
_LATER = {"14107", "20429", "21611", "30001", "63018"}


class Twilio(Adapter):
    """The adapter for one number of Twilio's, or one WhatsApp sender."""

    kind = "twilio"
    hosts = (_HOST, _MESSAGING_HOST)
    accepted = Reply(200, "<Response/>", "text/xml")  # a body of plain text would be an answer
    settings = (
        Setting("account_sid", "Account SID", pattern="AC[0-9a-f]{32}"),
        Setting("auth_token", "Auth Token of the account", secret=True, pattern="[0-9a-f]{32}"),
        Setting(
            "number",
            "Number that is written from, whatsapp: before it for WhatsApp",
            pattern=r"\+[1-9][0-9]{6,14}|[1-9][0-9]{2,7}|whatsapp:\+[1-9][0-9]{6,14}",
            example="+15550100",
        ),
        Setting(
            "sender_sid",
            "SID of that number (PN…) or of the WhatsApp sender (XE…), to register our address",
            default="",
            pattern="|(PN|XE)[0-9a-f]{32}",
        ),
        Setting(
            "shared_key",
            "Secret of the SharedKey that webhooks are signed with, if there is one",
            secret=True,
            default="",
            pattern="|[!-~]{16,}",
        ),
        API_URL,
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what SMS or WhatsApp can do; reports come to an address that is known."""
        told = settings.get("address", "")
        if not _by_whatsapp(settings):
            return Capabilities(
                text=1600,
                caption=1600,
                files=dict.fromkeys((*PICTURES, "GIF"), 5 * MEGABYTE),
                consumer_files=dict.fromkeys(_PICTURES.values(), 5 * MEGABYTE),
                reports=frozenset({"delivered", "failed"} if told else ()),
            )
        return replace(
            WHATSAPP,
            text=1600,
            files={**WHATSAPP.files, **dict.fromkeys(_DOCUMENTS, 16 * MEGABYTE)},
            typing_at_message=True,
            reports=WHATSAPP.reports if told else frozenset(),
            per_second=80,
        )

    # In

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """
        Check the signature of the public address and the sorted form, or of a JSON body's hash.

        The header that announces a SharedKey says which of our two secrets was used, no more.
        """
        given = request.headers.get("x-twilio-signature", "")
        key, algorithm = _key(request.headers, settings)
        signed = _signed(request)
        proofs = [
            b64encode(hmac.digest(key, (url + signed).encode("utf-8", "surrogatepass"), algorithm))
            for url in _with_and_without_port(request.url)
        ]
        right = [hmac.compare_digest(given.encode("utf-8", "surrogatepass"), p) for p in proofs]
        if not any(right):
            raise NotProven("signature is wrong" if given else "signature is missing")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read a message or a report; one of another number or account is a mistake of set-up."""
        form = Fields(dict(reversed(parse_qsl(_text(request.body), keep_blank_values=True))))
        message = form.text("MessageSid")
        if "MessageStatus" in form:
            status = _REPORTS.get(form.text("MessageStatus", ""))
            code = form.text("ErrorCode", "") if status == "failed" else ""
            return [report(form.text("To"), message, status, code)] if status else []
        ours = (settings["account_sid"], settings["number"])
        if (form.text("AccountSid", ""), form.text("To", "")) != ours:
            raise Unreadable("the message is for another account or number")
        person, name = form.text("From"), form.text("ProfileName", "")
        return [
            Incoming(person, _identified(event, form, index), name)
            for index, event in enumerate(_said(form))
        ]

    # Out

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write a piece as a message, typing as an indicator at the person's last one."""
        if isinstance(piece, Typing):
            url = f"{origin(_MESSAGING_HOST, settings)}/v2/Indicators/Typing.json"
            mark = {"messageId": recipient.mark, "channel": "whatsapp"}
            return form_call(url, _credentials(settings), mark)
        told = settings.get("address", "")
        form = {
            "To": recipient.person,
            "From": settings["number"],
            **_content(piece),
            **filled(StatusCallback=told and told + _RETRIES),
        }
        return form_call(_account("/Messages.json", settings), _credentials(settings), form)

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Read the message's SID, or the error's code."""
        return judged(answer, _answered, _REASONS, _LATER)

    # Files

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask Twilio for the file, which may redirect to where it lies; there without our token."""
        if not answers:
            if not reference["url"].startswith(_account("/Messages/", settings)):
                raise Unreadable("the file's address is not below our account's messages")
            return Call("GET", reference["url"], _credentials(settings))
        if answers[-1].status not in (301, 302, 303, 307, 308):
            return None
        if len(answers) > 2:
            raise Unreadable("the file is redirected again and again")
        return Call("GET", answers[-1].headers.get("Location", ""))

    # Set-up

    def probe(self, settings: Settings) -> Call:
        """Ask for the account."""
        return Call("GET", _account(".json", settings), _credentials(settings))

    def register(self, address: str, settings: Settings) -> tuple[Call, ...]:
        """Give the number or the sender our address, to be tried again for 15 seconds."""
        call = _set_address(address + _RETRIES, settings)
        return () if call is None else (call,)

    def registration(self, settings: Settings) -> Call | None:
        """Ask for the number or the sender."""
        url = _sender(settings)
        return Call("GET", url, _credentials(settings)) if url else None

    def registered(self, answer: ProviderAnswer) -> tuple[str, ...]:
        """Return the address, without the fragment about retries."""
        body = json_object(answer.body)
        url = body.text("sms_url", "") or body.within("webhook").text("callback_url", "")
        return tuple(filter(None, [url.partition("#")[0]]))

    def deregister(
        self, address: str, settings: Settings, found: ProviderAnswer | None
    ) -> Call | None:
        """Take the address away."""
        return _set_address("", settings)

    def instructions(self, address: str, settings: Settings) -> str:
        """Say where the address is entered, if the SID of the number is not known."""
        if settings.get("sender_sid", ""):
            return ""
        place = (
            "Messaging > Senders > WhatsApp senders > the sender, at 'Webhook URL'"
            if _by_whatsapp(settings)
            else "Phone Numbers > Manage > Active numbers > the number, at 'A message comes in'"
        )
        return f"In Twilio's console, enter {address}{_RETRIES} (HTTP POST) at {place}."


ADAPTER = Twilio()


def _by_whatsapp(settings: Settings) -> bool:
    return settings["number"].startswith("whatsapp:")


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")


# ── Proof ──


def _key(headers: Mapping[str, str], settings: Settings) -> tuple[bytes, str]:
    """Return the secret that signed, and with which algorithm."""
    announced = headers.get("x-twilio-webhooks-signature-settings", "")
    parts = dict(part.strip().partition("=")[::2] for part in announced.split(","))
    if not parts.get("algorithm"):
        return settings["auth_token"].encode(), "sha1"
    if parts["algorithm"].upper() != "HMAC_SHA256":
        raise NotProven("signed by an algorithm that is not known")
    if not settings.get("shared_key", ""):
        raise NotProven("signed with a SharedKey that the channel does not know")
    return settings["shared_key"].encode(), "sha256"


def _signed(request: WebhookRequest) -> str:
    """Return what is signed behind the address: the sorted form; the address has JSON's hash."""
    given = dict(parse_qsl(urlsplit(request.url).query)).get("bodySHA256")
    if given is not None:
        same(given, hashlib.sha256(request.body).hexdigest(), "hash of the body")
        return ""
    pairs = set(parse_qsl(_text(request.body), keep_blank_values=True))
    return "".join(name + value for name, value in sorted(pairs))


def _with_and_without_port(url: str) -> tuple[str, str]:
    """Return both forms, of which Twilio signs one or the other."""
    parts = urlsplit(url)
    host, _, port = parts.netloc.partition(":")
    port = port or ("443" if parts.scheme == "https" else "80")
    return (
        urlunsplit(parts._replace(netloc=host)),
        urlunsplit(parts._replace(netloc=f"{host}:{port}")),
    )


# ── What a person did ──


def _said(form: Fields) -> Iterator[dict[str, Any]]:
    payload, body = form.text("ButtonPayload", ""), form.text("Body", "")
    if payload:
        yield {"type": "choice", "data": payload, "text": form.text("ButtonText", "")}
        return
    if form.text("Latitude", ""):
        yield _location(form)
        return
    count = form.text("NumMedia", "")
    number_of_files = min(int(count), 10) if re.fullmatch("[0-9]{1,3}", count) else 0
    files = [_file(form, number) for number in range(number_of_files)]
    if body and files and files[0]["type"] == "file":
        files[0]["caption"] = body
    elif body:
        yield {"type": "text", "text": body}
    yield from files


def _location(form: Fields) -> dict[str, Any]:
    try:
        degrees = {name: float(form.text(name.title())) for name in ("latitude", "longitude")}
    except ValueError:
        raise Unreadable("Latitude or Longitude is no number") from None
    return location(Fields(degrees), form.text("Label", ""), form.text("Address", ""))


def _file(form: Fields, number: int) -> dict[str, Any]:
    content_type = form.text(f"MediaContentType{number}", "").partition(";")[0]
    if content_type not in _PICTURES:
        family = content_type.partition("/")[0]
        what = {"audio": "voice message", "video": "video", "image": "sticker"}.get(family)
        return {"type": "not_carried", "what": what or "document"}
    reference = {"url": form.text(f"MediaUrl{number}", "")}
    return {"type": "file", "file_type": _PICTURES[content_type], "reference": reference}


def _identified(event: dict[str, Any], form: Fields, index: int) -> dict[str, Any]:
    """Add an id of the event's own, the message's for marks, and what it answers to."""
    message = form.text("MessageSid")
    answer = quoting(event, form.text("OriginalRepliedMessageSid", ""))
    return {"id": event_id(f"{message}:{index}" if index else message), "mark": message, **answer}


# ── What is sent ──


def _content(piece: Piece) -> dict[str, str]:
    if isinstance(piece, Template):
        return {"ContentSid": piece.name}
    if isinstance(piece, File):
        return {"MediaUrl": piece.url} | filled(Body=piece.caption)
    if isinstance(piece, Location):
        degrees = f"{piece.latitude:.7f},{piece.longitude:.7f}"
        label = piece.title.replace("|", " ") or degrees
        return {"PersistentAction": f"geo:{degrees}|{label}", "Body": label}
    return {"Body": piece.text if isinstance(piece, Text) else ""}


def _answered(body: Fields) -> tuple[str, str]:
    return body.text("sid", ""), str(body.integer("code", 0) or "")


def _credentials(settings: Settings) -> dict[str, str]:
    return basic(settings["account_sid"], settings["auth_token"])


def _account(path: str, settings: Settings) -> str:
    return f"{origin(_HOST, settings)}/2010-04-01/Accounts/{settings['account_sid']}{path}"


def _sender(settings: Settings) -> str:
    """Return the address of the number's or the sender's resource; empty without a SID."""
    sid = settings.get("sender_sid", "")
    if sid.startswith("XE"):
        return f"{origin(_MESSAGING_HOST, settings)}/v2/Channels/Senders/{sid}"
    return _account(f"/IncomingPhoneNumbers/{sid}.json", settings) if sid else ""


def _set_address(address: str, settings: Settings) -> Call | None:
    url, credentials = _sender(settings), _credentials(settings)
    if settings.get("sender_sid", "").startswith("XE"):
        webhook = {"callback_url": address or None, "callback_method": "POST"}
        return json_call("POST", url, credentials, {"webhook": webhook})
    return form_call(url, credentials, {"SmsUrl": address, "SmsMethod": "POST"}) if url else None
