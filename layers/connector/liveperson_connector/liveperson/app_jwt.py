"""
The AppJWT: a token of one hour that stands for the connector, shared by all consumers.

Sentinel issues it for the app install's credentials (OAuth 2.0 client credentials,
https://developers.liveperson.com/connector-api-send-api-authorization-and-authentication.html).
It is sent raw, without ``Bearer``. LivePerson verifies its signature; the connector checks its
claims, so that a token for another account or app is noticed before LivePerson refuses a consumer's
message for it.
"""

from __future__ import annotations

import hashlib
import math
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from ..domain.accounts import Credentials
from ..domain.clock import Clock
from ..domain.errors import BadAppJwt, LivePersonRefused, MisconfiguredAccount
from .claims import claims_of, texts
from .domains import SENTINEL, Domains
from .http import LivePersonHttp

# Renew a token this long before it expires; LivePerson's guide recommends five minutes.
RENEW_BEFORE_SECONDS = 300.0

# Do not use a token that would expire on its way.
_LAST_MOMENTS_SECONDS = 10.0


@dataclass(frozen=True)
class AppJwt:
    """An AppJWT, when it expires (seconds since 1970), and whose app it stands for."""

    token: str = field(repr=False)
    expires_at: float
    client_id: str = ""

    @property
    def name(self) -> str:
        """A short digest that identifies the token without showing it."""
        return hashlib.sha256(self.token.encode()).hexdigest()[:16]

    @property
    def fresh_until(self) -> float:
        """When to start looking for a newer token (seconds since 1970)."""
        return self.expires_at - RENEW_BEFORE_SECONDS

    def is_fresh(self, now: float) -> bool:
        """Whether it is too early to look for a newer token."""
        return now < self.fresh_until

    def is_usable(self, now: float) -> bool:
        """Whether LivePerson would still accept it."""
        return now < self.expires_at - _LAST_MOMENTS_SECONDS

    @classmethod
    def read(cls, token: str, *, account_id: str, client_id: str | None = None) -> AppJwt:
        """
        Check the claims of ``token`` and return it as a value.

        ``aud`` must name the account, ``azp`` the app where ``client_id`` is given, ``iss``
        Sentinel in any case (the documentation is inconsistent), ``exp`` a time. Raises
        :class:`BadAppJwt`. The caller checks whether it has expired.
        """
        try:
            claims = claims_of(token, required=("aud", "azp", "iss", "exp"))
        except ValueError as unreadable:
            raise BadAppJwt(f"not an AppJWT of account {account_id}: {unreadable}") from None
        apps = texts(claims["azp"])
        _check(account_id in texts(claims["aud"]), "aud is another account")
        _check("sentinel" in map(str.casefold, texts(claims["iss"])), "iss is not Sentinel")
        _check(bool(apps) and client_id in {None, *apps}, "azp is another app's client id")
        return cls(token, _time(claims["exp"]), client_id or apps[0])


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise BadAppJwt(f"not our AppJWT: {problem}")


def _time(exp: object) -> float:
    """Read seconds since 1970, also from a string."""
    try:
        seconds = float(exp) if isinstance(exp, int | float | str) else math.nan
    except (ValueError, OverflowError):
        seconds = math.nan
    _check(math.isfinite(seconds) and not isinstance(exp, bool), "exp is not a time")
    return seconds


class Sentinel:
    """Issues AppJWTs."""

    def __init__(self, http: LivePersonHttp, domains: Domains, *, clock: Clock = time.time) -> None:
        self._http = http
        self._domains = domains
        self._clock = clock

    def issue(self, account_id: str, credentials: Credentials) -> AppJwt:
        """
        Request a new AppJWT; the secret is sent in the body.

        Raises :class:`MisconfiguredAccount` if Sentinel refuses the credentials, and the
        :class:`Transient` errors of a call.
        """
        form = {"client_id": credentials.client_id, "client_secret": credentials.client_secret}
        path = f"sentinel/api/account/{quote(account_id)}/app/token"
        try:
            with self._domains.reach(account_id, SENTINEL) as base:
                answer = self._http.post_form(
                    f"{base}/{path}?v=1.0&grant_type=client_credentials", form
                )
        except LivePersonRefused as refused:
            raise MisconfiguredAccount(
                f"Sentinel refuses the credentials of account {account_id}: check client_id and "
                "client_secret in its credentials parameter",
                http_status=refused.http_status,
                error_code=refused.error_code,
            ) from None
        return self._read(answer, account_id, credentials.client_id)

    def _read(self, answer: object, account_id: str, client_id: str) -> AppJwt:
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise BadAppJwt("Sentinel's answer has no access_token")
        app_jwt = AppJwt.read(token, account_id=account_id, client_id=client_id)
        _check(app_jwt.is_usable(self._clock()), "it has already expired; is our clock right?")
        return app_jwt
