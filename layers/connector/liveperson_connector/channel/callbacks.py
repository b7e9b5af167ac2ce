"""
What a channel is told: callbacks, signed as the Standard Webhooks specification says.

``webhook-id`` is the same on every retry, ``webhook-timestamp`` is the time of the try,
``webhook-signature`` is ``v1,`` and the Base64 HMAC-SHA256 of ``{id}.{timestamp}.{body}``
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
import json
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests

from ..accounts import ChannelSettings
from ..cache import Clock
from ..errors import ChannelRefused, ChannelUnavailable, MisconfiguredAccount
from ..sessions import retry_after

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
        session: requests.Session,
        *,
        network: str = "public",
        clock: Clock = time.time,
        read_seconds: float = READ_SECONDS,
    ) -> None:
        self._session = session
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
        check_address(settings.callback_url, network=self._network)
        body = json.dumps(callback).encode()
        try:
            answer = self._session.post(
                settings.callback_url,
                data=body,
                headers=self._headers(settings.signing_key, message_id, body),
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,  # the operator's address was checked; another was not
            )
        except requests.RequestException as failure:
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


def check_address(url: str, *, network: str, what: str = "callback_url") -> None:
    """
    Refuse an address that could reach inside the network, or sends words in the clear.

    On the ``public`` network only https to public addresses is allowed, and every address the
    host name resolves to counts; ``loopback`` allows this machine too, for a sandbox.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        raise MisconfiguredAccount(f"{what} is not an address") from None
    host = parts.hostname or ""
    addresses = _addresses(host, port)
    if network == "loopback" and addresses and all(each.is_loopback for each in addresses):
        return
    if parts.scheme != "https":
        raise MisconfiguredAccount(f"{what} must be an https address, not {parts.scheme}:")
    if not addresses:
        raise ChannelUnavailable(f"the host of {what}, {host}, has no address")
    if not all(each.is_global and not each.is_multicast for each in addresses):
        raise MisconfiguredAccount(
            f"{what} points to {host}, which is not a public address on the internet"
        )


def _addresses(host: str, port: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


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
