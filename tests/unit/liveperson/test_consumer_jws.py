"""ConsumerJWSs: asked for once, and read for LivePerson's own id of the consumer."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.errors import AppJwtRejected, BadConsumerJws
from liveperson_connector.liveperson.app_jwt import AppJwt, Sentinel
from liveperson_connector.liveperson.consumer_jws import ConsumerJws, Idp
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT, CREDENTIALS
from tests.support.servers import Request, json_answer, serving
from tests.support.tokens import consumer_jws, held_app_jwt

KEY = "5e884898da28047151d0e56f8dc62927"


@pytest.fixture(name="domains")
def _domains(liveperson: SimulatedLivePerson) -> Domains:
    return Domains(LivePersonHttp(), liveperson.url)


@pytest.fixture(name="app_jwt")
def _app_jwt(domains: Domains) -> AppJwt:
    return Sentinel(LivePersonHttp(), domains).issue(ACCOUNT, CREDENTIALS)


def test_token_names_the_consumer(
    liveperson: SimulatedLivePerson, domains: Domains, app_jwt: AppJwt
) -> None:
    """The token is LivePerson's, and its claim is the id under which webhooks name the consumer."""
    issued = Idp(LivePersonHttp(), domains).issue(ACCOUNT, app_jwt, KEY)

    assert liveperson.consumer_id(ACCOUNT, KEY) == issued.lp_consumer_id
    assert [] == liveperson.violations()


def test_app_jwt_goes_raw(
    liveperson: SimulatedLivePerson, domains: Domains, app_jwt: AppJwt
) -> None:
    """LivePerson takes no ``Bearer`` before it."""
    Idp(LivePersonHttp(), domains).issue(ACCOUNT, app_jwt, KEY)

    (asked,) = liveperson.requests("idp")
    assert {"ext_consumer_id": KEY} == asked["body"]
    assert [] == liveperson.violations()


def test_rejected_app_jwt_is_told_apart(
    liveperson: SimulatedLivePerson, domains: Domains, app_jwt: AppJwt
) -> None:
    """Who calls is refused before whom he calls for."""
    liveperson.revoke_tokens(ACCOUNT)

    with pytest.raises(AppJwtRejected):
        Idp(LivePersonHttp(), domains).issue(ACCOUNT, app_jwt, KEY)


@pytest.mark.parametrize("answer", [None, {}, [], {"token": 7}, {"token": "x"}])
def test_answer_without_a_token_is_worth_another_try(answer: object) -> None:
    """IDP's answer has to hold a JWT."""

    def behaviour(request: Request) -> object:
        return entry if "baseURI" in request.path else json_answer(answer, status=201)

    with serving(behaviour) as server:  # type: ignore[arg-type]
        entry = json_answer({"service": "idp", "baseURI": server.url})
        http = LivePersonHttp()
        with pytest.raises(BadConsumerJws):
            Idp(http, Domains(http, server.url)).issue(ACCOUNT, held_app_jwt(), KEY)


def test_good_token_is_read() -> None:
    """The claim that matters is ``lp_consumer_id``."""
    token = consumer_jws()

    assert ConsumerJws(token, "lp-1") == ConsumerJws.read(token)


@pytest.mark.parametrize("claim", [None, "", 7, ["lp-1"]])
def test_token_that_names_nobody_is_refused(claim: object) -> None:
    """Without the id no webhook could be told to be this consumer's."""
    with pytest.raises(BadConsumerJws):
        ConsumerJws.read(consumer_jws(lp_consumer_id=claim))


def test_token_is_not_shown() -> None:
    """It never expires, so it never shows."""
    token = consumer_jws()

    assert token not in repr(ConsumerJws.read(token))
