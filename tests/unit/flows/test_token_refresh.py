"""AppJWTs are renewed: every account's, once for a crowd, and again when it failed."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from liveperson_connector.delivery.retries import delay
from liveperson_connector.domain.accounts import Credentials
from liveperson_connector.domain.errors import (
    AppJwtMissing,
    LivePersonUnavailable,
    MisconfiguredAccount,
    Transient,
    UnreadableMessage,
)
from liveperson_connector.flows.token_refresh import (
    IN_PROGRESS,
    LEASE_SECONDS,
    MOST_TRIES,
    TokenRefresh,
    to_queue,
)
from liveperson_connector.liveperson.app_jwt import AppJwt, Sentinel
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.telemetry import outcomes
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, CREDENTIALS
from tests.support.clocks import Clock
from tests.support.in_process import InProcessFailures, InProcessParameters
from tests.support.logs import Output
from tests.support.messages import received

OTHER = "87654321"


@dataclass
class Refresh:
    """A token_refresh and what stands around it; the time is the simulator's own."""

    liveperson: SimulatedLivePerson
    clock: Clock = field(default_factory=lambda: Clock(time.time()))
    put_off: list[str] = field(default_factory=list)
    parameters: InProcessParameters = field(
        default_factory=lambda: InProcessParameters({ACCOUNT: CREDENTIALS})
    )

    def __post_init__(self) -> None:
        http = LivePersonHttp()
        self.flow = TokenRefresh(
            parameters=self.parameters,
            sentinel=Sentinel(http, Domains(http, self.liveperson.url), clock=self.clock),
            lease=InProcessFailures(self.clock).lease,
            put_off=self.put_off.extend,
            clock=self.clock,
        )

    @property
    def stored(self) -> AppJwt:
        return AppJwt.read(self.parameters.app_jwts[ACCOUNT], account_id=ACCOUNT)

    @property
    def asked(self) -> int:
        return int(self.liveperson.counts()["sentinel"])

    def expire(self) -> None:
        """Let the time of a lease pass."""
        self.clock.pass_seconds(LEASE_SECONDS)


@pytest.fixture(name="refresh")
def _refresh(liveperson: SimulatedLivePerson) -> Refresh:
    return Refresh(liveperson)


def test_new_token_is_stored(refresh: Refresh) -> None:
    """By requests without fault."""
    assert "refreshed" == refresh.flow.refresh(ACCOUNT)
    assert refresh.stored.is_fresh(refresh.clock())
    assert [] == refresh.liveperson.violations()


def test_every_account_gets_a_new_token(refresh: Refresh) -> None:
    """On schedule, whatever is stored."""
    refresh.liveperson.add_account(OTHER, "other-id", "other-secret")
    refresh.parameters.credentials_by_account[OTHER] = Credentials("other-id", "other-secret")

    assert {ACCOUNT: "refreshed", OTHER: "refreshed"} == refresh.flow.refresh_all()
    assert {ACCOUNT, OTHER} == set(refresh.parameters.app_jwts)


def test_one_accounts_failure_keeps_no_other_from_its_token(refresh: Refresh) -> None:
    """What failed is put off; the rest goes on."""
    refresh.parameters.credentials_by_account[OTHER] = Credentials("nobody", "wrong")

    assert {ACCOUNT: "refreshed", OTHER: "put_off"} == refresh.flow.refresh_all()
    assert [OTHER] == refresh.put_off


HANGING = [f"1000000{number}" for number in range(5)]


