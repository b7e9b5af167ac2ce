"""AppJWTs as workers use them: kept, renewed once for a crowd, never in a loop."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.errors import (
    AppJwtMissing,
    AppJwtRejected,
    AwsUnavailable,
)
from liveperson_connector.flows.liveperson_access import AppJwts
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.in_process import InProcessParameters
from tests.support.tokens import NOW, app_jwt


class Renewal:
    """A token_refresh that stores a new token, or does not."""

    def __init__(self, parameters: InProcessParameters) -> None:
        self.parameters = parameters
        self.gives: str | None = None
        self.failure: Exception | None = None
        self.asked: list[str | None] = []

    def ask(self, account_id: str, rejected: str | None) -> None:
        self.asked.append(rejected)
        if self.failure:
            raise self.failure
        if self.gives:
            self.parameters.app_jwts[account_id] = self.gives


OLD = app_jwt(iat=1)
NEW = app_jwt(iat=2, exp=int(NOW) + 7200)


@pytest.fixture(name="parameters")
def _parameters() -> InProcessParameters:
    return InProcessParameters(app_jwts={ACCOUNT: OLD})


@pytest.fixture(name="renewal")
def _renewal(parameters: InProcessParameters) -> Renewal:
    return Renewal(parameters)


@pytest.fixture(name="app_jwts")
def _app_jwts(parameters: InProcessParameters, renewal: Renewal, clock: Clock) -> AppJwts:
    return AppJwts(parameters.app_jwt, renewal.ask, clock=clock)


def test_a_token_is_read_once(
    app_jwts: AppJwts, parameters: InProcessParameters, clock: Clock
) -> None:
    """A container keeps it until shortly before its end."""
    for _ in range(5):
        assert OLD == app_jwts.get(ACCOUNT).token
        clock.pass_seconds(600)

    assert 1 == parameters.reads


def test_a_token_near_its_end_makes_way_for_a_newer_one(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal, clock: Clock
) -> None:
    """What the schedule has stored meanwhile is found without asking for a refresh."""
    app_jwts.get(ACCOUNT)
    parameters.app_jwts[ACCOUNT] = NEW
    clock.pass_seconds(3400)

    assert (NEW, []) == (app_jwts.get(ACCOUNT).token, renewal.asked)


def test_a_token_near_its_end_is_used_while_there_is_no_newer_one(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal, clock: Clock
) -> None:
    """The store is looked at now and then, not for every message."""
    app_jwts.get(ACCOUNT)
    clock.pass_seconds(3400)
    for _ in range(20):
        assert OLD == app_jwts.get(ACCOUNT).token
        clock.pass_seconds(1)

    assert (2, []) == (parameters.reads, renewal.asked)


def test_where_there_is_none_one_is_asked_for(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal
) -> None:
    """A new account's first message need not wait for the schedule."""
    del parameters.app_jwts[ACCOUNT]
    renewal.gives = NEW

    assert (NEW, [None]) == (app_jwts.get(ACCOUNT).token, renewal.asked)


def test_an_expired_token_is_replaced(app_jwts: AppJwts, renewal: Renewal, clock: Clock) -> None:
    """After a long outage of the schedule, a message brings it back."""
    app_jwts.get(ACCOUNT)
    clock.pass_seconds(3600)
    renewal.gives = NEW

    assert NEW == app_jwts.get(ACCOUNT).token


def test_without_any_token_the_message_waits(
    app_jwts: AppJwts, parameters: InProcessParameters
) -> None:
    """It is a matter of time, and of seconds."""
    del parameters.app_jwts[ACCOUNT]

    with pytest.raises(AppJwtMissing) as missing:
        app_jwts.get(ACCOUNT)

    assert missing.value.retry_after == 5


def test_a_token_that_has_expired_is_none(
    app_jwts: AppJwts, renewal: Renewal, clock: Clock
) -> None:
    """It is not sent, though it is all there is."""
    clock.pass_seconds(3600)

    with pytest.raises(AppJwtMissing):
        app_jwts.get(ACCOUNT)
    assert [None] == renewal.asked


def test_a_token_of_the_store_that_has_expired_is_no_newer_one(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal
) -> None:
    """Another one is asked for."""
    held = app_jwts.get(ACCOUNT)
    parameters.app_jwts[ACCOUNT] = app_jwt(iat=3, exp=int(NOW) + 5)
    renewal.gives = NEW

    assert NEW == app_jwts.renew(ACCOUNT, held).token
    assert [held.name] == renewal.asked


