"""Webhooks as LivePerson sends them: one good thing, of which a test spoils one part."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from liveperson_connector.liveperson import signatures
from liveperson_connector.liveperson.notifications import CONVERSATION_CHANGE, MESSAGING_EVENT

from .accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET

CONVERSATION = "f2384f56-57d5-4087-bd47-8df0ec3102f6"
AGENT = "e9b2867c-f984-5727-b034-fc9c6800bd9c"
LATER = 4_000_000_000_000
CONSUMER = "2969e404f3be1c8cdda63f0b72d205ab5afb3fe3e3d7d72ab58245f564fdfd91"


@dataclass(frozen=True)
class Webhook:
    """A webhook on its way: the bytes and their headers."""

    body: bytes
    headers: Mapping[str, str] = field(repr=False)

    def with_header(self, name: str, value: str) -> Webhook:
        """Replace a header."""
        return replace(self, headers={**self.headers, name: value})

    def without(self, name: str) -> Webhook:
        """Leave a header out."""
        return replace(self, headers={k: v for k, v in self.headers.items() if k != name})

    def with_body(self, body: bytes) -> Webhook:
        """Replace the body and keep the signature of the old one."""
        return replace(self, body=body)

    def event(self) -> dict[str, Any]:
        """Give it as API Gateway hands it to a function."""
        return {
            "headers": dict(self.headers),
            "pathParameters": None,
            "body": self.body.decode(),
            "isBase64Encoded": False,
        }

    def event_base64(self) -> dict[str, Any]:
        """Give it as API Gateway hands over what is no text."""
        text = base64.b64encode(self.body).decode()
        return {"headers": dict(self.headers), "body": text, "isBase64Encoded": True}


def signed_webhook(
    body: bytes | None = None,
    *,
    secret: str = CLIENT_SECRET,
    account_id: str = ACCOUNT,
    algorithm: str = "sha1",
    encoding: str = "base64",
) -> Webhook:
    """Sign a body, by default that of one agent's message, which no clock takes for a replay."""
    chosen = notification(message_change(serverTimestamp=LATER)) if body is None else body
    return Webhook(
        chosen,
        {
            "content-type": "application/json",
            signatures.ACCOUNT_HEADER: account_id,
            signatures.CLIENT_HEADER: CLIENT_ID,
            signatures.SIGNATURE_HEADER: signatures.sign(
                secret, chosen, algorithm=algorithm, encoding=encoding
            ),
        },
    )


def notification(*changes: Mapping[str, Any], kind: str = MESSAGING_EVENT) -> bytes:
    """Write the body of a webhook, not escaped, as LivePerson does."""
    body = {"kind": "notification", "body": {"changes": list(changes)}, "type": kind}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def conversation_notification(*changes: Mapping[str, Any]) -> bytes:
    """Write the body of a webhook about conversations."""
    return notification(*changes, kind=CONVERSATION_CHANGE)


def message_change(
    text: str = "Hello",
    *,
    sequence: int = 1,
    role: str = "ASSIGNED_AGENT",
    sender: str = AGENT,
    conversation_id: str = CONVERSATION,
    **spoilt: Any,
) -> dict[str, Any]:
    """Give a change that tells of a message; ``spoilt`` replaces fields."""
    change = {
        "sequence": sequence,
        "originatorId": sender,
        "originatorMetadata": {"id": sender, "role": role},
        "serverTimestamp": 1_700_000_000_000,
        "event": {"type": "ContentEvent", "message": text, "contentType": "text/plain"},
        "conversationId": conversation_id,
        "dialogId": conversation_id,
        "messageAudience": "ALL",
    }
    return {**change, **spoilt}


def conversation_change(
    *,
    conversation_id: str = CONVERSATION,
    consumer: str = CONSUMER,
    updated_at: int = 1_700_000_000_000,
    **details: Any,
) -> dict[str, Any]:
    """Give a change that tells the state of an open conversation; ``details`` replaces fields."""
    known = {
        "participants": [{"id": consumer, "role": "CONSUMER"}],
        "state": "OPEN",
        "stage": "OPEN",
        "metaDataLastUpdateTs": updated_at,
    }
    return {
        "type": "UPSERT",
        "result": {"convId": conversation_id, "conversationDetails": {**known, **details}},
    }


def without(change: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Leave fields out of a change."""
    return {name: value for name, value in change.items() if name not in names}