def test_accounts_whose_sentinel_hangs_keep_no_other_from_its_token(
    liveperson: SimulatedLivePerson,
) -> None:
    """A run ends in time; whom it did not get to is refreshed in an invocation of its own."""
    refresh = Refresh(liveperson)
    for account_id in (*HANGING, OTHER):
        liveperson.add_account(account_id, CLIENT_ID, CLIENT_SECRET)
        refresh.parameters.credentials_by_account[account_id] = CREDENTIALS
    for account_id in HANGING:
        liveperson.add_fault(service="sentinel", account=account_id, kind="slow", delay_ms=60_000)
    http = LivePersonHttp(seconds=0.3)
    flow = replace(
        refresh.flow,
        sentinel=Sentinel(http, Domains(http, liveperson.url)),
        clock=time.time,
        run_seconds=0.2,
    )
    began = time.monotonic()
    done = flow.refresh_all()

    assert time.monotonic() - began < 2 * 0.3 + 0.5
    assert {*HANGING, ACCOUNT, OTHER} == set(done)
    for account_id in refresh.put_off:
        with suppress(Transient):
            flow.retry(received(body=to_queue(account_id)))
    assert {ACCOUNT, OTHER} == set(refresh.parameters.app_jwts)


def test_what_a_run_has_no_time_for_goes_to_the_queue(refresh: Refresh, output: Output) -> None:
    """All of it, each account once."""
    for number in range(25):
        refresh.parameters.credentials_by_account[f"{number}"] = CREDENTIALS
    done = replace(refresh.flow, run_seconds=0).refresh_all()

    assert {"handed_over"} == set(done.values())
    assert sorted(done) == sorted(refresh.put_off)
    assert 26 == len(refresh.put_off)
    assert [26] == [each["handed_over"][0] for each in output.metrics if "handed_over" in each]


def test_each_run_begins_with_another_account(refresh: Refresh) -> None:
    """If runs are cut off again and again, no account is always behind."""
    refresh.parameters.credentials_by_account = dict.fromkeys("abc", CREDENTIALS)
    begun = []
    for _ in range(4):
        replace(refresh.flow, run_seconds=0).refresh_all()
        begun.append(refresh.put_off[-3])
        refresh.clock.pass_seconds(1200)

    assert {*"abc"} == set(begun[:3])
    assert begun[0] == begun[3]


def test_without_an_account_a_run_does_nothing(refresh: Refresh) -> None:
    """A new stack has none."""
    refresh.parameters.credentials_by_account = {}

    assert ({}, []) == (refresh.flow.refresh_all(), refresh.put_off)


def test_failed_refresh_leaves_the_old_token(refresh: Refresh) -> None:
    """It is good until its end; two failures in a row are survived."""
    refresh.flow.refresh(ACCOUNT)
    old = refresh.stored
    refresh.expire()
    refresh.liveperson.add_fault(service="sentinel", kind="status", status=503)

    with pytest.raises(LivePersonUnavailable):
        refresh.flow.refresh(ACCOUNT)
    assert old == refresh.stored


def test_token_that_is_not_ours_is_not_stored(refresh: Refresh) -> None:
    """Its claims are checked before it replaces a good one."""
    refresh.liveperson.set(ACCOUNT, app_jwt_issuer="somebody")

    with pytest.raises(LivePersonUnavailable):
        refresh.flow.refresh(ACCOUNT)
    assert {} == refresh.parameters.app_jwts


def test_wrong_credentials_are_the_operators_to_mend(refresh: Refresh) -> None:
    """The error says so, to be found in the log."""
    refresh.liveperson.set(ACCOUNT, client_secret="another")

    with pytest.raises(MisconfiguredAccount):
        refresh.flow.refresh(ACCOUNT)


# ── A crowd ──


def test_rejected_token_is_replaced(refresh: Refresh) -> None:
    """Who held it names it, and gets another."""
    refresh.flow.refresh(ACCOUNT)
    rejected = refresh.stored
    refresh.liveperson.revoke_tokens(ACCOUNT)
    refresh.expire()

    assert "refreshed" == refresh.flow.refresh(ACCOUNT, rejected=rejected.name)
    assert rejected.name != refresh.stored.name


def test_crowd_causes_one_refresh(refresh: Refresh) -> None:
    """The others find a newer token stored."""
    refresh.flow.refresh(ACCOUNT)
    rejected = refresh.stored.name
    refresh.liveperson.revoke_tokens(ACCOUNT)
    refresh.expire()
    done = [refresh.flow.refresh(ACCOUNT, rejected=rejected) for _ in range(20)]

    assert ["refreshed", *["newer_one_is_stored"] * 19] == done
    assert 2 == refresh.asked


