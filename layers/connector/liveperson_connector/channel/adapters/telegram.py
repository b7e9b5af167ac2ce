"""
Telegram, through a bot of the brand's: https://core.telegram.org/bots/api.

Private chats alone: what is said in groups and channels is not meant for the brand. The bot's token
stands in every address, so an address never goes into an error or a log. Telegram repeats an update
until it is answered 2xx (#setwebhook), with the same ``update_id`` (#update).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

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
    Reply,
    Setting,
    Settings,
    Text,
    Unreadable,
    Verdict,
    WebhookRequest,
    origin,
)
from .reading import Fields, filled, json_object, location
from .writing import json_call, refusal, same

_MEGABYTE = 1024 * 1024
_HOST = "api.telegram.org"
_UPDATES = ("message", "edited_message", "callback_query", "message_reaction")
_PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/gif": "GIF"}

# Fields of a message (#message) that LivePerson takes nothing of, in the order in which they are
# looked for: an animation is a document as well.
_NOT_CARRIED = (
    *("animation", "audio", "checklist", "contact", "dice", "game", "paid_media", "poll"),
    *("sticker", "story", "video", "video_note", "voice"),
)
_NO_DOCUMENTS = {"type": "not_carried", "what": "document"}
_WORDS = {"voice": "voice message", "video_note": "video message", "audio": "audio file"}

# The descriptions are not published, and stable for years; any other one falls back to the status.
_REASONS = {
    "bot was blocked by the user": "blocked_by_user",
    "user is deactivated": "unknown_recipient",
    "chat not found": "unknown_recipient",
    "peer_id_invalid": "unknown_recipient",
    "not found": "bad_credentials",  # a token that is none: its address does not exist
    "request entity too large": "invalid_message",
}


class Telegram(Adapter):
    """The adapter; paragraphs of the Bot API's page stand with what they are about."""

    kind = "telegram"
    hosts = (_HOST,)
    settings = (
        Setting(
            "bot_token",
            "Token of the bot, from @BotFather",
            secret=True,
            pattern=r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}",
            example="123456:and 35 letters and digits",
        ),
        # 1 to 256 of these characters (#setwebhook)
        Setting(
            "webhook_secret",
            "Secret that Telegram shows with every webhook",
            secret=True,
            generated=True,
            pattern=r"[A-Za-z0-9_-]{16,256}",
        ),
        API_URL,
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """
        Return what a bot can do in a private chat.

        Lengths are in characters on the page, and positions in UTF-16 units (#messageentity): the
        stricter reading holds. Numbers and widths of buttons are not published; these fit a phone.
        Files sent by address: pictures of 5 MB, GIF and PDF of 20 MB (#sending-files). Files of
        consumers can be fetched up to 20 MB (#getfile). Rates:
        https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this.
        """
        return Capabilities(
            text=4096,
            unit="utf16",
            caption=1024,
            buttons=20,
            button_title=40,
            choice_data=64,
            text_with_choices=4096,
            link_buttons=20,
            files=dict.fromkeys(("JPG", "JPEG", "PNG"), 5 * _MEGABYTE)
            | dict.fromkeys(("GIF", "PDF"), 20 * _MEGABYTE),
            consumer_files=dict.fromkeys(("JPEG", "PNG", "GIF"), 20 * _MEGABYTE),
            location_in=True,
            location_out=True,
            typing_out=True,
            edits=True,
            reactions=True,
            quotes=True,
            per_second=30,
            per_chat_second=1,
        )

    # In

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Compare the secret that setWebhook was given (#setwebhook)."""
        shown = request.headers.get("x-telegram-bot-api-secret-token", "")
        same(shown, settings["webhook_secret"], "secret token")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read an update (#update): it has one thing to say at most."""
        update = json_object(request.body)
        event_id = str(update.integer("update_id"))
        for kind in filter(update.__contains__, _UPDATES):
            said = update.within(kind)
            chat = (said.within("message") if kind == "callback_query" else said).within("chat")
            person = said.within("user" if kind == "message_reaction" else "from")
            if chat.text("type", "") != "private" or person.true("is_bot"):
                return []
            event = next(_EVENTS[kind](said), None)
            name = f"{person.text('first_name', '')} {person.text('last_name', '')}".strip()
            who = str(chat.integer("id"))
            return [Incoming(who, {"id": event_id, **event}, name)] if event else []
        return []

    def acknowledge(self, request: WebhookRequest, settings: Settings) -> Reply:
        """End the waiting that a pressed button shows, within the answer (#making-requests)."""
        try:
            pressed = json_object(request.body).within("callback_query").text("id")
        except Unreadable:  # no button was pressed
            return self.accepted
        answer = {"method": "answerCallbackQuery", "callback_query_id": pressed}
        return Reply(200, json.dumps(answer), "application/json")

    # Out

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write a piece as one method (#available-methods)."""
        if isinstance(piece, Text):
            method, said = "sendMessage", {"text": piece.text, **_keyboard(piece.choices)}
        elif isinstance(piece, File):
            method, said = _file(piece)
        elif isinstance(piece, Location):
            method, said = _place(piece)
        else:  # it ends with the next message, or after five seconds
            method, said = "sendChatAction", {"action": "typing"}
        return _call(method, settings, {"chat_id": int(recipient.person), **said})

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Read an answer (#making-requests), and its retry_after (#responseparameters)."""
        try:
            body = json_object(answer.body)
            said, wait = body.text("description", "").lower(), body.within("parameters")
            message = body.within("result").integer("message_id", 0) if body.true("ok") else 0
            seconds = wait.number("retry_after", 0)
        except Unreadable:  # such as the result of sendChatAction, which is true
            said, message, seconds = "", 0, 0
        if 200 <= answer.status < 300:
            return Verdict("sent", str(message or ""))
        code, why = str(answer.status), _REASONS.get(said.rpartition(": ")[2])
        verdict = refusal(answer.status, code, {code: why} if why else {})
        return replace(verdict, retry_after=seconds or None)

    # Files

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask for the file's path, then for the file (#getfile)."""
        if not answers:
            return _call("getFile", settings, {"file_id": reference["file_id"]})
        if len(answers) > 1:
            return None
        path = json_object(answers[0].body).within("result").text("file_path")
        if not re.fullmatch(r"[\w-]+(/[\w-][\w.-]*)*", path, re.ASCII):
            raise Unreadable("file_path is no path")
        return Call("GET", f"{origin(_HOST, settings)}/file/bot{settings['bot_token']}/{path}")

    # Set-up

    def probe(self, settings: Settings) -> Call:
        """Ask who the bot is (#getme)."""
        return _call("getMe", settings)

    def register(self, address: str, settings: Settings) -> tuple[Call, ...]:
        """Have the updates sent that :meth:`read` understands (#setwebhook)."""
        secret = settings["webhook_secret"]
        said = {"url": address, "secret_token": secret, "allowed_updates": _UPDATES}
        return (_call("setWebhook", settings, said),)

    def registration(self, settings: Settings) -> Call:
        """Ask for the webhook (#getwebhookinfo)."""
        return _call("getWebhookInfo", settings)

    def registered(self, answer: ProviderAnswer) -> tuple[str, ...]:
        """Return the webhook's address (#webhookinfo)."""
        return tuple(filter(None, [json_object(answer.body).within("result").text("url", "")]))

    def deregister(
        self, address: str, settings: Settings, found: ProviderAnswer | None
    ) -> Call | None:
        """Remove the webhook (#deletewebhook)."""
        return _call("deleteWebhook", settings)


ADAPTER = Telegram()


# ── What a person did ──


def _message(message: Fields) -> Iterator[dict[str, Any]]:
    for event in _contents(message):
        yield event | _quoted(message)


def _contents(message: Fields) -> Iterator[dict[str, Any]]:
    """Read a message (#message); a service message, such as "has been pinned", says nothing."""
    if "text" in message:
        yield {"type": "text", "text": message.text("text")}
    for field in filter(message.__contains__, _NOT_CARRIED):
        yield {"type": "not_carried", "what": _WORDS.get(field, field.replace("_", " "))}
    if "photo" in message:  # the same picture in several sizes, the largest last
        for largest in list(message.each("photo"))[-1:]:
            yield _picture(largest, "JPEG", message)
    if "document" in message:
        yield _document(message.within("document"), message)
    if "location" in message:
        venue = message.within("venue")
        named = venue.text("title", ""), venue.text("address", "")
        yield location(message.within("location"), *named)


def _document(file: Fields, message: Fields) -> dict[str, Any]:
    picture = _PICTURES.get(file.text("mime_type", ""))
    return _picture(file, picture, message) if picture else _NO_DOCUMENTS


def _picture(file: Fields, file_type: str, message: Fields) -> dict[str, Any]:
    reference = {"file_id": file.text("file_id")}
    named = filled(caption=message.text("caption", ""), name=file.text("file_name", ""))
    return {"type": "file", "file_type": file_type, "reference": reference, **named}


def _quoted(message: Fields) -> dict[str, Any]:
    """Return what a message answers to: the part that was marked, else all of it."""
    if "reply_to_message" not in message:
        return {}
    original = message.within("reply_to_message")
    text = message.within("quote").text("text", "") or _words(original)
    return {"quotes": {"message": str(original.integer("message_id")), **filled(text=text)}}


def _edited(message: Fields) -> Iterator[dict[str, Any]]:
    """Read new words; a live location moves by edits, too, and those are not worth reading."""
    if _words(message):
        yield {"type": "edited", "text": _words(message)}


def _words(message: Fields) -> str:
    return message.text("text", message.text("caption", ""))


def _pressed(query: Fields) -> Iterator[dict[str, Any]]:
    """Read a pressed button (#callbackquery)."""
    if "data" in query:
        yield {"type": "choice", "data": query.text("data"), "text": ""}


def _reaction(reaction: Fields) -> Iterator[dict[str, Any]]:
    """Read the newest reaction (#messagereactionupdated); one that was taken back says nothing."""
    emojis = [each.text("emoji") for each in reaction.each("new_reaction") if "emoji" in each]
    if emojis:
        quoted = {"message": str(reaction.integer("message_id"))}
        yield {"type": "reaction", "text": emojis[-1], "quotes": quoted}


_EVENTS = {
    "message": _message,
    "edited_message": _edited,
    "callback_query": _pressed,
    "message_reaction": _reaction,
}


# ── What is sent ──


def _call(method: str, settings: Settings, said: Mapping[str, Any] | None = None) -> Call:
    url = f"{origin(_HOST, settings)}/bot{settings['bot_token']}/{method}"
    return json_call("POST", url, {}, said or {})


def _keyboard(choices: Sequence[Choice]) -> dict[str, Any]:
    """Write buttons below each other (#inlinekeyboardbutton)."""
    rows = [
        [{"text": each.title} | ({"url": each.url} if each.url else {"callback_data": each.data})]
        for each in choices
    ]
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}


def _file(file: File) -> tuple[str, dict[str, Any]]:
    is_photo = file.file_type.upper() in ("JPG", "JPEG", "PNG")
    said = {"photo" if is_photo else "document": file.url}
    method = "sendPhoto" if is_photo else "sendDocument"
    return method, said | filled(caption=file.caption)


def _place(place: Location) -> tuple[str, dict[str, Any]]:
    """Write a place; one with a title must have an address as well (#sendvenue)."""
    degrees = {"latitude": place.latitude, "longitude": place.longitude}
    if not place.title:
        return "sendLocation", degrees
    address = f"{place.latitude:.5f}, {place.longitude:.5f}"
    return "sendVenue", {**degrees, "title": place.title, "address": address}
