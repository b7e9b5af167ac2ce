"""
Post callbacks to a channel, signed by the Standard Webhooks specification.

``webhook-id``, an idempotency key, is the same on every retry, ``webhook-timestamp`` is the time of
the try, ``webhook-signature`` is ``v1,`` and the Base64 HMAC-SHA256 of
``{id}.{timestamp}.{body}``
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from functools import lru_cache

from ..domain.accounts import ChannelSettings
from ..domain.clock import Clock
from ..domain.errors import ChannelRefused, ChannelUnavailable, MisconfiguredAccount
from ..support.dialer import ForbiddenAddress, NoAnswer
from ..support.http_client import Answer, HttpClient
from ..support.web_address import BadAddress, WebAddress
from .ssrf import PUBLIC, basic_auth, checked, ssrf_safe_client

# The contract allows a channel ten seconds; connecting comes on top.
_SECONDS = 13.0


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of one try."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}"


class Callbacks:
    """
    Posts callbacks to channels. Share one instance per container: it keeps connections.

    ``seconds`` limits a whole call.
    """

    def __init__(
        self,
        client: HttpClient | None = None,
        *,
        network: str = PUBLIC,
        clock: Clock = time.time,
        seconds: float = _SECONDS,
    ) -> None:
        self._client = client or ssrf_safe_client(network, clock=clock)
        self._network = network
        self._clock = clock
        self._seconds = seconds

    def post(
        self, settings: ChannelSettings, message_id: str, callback: Mapping[str, object]
    ) -> int:
        """
        Post ``callback`` and return the 2xx status of the answer, whose body is not read.

        Raises :class:`ChannelRefused` for a permanent refusal, :class:`ChannelUnavailable` for a
        temporary one and for no answer, and :class:`MisconfiguredAccount` for an address that must
        not be called.
        """
        body = json.dumps(callback).encode()
        try:
            address, credentials = _target(settings.callback_url, self._network)
            answer = self._client.call(
                "POST",
                address,
                seconds=self._seconds,
                headers={**self._headers(settings.signing_key, message_id, body), **credentials},
                body=body,
            )
        except BadAddress as bad:
            raise MisconfiguredAccount(f"callback_url cannot be called: {bad}") from None
        except ForbiddenAddress:
            raise MisconfiguredAccount(
                "callback_url does not lead to a public address on the internet"
            ) from None
        except NoAnswer as failure:
            raise ChannelUnavailable(
                f"the channel did not answer: {failure}", maybe_done=not failure.surely_not_sent
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


@lru_cache(maxsize=256)
def _target(url: str, network: str) -> tuple[WebAddress, Mapping[str, str]]:
    """Parse a callback URL once for all calls; return its address, and its user's header."""
    address = checked(url, network=network)
    return address, basic_auth(address)


def _judge(answer: Answer) -> int:
    status = answer.status
    if 200 <= status < 300:
        return status
    if 400 <= status < 500 and not answer.asks_for_patience:
        raise ChannelRefused(f"the channel answered {status}", http_status=status)
    raise ChannelUnavailable(
        f"the channel answered {status}", retry_after=answer.retry_after, http_status=status
    )