def test_crowd_without_a_token_causes_one_refresh(refresh: Refresh) -> None:
    """The others find the lease taken."""
    done = [refresh.flow.refresh(ACCOUNT) for _ in range(20)]

    assert ["refreshed", *[IN_PROGRESS] * 19] == done
    assert 1 == refresh.asked


def test_token_that_is_rejected_for_another_reason_does_not_wear_sentinel_out(
    refresh: Refresh,
) -> None:
    """However fast messages come, an account asks at most once in ten seconds."""
    for _ in range(50):
        refresh.flow.refresh(
            ACCOUNT, rejected=refresh.stored.name if refresh.parameters.app_jwts else None
        )
        refresh.clock.pass_seconds(1)

    assert refresh.asked <= 6


def test_expired_token_in_the_store_is_no_newer_one(refresh: Refresh) -> None:
    """Another token helps only if LivePerson takes it."""
    refresh.liveperson.set(ACCOUNT, app_jwt_life_seconds=20)
    refresh.flow.refresh(ACCOUNT)
    refresh.liveperson.set(ACCOUNT, app_jwt_life_seconds=3600)
    refresh.clock.pass_seconds(15)

    assert "refreshed" == refresh.flow.refresh(ACCOUNT, rejected="some-name")


def test_who_names_a_rejected_token_where_none_is_stored_gets_one(refresh: Refresh) -> None:
    """Nothing is not a newer token."""
    assert "refreshed" == refresh.flow.refresh(ACCOUNT, rejected="some-name")


def test_accounts_do_not_wait_for_each_other(refresh: Refresh) -> None:
    """Each has its own lease."""
    refresh.liveperson.add_account(OTHER, "other-id", "other-secret")
    refresh.parameters.credentials_by_account[OTHER] = Credentials("other-id", "other-secret")

    assert ["refreshed"] * 2 == [refresh.flow.refresh(each) for each in (ACCOUNT, OTHER)]


# ── Again ──


def test_refresh_that_was_put_off_is_tried_again(refresh: Refresh) -> None:
    """Its message names the account."""
    refresh.flow.retry(received(body=to_queue(ACCOUNT)))

    assert 1 == refresh.asked
    assert refresh.stored


def test_retry_that_finds_another_under_way_comes_back(refresh: Refresh) -> None:
    """Whether that one succeeds is not known yet."""
    refresh.flow.refresh(ACCOUNT)

    with pytest.raises(AppJwtMissing) as later:
        refresh.flow.retry(received(body=to_queue(ACCOUNT)))
    assert LEASE_SECONDS == later.value.retry_after


def test_retry_that_fails_again_says_so(refresh: Refresh, output: Output) -> None:
    """The queue offers it again; how old the stored token is shows in the metrics."""
    refresh.liveperson.add_fault(service="sentinel", kind="status", status=503)

    with pytest.raises(LivePersonUnavailable):
        refresh.flow.retry(received(body=to_queue(ACCOUNT)))
    assert [3600] == ages(output)


def test_failed_refreshes_are_tried_until_the_schedule_asks_anyway() -> None:
    """In twenty minutes."""
    waits = [delay(tries, None, 0.5, pace="failed") for tries in range(1, MOST_TRIES)]

    assert 900 < sum(waits) < 1320


@pytest.mark.parametrize("payload", [{}, {"account_id": None}, {"source": "aws.scheduler"}])
def test_run_that_lambda_gave_up_is_made_again(
    refresh: Refresh, payload: dict[str, object]
) -> None:
    """Lambda's envelope around a whole run means every account."""
    body = json.dumps({"version": "1.0", "requestPayload": payload, "responsePayload": None})
    refresh.flow.retry(received(body=body))

    assert refresh.stored


