"""
Get the bytes of a consumer's file: decode it from the event, or fetch it from its URL.

The first bytes of a file tell its type, not its name. LivePerson accepts four types of picture, of
at most 3 MB (https://developers.liveperson.com/connector-api-send-api-examples.html).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from ..domain.errors import ChannelUnavailable, FileRefused
from ..support.dialer import ForbiddenAddress, NoAnswer, NoSuchHost
from ..support.http_client import Answer, HttpClient
from ..support.web_address import BadAddress
from .ssrf import PUBLIC, basic_auth, checked, ssrf_safe_client

# Time limit for the whole request: DNS, connection, headers and the file.
_SECONDS = 11.0

# 203 is the answer of a proxy that changed the file, for example by compressing it again.
_GIVEN = frozenset({200, 203})

_JPEG = (b"\xff\xd8\xff",)
_BEGINNINGS = {
    "JPG": _JPEG,
    "JPEG": _JPEG,
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
}


def picture_type(content: bytes) -> str | None:
    """Return the type of picture that a file's first bytes show; ``None`` for any other."""
    found = (kind for kind, beginnings in _BEGINNINGS.items() if content.startswith(beginnings))
    return next(found, None)


class ConsumerFileFetcher:
    """Gets the bytes of consumers' files; ``seconds`` limits how long fetching one may take."""

    def __init__(
        self,
        client: HttpClient | None = None,
        *,
        network: str = PUBLIC,
        most: int,
        seconds: float = _SECONDS,
    ) -> None:
        self._client = client or ssrf_safe_client(network)
        self._network = network
        self._most = most
        self._seconds = seconds

    def content(self, event: Mapping[str, Any]) -> bytes:
        """
        Return the bytes of a file event; they are of its ``file_type``.

        Raises :class:`FileRefused` for a file that LivePerson would not accept and for a URL that
        can never be fetched, and :class:`ChannelUnavailable` while it does not answer.
        """
        content = self._fetch(event["url"]) if "url" in event else _inline(event)
        if len(content) > self._most:
            raise FileRefused(f"the file has more than {self._most} bytes")
        if not content.startswith(_BEGINNINGS[event["file_type"]]):
            raise FileRefused(f"the file's content is not a {event['file_type']}")
        return content

    def _fetch(self, url: str) -> bytes:
        try:
            address = checked(url, network=self._network)
            answer = self._client.call(
                "GET",
                address,
                seconds=self._seconds,
                most=self._most,
                headers=basic_auth(address),
            )
        except BadAddress as bad:
            raise FileRefused(f"the file's url cannot be called: {bad}") from None
        except ForbiddenAddress:
            raise FileRefused(
                "the file's url does not lead to a public address on the internet"
            ) from None
        except NoSuchHost:
            raise FileRefused("the file's url names a host that does not exist") from None
        except NoAnswer as failure:
            raise ChannelUnavailable(f"the file's url did not answer: {failure}") from None
        return _given(answer)


def _given(answer: Answer) -> bytes:
    status = answer.status
    if status >= 500 or answer.asks_for_patience:
        raise ChannelUnavailable(
            f"the file's url answered {status}",
            retry_after=answer.retry_after,
            http_status=status,
        )
    if status not in _GIVEN:
        raise FileRefused(f"the file's url answered {status}", http_status=status)
    if answer.broke_off:
        raise ChannelUnavailable("the file broke off while it was fetched", http_status=status)
    return answer.body


def _inline(event: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(event["content_base64"], validate=True)
    except (binascii.Error, ValueError):
        raise FileRefused("content_base64 is not Base64") from None
