"""
Where each of LivePerson's services lives, asked of the Domain API.

LivePerson asks that addresses are looked up at run time and never written down
(https://developers.liveperson.com/domain-api.html). It names no life time; an hour is ours.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from ..cache import Cache, Clock
from ..errors import LivePersonRefused, LivePersonUnavailable, UntrustedHost
from .http import LivePersonHttp

SENTINEL = "sentinel"
IDP = "idp"
ASYNC_MESSAGING = "asyncMessagingEnt"
SWIFT = "swift"
MONITORING = "smt"

_TTL_SECONDS = 3600.0
_TRUSTED_SUFFIXES = (".liveperson.net", ".liveperson.com")


class Domains:
    """Base addresses by account and service; one look-up an hour, the last good one kept."""

    def __init__(
        self, http: LivePersonHttp, domain_api_url: str, *, clock: Clock = time.time
    ) -> None:
        self._http = http
        self._url = trusted(domain_api_url)
        self._accounts: Cache[dict[str, str]] = Cache(self._look_up, ttl=_TTL_SECONDS, clock=clock)

    def base(self, account_id: str, service: str) -> str:
        """Return the base address of ``service``, for example ``https://va.idp.liveperson.net``."""
        known = self._accounts.get(account_id)
        if service not in known:
            known[service] = self._look_up_one(account_id, service)
        return trusted(known[service])

    def forget(self, account_id: str) -> None:
        """Look up again at the next call: an address that can't be reached may have moved."""
        self._accounts.forget(account_id)

    def _look_up(self, account_id: str) -> dict[str, str]:
        return self._ask(f"{self._url}/api/account/{quote(account_id)}/service/baseURI.json")

    def _look_up_one(self, account_id: str, service: str) -> str:
        account = f"{self._url}/api/account/{quote(account_id)}"
        found = self._ask(f"{account}/service/{quote(service)}/baseURI.json")
        if service not in found:
            raise LivePersonUnavailable(f"the Domain API names no {service} for this account")
        return found[service]

    def _ask(self, url: str) -> dict[str, str]:
        try:
            return base_uris(self._http.get(f"{url}?version=1.0"))
        except LivePersonRefused as refused:
            raise LivePersonUnavailable(
                "the Domain API does not know this account", http_status=refused.http_status
            ) from None


def base_uris(answer: object) -> dict[str, str]:
    """Read every form of answer: one object for one service, an array for all, named or not."""
    found = answer.get("baseURIs", answer) if isinstance(answer, Mapping) else answer
    entries = found if isinstance(found, list) else [found]
    return {
        entry["service"]: entry["baseURI"]
        for entry in entries
        if isinstance(entry, Mapping)
        and isinstance(entry.get("service"), str)
        and isinstance(entry.get("baseURI"), str)
    }


def trusted(address: str) -> str:
    """
    Return ``address`` as a base URL, or raise :class:`UntrustedHost`.

    A bare host name is called with https. LivePerson's own hosts are accepted with https,
    loopback with either scheme; nothing else may receive a secret.
    """
    url = address if "://" in address else f"https://{address}"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UntrustedHost("the address is malformed") from None
    host = parts.hostname or ""
    if is_loopback(host) and parts.scheme in {"http", "https"}:
        return url.rstrip("/")
    if parts.scheme == "https" and host.endswith(_TRUSTED_SUFFIXES):
        return url.rstrip("/")
    raise UntrustedHost(f"{parts.scheme}://{host} is not an https address of LivePerson")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
