"""
The name by which LivePerson, the table and the logs know a consumer.

A channel's own id is PII, often a telephone number or an e-mail address; LivePerson's security
notes (Monitoring API, "identities") ask for ids that cannot be guessed. So the id is replaced by a
keyed hash: the same consumer always gets the same one, and it cannot be reversed without the salt.
"""

from __future__ import annotations

import hashlib
import hmac

LOGGED_DIGITS = 12
"""How much of a key logs show: enough to follow one consumer through them."""


def consumer_key(salt: str, account_id: str, consumer_id: str, channel: str = "") -> str:
    """
    Return the 64 hexadecimal digits that stand for ``consumer_id`` of ``account_id``.

    ``channel`` names the ready channel of the consumer; it is empty for the ``webhook`` one.
    """
    # The length keeps ("1", "2x") and ("12", "x") apart. What begins with a letter is no length, so
    # no consumer of a webhook channel, whatever its id, has the key of one of a ready channel.
    message = f"{len(account_id)}:{account_id}:{consumer_id}"
    if channel:
        message = f"channel:{len(channel)}:{channel}:{message}"
    return hmac.new(salt.encode(), message.encode(), hashlib.sha256).hexdigest()


def short(key: str) -> str:
    """Return the beginning of a key, as logs show it."""
    return key[:LOGGED_DIGITS]
