"""
Verify the signature of a webhook, over the bytes that arrived.

``x-liveperson-signature`` is ``sha1=`` or ``sha256=`` and the HMAC of the raw body under the app's
client secret, in Base64 or hexadecimal as the account is set up
(https://developers.liveperson.com/connector-api-webhooks-notification-protocol.html). The body is
never decoded before it is verified: a JSON parser and writer change the bytes of any text outside
ASCII, so that genuine webhooks would fail.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from ..domain.accounts import Credentials
from ..domain.errors import UntrustedWebhook

ACCOUNT_HEADER = "x-liveperson-account-id"
CLIENT_HEADER = "x-liveperson-client-id"
SIGNATURE_HEADER = "x-liveperson-signature"

_DIGEST_BYTES = {"sha1": 20, "sha256": 32}


def sign(secret: str, body: bytes, *, algorithm: str = "sha1", encoding: str = "base64") -> str:
    """Sign ``body`` as LivePerson does; the tests use this."""
    digest = hmac.digest(secret.encode(), body, algorithm)
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    return f"{algorithm}={text}"


def verify(body: bytes, headers: Mapping[str, str], credentials: Credentials) -> str:
    """
    Verify that ``body`` was signed with a secret of ``credentials``, for their client id.

    ``headers`` have lower-case names. Returns which secret matched, ``current`` or ``previous``;
    raises :class:`UntrustedWebhook` otherwise, without saying which part came close.
    """
    if not _same(headers.get(CLIENT_HEADER, ""), credentials.client_id):
        raise UntrustedWebhook("the client id is not the account's")
    algorithm, digest = parse(headers.get(SIGNATURE_HEADER, ""))
    if credentials.signature_algorithm not in {None, algorithm}:
        raise UntrustedWebhook("the signature is of a kind that the account does not use")
    for name, secret in _secrets(credentials):
        if hmac.compare_digest(hmac.digest(secret.encode(), body, algorithm), digest):
            return name
    raise UntrustedWebhook("the signature does not match the body")


def parse(header: str) -> tuple[str, bytes]:
    """Read algorithm and digest from a signature header, or raise :class:`UntrustedWebhook`."""
    algorithm, _, text = header.strip().partition("=")
    length = _DIGEST_BYTES.get(algorithm)
    if length is None:
        raise UntrustedWebhook("the signature is missing or of an unknown kind")
    digest = _hexadecimal(text) if len(text) == 2 * length else _base64(text)
    if len(digest) != length:
        raise UntrustedWebhook("the signature is malformed")
    return algorithm, digest


def _secrets(credentials: Credentials) -> list[tuple[str, str]]:
    previous = credentials.previous_client_secret
    current = [("current", credentials.client_secret)]
    return current + ([("previous", previous)] if previous else [])


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _same(one: str, other: str) -> bool:
    # A header may contain a lone surrogate, which UTF-8 cannot express; compare it all the same.
    return hmac.compare_digest(
        one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    )
