"""
Read the claims of LivePerson's tokens.

The header and signature prove who issued a token, which LivePerson itself checks. They are ignored
here: an unusual header must not stop all traffic while the claims are readable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jwt

# Three parts of URL-safe Base64, so that the token is also safe in a header.
_JWT = re.compile(r"[A-Za-z0-9_=-]+\.([A-Za-z0-9_=-]+)\.[A-Za-z0-9_=-]*")

# {"alg":"none"}: PyJWT needs a header that it understands, even if it verifies no signature.
_NO_SIGNATURE = "eyJhbGciOiJub25lIn0"


def claims_of(token: str, *, required: Sequence[str] = ()) -> dict[str, Any]:
    """
    Return the claims of a JWT, or raise :class:`ValueError` with a message that quotes none of it.

    The ``required`` claims are present; the caller checks their values.
    """
    found = _JWT.fullmatch(token)
    if found is None:
        raise ValueError("it is not a JWT")
    try:
        return jwt.decode(
            f"{_NO_SIGNATURE}.{found[1]}.",
            options={"verify_signature": False, "require": list(required)},
        )
    except jwt.MissingRequiredClaimError as missing:
        raise ValueError(f"it has no claim {missing.claim}") from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise ValueError("its claims cannot be read") from None


def texts(claim: object) -> list[str]:
    """Return a claim's values as texts: one value, or a list of them, as RFC 7519 has ``aud``."""
    values = claim if isinstance(claim, list) else [claim]
    return [str(each) for each in values if isinstance(each, str | int)]
