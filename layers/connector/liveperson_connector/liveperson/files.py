"""
Upload consumers' files to LivePerson's storage, and download agents' files from it.

A signed address is requested right before its use, since it is valid for one minute
(https://developers.liveperson.com/connector-api-send-api-examples.html). The storage takes no
tokens: whoever has the address may use it. It answers 401 to an expired one; then one more is
requested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from ..domain.errors import LivePersonRefused, LivePersonUnavailable
from . import payloads
from .domains import SWIFT, Domains
from .http import LivePersonHttp
from .payloads import Request
from .send_api import OnBehalf, SendApi

Outcome = TypeVar("Outcome")

MAX_BYTES = 3 * 1024 * 1024
"""The largest file LivePerson takes from a consumer."""

# Agents may send larger files than consumers; even larger ones are not copied.
MAX_AGENT_BYTES = 20 * 1024 * 1024

# The storage's answers to an invalid or expired address.
_RAN_OUT = frozenset({401, 403})

# Characters that a path may contain (https://www.rfc-editor.org/rfc/rfc3986#section-3.3), and the
# percent signs of existing escapes.
_PATH = "/%!$&'()*+,;=:@~"


class LivePersonFiles:
    """Uploads consumers' files and fetches agents'."""

    def __init__(self, http: LivePersonHttp, domains: Domains, send_api: SendApi) -> None:
        self._http = http
        self._domains = domains
        self._send_api = send_api

    def upload(self, who: OnBehalf, content: bytes, file_type: str) -> str:
        """Upload a file and return the path under which it can be shown in a conversation."""

        def put(place: Mapping[str, Any]) -> str:
            target = _target(place)
            with self._domains.reach(who.account_id, SWIFT) as base:
                self._http.put_bytes(f"{base}{target}", content)
            return str(place["relativePath"])

        return self._at_a_fresh_address(who, payloads.upload_url(len(content), file_type), put)

    def download(self, who: OnBehalf, relative_path: str) -> bytes:
        """Fetch a file that was shown in one of this consumer's conversations."""

        def get(place: Mapping[str, Any]) -> bytes:
            target = _target(place)
            with self._domains.reach(who.account_id, SWIFT) as base:
                return self._http.get_bytes(f"{base}{target}", MAX_AGENT_BYTES)

        return self._at_a_fresh_address(who, payloads.download_url(relative_path), get)

    def _at_a_fresh_address(
        self, who: OnBehalf, ask: Request, use: Callable[[Mapping[str, Any]], Outcome]
    ) -> Outcome:
        """Ask for an address and use it; if it has run out meanwhile, ask once for another."""
        place = self._send_api.send(who, ask)
        try:
            return use(place)
        except LivePersonRefused as refused:
            if refused.http_status not in _RAN_OUT:
                raise
        return use(self._send_api.send(who, ask))


def _target(place: Mapping[str, Any]) -> str:
    """Return path and query of a file at LivePerson's storage."""
    path, query = place.get("relativePath"), place.get("queryParams")
    if not (isinstance(path, str) and path.startswith("/") and isinstance(query, dict)):
        raise LivePersonUnavailable("LivePerson names no address for the file")
    return f"{quote(path, safe=_PATH)}?{urlencode(query)}"
