"""
LINE's Messaging API, as far as the connector uses it.

The bodies of requests are judged by the models of LINE's own library (`line-bot-sdk`), which are
generated from LINE's description of its API. Limits that stand in the reference alone
(https://developers.line.biz/en/reference/messaging-api/) are checked here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from sandbox.providers.stand_in import RefusedByProvider, Seen, StandIn, Webhook
from simulator.http_server import Answer, Request, Routes

BOT_ID = "Uffffffffffffffffffffffffffffffff"
MEGABYTE = 1024 * 1024
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
LONGEST_TEXT, LONGEST_TEMPLATE, LONGEST_LABEL, LONGEST_URL = 5000, 160, 20, 2000
URI = re.compile(r"(?=.{1,1000}$)(https?|line|tel):\S+")
ADDRESS = re.compile(r"https://\S+|http://127\.0\.0\.1:\d+/\S*")


class LineStandIn(StandIn):
    """The API of one channel."""

    kind = "line"

    def __init__(self, port: int | None = 0, nth: int = 1) -> None:
        super().__init__(port, nth)
        self._token = f"made-up-token-{nth}-of-the-sandboxs-line-channel-0123456789"
        self._secret = f"0123456789abcdef{nth:016x}"
        self._accepted: dict[str, dict[str, Any]] = {}
        work: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", "/v2/bot/info", self._info),
            ("PUT", "/v2/bot/channel/webhook/endpoint", self._set_webhook),
            ("GET", "/v2/bot/channel/webhook/endpoint", self._get_webhook),
            ("GET", "/v2/bot/message/{message}/content", self._get_content),
            ("POST", "/v2/bot/message/push", self._push),
            ("POST", "/v2/bot/chat/loading/start", self._type),
            ("POST", "/v2/bot/chat/markAsRead", self._mark_as_read),
        ]
        self._api = Routes(work)

    @property
    def settings(self) -> dict[str, str]:
        """The channel's token and secret."""
        return {
            "channel_access_token": self._token,
            "channel_secret": self._secret,
            "api_url": self.url,
        }

    def refusal(self, status: int, retry_after: int = 0, message: str = "") -> Answer:
        """Write an error (#error-responses)."""
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        return Answer(status, {"message": message or f"Error {status}"}, headers)

    def serve(self, request: Request) -> Answer:
        """Answer a request with the right token."""
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return self.refusal(
                401, message="Authentication failed. Confirm that the token is valid"
            )
        found = self._api.find(request.method, request.path)
        if found is None:
            return self.refusal(404, message="Not found")
        return found[0](request, **found[1])

    # ── Set-up ──

    def _info(self, _: Request) -> Answer:
        return Answer(200, {"userId": BOT_ID, "basicId": "@sandbox", "displayName": "Sandbox"})

    def _set_webhook(self, request: Request) -> Answer:
        said = self._said(request, "SetWebhookEndpointRequest")
        if not ADDRESS.fullmatch(said["endpoint"]):
            self._refuse("Invalid webhook endpoint URL")
        self.webhook_url = said["endpoint"]
        return Answer(200, {})

    def _get_webhook(self, _: Request) -> Answer:
        if not self.webhook_url:
            return self.refusal(404, message="Not found")
        return Answer(200, {"endpoint": self.webhook_url, "active": True})

    def _get_content(self, _: Request, message: str) -> Answer:
        file = self.file(message)
        return self.refusal(404, message="Not found") if file is None else Answer(200, file)

    # ── Messages ──

    def _push(self, request: Request) -> Answer:
        """Take each message once, for each key (/en/docs/messaging-api/retrying-api-request)."""
        said, key = (
            self._said(request, "PushMessageRequest"),
            request.headers.get("x-line-retry-key"),
        )
        if key is not None and not _is_uuid(key):
            self._refuse("The retry key is invalid")
        if key in self._accepted:
            message = "The retry key is already accepted"
            return Answer(
                409,
                {"message": message, **self._accepted[key]},
                {"x-line-accepted-request-id": str(uuid.uuid5(uuid.NAMESPACE_URL, key))},
            )
        person = self._person(said["to"])
        shown = [self._as_seen(person, message) for message in said["messages"]]
        if person not in self.blocked:  # LINE answers 200 in both cases
            for seen in shown:
                self.show(seen)
        sent = {"sentMessages": [{"id": seen.id} for seen in shown]}
        if key:
            self._accepted[key] = sent
        return Answer(200, sent)

    def _as_seen(self, person: str, message: Mapping[str, Any]) -> Seen:
        """Check a message object (#message-objects)."""
        message_id = str(460_000_000 + self.number())
        kind = message["type"]
        if kind == "text":
            self._limit("text", message["text"], LONGEST_TEXT)
            actions = [each["action"] for each in message.get("quickReply", {}).get("items", [])]
            buttons = self._buttons(actions, most=13)
            return Seen(person, "text", message_id, message["text"], buttons)
        if kind == "template" and message["template"]["type"] == "buttons":
            template = message["template"]
            self._limit("template/text", template["text"], LONGEST_TEMPLATE)
            buttons = self._buttons(template["actions"], most=4)
            return Seen(person, "text", message_id, template["text"], buttons)
        if kind == "image":
            return self._picture(person, message_id, message)
        if kind != "location":
            self._invalid(f"messages[0].type: the stand-in shows no {kind}")
        place = (message["latitude"], message["longitude"])
        return Seen(person, "location", message_id, message["title"], location=place)

    def _picture(self, person: str, message_id: str, message: Mapping[str, Any]) -> Seen:
        urls = (message["originalContentUrl"], message["previewImageUrl"])
        for url, most in zip(urls, (10 * MEGABYTE, MEGABYTE), strict=True):
            if len(url) > LONGEST_URL or not ADDRESS.fullmatch(url):
                self._invalid("a picture's URL must be https and have at most 2,000 characters")
            file = self.fetch(url)
            # LINE answers before it fetches; a person would see a broken picture
            if file is None or len(file) > most or not file.startswith(PICTURES):
                return Seen(person, "broken picture", message_id, url=url)
        return Seen(person, "picture", message_id, url=urls[0], size=len(file or b""))

    def _buttons(self, actions: list[Any], *, most: int) -> tuple[Mapping[str, str], ...]:
        if len(actions) > most:
            self._invalid(f"at most {most} actions")
        found = []
        for action in actions:
            self._limit("label", action.get("label", ""), LONGEST_LABEL)
            if action["type"] == "postback":
                found.append({"title": action["label"], "data": action["data"]})
            elif action["type"] == "uri" and URI.fullmatch(action["uri"]):
                found.append({"title": action["label"], "url": action["uri"]})
            else:
                self._invalid("the stand-in knows postback and uri actions")
        return tuple(found)

    def _type(self, request: Request) -> Answer:
        said = self._said(request, "ShowLoadingAnimationRequest")
        if said.get("loadingSeconds", 20) % 5:
            self._invalid("loadingSeconds must be a multiple of 5")
        self.show(Seen(self._person(said["chatId"]), "typing"))
        return Answer(202, {})

    def _mark_as_read(self, request: Request) -> Answer:
        token = self._said(request, "MarkMessagesAsReadByTokenRequest")["markAsReadToken"]
        name = self.name_of(token.removeprefix("read-"))
        if name is None:
            self._refuse("An invalid markAsReadToken is specified")
        self.show(Seen(name, "read"))
        return Answer(200, {})

    # ── Refusals ──

    def _said(self, request: Request, model: str) -> dict[str, Any]:
        """Read a body; the library's model of this name must take it, and know all of it."""
        from linebot.v3 import messaging  # type: ignore[import-untyped]  # noqa: PLC0415 (a second)

        try:
            said = request.json()
            known = json.loads(getattr(messaging, model).from_dict(said).to_json())
        except ValueError:  # pydantic's errors are among them
            self._invalid("it is not as LINE describes it")
        if unknown := _unknown(said, known):
            self._invalid(f"unknown property: {unknown}")
        return dict(said)

    def _person(self, person_id: str) -> str:
        name = self.name_of(person_id)
        if name is None:
            self._refuse("Failed to send messages")
        return name

    def _limit(self, what: str, text: str, most: int) -> None:
        if not 1 <= len(text.encode("utf-16-le", "surrogatepass")) // 2 <= most:
            self._invalid(f"{what}: Length must be between 1 and {most}")

    def _invalid(self, detail: str) -> NoReturn:
        body = {"message": "The request body has 1 error(s)", "details": [{"message": detail}]}
        raise RefusedByProvider(Answer(400, body))

    def _refuse(self, message: str) -> NoReturn:
        raise RefusedByProvider(self.refusal(400, message=message))

    # ── Webhooks ──

    def person_id(self, name: str) -> str:
        """Make an id of a name."""
        return "U" + hashlib.sha256(name.encode()).hexdigest()[:32]

    def webhook(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        """Write an event (#webhook-event-objects), signed (#signature-validation)."""
        event = {
            "mode": "active",
            "timestamp": int(time.time() * 1000),
            "source": {"type": "user", "userId": self.person(name)},
            "webhookEventId": f"01HF3ZC9RA{self.number():016d}",
            "deliveryContext": {"isRedelivery": False},
            **self._event(name, deed),
        }
        body = json.dumps({"destination": BOT_ID, "events": [event]}, ensure_ascii=False).encode()
        signature = base64.b64encode(hmac.digest(self._secret.encode(), body, "sha256")).decode()
        return Webhook(body, {"Content-Type": "application/json", "X-Line-Signature": signature})

    def _event(self, name: str, deed: Mapping[str, Any]) -> dict[str, Any]:
        if "press" in deed:
            _, button = self.pressed(name, deed["press"])
            return {"type": "postback", "replyToken": "r", "postback": {"data": button["data"]}}
        message = {"quoteToken": "q", "markAsReadToken": f"read-{self.person(name)}"}
        return {"type": "message", "replyToken": "r", "message": message | self._content(deed)}

    def _content(self, deed: Mapping[str, Any]) -> dict[str, Any]:
        message_id = str(440_000_000 + self.number())
        if "text" in deed:
            return {"id": message_id, "type": "text", "text": deed["text"]}
        if "picture" in deed:
            here = {"contentProvider": {"type": "line"}}
            return {"id": self.keep_file(deed["picture"]), "type": "image", **here}
        if "location" in deed:
            latitude, longitude = deed["location"]
            degrees = {"latitude": latitude, "longitude": longitude}
            return {"id": message_id, "type": "location", **degrees}
        if "sticker" in deed:
            sticker = {"packageId": "1", "stickerId": "1", "stickerResourceType": "STATIC"}
            return {"id": message_id, "type": "sticker", **sticker}
        raise ValueError("a person can say text, press, picture, location or sticker")


STAND_IN = LineStandIn


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _unknown(said: Any, known: Any) -> str:
    """Return the name of a field that a model has dropped; empty if there is none."""
    if isinstance(said, dict) and isinstance(known, dict):
        lost = next(iter(said.keys() - known.keys()), "")
        return lost or next(filter(None, (_unknown(said[each], known[each]) for each in said)), "")
    if isinstance(said, list) and isinstance(known, list):
        pairs = zip(said, known, strict=True)
        return next(filter(None, (_unknown(one, other) for one, other in pairs)), "")
    return ""
