"""
The signature of a webhook (notification protocol page).

`sha1=` or `sha256=`, then the HMAC of the body's bytes under the client secret, in Base64
(default) or hexadecimal.
"""

from __future__ import annotations

import base64
import hmac


def sign(body: bytes, secret: str, algorithm: str = "sha1", encoding: str = "base64") -> str:
    """Return the value of `x-liveperson-signature` for these bytes."""
    digest = hmac.new(secret.encode(), body, algorithm).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    return f"{algorithm}={text}"
