"""
Which account ids are worth a look-up: any caller of an intake may invent ids.

A few unknown ids are simply looked up, so that an account costs one call and a new one works at
once. Beyond these an id has to be listed. The listing is read page by page, a page is used as soon
as it is there, and where an answer's time ends in the middle the next one goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Set as AbstractSet

from ..domain.clock import Clock
from ..support.cache import Throttle

Page = tuple[AbstractSet[str], str | None]
"""Account ids, and the token of the next page; None after the last one."""

# So many unknown ids are looked up without a listing in this time…
LOOK_UPS = 5
SECONDS = 30.0

# … and the listing is read anew no more often than that, or than a page a second.
_SECONDS_A_PAGE = 1.0


class KnownAccounts:
    """
    Tells invented account ids from those that may exist.

    ``list_page`` lists the accounts that exist: it takes a page's token, None for the first one.
    Its errors pass through.
    """

    def __init__(
        self, list_page: Callable[[str | None], Page], *, clock: Clock = time.time
    ) -> None:
        self._list_page = list_page
        self._clock = clock
        self._look_ups = Throttle(LOOK_UPS, SECONDS, clock=clock)
        self._known: frozenset[str] = frozenset()
        self._found: set[str] = set()
        self._token: str | None = None
        self._is_listing = False
        self._pages = 0
        self._next_listing_at = 0.0

    def may_exist(self, account_id: str) -> bool:
        """Whether an account of this id exists, or it costs little to look."""
        return self._look_ups.allows() or self._is_listed(account_id)

    def _is_listed(self, account_id: str) -> bool:
        if account_id in self._known or account_id in self._found:
            return True
        if not self._is_listing and self._clock() < self._next_listing_at:
            return False
        self._read_listing()
        return account_id in self._known

    def _read_listing(self) -> None:
        if not self._is_listing:
            self._found, self._token, self._pages, self._is_listing = set(), None, 0, True
        while self._is_listing:
            self._read_page()
        self._known, self._found = frozenset(self._found), set()
        self._next_listing_at = self._clock() + max(SECONDS, _SECONDS_A_PAGE * self._pages)

    def _read_page(self) -> None:
        """Read the next page; it is kept even if the time of this answer ends afterwards."""
        try:
            found, token = self._list_page(self._token)
        except Exception:
            self._is_listing = False  # its token may be too old
            raise
        self._found |= found
        self._token, self._pages, self._is_listing = token, self._pages + 1, token is not None
