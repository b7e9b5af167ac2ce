"""
WhatsApp's Cloud API, as far as the connector uses it.

Below https://developers.facebook.com/docs/whatsapp/cloud-api: requests as in `/reference/messages`
and `/messages/interactive-…-messages`, errors as in `/support/error-codes`. A person who is silent
(`{"silence": true}`) has written nothing for 24 hours.
"""

from __future__ import annotations

import hmac
import json
import time
import zlib
from collections.abc import Mapping
from typing import Any, NoReturn

import requests

from sandbox.providers.stand_in import TIMEOUT, RefusedByProvider, Seen, StandIn, Webhook
from simulator.http_server import Answer, Request

VERIFY = "made-up-verify-token"
MEGABYTE = 1024 * 1024
LONGEST_TEXT, LONGEST_BODY, LONGEST_CAPTION = 4096, 1024, 1024
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
TYPES = ("text", "image", "document", "location", "interactive", "template")


class WhatsAppStandIn(StandIn):
    """The Graph API for one telephone number."""

    kind = "whatsapp"

    def __init__(self, port: int | None = 0, nth: int = 1) -> None:
        super().__init__(port, nth)
        self._number_id, self._account = f"{10**14 + nth}", f"{2 * 10**14 + nth}"
        self._token = f"made-up-token-{nth}-of-the-sandboxs-whatsapp"
        self._secret = f"0123456789abcdef{nth:016x}"
        self.is_subscribed = False

    @property
    def settings(self) -> dict[str, str]:
        """The number's ids, and made-up credentials."""
        return {
            "phone_number_id": self._number_id,
            "business_account_id": self._account,
            "token": self._token,
            "app_secret": self._secret,
            "verify_token": VERIFY,
            "api_url": self.url,
        }

    def refusal(
        self, status: int, retry_after: int = 0, code: int = 0, message: str = ""
    ) -> Answer:
        """Write an error; one of the server's own, or of the throughput, without a code of ours."""
        known = code or {429: 130429}.get(status, 131000)
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        text = f"(#{known}) {message or 'Something went wrong'}"
        error = {"message": text, "type": "OAuthException", "code": known, "fbtrace_id": "A1"}
        return Answer(status, {"error": error}, headers)

    def serve(self, request: Request) -> Answer:  # noqa: PLR0911 (a route each)
        """Answer a request with the right token."""
        if request.headers.get("authorization") != f"Bearer {self._token}":
            return self.refusal(401, code=190, message="Invalid OAuth access token")
        _, version, *path = request.path.split("/")
        match request.method, path:
            case "GET", ["attachments", file_id] if version == "media":
                file = self.file(file_id)
                return Answer(404) if file is None else Answer(200, file)
            case "GET", [file_id] if self.file(file_id) is not None:
                return Answer(
                    200, {"url": f"{self.url}/media/attachments/{file_id}", "id": file_id}
                )
            case "GET", [number] if number == self._number_id:
                return Answer(200, self._number())
            case "POST", [number] if number == self._number_id:
                return self._configure(self._said(request))
            case "POST", [account, "subscribed_apps"] if account == self._account:
                self.is_subscribed = True
                return Answer(200, {"success": True})
            case "POST", [number, "messages"] if number == self._number_id:
                return self._message(self._said(request))
        return self.refusal(400, code=100, message="Unsupported request")

    # ── Set-up ──

    def _number(self) -> dict[str, Any]:
        there = {"phone_number": self.webhook_url} if self.webhook_url else {}
        return {"id": self._number_id, "verified_name": "Sandbox", "webhook_configuration": there}

    def _configure(self, said: Mapping[str, Any]) -> Answer:
        """Set the number's own address, which must repeat a challenge; an empty one removes it."""
        configuration = said.get("webhook_configuration", {})
        address = configuration.get("override_callback_uri", "")
        if address and not self._challenged(address, configuration.get("verify_token", "")):
            self._refuse(100, "The URL couldn't be validated")
        self.webhook_url = address
        return Answer(200, {"success": True})

    def _challenged(self, address: str, token: str) -> bool:
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
        try:
            with requests.Session() as session:
                session.trust_env = False
                answer = session.get(address, params=query, timeout=TIMEOUT)
        except requests.RequestException:
            return False
        return (answer.status_code, answer.text) == (200, "1158201444")

    # ── Messages ──

    def _said(self, request: Request) -> dict[str, Any]:
        try:
            said = request.json()
        except ValueError:
            said = None
        if not isinstance(said, dict):
            self._refuse(100, "The body is not a JSON object")
        return said

    def _message(self, said: dict[str, Any]) -> Answer:
        if said.get("messaging_product") != "whatsapp":
            self._refuse(100, "The parameter messaging_product is required")
        if said.get("status") == "read":
            return self._marked(said)
        person = self._person(said)
        kind = said.get("type")
        if kind not in TYPES or not isinstance(said.get(kind), dict):
            self._refuse(131008, "A required parameter is missing: type, or what it names")
        if person in self.silent and kind != "template":
            self._refuse(131047, "More than 24 hours have passed")
        message_id = f"wamid.{self.number():024d}="
        seen = getattr(self, f"_{kind}")(person, message_id, said[kind])
        if person not in self.blocked:
            self.show(seen)
        contacts = [{"input": said.get("recipient") or said.get("to")}]
        product = {"messaging_product": "whatsapp", "contacts": contacts}
        return Answer(200, {**product, "messages": [{"id": message_id}]})

    def _marked(self, said: Mapping[str, Any]) -> Answer:
        name = self.name_of(str(said.get("message_id", "")).partition("/")[2])
        if name is None:
            self._refuse(131009, "Parameter value is not valid: message_id")
        typing = said.get("typing_indicator") == {"type": "text"}
        self.show(Seen(name, "typing" if typing else "read"))
        return Answer(200, {"success": True})

    def _person(self, said: Mapping[str, Any]) -> str:
        field = "to" if "to" in said else "recipient"
        name = self.name_of(str(said.get(field, "")))
        if name is None or said.get("recipient_type") != "individual":
            self._refuse(131026, "Message undeliverable")
        return name

    def _text(self, person: str, message_id: str, text: Mapping[str, Any]) -> Seen:
        return Seen(person, "text", message_id, self._limited(text.get("body"), LONGEST_TEXT))

    def _template(self, person: str, message_id: str, template: Mapping[str, Any]) -> Seen:
        if not (template.get("name") and template.get("language", {}).get("code")):
            self._refuse(132001, "Template name does not exist in the translation")
        return Seen(person, "text", message_id, f"[{template['name']}]")

    def _location(self, person: str, message_id: str, place: Mapping[str, Any]) -> Seen:
        where = (float(place["latitude"]), float(place["longitude"]))
        return Seen(person, "location", message_id, place.get("name", ""), location=where)

    def _image(self, person: str, message_id: str, image: Mapping[str, Any]) -> Seen:
        return self._file(person, message_id, image, "picture", 5 * MEGABYTE)

    def _document(self, person: str, message_id: str, document: Mapping[str, Any]) -> Seen:
        return self._file(person, message_id, document, "document", 100 * MEGABYTE)

    def _file(
        self, person: str, message_id: str, file: Mapping[str, Any], kind: str, most: int
    ) -> Seen:
        url = str(file.get("link", ""))
        caption = self._limited(file.get("caption", "-"), LONGEST_CAPTION)
        content = self.fetch(url) if url.startswith(("https://", "http://127.0.0.1:")) else None
        fits = content is not None and len(content) <= most
        if not fits or (kind == "picture" and not (content or b"").startswith(PICTURES)):
            return Seen(person, f"broken {kind}", message_id, url=url)
        text = caption if "caption" in file else file.get("filename", "")
        return Seen(person, kind, message_id, text, url=url, size=len(content or b""))

    def _interactive(self, person: str, message_id: str, said: Mapping[str, Any]) -> Seen:
        text = self._limited(said.get("body", {}).get("text"), LONGEST_BODY)
        action = said.get("action", {})
        if said.get("type") == "button":
            replies = [each.get("reply", {}) for each in action.get("buttons", [])]
            buttons = self._choices(replies, most=3, title=20, data=256)
        elif said.get("type") == "list":
            self._limited(action.get("button"), 20)
            rows = [row for each in action.get("sections", []) for row in each.get("rows", [])]
            buttons = self._choices(rows, most=10, title=24, data=200)
        else:
            self._refuse(131009, "Parameter value is not valid: interactive.type")
        return Seen(person, "text", message_id, text, buttons)

    def _choices(
        self, offered: list[Any], *, most: int, title: int, data: int
    ) -> tuple[Mapping[str, str], ...]:
        if not 1 <= len(offered) <= most or len({each.get("id") for each in offered}) < len(
            offered
        ):
            self._refuse(131009, f"1 to {most} choices with ids of their own")
        return tuple(
            {
                "title": self._limited(each.get("title"), title),
                "data": self._limited(each.get("id"), data),
            }
            for each in offered
        )

    def _limited(self, text: object, most: int) -> str:
        if not isinstance(text, str) or not 1 <= len(text) <= most:
            self._refuse(100, f"Invalid parameter: a text of 1 to {most} characters")
        return text

    def _refuse(self, code: int, message: str) -> NoReturn:
        raise RefusedByProvider(self.refusal(400, code=code, message=message))

    # ── Webhooks ──

    def person_id(self, name: str) -> str:
        """Make a business-scoped id of a name."""
        return f"DE.{zlib.crc32(name.encode()):020d}"

    def webhook(self, name: str, deed: Mapping[str, Any]) -> Webhook:
        """Write a message of a person's, signed."""
        person = self.person(name)
        message = {
            "from_user_id": person,
            "id": f"wamid.{self.number():024d}/{person}",
            "timestamp": str(int(time.time())),
            **self._content(name, deed),
        }
        contact = {"profile": {"name": name}, "user_id": person}
        return self._signed({"contacts": [contact], "messages": [message]})

    def report(self, name: str, message_id: str, status: str) -> Webhook:
        """Write what has become of a message: sent, delivered, read or failed."""
        told = {"id": message_id, "status": status, "recipient_user_id": self.person(name)}
        return self._signed({"statuses": [{**told, "timestamp": str(int(time.time()))}]})

    def _content(self, name: str, deed: Mapping[str, Any]) -> dict[str, Any]:
        if "text" in deed:
            return {"type": "text", "text": {"body": deed["text"]}}
        if "press" in deed:
            seen, button = self.pressed(name, deed["press"])
            reply = {"id": button["data"], "title": button["title"]}
            pressed = {"type": "button_reply", "button_reply": reply}
            return {"type": "interactive", "interactive": pressed, "context": {"id": seen.id}}
        if "picture" in deed:
            picture = {"id": self.keep_file(deed["picture"]), "mime_type": "image/png"}
            return {"type": "image", "image": picture}
        if "location" in deed:
            latitude, longitude = deed["location"]
            place = {"latitude": latitude, "longitude": longitude}
            return {"type": "location", "location": place}
        if "sticker" in deed:
            return {"type": "sticker", "sticker": {"id": "1", "mime_type": "image/webp"}}
        raise ValueError("a person can say text, press, picture, location or sticker")

    def _signed(self, content: Mapping[str, Any]) -> Webhook:
        metadata = {"display_phone_number": "15550100", "phone_number_id": self._number_id}
        value = {"messaging_product": "whatsapp", "metadata": metadata, **content}
        entry = {"id": self._account, "changes": [{"field": "messages", "value": value}]}
        whole = {"object": "whatsapp_business_account", "entry": [entry]}
        body = json.dumps(whole, ensure_ascii=False).encode()
        digest = hmac.digest(self._secret.encode(), body, "sha256").hex()
        return Webhook(
            body, {"Content-Type": "application/json", "X-Hub-Signature-256": f"sha256={digest}"}
        )


STAND_IN = WhatsAppStandIn
