"""Tokens on the way to LivePerson: renewed once, issued once more, and no loop."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.domain.conversations import Consumer
from liveperson_connector.domain.errors import (
    AppJwtRejected,
    ConsumerJwsRejected,
    LivePersonUnavailable,
)
from liveperson_connector.flows.liveperson_access import AppJwts, AuthorizedCalls
from liveperson_connector.liveperson.app_jwt import AppJwt, Sentinel
from liveperson_connector.liveperson.consumer_jws import ConsumerJws, Idp
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.liveperson.send_api import OnBehalf
from simulator import SimulatedLivePerson
from tests.simulation.table import Table
from tests.support.accounts import ACCOUNT, CREDENTIALS
from tests.support.messages import PHONE
from tests.support.tokens import app_jwt

STALE_JWS = "the ConsumerJWS of long ago"


class Access:
    """Calls of a simulated LivePerson, with the real tokens and store."""

    def __init__(self, liveperson: SimulatedLivePerson) -> None:
        http = LivePersonHttp()
        domains = Domains(http, liveperson.url)
        self.tokens = [Sentinel(http, domains).issue(ACCOUNT, CREDENTIALS).token]
        self.store = ConversationStore(cast("Any", Table()), "table")
        self.calls = AuthorizedCalls(
            AppJwts(lambda _account_id: self.tokens[-1], self._renew),
            Idp(http, domains),
            self.store.save_consumer,
        )

    def _renew(self, _account_id: str, _rejected: str | None) -> None:
        number = len(self.tokens)
        self.tokens.append(app_jwt(iat=number, exp=int(time.time()) + 3600))

    def register(self) -> Consumer:
        """Register a consumer who talks with a client that has rich content."""
        consumer = self.calls.register_consumer(ACCOUNT, PHONE, "key", "sms")
        return replace(consumer, conversation_id="c-1", features=("RICH_CONTENT",))


@dataclass
class Call:
    """A call of LivePerson that rejects the first so many AppJWTs and ConsumerJWSs."""

    app_jwts: int = 0
    consumer_jws: int = 0

    def __post_init__(self) -> None:
        self.made: list[OnBehalf] = []

    def __call__(self, who: OnBehalf) -> str:
        """Answer, or reject a token."""
        self.made.append(who)
        if len({each.app_jwt.token for each in self.made}) <= self.app_jwts:
            raise AppJwtRejected("no")
        if len({each.consumer_jws.token for each in self.made}) <= self.consumer_jws:
            raise ConsumerJwsRejected("no")
        return "answer"


@pytest.fixture(name="access")
def _access(liveperson: SimulatedLivePerson) -> Access:
    return Access(liveperson)


@pytest.fixture(name="consumer")
def _consumer(access: Access) -> Consumer:
    return access.register()


def test_call_carries_both_tokens_and_what_the_client_can_do(
    access: Access, consumer: Consumer
) -> None:
    """The consumer is afterwards as before."""
    call = Call()

    assert (consumer, "answer") == access.calls.call_as(consumer, call)
    (who,) = call.made
    assert (ACCOUNT, access.tokens[-1]) == (who.account_id, who.app_jwt.token)
    assert ConsumerJws(consumer.jws, consumer.lp_consumer_id) == who.consumer_jws
    assert ("RICH_CONTENT",) == who.features


def test_rejected_app_jwt_is_renewed_once(access: Access, consumer: Consumer) -> None:
    """The call is made again with the new one."""
    call = Call(app_jwts=1)

    assert (consumer, "answer") == access.calls.call_as(consumer, call)
    assert access.tokens == [each.app_jwt.token for each in call.made]
    assert 2 == len(access.tokens)


def test_app_jwt_that_is_rejected_even_then_starts_no_loop(
    access: Access, consumer: Consumer
) -> None:
    """Its age is not the reason."""
    call = Call(app_jwts=2)

    with pytest.raises(AppJwtRejected):
        access.calls.call_as(consumer, call)
    assert 2 == len(call.made)


def test_rejected_consumer_jws_is_issued_again(access: Access, consumer: Consumer) -> None:
    """For the same consumer, who goes on in the same conversation and is remembered so."""
    call = Call(consumer_jws=1)
    stale = replace(consumer, jws=STALE_JWS, lp_consumer_id="old")
    known, answer = access.calls.call_as(stale, call)

    assert "answer" == answer
    assert replace(consumer, jws=known.jws) == known
    assert [stale.jws, known.jws] == [each.consumer_jws.token for each in call.made]
    stored = access.store.load_consumer(ACCOUNT, "key")
    assert stored
    assert (known.jws, known.lp_consumer_id) == (stored.jws, stored.lp_consumer_id)
    assert (PHONE, "sms") == (stored.consumer_id, stored.channel)


def test_consumer_jws_issued_just_now_is_not_issued_again(
    access: Access, consumer: Consumer
) -> None:
    """An operator should look."""
    call = Call(consumer_jws=9)
    stale = replace(consumer, jws=STALE_JWS)

    with pytest.raises(ConsumerJwsRejected):
        access.calls.call_as(stale, call)
    assert 2 == len(call.made)


def test_new_consumer_is_registered_and_remembered(
    access: Access, liveperson: SimulatedLivePerson
) -> None:
    """LivePerson gets the pseudonym; our record keeps the channel's own id."""
    consumer = access.calls.register_consumer(ACCOUNT, PHONE, "key")
    (asked,) = liveperson.requests("idp")

    assert {"ext_consumer_id": "key"} == asked["body"]
    assert (PHONE, "key") == (consumer.consumer_id, consumer.key)
    assert consumer == access.store.load_consumer(ACCOUNT, "key")


def test_registration_without_an_answer_leaves_no_doubt(
    access: Access, liveperson: SimulatedLivePerson
) -> None:
    """To register a consumer twice does no harm."""
    liveperson.add_fault(service="idp", kind="lost_answer", times=1)
    with pytest.raises(LivePersonUnavailable) as unavailable:
        access.calls.register_consumer(ACCOUNT, PHONE, "key")

    assert not unavailable.value.maybe_done


def test_call_without_a_consumer_renews_too(access: Access) -> None:
    """IDP rejects an old AppJWT like the Send API does."""
    seen: list[AppJwt] = []

    def call(held: AppJwt) -> str:
        seen.append(held)
        if len(seen) == 1:
            raise AppJwtRejected("no")
        return "answer"

    assert "answer" == access.calls.with_app_jwt(ACCOUNT, call)
    assert access.tokens == [each.token for each in seen]
