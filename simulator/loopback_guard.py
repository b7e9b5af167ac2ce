"""
Keep web pages away from servers on loopback.

Binding to 127.0.0.1 keeps the network out, not the browser: every page that is open on this
machine can send requests to its loopback ports (CSRF), and with a host name that is made to
resolve to 127.0.0.1 it can read the answers, too (DNS rebinding). Each server therefore checks,
before it reads a body:

- `Host` is its own address: after DNS rebinding it is the page's host name.
- `Origin`, which browsers add to cross-origin requests and to every POST, is its own address.
- `Sec-Fetch-Site`, which browsers add to every request to loopback and which no page can change
  (https://www.w3.org/TR/fetch-metadata/), does not name another site.

Programs (boto3, sam, curl, the functions) send neither of the last two.

Used by `http_server`, and in front of the AWS emulator, whose environment has no other packages:
this module needs the standard library alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

LOCAL_NAMES = ("127.0.0.1", "localhost")
DEFAULT_PORTS = {"http": "80", "https": "443"}
STATUS = 403


@dataclass(frozen=True)
class LoopbackGuard:
    """Which requests a server on loopback answers."""

    allow_own_pages: bool = True
    """Whether pages that the server itself serves may call it; False refuses every browser."""
    allow_subdomains: bool = False
    """Whether names below `localhost` are the server's own: S3 clients put the bucket there."""

    def refusal(self, headers: Mapping[str, str], port: int, scheme: str = "http") -> str | None:
        """
        Return why a request is refused, or None if it is answered.

        `headers` have lower-case names; `port` and `scheme` are those of the server.
        """
        host = headers.get("host", "").lower()
        if not self._is_own_address(host, port, scheme):
            return "Host is not the address of this server"
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if not self.allow_own_pages and not (origin is None and site is None):
            return "web browsers are not answered"
        if origin not in (None, f"{scheme}://{host}"):
            return "Origin is another site"
        if site not in (None, "none", "same-origin"):
            return "Sec-Fetch-Site is another site"
        return None

    def _is_own_address(self, host: str, port: int, scheme: str) -> bool:
        name, _, given_port = host.partition(":")
        if (given_port or DEFAULT_PORTS[scheme]) != str(port):
            return False
        return name in LOCAL_NAMES or (self.allow_subdomains and name.endswith(".localhost"))


def refusal_body(reason: str) -> bytes:
    """Return the JSON body of a refusal."""
    return json.dumps({"error": reason}).encode()
