"""
Look up the base address of each of LivePerson's services at the Domain API.

LivePerson wants addresses to be looked up at run time and never hard-coded
(https://developers.liveperson.com/domain-api.html). It documents no life time; we use one hour.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

from ..domain.clock import Clock
from ..domain.errors import LivePersonRefused, LivePersonUnavailable, Transient, UntrustedHost
from ..support.cache import Cache
from ..support.web_address import BadAddress, WebAddress
from .http import LivePersonHttp

SENTINEL = "sentinel"
IDP = "idp"
ASYNC_MESSAGING = "asyncMessagingEnt"
SWIFT = "swift"
MONITORING = "smt"
AGENT_PROFILES = "acCdnDomain"

_TTL_SECONDS = 3600.0

# A host name below LivePerson's own domains, in a form that has only one reading.
_BELOW = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"
_TRUSTED_HOST = re.compile(_BELOW + r"liveperson\.(?:net|com)")

# Public profiles lie on LivePerson's content network, which is sent no secret.
_CONTENT_HOST = re.compile(_BELOW + r"(?:liveperson\.(?:net|com)|lpsnmedia\.net)")

# A simulator's address may have a path.
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_-]+)*/?")


@dataclass
class _Services:
    """An account's services: the addresses that the Domain API names, and those of them checked."""

    named: dict[str, str]
    checked: dict[str, str] = field(default_factory=dict)


class Domains:
    """Base addresses by account and service; one look-up an hour, the last good one kept."""

    def __init__(
        self, http: LivePersonHttp, domain_api_url: str, *, clock: Clock = time.time
    ) -> None:
        self._http = http
        self._url = trusted(domain_api_url, what="the Domain API's own address")
        self._accounts: Cache[_Services] = Cache(self._look_up, ttl=_TTL_SECONDS, clock=clock)

    def base(self, account_id: str, service: str) -> str:
        """Return the base address of ``service``, for example ``https://va.idp.liveperson.net``."""
        known = self._accounts.get(account_id)
        if service not in known.checked:
            if service not in known.named:
                known.named[service] = self._look_up_one(account_id, service)
            what = f"the Domain API's address of {service}"
            hosts = _CONTENT_HOST if service == AGENT_PROFILES else _TRUSTED_HOST
            known.checked[service] = trusted(known.named[service], what=what, hosts=hosts)
        return known.checked[service]

    @contextmanager
    def reach(self, account_id: str, service: str) -> Iterator[str]:
        """
        Call ``service`` within, at the base address that this returns.

        If the call surely reached no server, the account's addresses are looked up again next time.
        """
        try:
            base = self.base(account_id, service)
        except Transient as failed:
            failed.maybe_done = False  # the service itself was not called
            raise
        try:
            yield base
        except LivePersonUnavailable as unavailable:
            if not unavailable.maybe_done:
                self.forget(account_id)
            raise

    def forget(self, account_id: str) -> None:
        """Look up again at the next call: an address that can't be reached may have moved."""
        self._accounts.forget(account_id)

    def _look_up(self, account_id: str) -> _Services:
        account = f"{self._url}/api/account/{quote(account_id)}"
        return _Services(self._ask(f"{account}/service/baseURI.json"))

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


def trusted(
    address: str, *, what: str = "the address", hosts: re.Pattern[str] = _TRUSTED_HOST
) -> str:
    """
    Return ``address`` as a base URL, or raise :class:`UntrustedHost`, which names it as ``what``.

    A bare host name is called with https. LivePerson's own hosts are accepted with https,
    loopback with either scheme; nothing else may receive a secret. ``hosts`` says which are
    LivePerson's own. What is returned is written anew from the parts that were checked: no other
    reading of it leads to another host.
    """
    try:
        parts = WebAddress.parse(address if "://" in address else f"https://{address}")
    except BadAddress as bad:
        raise UntrustedHost(f"{what} cannot be called: {bad}") from None
    plain = address.isascii() and "@" not in address and "#" not in address
    if not plain or not _PLAIN_PATH.fullmatch(parts.target):
        raise UntrustedHost(f"{what} has more in it than a host and a path")
    if not is_loopback(parts.host) and not _is_one_of(hosts, parts):
        raise UntrustedHost(f"{what} is not an https address of LivePerson")
    return f"{parts.origin}{parts.target}".rstrip("/")


def _is_one_of(hosts: re.Pattern[str], parts: WebAddress) -> bool:
    return parts.scheme == "https" and hosts.fullmatch(parts.host) is not None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
