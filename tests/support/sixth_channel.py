"""Pigeon, a provider that there is not: the adapter of ``docs/adding-a-channel.md``."""

# ruff: noqa: ARG002 - an adapter need not use everything that it is given

import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from liveperson_connector.channel.adapters.interface import (
    Adapter,
    Call,
    Capabilities,
    File,
    Incoming,
    NotProven,
    Piece,
    ProviderAnswer,
    Recipient,
    Setting,
    Settings,
    Text,
    Unreadable,
    Verdict,
    WebhookRequest,
)

_API = "https://api.pigeon.example"


class Pigeon(Adapter):
    """Pigeon's own API, as https://docs.pigeon.example describes it."""

    kind = "pigeon"
    hosts = ("api.pigeon.example",)
    settings = (
        Setting("token", "the loft's token", secret=True, pattern=r"[A-Za-z0-9-]{8,}"),
        Setting("webhook_secret", "the secret of its webhooks", secret=True),
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what a pigeon carries."""
        return Capabilities(
            text=160,
            buttons=3,
            button_title=20,
            choice_data=32,
            text_with_choices=120,
            files={"JPG": 1_000_000},
            caption=40,
            consumer_files={"JPG": 1_000_000},
            reports=frozenset({"delivered", "read", "failed"}),
        )

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Check the HMAC of the raw body."""
        ours = hmac.digest(settings["webhook_secret"].encode(), request.body, "sha256").hex()
        if not hmac.compare_digest(ours, request.headers.get("x-pigeon-signature", "")):
            raise NotProven("the signature does not match")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read the messages of a webhook."""
        try:
            told = json.loads(request.body)["messages"]
            return [Incoming(each["from"], _event(each), each.get("name", "")) for each in told]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Unreadable("it has no readable messages") from None

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write a text with its buttons, or a picture."""
        body: dict[str, Any] = {"to": recipient.person, "key": recipient.key}
        match piece:
            case Text():
                buttons = [{"title": each.title, "data": each.data} for each in piece.choices]
                body |= {"text": piece.text, "buttons": buttons}
            case File():
                body |= {"picture": piece.url, "caption": piece.caption}
        return _call("POST", "/messages", settings, json.dumps(body).encode())

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Tell what is over from what may be tried again."""
        if answer.status == 201:
            return Verdict("sent", message=json.loads(answer.body)["id"])
        if answer.status == 429:
            return Verdict("later", retry_after=float(answer.headers.get("Retry-After", 1)))
        if answer.status >= 500:
            return Verdict("later")
        reasons = {401: "bad_credentials", 404: "unknown_recipient", 403: "blocked_by_user"}
        return Verdict("never", reason=reasons.get(answer.status, "refused"))

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask for the picture itself; there is no step between."""
        return None if answers else _call("GET", f"/pictures/{reference['picture']}", settings)

    def probe(self, settings: Settings) -> Call:
        """Ask who we are."""
        return _call("GET", "/loft", settings)


def _event(told: Mapping[str, Any]) -> dict[str, Any]:
    if "picture" in told:
        reference = {"picture": told["picture"]}
        return {"id": told["id"], "type": "file", "file_type": "JPG", "reference": reference}
    if "status" in told:
        report = {"message": told["message"], "status": told["status"]}
        return {"id": told["id"], "type": "report", **report}
    if "data" in told:
        return {"id": told["id"], "type": "choice", "data": told["data"], "text": told["text"]}
    return {"id": told["id"], "type": "text", "text": told["text"]}


def _call(method: str, path: str, settings: Settings, body: bytes | None = None) -> Call:
    headers = {"Authorization": f"Bearer {settings['token']}"}
    if body:
        headers["Content-Type"] = "application/json"
    return Call(method, _API + path, headers, body)


ADAPTER = Pigeon()
