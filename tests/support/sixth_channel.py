"""Pigeon's API, as its documentation at https://docs.pigeon.example describes it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from liveperson_connector.channel.adapters.interface import (
    API_URL,
    Adapter,
    Call,
    Capabilities,
    File,
    Incoming,
    Piece,
    ProviderAnswer,
    Recipient,
    Setting,
    Settings,
    Text,
    Verdict,
    WebhookRequest,
    origin,
)
from liveperson_connector.channel.adapters.reading import Fields, event_id, json_object
from liveperson_connector.channel.adapters.writing import bearer, json_call, judged, same

_HOST = "api.pigeon.example"
_REASONS = {"blocked": "blocked_by_user", "no_such_person": "unknown_recipient"}


class Pigeon(Adapter):
    """The adapter for one loft of pigeons."""

    kind = "pigeon"
    hosts = (_HOST,)
    settings = (
        Setting("token", "Token of the loft", secret=True, pattern=r"[a-z-]{8,}"),
        Setting("webhook_secret", "Secret of its webhooks", secret=True, pattern=".{8,}"),
        API_URL,
    )

    def capabilities(self, settings: Settings) -> Capabilities:
        """Return what a pigeon carries (/limits)."""
        return Capabilities(
            text=160,
            caption=40,
            buttons=3,
            button_title=20,
            choice_data=32,
            text_with_choices=120,
            files={"JPG": 1_000_000},
            consumer_files={"JPG": 1_000_000},
            reports=frozenset({"delivered", "read", "failed"}),
        )

    def prove(self, request: WebhookRequest, settings: Settings) -> None:
        """Check the HMAC-SHA256 of the raw body (/webhooks#signature)."""
        ours = hmac.digest(settings["webhook_secret"].encode(), request.body, "sha256").hex()
        same(request.headers.get("x-pigeon-signature", ""), ours, "signature")

    def read(self, request: WebhookRequest, settings: Settings) -> list[Incoming]:
        """Read what persons did (/webhooks)."""
        told = list(json_object(request.body).each("messages"))
        return [Incoming(each.text("from"), _event(each), each.text("name", "")) for each in told]

    def request(self, piece: Piece, recipient: Recipient, settings: Settings) -> Call:
        """Write a text with its buttons, or a picture (/messages)."""
        said: dict[str, Any] = {}
        if isinstance(piece, Text):
            buttons = [{"title": each.title, "data": each.data} for each in piece.choices]
            said = {"text": piece.text, "buttons": buttons}
        elif isinstance(piece, File):
            said = {"picture": piece.url, "caption": piece.caption}
        return _call("messages", settings, {"to": recipient.person, "key": recipient.key, **said})

    def judge(self, answer: ProviderAnswer) -> Verdict:
        """Read the message's id, or why there is none (/errors)."""
        return judged(answer, _answered, _REASONS)

    def file_request(
        self, reference: Mapping[str, Any], answers: Sequence[ProviderAnswer], settings: Settings
    ) -> Call | None:
        """Ask for the picture itself; no step comes before (/pictures)."""
        path = f"pictures/{quote(reference['picture'], safe='')}"
        return None if answers else _call(path, settings)

    def probe(self, settings: Settings) -> Call:
        """Ask for the loft's name (/loft)."""
        return _call("loft", settings)

    def instructions(self, address: str, settings: Settings) -> str:
        """Say where the address is entered; there is no API for it."""
        return f"At pigeon.example, in the loft's settings: enter {address} as webhook."


def _event(told: Fields) -> dict[str, Any]:
    kind, known = told.text("type"), {"id": event_id(told.text("id"))}
    if kind == "text":
        return {**known, "type": "text", "text": told.text("text")}
    if kind == "button":
        title = told.text("text", "")
        return {**known, "type": "choice", "data": told.text("data"), "text": title}
    if kind == "picture":
        reference = {"picture": told.text("picture")}
        return {**known, "type": "file", "file_type": "JPG", "reference": reference}
    if kind in ("delivered", "read", "failed"):
        return {**known, "type": "report", "message": told.text("message"), "status": kind}
    return {**known, "type": "not_carried", "what": kind}


def _answered(body: Fields) -> tuple[str, str]:
    return body.text("id", ""), body.text("error", "")[:40]


def _call(path: str, settings: Settings, content: Mapping[str, Any] | None = None) -> Call:
    method = "GET" if content is None else "POST"
    url = f"{origin(_HOST, settings)}/{path}"
    return json_call(method, url, bearer(settings["token"]), content)


ADAPTER = Pigeon()
