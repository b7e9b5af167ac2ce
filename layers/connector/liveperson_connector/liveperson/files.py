"""
Files at LivePerson's storage: uploaded before they are shown, fetched after they were.

A signed address is asked for right before its use, since it lives one minute
(https://developers.liveperson.com/connector-api-send-api-examples.html). The storage takes no
tokens; the address is the right to use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..errors import LivePersonUnavailable
from . import payloads
from .domains import SWIFT, Domains
from .http import LivePersonHttp
from .send_api import OnBehalf, SendApi

MAX_BYTES = 3 * 1024 * 1024
"""The largest file LivePerson takes from a consumer."""

# What agents may send is larger on some channels; beyond this we leave it to the agent's console.
MAX_AGENT_BYTES = 20 * 1024 * 1024


class FileStorage:
    """Uploads consumers' files and fetches agents'."""

    def __init__(self, http: LivePersonHttp, domains: Domains, send_api: SendApi) -> None:
        self._http = http
        self._domains = domains
        self._send_api = send_api

    def upload(self, who: OnBehalf, content: bytes, file_type: str) -> str:
        """Upload a file and return the path under which it can be shown in a conversation."""
        place = self._send_api.send(who, payloads.upload_url(len(content), file_type))
        self._http.put_bytes(self._address(who.account_id, place), content)
        return str(place["relativePath"])

    def download(self, who: OnBehalf, relative_path: str) -> bytes:
        """Fetch a file that somebody has shown in one of this consumer's conversations."""
        place = self._send_api.send(who, payloads.download_url(relative_path))
        return self._http.get_bytes(self._address(who.account_id, place), MAX_AGENT_BYTES)

    def _address(self, account_id: str, place: Mapping[str, Any]) -> str:
        path, query = place.get("relativePath"), place.get("queryParams")
        if not (isinstance(path, str) and path.startswith("/") and isinstance(query, dict)):
            raise LivePersonUnavailable("LivePerson names no address for the file")
        return f"{self._domains.base(account_id, SWIFT)}{path}?{urlencode(query)}"
