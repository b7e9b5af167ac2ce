"""Ready channels for tests: one of a provider that there is not, and its webhooks."""

from __future__ import annotations

import hmac
import json
from typing import Any

from liveperson_connector.channel.adapters.interface import Adapter, WebhookRequest
from liveperson_connector.channel.ready_channels import ReadyChannel

from .accounts import ACCOUNT
from .sixth_channel import ADAPTER

NAME = "loft"
TOKEN = "pigeon-token-of-the-tests"
WEBHOOK_SECRET = "pigeon-secret-of-the-tests"
SETTINGS = {"kind": "pigeon", "token": TOKEN, "webhook_secret": WEBHOOK_SECRET}
ADDRESS = f"https://connector.example/v1/accounts/{ACCOUNT}/channels/{NAME}"


def adapters(kind: str) -> Adapter:
    """Find the one adapter of the tests."""
    return {"pigeon": ADAPTER}[kind]


def ready_channel(adapter: Adapter = ADAPTER, /, **spoilt: object) -> ReadyChannel:
    """Parse a good ready channel with one part spoilt."""
    given = {name: value for name, value in {**SETTINGS, **spoilt}.items() if value is not None}
    return ReadyChannel.parse(
        json.dumps(given),
        account_id=ACCOUNT,
        name=NAME,
        parameter="/connector/channels/loft",
        adapters=lambda kind: {"pigeon": adapter}[kind],
    )


def webhook(*messages: dict[str, Any], secret: str = WEBHOOK_SECRET) -> WebhookRequest:
    """Make a webhook of the provider, signed."""
    body = json.dumps({"messages": messages}).encode()
    return signed(body, secret=secret)


def signed(body: bytes, *, secret: str = WEBHOOK_SECRET) -> WebhookRequest:
    """Sign any body as the provider does."""
    signature = hmac.digest(secret.encode(), body, "sha256").hex()
    return WebhookRequest("POST", ADDRESS, {}, {"x-pigeon-signature": signature}, body)


def said(text: str, message_id: str = "p-1", person: str = "ann") -> dict[str, Any]:
    """Make a message of a person."""
    return {"id": message_id, "from": person, "name": "Ann", "type": "text", "text": text}
