"""
A consumer's file as the channel gives it: inline, or at an address to fetch it from.

What a file is shows in its first bytes, not in its name; LivePerson takes four kinds of picture
of at most 3 MB (https://developers.liveperson.com/connector-api-send-api-examples.html).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import requests

from ..errors import ChannelUnavailable, FileRefused, MisconfiguredAccount
from ..sessions import read_up_to, retry_after
from .guard import NO_ANSWER, PUBLIC, Forbidden, check_scheme, guarded_session

CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0

_JPEG = (b"\xff\xd8\xff",)
_BEGINNINGS = {
    "JPG": _JPEG,
    "JPEG": _JPEG,
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
}


class ChannelFiles:
    """Gets the bytes of consumers' files."""

    def __init__(self, *, network: str = PUBLIC, most: int) -> None:
        self._session = guarded_session(network)
        self._network = network
        self._most = most

    def content(self, event: Mapping[str, Any]) -> bytes:
        """
        Return the bytes of a file event, which are what its ``file_type`` says.

        Raises :class:`FileRefused` for what LivePerson would not take, and
        :class:`ChannelUnavailable` while the address does not answer.
        """
        content = self._fetch(event["url"]) if "url" in event else _inline(event)
        if len(content) > self._most:
            raise FileRefused(f"the file has more than {self._most} bytes")
        if not content.startswith(_BEGINNINGS[event["file_type"]]):
            raise FileRefused(f"the file's content is not a {event['file_type']}")
        return content

    def _fetch(self, url: str) -> bytes:
        try:
            check_scheme(url, network=self._network, what="the file's url")
        except MisconfiguredAccount as refused:  # here it is the event that is wrong
            raise FileRefused(str(refused)) from None
        try:
            with self._session.get(
                url,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,  # the address was checked; another was not
                stream=True,
            ) as answer:
                return self._read(answer)
        except Forbidden:
            raise FileRefused(
                "the file's url does not lead to a public address on the internet"
            ) from None
        except NO_ANSWER as failure:
            raise ChannelUnavailable(
                f"the file's url did not answer ({type(failure).__name__})"
            ) from None

    def _read(self, answer: requests.Response) -> bytes:
        status = answer.status_code
        if status == 200:
            return read_up_to(answer, self._most)
        if 300 <= status < 500 and status not in {408, 425, 429}:
            raise FileRefused(f"the file's url answered {status}", http_status=status)
        raise ChannelUnavailable(
            f"the file's url answered {status}",
            retry_after=retry_after(answer.headers),
            http_status=status,
        )


def _inline(event: Mapping[str, Any]) -> bytes:
    try:
        return base64.b64decode(event["content_base64"], validate=True)
    except (binascii.Error, ValueError):
        raise FileRefused("content_base64 is not Base64") from None
