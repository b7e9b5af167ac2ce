"""Pigeon's webhooks, requests and answers, as its documentation shows them."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any

from liveperson_connector.channel.adapters.interface import (
    Choice,
    File,
    Incoming,
    ProviderAnswer,
    Text,
    Verdict,
    WebhookRequest,
)
from tests.support.adapters import (
    ADDRESS,
    FILE_URL,
    Fetched,
    Refusal,
    Samples,
    Sent,
    Webhook,
)

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"


def sign(body: bytes, settings: Mapping[str, str]) -> WebhookRequest:
    """Send ``body`` as Pigeon would."""
    digest = hmac.digest(settings["webhook_secret"].encode(), body, "sha256").hex()
    return WebhookRequest("POST", ADDRESS, {}, {"x-pigeon-signature": digest}, body)


def webhook(kind: str, told: dict[str, Any], read: dict[str, Any]) -> Webhook:
    """Write a webhook, and the event that it becomes."""
    message = {"id": f"p-{kind}", "from": "ada", "name": "Ada", "type": kind, **told}
    incoming = Incoming("ada", {"id": f"p-{kind}", **read}, "Ada")
    return Webhook(kind, json.dumps({"messages": [message]}).encode(), [incoming])


def report(kind: str) -> Webhook:
    """Write what became of a message."""
    return webhook(kind, {"message": "m-1"}, {"type": "report", "message": "m-1", "status": kind})


def sent(name: str, piece: Any, **said: Any) -> Sent:
    """Write a piece, and the request that it becomes."""
    return Sent(name, piece, "POST", "/messages", {"to": "ada", "key": KEY, **said})


def refused(status: int, code: str, means: Verdict) -> Refusal:
    """Write a refusal, and what it means."""
    body = json.dumps({"error": code}).encode()
    return Refusal(code, ProviderAnswer(status, {}, body), means)


def never(reason: str, code: str) -> Verdict:
    """Return that no try will help."""
    return Verdict("never", reason=reason, detail=code)


SAMPLES = Samples(
    kind="pigeon",
    settings={"token": "a-made-up-token", "webhook_secret": "a made-up secret"},
    foreign={"token": "another-made-up-token", "webhook_secret": "another made-up secret"},
    bad_settings={"token": ["", "short", "WITH CAPITALS"], "webhook_secret": ["", "short"]},
    person="ada",
    sign=sign,
    proof="x-pigeon-signature",
    proves_body=True,
    webhooks=[
        webhook("text", {"text": "Grüße 👋"}, {"type": "text", "text": "Grüße 👋"}),
        webhook(
            "button",
            {"data": "a:1", "text": "Yes"},
            {"type": "choice", "data": "a:1", "text": "Yes"},
        ),
        webhook(
            "picture",
            {"picture": "9"},
            {"type": "file", "file_type": "JPG", "reference": {"picture": "9"}},
        ),
        webhook("song", {}, {"type": "not_carried", "what": "song"}),
        *map(report, ("delivered", "read", "failed")),
    ],
    ignored=[Webhook("empty", b'{"messages": []}')],
    sent=[
        sent("text", Text("Grüße"), text="Grüße", buttons=[]),
        sent(
            "buttons",
            Text("Red?", [Choice("Yes", "a:0")]),
            text="Red?",
            buttons=[{"title": "Yes", "data": "a:0"}],
        ),
        sent("picture", File(FILE_URL, "JPG", "Look"), picture=FILE_URL, caption="Look"),
    ],
    taken=Refusal("taken", ProviderAnswer(201, {}, b'{"id": "m-1"}'), Verdict("sent", "m-1")),
    errors=[
        refused(403, "blocked", never("blocked_by_user", "blocked")),
        refused(404, "no_such_person", never("unknown_recipient", "no_such_person")),
        refused(401, "wrong_token", never("bad_credentials", "wrong_token")),
        refused(429, "too_fast", Verdict("later", detail="too_fast")),
        refused(503, "at_rest", Verdict("later", detail="at_rest")),
    ],
    read_body=json.loads,
    fetched=[
        Fetched(
            {"picture": "9/../8"},
            [ProviderAnswer(200, {}, b"\xff\xd8\xff")],
            ["https://api.pigeon.example/pictures/9%2F..%2F8"],
        )
    ],
)
