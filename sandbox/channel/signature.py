"""
Standard Webhooks signatures, checked as the specification says.

Independent of the connector's signing code, so that a mistake there is noticed here.
See https://www.standardwebhooks.com
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"
KEY_BYTES = range(24, 64 + 1)
TOLERANCE_SECONDS = 300


class NotTrusted(Exception):
    """The callback has no valid signature of the connector; the message says why."""


def is_signing_secret(text: str) -> bool:
    """Whether a text is a Standard Webhooks secret."""
    try:
        return text.startswith(PREFIX) and len(_key(text)) in KEY_BYTES
    except ValueError:
        return False


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of one callback."""
    signed = b".".join([webhook_id.encode(), str(timestamp).encode(), body])
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Raise `NotTrusted` with the reason unless the callback is authentic."""
    webhook_id, sent, signatures = (
        _header(headers, name) for name in ("id", "timestamp", "signature")
    )
    timestamp = _timestamp(sent)
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise NotTrusted(f"the timestamp is {now - timestamp:.0f} s off")
    expected = sign(secret, webhook_id, timestamp, body)
    if not any(
        hmac.compare_digest(expected.encode(), given.encode()) for given in signatures.split(" ")
    ):
        raise NotTrusted("the signature does not match the body")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError(f"a signing secret is {PREFIX} and base64") from error


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(f"webhook-{name}")
    if not value:
        raise NotTrusted(f"the header webhook-{name} is missing")
    return value


def _timestamp(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise NotTrusted("the timestamp is not a number of seconds")
    return int(text)
