"""
The name by which LivePerson, the table and the logs know a consumer.

A channel's own id is often a telephone number or an e-mail address; LivePerson's security notes
(Monitoring API, "identities") ask for ids that cannot be guessed. So the id is replaced by a
keyed hash: the same consumer always gets the same one, and without the salt nobody gets back.
"""

from __future__ import annotations

import hashlib
import hmac


def consumer_key(salt: str, account_id: str, consumer_id: str) -> str:
    """Return the 64 hexadecimal digits that stand for ``consumer_id`` of ``account_id``."""
    # The length keeps ("1", "2x") and ("12", "x") apart.
    message = f"{len(account_id)}:{account_id}:{consumer_id}".encode()
    return hmac.new(salt.encode(), message, hashlib.sha256).hexdigest()


def short(key: str) -> str:
    """Return the beginning of a key: enough to follow one consumer through the logs."""
    return key[:12]
