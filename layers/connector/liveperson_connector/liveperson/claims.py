"""
What a token of LivePerson's says.

Its header and signature are about who issued it, which is LivePerson's to check. So they are not
looked at: an odd one must not stop all traffic while the claims are clear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import jwt

# Three parts of Base64 for addresses, so that it can stand in a header as it is.
_JWT = re.compile(r"[A-Za-z0-9_=-]+\.([A-Za-z0-9_=-]+)\.[A-Za-z0-9_=-]*")

# {"alg":"none"}: PyJWT wants a header that it understands, even where no signature is checked.
_NO_SIGNATURE = "eyJhbGciOiJub25lIn0"


def claims_of(token: str, *, required: Sequence[str] = ()) -> dict[str, Any]:
    """
    Return the claims of a JWT, or raise :class:`ValueError` with words that quote nothing of it.

    The claims that are ``required`` are there; what they say is the caller's to check.
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
