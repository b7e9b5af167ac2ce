"""HTTP sessions for the calls we make: kept alive, never repeating a request by themselves."""

from __future__ import annotations

import time
from collections.abc import Mapping

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

BODY_SECONDS = 12.0
"""How long the body of a file may take, however steadily it comes."""


def new_session() -> requests.Session:
    """Make a session that keeps connections, never retries, and reads nothing from the machine."""
    session = requests.Session()
    session.trust_env = False  # a .netrc on the machine must not replace our Authorization header
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(pool_connections=8, pool_maxsize=2, max_retries=0))
    return session


def never_left(failure: requests.RequestException) -> bool:
    """Whether the request surely was not sent: the connection was never made."""
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return True
    cause = failure.args[0] if failure.args else None
    return type(getattr(cause, "reason", None)).__name__ in {
        "NewConnectionError",
        "NameResolutionError",
        "ConnectTimeoutError",
    }


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read a ``Retry-After`` header given in seconds."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def read_up_to(answer: requests.Response, most: int, *, seconds: float = BODY_SECONDS) -> bytes:
    """
    Read a streamed body, and stop soon after ``most`` bytes: what is longer shows as longer.

    Raises :class:`requests.Timeout` for a body that drips for more than ``seconds``, so that the
    caller is not cut off by its own time-out.
    """
    content = bytearray()
    deadline = time.monotonic() + seconds
    while chunk := _some(answer):
        content += chunk
        if len(content) > most:
            break
        if time.monotonic() > deadline:
            raise requests.Timeout("the body took too long")
    return bytes(content)


def _some(answer: requests.Response) -> bytes:
    """Read what has arrived, without waiting for more."""
    try:
        chunk: bytes = answer.raw.read1(64 * 1024, decode_content=True)
    except HTTPError as failure:
        raise requests.ConnectionError(failure) from None
    return chunk
