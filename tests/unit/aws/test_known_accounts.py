"""Invented account ids cost little, and accounts that exist nothing of their service."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from liveperson_connector.aws.known_accounts import LOOK_UPS, SECONDS, KnownAccounts
from liveperson_connector.domain.errors import AwsUnavailable
from tests.support.clocks import Clock


class TooLate(BaseException):
    """The answer's time is over, in the middle of a call."""


@dataclass
class Pages:
    """Accounts, a few a page; ``failures`` are raised by the next calls."""

    pages: list[set[str]]
    asked: list[str | None] = field(default_factory=list)
    failures: dict[str | None, list[BaseException]] = field(default_factory=dict)

    def __call__(self, token: str | None) -> tuple[set[str], str | None]:
        """Give a page."""
        self.asked.append(token)
        if failures := self.failures.get(token):
            raise failures.pop(0)
        number = int(token or 0)
        return self.pages[number], str(number + 1) if number + 1 < len(self.pages) else None


@pytest.fixture(name="pages")
def _pages() -> Pages:
    return Pages([{"1", "2"}, {"3"}, {"4"}])


@pytest.fixture(name="known")
def _known(pages: Pages, clock: Clock) -> KnownAccounts:
    return KnownAccounts(pages, clock=clock)


def flood(known: KnownAccounts, times: int = LOOK_UPS) -> list[bool]:
    """Ask for ids that somebody invented."""
    return [known.may_exist(f"invented-{number}") for number in range(times)]


def test_a_few_unknown_ids_are_worth_a_look_up(known: KnownAccounts, pages: Pages) -> None:
    """So an account costs one call, and a new one works at once."""
    assert [True] * LOOK_UPS == flood(known)
    assert [] == pages.asked


def test_beyond_these_only_what_is_listed_is_looked_up(known: KnownAccounts, pages: Pages) -> None:
    """However many ids are invented, the accounts are listed once."""
    flood(known)

    assert [False] * 1000 == flood(known, 1000)
    assert [True] * 4 == [known.may_exist(each) for each in "1234"]
    assert [None, "1", "2"] == pages.asked


def test_after_a_while_unknown_ids_are_looked_up_again(
    known: KnownAccounts, pages: Pages, clock: Clock
) -> None:
    """Without a listing, as long as they are few."""
    flood(known)
    clock.pass_seconds(SECONDS)

    assert [True] * LOOK_UPS == flood(known)
    assert [] == pages.asked


def test_the_listing_is_not_read_again_too_soon(
    known: KnownAccounts, pages: Pages, clock: Clock
) -> None:
    """Half a minute after it was read."""
    flood(known, LOOK_UPS + 1)
    clock.pass_seconds(SECONDS - 1)
    flood(known, LOOK_UPS + 1)

    assert 3 == len(pages.asked)


def test_a_new_account_is_listed_soon(known: KnownAccounts, pages: Pages, clock: Clock) -> None:
    """Within half a minute, though strangers use up every look-up."""
    flood(known)
    before = known.may_exist("5")
    pages.pages[1].add("5")
    clock.pass_seconds(SECONDS)
    flood(known)

    assert (False, True) == (before, known.may_exist("5"))


def test_an_account_that_was_removed_is_known_for_a_while(
    known: KnownAccounts, pages: Pages, clock: Clock
) -> None:
    """Until it is listed anew; whether its parameter is there is asked of Parameter Store."""
    flood(known)
    first = known.may_exist("3")
    pages.pages[1].discard("3")
    clock.pass_seconds(SECONDS)
    flood(known, LOOK_UPS + 1)

    assert (True, False) == (first, known.may_exist("3"))


def test_many_accounts_are_listed_less_often(clock: Clock) -> None:
    """No more than a page a second, on average."""
    pages = Pages([{f"{number}"} for number in range(300)])
    known = KnownAccounts(pages, clock=clock)
    for _ in range(20):
        flood(known, LOOK_UPS + 1)
        clock.pass_seconds(SECONDS)

    assert 2 * 300 == len(pages.asked)


def test_what_was_read_is_not_lost_when_the_time_of_an_answer_ends(
    known: KnownAccounts, pages: Pages
) -> None:
    """The next one goes on with the page that was missing."""
    flood(known)
    pages.failures["1"] = [TooLate()]
    with pytest.raises(TooLate):
        known.may_exist("4")

    assert known.may_exist("1")
    assert known.may_exist("4")
    assert [None, "1", "1", "2"] == pages.asked


def test_a_listing_that_fails_begins_anew(known: KnownAccounts, pages: Pages) -> None:
    """Its token may have expired; what was found before is known all the same."""
    flood(known)
    pages.failures["1"] = [AwsUnavailable("throttled")]
    with pytest.raises(AwsUnavailable):
        known.may_exist("4")

    assert known.may_exist("1")
    assert known.may_exist("4")
    assert [None, "1", None, "1", "2"] == pages.asked
