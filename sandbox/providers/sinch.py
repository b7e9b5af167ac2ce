"""
Sinch's Conversation API for one app with WhatsApp, as far as the connector uses it.

Bodies of messages are judged by the models of Sinch's own library (`sinch`); the rest stands below
https://developers.sinch.com/docs/conversation.
"""

from __future__ import annotations

import hmac
import json
import time
import zlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NoReturn

from sandbox.providers.stand_in import RefusedByProvider, Seen, StandIn, Webhook
from simulator.http_server import Answer, Request

MEGABYTE = 1024 * 1024
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
WORDS = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 404: "NOT_FOUND"}


class SinchStandIn(StandIn):
    """The API of one project with one app."""

    kind = "sinch"

    def __init__(self, port: int | None = 0, nth: int = 1) -> None:
        super().__init__(port, nth)
        self._project, self._app = f"made-up-project-{nth}", f"01MADEUPAPP{nth}"
        self._key_id = f"made-up-key-{nth}"
        self._key_secret = f"made-up-secret-{nth}-of-the-key"
        self._secret = f"made-up-secret-{nth}-of-webhooks"
        self._token = f"made-up-token-{nth}-of-an-hour"
        self._webhooks: dict[str, dict[str, Any]] = {}

    @property
    def settings(self) -> dict[str, str]:
        """The app's ids, and made-up credentials."""
        return {
            "project_id": self._project,
            "app_id": self._app,
            "region": "eu",
            "transport": "WHATSAPP",
            "key_id": self._key_id,
            "key_secret": self._key_secret,
            "webhook_secret": self._secret,
            "api_url": self.url,
        }

    def register(self, address: str) -> None:
        """Add a webhook with this address and the secret of the settings."""
        self._add_webhook(
            {
                "app_id": self._app,
                "target": address,
                "target_type": "HTTP",
                "triggers": ["MESSAGE_INBOUND", "MESSAGE_DELIVERY", "EVENT_INBOUND"],
                "secret": self._secret,
            }
        )

    def refusal(self, status: int, retry_after: int = 0, message: str = "") -> Answer:
        """Write an error in gRPC's words."""
        word = WORDS.get(status, "RESOURCE_EXHAUSTED" if status == 429 else "INTERNAL")
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        error = {"code": status, "message": message, "status": word, "details": []}
        return Answer(status, {"error": error}, headers)

    def operation(self, request: Request) -> str:
        """Return what is asked for."""
        return request.path.rpartition("/")[2]

    def serve(self, request: Request) -> Answer:  # noqa: PLR0911 (a route each)
        """Give a token, or answer a request that carries it."""
        if (request.method, request.path) == ("POST", "/oauth2/token"):
            return self._give_token(request)
        if request.path.startswith("/media/"):  # fetched without a key
            file = self.file(request.path.rpartition("/")[2])
            return Answer(404) if file is None else Answer(200, file)
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return self.refusal(401, message="Request had invalid authentication credentials.")
        start = f"/v1/projects/{self._project}/"
        if not request.path.startswith(start):
            return self.refusal(404, message="no such project in this region")
        match request.method, request.path.removeprefix(start).split("/"):
            case "GET", ["apps", app] if app == self._app:
                return Answer(200, {"id": self._app, "display_name": "Sandbox"})
            case "GET", ["apps", app, "webhooks"] if app == self._app:
                return Answer(200, {"webhooks": list(self._webhooks.values())})
            case "POST", ["webhooks"]:
                return self._add_webhook(self._said(request))
            case "DELETE", ["webhooks", webhook] if webhook in self._webhooks:
                del self._webhooks[webhook]
                self.webhook_url = ""
                return Answer(200, {})
            case "POST", ["messages:send"]:
                return self._send(self._said(request))
            case "POST", ["events:send"]:
                return self._event(self._said(request))
        return self.refusal(404, message="not found")

    def _give_token(self, request: Request) -> Answer:
        ours = b64encode(f"{self._key_id}:{self._key_secret}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {ours}":
            return Answer(401, {"error": "invalid_client"})
        if request.body != b"grant_type=client_credentials":
            return Answer(400, {"error": "unsupported_grant_type"})
        return Answer(
            200, {"access_token": self._token, "expires_in": 3599, "token_type": "bearer"}
        )

    def _add_webhook(self, said: Mapping[str, Any]) -> Answer:
        targets = {each["target"] for each in self._webhooks.values()}
        if (
            said.get("app_id") != self._app
            or said.get("target_type") != "HTTP"
            or len(targets) == 5
        ):
            self._refuse("not a webhook of this app, or one too many")
        if said["target"] in targets or not said.get("triggers"):
            self._refuse("a webhook with this target exists, or no triggers are given")
        webhook_id = f"01WEBHOOK{self.number():08d}"
        self._webhooks[webhook_id] = {**said, "id": webhook_id}
        self.webhook_url, self._secret = said["target"], said.get("secret", "")
        return Answer(200, self._webhooks[webhook_id])

    # ── Messages ──

    def _send(self, said: dict[str, Any]) -> Answer:
        from sinch.domains.conversation.models.v1.messages.internal.request import (  # noqa: PLC0415 (a second)
            SendMessageRequest,
        )

        try:
            known = SendMessageRequest(**said).model_dump(exclude_none=True, by_alias=True)
        except (TypeError, ValueError):
            self._refuse("it is not as Sinch describes it")
        if known != said:
            self._refuse("it has a field that Sinch does not describe")
        person = self._person(said)
        message_id = f"01MESSAGE{self.number():08d}"
        seen = self._as_seen(person, message_id, said["message"])
        if person and person not in self.blocked:  # else a report tells of the failure
            self.show(seen)
        return Answer(200, {"message_id": message_id, "accepted_time": "2026-06-15T14:23:45Z"})

    def _event(self, said: dict[str, Any]) -> Answer:
        if not said.get("event", {}).keys() & {"composing_event", "composing_end_event"}:
            self._refuse("unknown event")
        self.show(Seen(self._person(said), "typing"))
        return Answer(200, {"event_id": f"01EVENT{self.number():08d}"})

    def _person(self, said: Mapping[str, Any]) -> str:
        (identity,) = said["recipient"]["identified_by"]["channel_identities"]
        if said["app_id"] != self._app or identity["channel"] != "WHATSAPP":
            self._refuse("the app has no such channel")
        return self.name_of(identity["identity"]) or ""

    def _as_seen(self, person: str, message_id: str, message: Mapping[str, Any]) -> Seen:
        ((kind, content),) = message.items()
        if kind == "text_message":
            return Seen(person, "text", message_id, self._limited(content["text"], 4096))
        if kind == "choice_message":
            text = self._limited(content["text_message"]["text"], 1024)
            buttons = tuple(
                {
                    "title": self._limited(each["text_message"]["text"], 20),
                    "data": self._limited(each["postback_data"], 200),
                }
                for each in content["choices"]
            )
            if len(buttons) > 3:
                self._refuse("at most 3 choices")
            return Seen(person, "text", message_id, text, buttons)
        if kind == "location_message":
            place = content["coordinates"]
            where = (place["latitude"], place["longitude"])
            return Seen(person, "location", message_id, content["title"], location=where)
        if kind == "template_message":
            name = content["channel_template"]["WHATSAPP"]["template_id"]
            return Seen(person, "text", message_id, f"[{name}]")
        return self._file(person, message_id, content)

    def _file(self, person: str, message_id: str, content: Mapping[str, Any]) -> Seen:
        file = self.fetch(content["url"]) or b""
        if file.startswith(PICTURES) and len(file) <= 5 * MEGABYTE:
            return Seen(person, "picture", message_id, url=content["url"], size=len(file))
        if file and not file.startswith(PICTURES):
            return Seen(person, "document", message_id, url=content["url"], size=len(file))
        return Seen(person, "broken picture", message_id, url=content["url"])

    def _said(self, request: Request) -> dict[str, Any]:
        try:
            said = request.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            self._refuse("the body is not a JSON object")
        return said

    def _limited(self, text: str, most: int) -> str:
        if not 1 <= len(text) <= most:
            self._refuse(f"a text of 1 to {most} characters")
        return text

    def _refuse(self, message: str) -> NoReturn:
        raise RefusedByProvider(self.refusal(400, message=message))

    # ── Webhooks ──

    def person_id(self, name: str) -> str:
        """Make a number of a name."""
        return f"4915{zlib.crc32(name.encode()):010d}"

    def webhook(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        """Write a message of a person's, signed."""
        message = {
            "id": f"01INBOUND{self.number():08d}",
            "direction": "TO_APP",
            "contact_message": self._content(name, deed),
            "channel_identity": self._identity(name),
        }
        return self._signed({"message": message})

    def report(self, name: str, message_id: str, status: str) -> Webhook:
        """Write what has become of a message: delivered, read or failed."""
        report = {"message_id": message_id, "status": status.upper()}
        return self._signed(
            {"message_delivery_report": report | {"channel_identity": self._identity(name)}}
        )

    def _identity(self, name: str) -> dict[str, str]:
        return {"channel": "WHATSAPP", "identity": self.person(name), "app_id": self._app}

    def _content(self, name: str, deed: Mapping[str, Any]) -> dict[str, Any]:
        if "text" in deed:
            return {"text_message": {"text": deed["text"]}}
        if "press" in deed:
            seen, button = self.pressed(name, deed["press"])
            chosen = {"message_id": seen.id, "postback_data": button["data"]}
            return {"choice_response_message": chosen}
        if "picture" in deed:
            return {"media_message": {"url": f"{self.url}/media/{self.keep_file(deed['picture'])}"}}
        if "location" in deed:
            latitude, longitude = deed["location"]
            place = {"latitude": latitude, "longitude": longitude}
            return {"location_message": {"title": "Here", "coordinates": place}}
        if "sticker" in deed:
            return {"fallback_message": {"raw_message": "a sticker"}}
        raise ValueError("a person can say text, press, picture, location or sticker")

    def _signed(self, content: Mapping[str, Any]) -> Webhook:
        whole = {"app_id": self._app, "project_id": self._project, **content}
        body = json.dumps(whole, ensure_ascii=False).encode()
        nonce, timestamp = f"01NONCE{self.number():08d}", str(int(time.time()))
        signed = b".".join((body, nonce.encode(), timestamp.encode()))
        signature = b64encode(hmac.digest(self._secret.encode(), signed, "sha256")).decode()
        return Webhook(
            body,
            {
                "Content-Type": "application/json",
                "X-Sinch-Webhook-Signature": signature,
                "X-Sinch-Webhook-Signature-Nonce": nonce,
                "X-Sinch-Webhook-Signature-Timestamp": timestamp,
                "X-Sinch-Webhook-Signature-Algorithm": "HmacSHA256",
            },
        )


STAND_IN = SinchStandIn
