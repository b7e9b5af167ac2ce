"""
Call LivePerson with the tokens it wants: the connector's AppJWT and a consumer's ConsumerJWS.

A rejected AppJWT is renewed once, a rejected ConsumerJWS is issued again once. If LivePerson
rejects the new token as well, its age is not the reason, and the error passes through.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ...domain.conversations import Consumer
from ...domain.errors import AppJwtRejected, ConsumerJwsRejected, harmless
from ...liveperson.app_jwt import AppJwt
from ...liveperson.consumer_jws import ConsumerJws, Idp
from ...liveperson.send_api import OnBehalf
from .app_jwts import AppJwts

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class AuthorizedCalls:
    """Makes calls with tokens; ``save_consumer`` stores a consumer and its new ConsumerJWS."""

    app_jwts: AppJwts
    idp: Idp
    save_consumer: Callable[[Consumer], None]

    def register_consumer(
        self, account_id: str, consumer_id: str, key: str, channel: str = ""
    ) -> Consumer:
        """Get a consumer's ConsumerJWS, which never expires, and store it."""
        with harmless():
            jws = self.with_app_jwt(
                account_id, lambda app_jwt: self.idp.issue(account_id, app_jwt, key)
            )
        consumer = Consumer(
            account_id, consumer_id, key, jws.lp_consumer_id, jws.token, channel=channel
        )
        self.save_consumer(consumer)
        return consumer

    def call_as(
        self, consumer: Consumer, call: Callable[[OnBehalf], Answer]
    ) -> tuple[Consumer, Answer]:
        """Call LivePerson for ``consumer``; return it as known after the call, and the answer."""
        try:
            return consumer, self._with_tokens(consumer, call)
        except ConsumerJwsRejected:
            again = self.register_consumer(
                consumer.account_id, consumer.consumer_id, consumer.key, consumer.channel
            )
            renewed = replace(consumer, jws=again.jws, lp_consumer_id=again.lp_consumer_id)
            return renewed, self._with_tokens(renewed, call)

    def with_app_jwt(self, account_id: str, call: Callable[[AppJwt], Answer]) -> Answer:
        """Call LivePerson with the account's AppJWT."""
        app_jwt = self.app_jwts.get(account_id)
        try:
            return call(app_jwt)
        except AppJwtRejected:
            return call(self.app_jwts.renew(account_id, app_jwt))

    def _with_tokens(self, consumer: Consumer, call: Callable[[OnBehalf], Answer]) -> Answer:
        jws = ConsumerJws(consumer.jws, consumer.lp_consumer_id)
        return self.with_app_jwt(
            consumer.account_id,
            lambda app_jwt: call(OnBehalf(consumer.account_id, app_jwt, jws, consumer.features)),
        )
