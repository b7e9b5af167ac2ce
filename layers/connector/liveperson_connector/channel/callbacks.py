"""
What a channel is told: callbacks, signed as the Standard Webhooks specification says.

``webhook-id`` is the same on every retry, ``webhook-timestamp`` is the time of the try,
``webhook-signature`` is ``v1,`` and the Base64 HMAC-SHA256 of ``{id}.{timestamp}.{body}``
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping

import requests

from ..accounts import ChannelSettings
from ..cache import Clock
from ..errors import ChannelRefused, ChannelUnavailable, MisconfiguredAccount
from ..sessions import retry_after
from .guard import NO_ANSWER, PUBLIC, Forbidden, check_scheme, guarded_session

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0

# 4xx answers that are a matter of time: time-out, too early, too many requests.
_PATIENCE_ASKED = frozenset({408, 425, 429})


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of one try."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


class Callbacks:
    """Posts callbacks to channels; one instance, and so one connection a channel, per container."""

    def __init__(
        self,
        *,
        network: str = PUBLIC,
        clock: Clock = time.time,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._session = guarded_session(network)
        self._network = network
        self._clock = clock
        self._read_seconds = read_seconds

    def post(
        self, settings: ChannelSettings, message_id: str, callback: Mapping[str, object]
    ) -> int:
        """
        Post ``callback`` and return the 2xx status of the answer.

        Raises :class:`ChannelRefused` for an answer that says never, :class:`ChannelUnavailable`
        for one that says not now and for none at all, and :class:`MisconfiguredAccount` for an
        address that must not be called.
        """
        check_scheme(settings.callback_url, network=self._network, what="callback_url")
        body = json.dumps(callback).encode()
        try:
            answer = self._session.post(
                settings.callback_url,
                data=body,
                headers=self._headers(settings.signing_key, message_id, body),
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,  # the operator's address was checked; another was not
            )
        except Forbidden:
            raise MisconfiguredAccount(
                "callback_url does not lead to a public address on the internet"
            ) from None
        except NO_ANSWER as failure:
            raise ChannelUnavailable(
                f"the channel did not answer ({type(failure).__name__})", maybe_done=True
            ) from None
        return _judge(answer)

    def _headers(self, key: bytes, message_id: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._clock())
        return {
            "Content-Type": "application/json",
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(key, message_id, timestamp, body),
        }


def _judge(answer: requests.Response) -> int:
    status = answer.status_code
    if 200 <= status < 300:
        return status
    if 400 <= status < 500 and status not in _PATIENCE_ASKED:
        raise ChannelRefused(f"the channel answered {status}", http_status=status)
    raise ChannelUnavailable(
        f"the channel answered {status}",
        retry_after=retry_after(answer.headers),
        http_status=status,
    )
