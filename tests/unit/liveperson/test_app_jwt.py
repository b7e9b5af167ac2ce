"""AppJWTs: asked for without showing the secret, and believed only for this account and app."""

from __future__ import annotations

import base64
import json
import time

import pytest

from liveperson_connector.domain.accounts import Credentials
from liveperson_connector.domain.errors import (
    BadAppJwt,
    LivePersonBusy,
    LivePersonUnavailable,
    MisconfiguredAccount,
)
from liveperson_connector.liveperson.app_jwt import AppJwt, Sentinel
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, CREDENTIALS
from tests.support.clocks import Clock
from tests.support.servers import Request, json_answer, serving
from tests.support.tokens import NOW, app_jwt, held_app_jwt


def sentinel(url: str, clock: Clock | None = None) -> Sentinel:
    """Reach the Sentinel of a LivePerson."""
    http = LivePersonHttp()
    return Sentinel(http, Domains(http, url), clock=clock or time.time)


def test_token_is_issued(liveperson: SimulatedLivePerson) -> None:
    """The app's credentials get a token of one hour, by a request without fault."""
    issued = sentinel(liveperson.url).issue(ACCOUNT, CREDENTIALS)

    assert 3590 < issued.expires_at - time.time() <= 3600
    assert [] == liveperson.violations()


def test_secret_travels_in_the_body(liveperson: SimulatedLivePerson) -> None:
    """Addresses end up in logs, so the secret is in none."""

    def behaviour(request: Request) -> object:
        return entry if "baseURI" in request.path else json_answer({"access_token": app_jwt()})

    with serving(behaviour) as server:  # type: ignore[arg-type]
        entry = json_answer({"service": "sentinel", "baseURI": server.url})
        sentinel(server.url, Clock()).issue(ACCOUNT, CREDENTIALS)

    asked = server.requests[-1]
    assert CLIENT_SECRET in asked.body.decode()
    assert CLIENT_SECRET not in asked.target + str(asked.headers)


def test_credentials_that_sentinel_refuses_are_the_operators_to_mend(
    liveperson: SimulatedLivePerson,
) -> None:
    """The error says where to look, and not what the secret is."""
    wrong = Credentials(CLIENT_ID, "s3cr3t")

    with pytest.raises(MisconfiguredAccount) as refused:
        sentinel(liveperson.url).issue(ACCOUNT, wrong)

    assert (401, "invalid_client") == (refused.value.http_status, refused.value.error_code)
    assert "credentials parameter" in str(refused.value)
    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize(("status", "kind"), [(429, LivePersonBusy), (500, LivePersonUnavailable)])
def test_sentinel_in_trouble_is_worth_another_try(
    liveperson: SimulatedLivePerson, status: int, kind: type[Exception]
) -> None:
    """Its trouble is not taken for wrong credentials."""
    liveperson.add_fault(service="sentinel", kind="status", status=status)

    with pytest.raises(kind):
        sentinel(liveperson.url).issue(ACCOUNT, CREDENTIALS)


@pytest.mark.parametrize("claim", ["aud", "azp", "iss", "exp"])
def test_token_that_lacks_a_claim_is_not_believed(
    liveperson: SimulatedLivePerson, claim: str
) -> None:
    """Better no token than one that fails with a consumer's message."""
    liveperson.set(ACCOUNT, app_jwt_omit_claims=[claim])

    with pytest.raises(BadAppJwt):
        sentinel(liveperson.url).issue(ACCOUNT, CREDENTIALS)


def test_token_that_has_expired_is_not_believed(liveperson: SimulatedLivePerson) -> None:
    """A clock that is wrong, theirs or ours, is noticed at once."""
    liveperson.set(ACCOUNT, app_jwt_life_seconds=-5)

    with pytest.raises(BadAppJwt, match="clock"):
        sentinel(liveperson.url).issue(ACCOUNT, CREDENTIALS)


@pytest.mark.parametrize("answer", [None, [], {}, {"access_token": None}, {"access_token": "x"}])
def test_answer_without_a_token_is_not_believed(answer: object) -> None:
    """Sentinel's answer has to hold a JWT."""

    def behaviour(request: Request) -> object:
        return entry if "baseURI" in request.path else json_answer(answer)

    with serving(behaviour) as server:  # type: ignore[arg-type]
        entry = json_answer({"service": "sentinel", "baseURI": server.url})
        with pytest.raises(BadAppJwt):
            sentinel(server.url).issue(ACCOUNT, CREDENTIALS)


@pytest.mark.parametrize("issuer", ["Sentinel", "sentinel", "SENTINEL"])
def test_issuers_letters_do_not_matter(issuer: str) -> None:
    """LivePerson's pages disagree on the case."""
    read = AppJwt.read(app_jwt(iss=issuer), account_id=ACCOUNT, client_id=CLIENT_ID)

    assert NOW + 3600 == read.expires_at