def test_a_renewal_that_brings_an_expired_token_helps_nobody(
    app_jwts: AppJwts, renewal: Renewal
) -> None:
    """The message waits."""
    held = app_jwts.get(ACCOUNT)
    renewal.gives = app_jwt(iat=3, exp=int(NOW) + 5)

    with pytest.raises(AppJwtRejected):
        app_jwts.renew(ACCOUNT, held)


def test_a_refresh_that_fails_lets_the_message_wait(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal
) -> None:
    """Why it failed stands in token_refresh's own log."""
    del parameters.app_jwts[ACCOUNT]
    renewal.failure = AppJwtMissing("token_refresh failed; its log says why")

    with pytest.raises(AppJwtMissing):
        app_jwts.get(ACCOUNT)


def test_the_last_good_token_outlives_parameter_store(
    app_jwts: AppJwts, parameters: InProcessParameters, clock: Clock
) -> None:
    """Near its end it is still used when the store can't be read."""
    app_jwts.get(ACCOUNT)
    parameters.unavailable = True
    clock.pass_seconds(3500)

    assert OLD == app_jwts.get(ACCOUNT).token


def test_without_the_store_nothing_is_invented(
    app_jwts: AppJwts, parameters: InProcessParameters
) -> None:
    """A container that never read one waits with its message."""
    parameters.unavailable = True

    with pytest.raises(AwsUnavailable):
        app_jwts.get(ACCOUNT)


def test_accounts_have_their_own_tokens(app_jwts: AppJwts, parameters: InProcessParameters) -> None:
    """One account's token is never shown to another's conversation."""
    parameters.app_jwts["other"] = app_jwt(aud="other")

    assert app_jwts.get("other").token != app_jwts.get(ACCOUNT).token


# ── Rejected ──


def test_a_rejected_token_is_renewed_by_name(app_jwts: AppJwts, renewal: Renewal) -> None:
    """token_refresh is told which one LivePerson does not take."""
    held = app_jwts.get(ACCOUNT)
    renewal.gives = NEW

    assert NEW == app_jwts.renew(ACCOUNT, held).token
    assert [held.name] == renewal.asked


def test_a_renewed_token_takes_the_place_of_the_rejected_one(
    app_jwts: AppJwts, renewal: Renewal
) -> None:
    """The next call does not begin with the rejected one."""
    held = app_jwts.get(ACCOUNT)
    renewal.gives = NEW
    app_jwts.renew(ACCOUNT, held)

    assert NEW == app_jwts.get(ACCOUNT).token


def test_a_newer_token_in_the_store_needs_no_refresh(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal
) -> None:
    """Somebody else's message has brought it already."""
    held = app_jwts.get(ACCOUNT)
    parameters.app_jwts[ACCOUNT] = NEW

    assert NEW == app_jwts.renew(ACCOUNT, held).token
    assert [] == renewal.asked


def test_a_crowd_causes_one_refresh(
    app_jwts: AppJwts, parameters: InProcessParameters, renewal: Renewal
) -> None:
    """All who held the rejected token get the one that the first of them brought."""
    held = app_jwts.get(ACCOUNT)
    renewal.gives = NEW
    renewed = {app_jwts.renew(ACCOUNT, held).token for _ in range(50)}

    assert ({NEW}, 1) == (renewed, len(renewal.asked))
    assert parameters.reads < 5


def test_a_refresh_that_changes_nothing_is_no_loop(app_jwts: AppJwts, renewal: Renewal) -> None:
    """Then it is not a matter of age: the message waits, and nobody asks again at once."""
    held = app_jwts.get(ACCOUNT)

    with pytest.raises(AppJwtRejected) as rejected:
        app_jwts.renew(ACCOUNT, held)
    assert (5, 1) == (rejected.value.retry_after, len(renewal.asked))


def test_a_renewed_token_that_is_rejected_too_can_be_renewed(
    app_jwts: AppJwts, renewal: Renewal
) -> None:
    """Each rejection names the token it is about."""
    first = app_jwts.get(ACCOUNT)
    renewal.gives = NEW
    second = app_jwts.renew(ACCOUNT, first)
    renewal.gives = app_jwt(iat=3)
    third = app_jwts.renew(ACCOUNT, second)

    assert [first.name, second.name] == renewal.asked
    assert 3 == len({first.name, second.name, third.name})
