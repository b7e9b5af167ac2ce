"""
Telegram's Bot API, as far as the connector uses it (https://core.telegram.org/bots/api).

Methods take JSON alone here. Sent by address, a picture has at most 5 MB and another file 20 MB; a
document is a GIF, a PDF or a ZIP file.
"""

from __future__ import annotations

import json
import re
import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from sandbox.providers.stand_in import RefusedByProvider, Seen, StandIn, Webhook
from simulator.http_server import Answer, Request

BOT = {"id": 1000001, "is_bot": True, "first_name": "Sandbox", "username": "sandbox_bot"}
MEGABYTE = 1024 * 1024
LONGEST_TEXT, LONGEST_CAPTION, LONGEST_DATA = 4096, 1024, 64
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
DOCUMENTS = (b"GIF8", b"%PDF-", b"PK\x03\x04")
PATH = re.compile(r"/(file/)?bot([^/]+)/(.+)")
ACTIONS = ("typing", "upload_photo", "upload_document", "find_location")


class TelegramStandIn(StandIn):
    """A Bot API server with one bot."""

    kind = "telegram"

    def __init__(self, port: int | None = 0, nth: int = 1) -> None:
        super().__init__(port, nth)
        self._token = f"{1_000_000 + nth}:made-up-token-of-the-sandboxs-telegram"
        self._secret = f"made-up-webhook-secret-{nth}-of-the-sandbox"
        self.secret, self.updates = "", list[str]()
        self._methods: dict[str, Callable[[dict[str, Any]], Any]] = {
            "getMe": lambda _: BOT,
            "setWebhook": self._set_webhook,
            "getWebhookInfo": self._webhook_info,
            "deleteWebhook": self._delete_webhook,
            "getFile": self._get_file,
            "sendMessage": self._send_message,
            "sendPhoto": self._send_photo,
            "sendDocument": self._send_document,
            "sendLocation": self._send_location,
            "sendVenue": self._send_location,
            "sendChatAction": self._send_action,
        }

    @property
    def settings(self) -> dict[str, str]:
        """The bot's token, and the secret that setWebhook is given."""
        return {
            "bot_token": self._token,
            "webhook_secret": self._secret,
            "api_url": self.url,
        }

    def register(self, address: str) -> None:
        """Send webhooks to this address with the secret of the settings."""
        self._set_webhook({"url": address, "secret_token": self._secret})

    def operation(self, request: Request) -> str:
        """Return the method."""
        return request.path.rpartition("/")[2]

    def refusal(self, status: int, retry_after: int = 0, description: str = "") -> Answer:
        """Write an error (#making-requests)."""
        body: dict[str, Any] = {
            "ok": False,
            "error_code": status,
            "description": description or f"Error {status}",
        }
        if retry_after:
            body["parameters"] = {"retry_after": retry_after}
        return Answer(status, body)

    def serve(self, request: Request) -> Answer:
        """Call a method, or serve a file."""
        found = PATH.fullmatch(request.path)
        if found is None or not re.fullmatch(r"\d+:[\w-]+", found[2]):
            return self.refusal(404, description="Not Found")
        if found[2] != self._token:
            return self.refusal(401, description="Unauthorized")
        if found[1]:
            file = self.file(found[3].rpartition("/")[2].partition(".")[0])
            return self.refusal(404, description="Not Found") if file is None else Answer(200, file)
        method = self._methods.get(found[3])
        if method is None or request.method != "POST":
            return self.refusal(404, description="Not Found")
        return Answer(200, {"ok": True, "result": method(self._parameters(request))})

    def _parameters(self, request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            self._refuse("the stand-in takes application/json alone")
        try:
            said = request.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            self._refuse("can't parse the request's body as a JSON object")
        return said

    # ── Methods ──

    def _set_webhook(self, said: dict[str, Any]) -> bool:
        url, secret = said.get("url", ""), said.get("secret_token", "")
        if not re.fullmatch(r"https://\S+|http://127\.0\.0\.1:\d+/\S*", url):
            self._refuse("bad webhook: An HTTPS URL must be provided for webhook")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
            self._refuse("secret token contains unallowed characters")
        self.webhook_url, self.secret = url, secret
        self.updates = list(said.get("allowed_updates", []))
        return True

    def _webhook_info(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": self.webhook_url,
            "has_custom_certificate": False,
            "pending_update_count": 0,
            "allowed_updates": self.updates,
        }

    def _delete_webhook(self, _: dict[str, Any]) -> bool:
        self.webhook_url = ""
        return True

    def _get_file(self, said: dict[str, Any]) -> dict[str, Any]:
        file = self.file(str(said.get("file_id")))
        if file is None:
            self._refuse("wrong file_id or the file is temporarily unavailable")
        if len(file) > 20 * MEGABYTE:
            self._refuse("file is too big")
        file_id = said["file_id"]
        return {
            "file_id": file_id,
            "file_unique_id": file_id,
            "file_size": len(file),
            "file_path": f"photos/{file_id}.jpg",
        }

    def _send_message(self, said: dict[str, Any]) -> dict[str, Any]:
        person, text = self._person(said), said.get("text")
        if not isinstance(text, str) or not text.strip():
            self._refuse("message text is empty")
        self._limit(text, LONGEST_TEXT, "message is too long")
        return self._sent(person, "text", said, text=text, buttons=self._buttons(said))

    def _send_photo(self, said: dict[str, Any]) -> dict[str, Any]:
        return self._send_file(said, "photo", "picture", PICTURES, 5 * MEGABYTE)

    def _send_document(self, said: dict[str, Any]) -> dict[str, Any]:
        return self._send_file(said, "document", "document", DOCUMENTS, 20 * MEGABYTE)

    def _send_file(
        self, said: dict[str, Any], name: str, kind: str, begins: tuple[bytes, ...], most: int
    ) -> dict[str, Any]:
        person, url, caption = self._person(said), said.get(name), said.get("caption", "")
        self._limit(caption, LONGEST_CAPTION, "message caption is too long")
        file = self.fetch(url) if isinstance(url, str) and url.startswith("http") else None
        if file is None:
            self._refuse("failed to get HTTP URL content")
        if len(file) > most or not file.startswith(begins):
            self._refuse("wrong type of the web page content")
        return self._sent(person, kind, said, text=caption, url=url, size=len(file))

    def _send_location(self, said: dict[str, Any]) -> dict[str, Any]:
        person = self._person(said)
        degrees = (said.get("latitude"), said.get("longitude"))
        if not all(isinstance(each, int | float) for each in degrees):
            self._refuse("latitude and longitude must be numbers")
        if "title" in said and not (said["title"] and said.get("address")):
            self._refuse("venue title and address must be non-empty")
        return self._sent(person, "location", said, text=said.get("title", ""), location=degrees)

    def _send_action(self, said: dict[str, Any]) -> bool:
        person = self._person(said)
        if said.get("action") not in ACTIONS:
            self._refuse("wrong parameter action in request")
        self.show(Seen(person, "typing"))
        return True

    def _sent(self, person: str, kind: str, said: dict[str, Any], **seen: Any) -> dict[str, Any]:
        message_id = self.number()
        self.show(Seen(person, kind, id=str(message_id), **seen))
        chat = {"id": said["chat_id"], "type": "private", "first_name": person}
        return {"message_id": message_id, "date": int(time.time()), "chat": chat, "from": BOT}

    def _buttons(self, said: dict[str, Any]) -> tuple[Mapping[str, str], ...]:
        """Check an inline keyboard (#inlinekeyboardbutton)."""
        found = []
        for row in said.get("reply_markup", {}).get("inline_keyboard", []):
            for button in row:
                actions = set(button) - {"text"}
                if not button.get("text") or len(actions) != 1:
                    self._refuse("text buttons are unallowed in the inline keyboard")
                data = button.get("callback_data", "x")
                if actions <= {"callback_data"} and not 1 <= len(data.encode()) <= LONGEST_DATA:
                    self._refuse("BUTTON_DATA_INVALID")
                if not re.fullmatch(r"(https?|tg)://\S+", button.get("url", "tg://x")):
                    self._refuse("inline keyboard button URL is invalid")
                if not actions <= {"callback_data", "url"}:
                    self._refuse("the stand-in knows no such button")
                found.append({"title": button["text"], **{k: button[k] for k in actions}})
        return tuple(found)

    # ── Refusals ──

    def _person(self, said: dict[str, Any]) -> str:
        chat = said.get("chat_id")
        name = self.name_of(str(chat)) if isinstance(chat, int) else None
        if name is None:
            self._refuse("chat not found")
        if name in self.blocked:
            description = "Forbidden: bot was blocked by the user"
            raise RefusedByProvider(self.refusal(403, description=description))
        return name

    def _limit(self, text: str, most: int, description: str) -> None:
        if len(text.encode("utf-16-le", "surrogatepass")) > 2 * most:
            self._refuse(description)

    def _refuse(self, description: str) -> NoReturn:
        raise RefusedByProvider(self.refusal(400, description=f"Bad Request: {description}"))

    # ── Webhooks ──

    def person_id(self, name: str) -> str:
        """Make a number of a name."""
        return str(5_000_000_000 + zlib.crc32(name.encode()))

    def webhook(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        """Write an update (#update)."""
        update = {"update_id": 700_000 + self.number(), **self._update(name, deed)}
        headers = {
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": self.secret,
        }
        return Webhook(json.dumps(update, ensure_ascii=False).encode(), headers)

    def _update(self, name: str, deed: Mapping[str, Any]) -> dict[str, Any]:
        who = {"id": int(self.person(name)), "is_bot": False, "first_name": name}
        chat = {"id": who["id"], "type": "private", "first_name": name}
        if "press" in deed:
            seen, button = self.pressed(name, deed["press"])
            message = {"message_id": int(seen.id), "date": 1, "chat": chat, "from": BOT}
            pressed = {"id": str(self.number()), "from": who, "chat_instance": "1"}
            return {
                "callback_query": {**pressed, "data": button["callback_data"], "message": message}
            }
        message = {"message_id": self.number(), "date": int(time.time()), "chat": chat, "from": who}
        return {"message": message | self._content(deed)}

    def _content(self, deed: Mapping[str, Any]) -> dict[str, Any]:
        if "text" in deed:
            return {"text": deed["text"]}
        if "picture" in deed:
            file_id = self.keep_file(deed["picture"])
            size = {"file_id": file_id, "file_unique_id": file_id, "width": 1, "height": 1}
            return {"photo": [size], **({"caption": deed["caption"]} if "caption" in deed else {})}
        if "location" in deed:
            latitude, longitude = deed["location"]
            return {"location": {"latitude": latitude, "longitude": longitude}}
        if "sticker" in deed:
            size = {"file_id": "s", "file_unique_id": "s", "width": 512, "height": 512}
            return {"sticker": size | {"type": "regular", "is_animated": False, "is_video": False}}
        raise ValueError("a person can say text, press, picture, location or sticker")


STAND_IN = TelegramStandIn