@pytest.mark.parametrize(
    "odd",
    [
        {"aud": [ACCOUNT, "other"]},
        {"aud": int(ACCOUNT)},
        {"aud": ["other", int(ACCOUNT)]},
        {"azp": [CLIENT_ID]},
        {"azp": [CLIENT_ID, "other"]},
        {"iss": ["Sentinel"]},
        {"exp": str(int(NOW) + 3600)},
        {"exp": NOW + 3600.0},
        {"iat": "yesterday", "nbf": [], "jti": 7, "sub": None, "scope": 1},
    ],
    ids=str,
)
def test_claim_that_is_odd_but_clear_stops_nothing(odd: dict[str, object]) -> None:
    """A list of one, a number for a text: all of an account's traffic hangs on this token."""
    read = AppJwt.read(app_jwt(**odd), account_id=ACCOUNT, client_id=CLIENT_ID)  # type: ignore[arg-type]

    assert (NOW + 3600, CLIENT_ID) == (read.expires_at, read.client_id)


@pytest.mark.parametrize(
    "header",
    [
        {"kid": 7},
        {"kid": None, "typ": 1},
        {"crit": ["x"], "x": 1},
        {"crit": "b64", "b64": False},
        {"alg": "XX999"},
        {"alg": None},
        {},
        [],
        "header",
    ],
    ids=str,
)
def test_header_that_is_odd_stops_nothing(header: object) -> None:
    """It is about the signature, which is LivePerson's to check."""
    packed = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    _, claims, signature = app_jwt().split(".")
    token = f"{packed}.{claims}.{signature}"

    assert token == AppJwt.read(token, account_id=ACCOUNT, client_id=CLIENT_ID).token


@pytest.mark.parametrize(
    "spoilt",
    [
        {"aud": "another-account"},
        {"aud": ["another-account"]},
        {"aud": 7},
        {"aud": []},
        {"aud": {ACCOUNT: 1}},
        {"aud": [[ACCOUNT]]},
        {"azp": []},
        {"azp": ["another-app"]},
        {"azp": {CLIENT_ID: 1}},
        {"iss": ["somebody"]},
        {"iss": {"Sentinel": 1}},
        {"exp": True},
        {"exp": []},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": 10**400},
        {"azp": "another-app"},
        {"azp": None},
        {"iss": "somebody"},
        {"exp": "tomorrow"},
        {"exp": None},
        {"without": "aud"},
        {"without": "azp"},
        {"without": "iss"},
        {"without": "exp"},
    ],
    ids=str,
)
def test_one_wrong_claim_is_enough(spoilt: dict[str, object]) -> None:
    """A token of another account, app or issuer, or without an end, is not ours."""
    token = app_jwt(**spoilt)  # type: ignore[arg-type]

    with pytest.raises(BadAppJwt) as bad:
        AppJwt.read(token, account_id=ACCOUNT, client_id=CLIENT_ID)

    assert token not in str(bad.value)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        ".".join(app_jwt().split(".")[:2]),
        f"{app_jwt()}.x.y",
        f"{app_jwt()}\n",
        f" {app_jwt()}",
        f"{app_jwt()}\r\nX-Header: y",
        "a.W10.c",
        "a.IiI.c",
        "a.bnVsbA.c",
        f"a.{'W1tb' * 50_000}.c",
        "ü",
    ],
)
def test_what_is_no_jwt_is_refused(token: str) -> None:
    """A parameter that somebody overwrote by hand is noticed."""
    with pytest.raises(BadAppJwt):
        AppJwt.read(token, account_id=ACCOUNT)


def test_any_app_of_the_account_will_do_for_a_worker() -> None:
    """Workers do not read credentials, so they do not know the client id."""
    assert AppJwt.read(app_jwt(azp="another-app"), account_id=ACCOUNT)


@pytest.mark.parametrize(
    ("left", "fresh", "usable"),
    [
        (3600, True, True),
        (301, True, True),
        (300, False, True),
        (11, False, True),
        (10, False, False),
    ],
)
def test_token_knows_its_age(left: float, fresh: bool, usable: bool) -> None:
    """It is renewed five minutes before its end, and not used in its last ten seconds."""
    now = NOW + 3600 - left

    assert (fresh, usable) == (held_app_jwt().is_fresh(now), held_app_jwt().is_usable(now))


def test_tokens_name_tells_it_apart_and_does_not_show_it() -> None:
    """Workers and token_refresh speak of tokens by name."""
    one, other = held_app_jwt(), held_app_jwt(iat=1)

    assert one.name != other.name
    assert one.name == held_app_jwt().name
    assert one.token not in repr(one)
    assert one.name not in one.token
