"""
LINE, by the Messaging API: https://developers.line.biz/en/reference/messaging-api/.

A person has an id for each provider of LINE Official Accounts (/en/docs/messaging-api/
getting-user-ids). Words are pushed, because a reply token lives for a minute only
(#send-reply-message). What LINE has taken once is refused as a conflict when it is repeated with
its key, for a day; it answers 200 when the person has blocked the account, too
(/en/docs/messaging-api/retrying-api-request).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

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
    ReadMark,
    Recipient,
    Setting,
    Settings,
    Text,
    Typing,
    Unreadable,
    Verdict,
    WebhookRequest,
    origin,
)
from .reading import Fields, event_id, filled, json_object, location
from .writing import bearer, json_call, refusal, same

_HOST, _DATA_HOST = "api.line.me", "api-data.line.me"
_MEGABYTE = 1024 * 1024
_TYPING_SECONDS = 20  # a multiple of 5, 60 at most (#display-a-loading-indicator)

_PICTURES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF"}
_WORDS = {"audio": "voice message", "file": "document"}

# Messages of #error-messages; the status decides of the others.
_REASONS = {
    "failed to send messages": "unknown_recipient",
    "you have reached your monthly limit.": "not_allowed",
}


class Line(Adapter):
    """The adapter for one Messaging API channel of a LINE Official Account."""

    kind = "line"
    hosts = (_HOST, _DATA_HOST)
    settings = (
        Setting(
            "channel_access_token",
            "Long-lived channel access token, from the tab 'Messaging API'",
            secret=True,
            pattern=r"[A-Za-z0-9+/=._-]{40,}",
        ),
        Setting(
            "channel_secret",
            "Channel secret, from the tab 'Basic settings'",
            secret=True,
            pattern=r"[0-9a-f]{32}",
            example="32 hexadecimal digits",
        ),
        API_URL,
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """
        Return the limits of #text-message, #quick-reply, #action-objects and #image-message.

        A picture's address serves as its preview's as well, which may have 1 MB. #rate-limits has
        the rates. LINE publishes no size of consumers' files, so LivePerson's 3 MB stand there.
        """
        return Capabilities(
            text=5000,
            unit="utf16",  # /en/docs/messaging-api/text-character-count
            buttons=13,
            button_title=20,
            choice_data=300,
            text_with_choices=5000,
            link_buttons=13,
            files=dict.fromkeys(("JPG", "JPEG", "PNG"), _MEGABYTE),
            consumer_files=dict.fromkeys(("JPEG", "PNG", "GIF"), 3 * _MEGABYTE),
            location_in=True,
            location_out=True,
            typing_out=True,
            read_marks=True,
            deletions=True,
            quotes=True,
            safe_repeat=True,
            per_second=2000,
        )

    # In

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Check the HMAC-SHA256 of the raw body (#signature-validation)."""
        digest = hmac.digest(settings["channel_secret"].encode(), request.body, "sha256")
        same(request.headers.get("x-line-signature", ""), base64.b64encode(digest), "signature")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read what people did in chats with the account alone (#webhook-event-objects)."""
        found = []
        for event in json_object(request.body).each("events"):
            source, kind = event.within("source"), event.text("type")
            is_ours = event.text("mode") == "active" and source.text("type", "") == "user"
            said = _EVENTS[kind](event) if is_ours and kind in _EVENTS else None
            if said:
                named = {"id": event_id(event.text("webhookEventId"))}
                found.append(Incoming(source.text("userId"), named | said))
        return found

    # Out

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Push one message (#send-push-message), or show that the agent types or has read."""
        if isinstance(piece, Typing):  # it ends with the next message
            shown = {"chatId": recipient.person, "loadingSeconds": _TYPING_SECONDS}
            return _call("POST", "chat/loading/start", settings, shown)
        if isinstance(piece, ReadMark):
            return _call("POST", "chat/markAsRead", settings, {"markAsReadToken": piece.message})
        pushed = {"to": recipient.person, "messages": [_message(piece)]}
        return _call("POST", "message/push", settings, pushed, recipient.key)

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Read the message's id, or the error (#error-responses); a conflict was taken before."""
        try:
            body = json_object(answer.body)
            message = next((each.text("id") for each in body.each("sentMessages")), "")
            reason = _REASONS.get(body.text("message", "").lower())
        except Unreadable:
            message, reason = "", None
        if 200 <= answer.status < 300 or answer.status == 409:
            return Verdict("sent", message)
        code = str(answer.status)
        return refusal(answer.status, code, {code: reason} if reason else {})

    # Files

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask for the content of a message (#get-content)."""
        path = f"/v2/bot/message/{quote(reference['message'], safe='')}/content"
        headers = bearer(settings["channel_access_token"])
        return None if answers else Call("GET", origin(_DATA_HOST, settings) + path, headers)

    # Set-up

    def probe(self, settings: Settings) -> Call:
        """Ask who the bot is (#get-bot-info)."""
        return _call("GET", "info", settings)

    def register(self, address: str, settings: Settings) -> tuple[Call, ...]:
        """Set the webhook's address (#set-webhook-endpoint-url)."""
        return (_call("PUT", "channel/webhook/endpoint", settings, {"endpoint": address}),)

    def registration(self, settings: Settings) -> Call:
        """Ask for the webhook's address (#get-webhook-endpoint-information)."""
        return _call("GET", "channel/webhook/endpoint", settings)

    def registered(self, answer: ProviderAnswer) -> tuple[str, ...]:
        """Return the address, if webhooks are switched on."""
        found = json_object(answer.body)
        return (found.text("endpoint"),) if found.true("active") else ()

    def instructions(self, address: str, settings: Settings) -> str:
        """Say what no API does: webhooks are switched on and off by hand."""
        return (
            "In the LINE Developers Console, tab 'Messaging API': switch on 'Use webhook' and "
            f"'Webhook redelivery', with the webhook URL {address}. In the LINE Official Account "
            "Manager, switch off greeting and auto-reply messages. To remove the channel, switch "
            "'Use webhook' off."
        )


ADAPTER = Line()


# ── What a person did ──


def _said(event: Fields) -> dict[str, Any]:
    """Read a message (#message-event), the one it quotes, and the token that marks it as read."""
    message = event.within("message")
    quoted, mark = (message.text(name, "") for name in ("quotedMessageId", "markAsReadToken"))
    quotes = {"quotes": {"message": quoted}} if quoted else {}
    return {**_content(message), **quotes, **filled(mark=mark)}


def _content(message: Fields) -> dict[str, Any]:
    kind = message.text("type")
    if kind == "text":
        return {"type": "text", "text": message.text("text")}
    if kind == "location":
        return location(message, message.text("title", ""), message.text("address", ""))
    name = message.text("fileName", "")
    file_type = _PICTURES.get(name[name.rfind(".") :].lower())
    is_here = message.within("contentProvider").text("type", "line") == "line"
    if (kind == "image" and is_here) or (kind == "file" and file_type):
        reference = {"message": message.text("id")}
        return {"type": "file", "reference": reference, **filled(file_type=file_type, name=name)}
    return {"type": "not_carried", "what": _WORDS.get(kind, kind)}


def _pressed(event: Fields) -> dict[str, Any]:
    """Read a pressed button (#postback-event)."""
    return {"type": "choice", "data": event.within("postback").text("data"), "text": ""}


def _unsent(_event: Fields) -> dict[str, Any]:
    """Read that a message was taken back (#unsend-event)."""
    return {"type": "deleted"}


_EVENTS = {"message": _said, "postback": _pressed, "unsend": _unsent}


# ── What is sent ──


def _message(piece: Piece) -> dict[str, Any]:
    """Write a message object (#message-objects)."""
    if isinstance(piece, File):
        return {"type": "image", "originalContentUrl": piece.url, "previewImageUrl": piece.url}
    if isinstance(piece, Location):
        place = f"{piece.latitude:.5f}, {piece.longitude:.5f}"
        degrees = {"latitude": piece.latitude, "longitude": piece.longitude}
        return {"type": "location", "title": piece.title or place, "address": place, **degrees}
    assert isinstance(piece, Text)  # noqa: S101 - templates are WhatsApp's
    return _with_choices(piece)


def _with_choices(piece: Text) -> dict[str, Any]:
    """Write buttons that stay where there is room for them (#buttons), else quick replies."""
    actions = [_action(choice) for choice in piece.choices]
    if not actions:
        return {"type": "text", "text": piece.text}
    if len(actions) <= 4 and len(piece.text.encode("utf-16-le", "surrogatepass")) <= 2 * 160:
        template = {"type": "buttons", "text": piece.text, "actions": actions}
        return {"type": "template", "altText": piece.text, "template": template}
    items = [{"type": "action", "action": action} for action in actions]
    return {"type": "text", "text": piece.text, "quickReply": {"items": items}}


def _action(choice: Choice) -> dict[str, Any]:
    """Write a button; what is pressed stands in the chat as if it had been written (#postback)."""
    if choice.url:
        return {"type": "uri", "label": choice.title, "uri": choice.url}
    said = {"label": choice.title, "data": choice.data, "displayText": choice.title}
    return {"type": "postback", **said}


def _call(method: str, path: str, settings: Settings, content: Any = None, key: str = "") -> Call:
    retry = {"X-Line-Retry-Key": key} if key else {}
    headers = bearer(settings["channel_access_token"]) | retry
    return json_call(method, f"{origin(_HOST, settings)}/v2/bot/{path}", headers, content)