def test_one_account_that_lambda_gave_up_is_tried_again(refresh: Refresh) -> None:
    """Lambda's envelope around one account means this one."""
    refresh.parameters.credentials_by_account[OTHER] = Credentials("nobody", "wrong")
    refresh.flow.retry(received(body=json.dumps({"requestPayload": {"account_id": ACCOUNT}})))

    assert 1 == refresh.asked


@pytest.mark.parametrize("body", ["", "null", "[]", "7", '{"requestPayload": 7}'])
def test_message_of_another_form_is_unreadable(refresh: Refresh, body: str) -> None:
    """It is not tried for ever."""
    with pytest.raises(UnreadableMessage):
        refresh.flow.retry(received(body=body))


def test_neither_secret_nor_token_is_logged(refresh: Refresh, output: Output) -> None:
    """Of a refresh, the log tells whose it was and when it ends."""
    refresh.flow.refresh(ACCOUNT)
    refresh.parameters.credentials_by_account[OTHER] = Credentials(CLIENT_ID, CLIENT_SECRET)
    refresh.flow.refresh_all()

    assert CLIENT_SECRET not in output.text
    assert refresh.stored.token not in output.text
    assert "refreshed" in output.messages


def test_log_tells_whose_token_what_became_of_it_and_when_it_ends(
    refresh: Refresh, output: Output
) -> None:
    """Every outcome names its account."""
    refresh.flow.refresh(ACCOUNT)
    refresh.flow.refresh(ACCOUNT, rejected="some-name")
    refresh.flow.refresh(ACCOUNT)
    refresh.expire()
    refresh.liveperson.add_fault(service="sentinel", kind="status", status=503)
    refresh.flow.refresh_all()

    assert [
        ("refreshed", refresh.stored.expires_at),
        ("newer_one_is_stored", None),
        (IN_PROGRESS, None),
        ("liveperson_unavailable", None),
        ("put_off", None),
    ] == [(each["message"], each.get("expires_at")) for each in output.lines]
    assert {ACCOUNT} == {each["account_id"] for each in output.lines}


# ── What an operator sees of their age ──


def ages(output: Output) -> list[float]:
    """Give the ages that were measured."""
    return [age for each in output.metrics for age in each.get("app_jwt_age", [])]


def test_refreshed_token_is_new(liveperson: SimulatedLivePerson, output: Output) -> None:
    """Every run says how old the newest tokens are; the oldest of them makes the alarm."""
    Refresh(liveperson).flow.refresh_all()

    assert [0] == ages(output)


def test_token_that_could_not_be_refreshed_is_as_old_as_it_is(
    liveperson: SimulatedLivePerson, output: Output
) -> None:
    """The alarm comes while there is time left."""
    refresh = Refresh(liveperson)
    refresh.flow.refresh_all()
    refresh.clock.pass_seconds(2400)
    refresh.parameters.credentials_by_account[ACCOUNT] = Credentials(CLIENT_ID, "wrong")
    refresh.flow.refresh_all()

    assert [0, pytest.approx(2400, abs=5)] == ages(output)


def test_no_token_counts_as_one_that_has_expired(
    liveperson: SimulatedLivePerson, output: Output
) -> None:
    """Nothing can be sent with either."""
    refresh = Refresh(liveperson)
    refresh.parameters.credentials_by_account[ACCOUNT] = Credentials(CLIENT_ID, "wrong")
    with outcomes.context("token_refresh"):
        refresh.flow.refresh_all()

    assert [3600] == ages(output)
    assert ["token_refresh"] == [
        each["function"] for each in output.metrics if "app_jwt_age" in each
    ]


def test_unreadable_token_counts_as_one_that_has_expired(
    liveperson: SimulatedLivePerson, output: Output
) -> None:
    """Nor can anything be sent with that."""
    refresh = Refresh(liveperson)
    refresh.parameters.app_jwts[ACCOUNT] = "no token"
    refresh.parameters.credentials_by_account[ACCOUNT] = Credentials(CLIENT_ID, "wrong")
    refresh.flow.refresh_all()

    assert [3600] == ages(output)
