"""
Standard Webhooks signatures by the reference library, so a mistake of the connector's is noticed.

See https://www.standardwebhooks.com
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

PREFIX = "whsec_"
KEY_BYTES = range(24, 64 + 1)


class NotTrusted(Exception):
    """The callback has no valid signature of the connector; the message says why."""


def is_signing_secret(text: str) -> bool:
    """Whether a text is a Standard Webhooks secret."""
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return False
    return text.startswith(PREFIX) and len(key) in KEY_BYTES


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of one callback."""
    return Webhook(secret).sign(webhook_id, datetime.fromtimestamp(timestamp, UTC), body.decode())


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Raise `NotTrusted` with the reason unless the callback is authentic and of this moment."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as problem:
        raise NotTrusted(str(problem)) from problem
