"""
Call LivePerson with the tokens that it wants: the account's AppJWT and a consumer's ConsumerJWS.

A rejected AppJWT is renewed once, a rejected ConsumerJWS is issued again once. If LivePerson
rejects the new token as well, its age is not the reason, and the error passes through.

Workers only read AppJWTs: once per container, and again shortly before they expire. If there is
none, or if LivePerson rejects the one at hand, they invoke ``token_refresh`` and name the token
they hold, so that many workers cause one refresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from ..domain.clock import Clock
from ..domain.conversations import Consumer
from ..domain.errors import AppJwtMissing, AppJwtRejected, ConsumerJwsRejected, harmless
from ..liveperson.app_jwt import AppJwt
from ..liveperson.consumer_jws import ConsumerJws, Idp
from ..liveperson.send_api import OnBehalf
from ..support.cache import Cache

Answer = TypeVar("Answer")

# How often to look for a newer token when the held one is near its end.
_LOOK_AGAIN_SECONDS = 30.0

_NONE: tuple[None, float] = (None, 0.0)


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


class AppJwts:
    """
    AppJWTs by account.

    ``stored`` reads an account's newest token. ``ask_for_newer`` makes ``token_refresh`` store
    another one than the token it names, and waits until it has.
    """

    def __init__(
        self,
        stored: Callable[[str], str | None],
        ask_for_newer: Callable[[str, str | None], None],
        *,
        clock: Clock = time.time,
    ) -> None:
        self._stored = stored
        self._ask_for_newer = ask_for_newer
        self._clock = clock
        self._held: Cache[AppJwt | None] = Cache(self._read, ttl=self._keep_for, clock=clock)
        self._fresh: dict[str, tuple[AppJwt, float]] = {}

    def get(self, account_id: str) -> AppJwt:
        """Return a token that LivePerson should take, or raise :class:`AppJwtMissing`."""
        app_jwt, fresh_until = self._fresh.get(account_id, _NONE)
        if app_jwt is not None and self._clock() < fresh_until:
            return app_jwt
        return self._look_up(account_id)

    def _look_up(self, account_id: str) -> AppJwt:
        held = self._held.get(account_id)
        if not self._usable(held):
            held = self._newer(account_id, None)
        if held is None or not self._usable(held):
            raise AppJwtMissing("there is no AppJWT that has not expired", retry_after=5)
        self._fresh[account_id] = (held, held.fresh_until)
        return held

    def renew(self, account_id: str, rejected: AppJwt) -> AppJwt:
        """
        Return another token than the one LivePerson has just rejected.

        Raises :class:`AppJwtRejected` if there is none: the token's age is not the reason then.
        """
        self._fresh.pop(account_id, None)
        held = self._held.get(account_id)
        if held is not None and held.name != rejected.name and self._usable(held):
            return held
        newer = self._newer(account_id, rejected.name)
        if newer is None or newer.name == rejected.name or not self._usable(newer):
            raise AppJwtRejected("LivePerson rejects the newest AppJWT", retry_after=5)
        return newer

    def _newer(self, account_id: str, rejected: str | None) -> AppJwt | None:
        stored = self._held.refresh(account_id, at_least=0)
        if self._usable(stored) and stored is not None and stored.name != rejected:
            return stored
        self._ask_for_newer(account_id, rejected)
        return self._held.refresh(account_id, at_least=0)

    def _read(self, account_id: str) -> AppJwt | None:
        text = self._stored(account_id)
        return AppJwt.read(text, account_id=account_id) if text else None

    def _keep_for(self, held: AppJwt | None) -> float:
        is_fresh = held is not None and held.is_fresh(self._clock())
        return 3600.0 if is_fresh else _LOOK_AGAIN_SECONDS

    def _usable(self, held: AppJwt | None) -> bool:
        return held is not None and held.is_usable(self._clock())
