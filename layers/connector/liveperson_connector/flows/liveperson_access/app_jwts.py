"""
The AppJWTs as a worker uses them: read once per container, kept until shortly before they expire.

Workers only read. If there is none, or if LivePerson rejects the one at hand, they invoke
``token_refresh`` and name the token they hold, so that many workers cause one refresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ...domain.clock import Clock
from ...domain.errors import AppJwtMissing, AppJwtRejected
from ...liveperson.app_jwt import AppJwt
from ...support.cache import Cache

# How often to look for a newer token when the held one is near its end.
_LOOK_AGAIN_SECONDS = 30.0

_NONE: tuple[None, float] = (None, 0.0)


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
