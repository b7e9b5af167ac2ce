"""What the simulated Domain API, Sentinel and IDP promise."""

from __future__ import annotations

import jwt
import pytest
import requests

from simulator import SimulatedLivePerson
from simulator.tests.helpers import ACCOUNT, CLIENT, SECRET, Connector, reasons


def claims(token: str) -> dict[str, object]:
    found: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_one_service_is_one_object(lp: SimulatedLivePerson) -> None:
    """The lookup of one service answers an object whose base URI is the simulator."""
    url = f"{lp.url}/api/account/{ACCOUNT}/service/idp/baseURI.json?version=1.0"

    answer = requests.get(url, timeout=5)

    assert {"service": "idp", "account": ACCOUNT, "baseURI": lp.url} == answer.json()


def test_all_services_are_an_array(lp: SimulatedLivePerson) -> None:
    """The lookup of all services answers them under `baseURIs`."""
    url = f"{lp.url}/api/account/{ACCOUNT}/service/baseURI.json?version=1.0"

    names = {each["service"] for each in requests.get(url, timeout=5).json()["baseURIs"]}

    assert {"sentinel", "idp", "asyncMessagingEnt", "swift", "smt"} <= names


@pytest.mark.parametrize(
    ("account", "service", "query", "status"),
    [
        (ACCOUNT, "asnycMessagingEnt", "?version=1.0", 404),
        ("0", "idp", "?version=1.0", 404),
        (ACCOUNT, "idp", "?version=2.0", 400),
    ],
)
def test_a_wrong_lookup_is_refused(
    lp: SimulatedLivePerson, account: str, service: str, query: str, status: int
) -> None:
    """An unknown service or account is not found; another version is a bad request."""
    url = f"{lp.url}/api/account/{account}/service/{service}/baseURI.json{query}"

    assert status == requests.get(url, timeout=5).status_code


def test_an_unknown_service_can_be_a_bad_request(lp: SimulatedLivePerson) -> None:
    """Whether an unknown service is 404 or 400 is not published, so it is a switch."""
    lp.set(ACCOUNT, unknown_service_status=400)
    url = f"{lp.url}/api/account/{ACCOUNT}/service/nope/baseURI.json?version=1.0"

    assert requests.get(url, timeout=5).status_code == 400


CLIENT_FIELDS = {"client_id": CLIENT, "client_secret": SECRET}
GRANT = {"grant_type": "client_credentials"}


@pytest.mark.parametrize(
    ("path", "query", "form"),
    [
        ("api/account", {"v": "1.0", **GRANT}, CLIENT_FIELDS),
        ("api/account", {"v": "1.0"}, {**CLIENT_FIELDS, **GRANT}),
        ("api/account", {"v": "1.0", **GRANT, **CLIENT_FIELDS}, {}),
        ("api/v2/account", {}, {**CLIENT_FIELDS, **GRANT}),
    ],
    ids=["grant in query", "all in form", "all in query", "version 2"],
)
def test_every_published_form_gives_an_app_jwt(
    lp: SimulatedLivePerson, path: str, query: dict[str, str], form: dict[str, str]
) -> None:
    """Sentinel takes the four published forms; a secret in the query is a violation."""
    answer = requests.post(
        f"{lp.url}/sentinel/{path}/{ACCOUNT}/app/token",
        params=query,
        data=form,
        headers={"content-type": "application/x-www-form-urlencoded"},
        timeout=5,
    )

    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    assert ("client_secret" in query) == ("the client secret travels" in reasons(lp))


def test_an_app_jwt_says_what_is_documented(connector: Connector) -> None:
    """An AppJWT has the documented header and claims, and lives for an hour."""
    found = claims(connector.app_jwt)

    assert {"aud", "azp", "scope", "iss", "exp", "iat"} == set(found)
    assert (found["aud"], found["azp"], found["iss"]) == (ACCOUNT, CLIENT, "Sentinel")
    assert int(str(found["exp"])) - int(str(found["iat"])) == 3600
    assert jwt.get_unverified_header(connector.app_jwt)["kid"].startswith("appjwt-")


def test_a_wrong_secret_is_401(connector: Connector) -> None:
    """A wrong secret is answered as OAuth 2.0 does, and does not say which part is wrong."""
    answer = connector.token("wrong")

    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_a_rotated_secret_counts_at_once(lp: SimulatedLivePerson, connector: Connector) -> None:
    """A secret can be changed while the simulator runs."""
    lp.set(ACCOUNT, client_secret="another")

    assert (connector.token().status_code, connector.token("another").status_code) == (401, 200)


def test_the_well_known_key_verifies_an_app_jwt(connector: Connector) -> None:
    """The key on the well-known page is the one that signed the token."""
    keys = requests.get(f"{connector.url}/sentinel/well-known/jwks", timeout=5).json()["keys"]

    jwt.decode(connector.app_jwt, jwt.PyJWK(keys[0]), ["RS256"], audience=ACCOUNT)


def test_the_same_consumer_has_the_same_id_for_ever(connector: Connector) -> None:
    """A ConsumerJWS names a stable 64-digit consumer and no time at all."""
    first, second, other = (
        claims(connector.consumer(name).json()["token"]) for name in ("bob", "bob", "eve")
    )

    assert {"account_id", "ext_consumer_id", "lp_consumer_id"} == set(first)
    assert first["lp_consumer_id"] == second["lp_consumer_id"] != other["lp_consumer_id"]
    assert len(str(first["lp_consumer_id"])) == 64


def test_a_consumer_needs_201_and_no_bearer(lp: SimulatedLivePerson, connector: Connector) -> None:
    """The IDP answers 201; an AppJWT with `Bearer` before it is refused as invalid."""
    refused = connector.consumer("bob", f"Bearer {connector.app_jwt}")

    assert connector.consumer("bob").status_code == 201
    assert (refused.status_code, refused.json()["body"]["errorCode"]) == (401, 40102)
    assert "without Bearer" in reasons(lp)


def test_revoked_tokens_are_refused_and_new_ones_work(
    lp: SimulatedLivePerson, connector: Connector
) -> None:
    """After a revocation the old AppJWT is 40102, and a new one differs even within a second."""
    connector.opened()
    old = connector.app_jwt
    lp.revoke_tokens(ACCOUNT)
    refused = connector.text("hi")
    connector.app_jwt = connector.token().json()["access_token"]

    assert refused.json()["body"]["errorCode"] == 40102
    assert old != connector.app_jwt
    assert connector.text("hi").status_code == 200


def test_a_short_life_ends(lp: SimulatedLivePerson, connector: Connector) -> None:
    """The life of new AppJWTs is a setting; a dead one is 40102."""
    lp.set(ACCOUNT, app_jwt_life_seconds=-1)
    connector.app_jwt = connector.token().json()["access_token"]

    assert connector.open().json()["body"]["errorCode"] == 40102
