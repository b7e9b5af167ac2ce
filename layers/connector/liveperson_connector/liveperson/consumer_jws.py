"""
The ConsumerJWS: a token that stands for one consumer.

IDP issues it for our id of the consumer. It never expires, so it is requested once and stored
encrypted (for the page see :mod:`.app_jwt`). Its claim ``lp_consumer_id`` is
the id under which the consumer appears in webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote

from ..domain.errors import BadConsumerJws
from .app_jwt import AppJwt
from .claims import claims_of
from .domains import IDP, Domains
from .http import LivePersonHttp


@dataclass(frozen=True)
class ConsumerJws:
    """A ConsumerJWS and LivePerson's own id of the consumer."""

    token: str = field(repr=False)
    lp_consumer_id: str

    @classmethod
    def read(cls, token: str) -> ConsumerJws:
        """Read ``lp_consumer_id`` from the token's claims, or raise :class:`BadConsumerJws`."""
        try:
            claims = claims_of(token)
        except ValueError:
            raise BadConsumerJws("IDP's answer is not a ConsumerJWS") from None
        lp_consumer_id = claims.get("lp_consumer_id")
        if not isinstance(lp_consumer_id, str) or not lp_consumer_id:
            raise BadConsumerJws("the ConsumerJWS names no lp_consumer_id")
        return cls(token, lp_consumer_id)


class Idp:
    """Issues ConsumerJWSs."""

    def __init__(self, http: LivePersonHttp, domains: Domains) -> None:
        self._http = http
        self._domains = domains

    def issue(self, account_id: str, app_jwt: AppJwt, ext_consumer_id: str) -> ConsumerJws:
        """Request a ConsumerJWS; the same ``ext_consumer_id`` is always the same consumer."""
        with self._domains.reach(account_id, IDP) as base:
            answer = self._http.post_json(
                f"{base}/api/account/{quote(account_id)}/consumer?v=1.0",
                {"ext_consumer_id": ext_consumer_id},
                {"Authorization": app_jwt.token},
            )
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str):
            raise BadConsumerJws("IDP's answer has no token")
        return ConsumerJws.read(token)
