"""Tokens on the way to LivePerson: renewed once, minted once, and no loop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from liveperson_connector.domain.conversations import Consumer
from liveperson_connector.domain.errors import AppJwtRejected, ConsumerJwsRejected
from liveperson_connector.flows.liveperson_access.authorized_calls import AuthorizedCalls
from liveperson_connector.liveperson.app_jwt import AppJwt
from liveperson_connector.liveperson.consumer_jws import ConsumerJws
from liveperson_connector.liveperson.send_api import OnBehalf
from tests.support.accounts import ACCOUNT
from tests.support.messages import PHONE

FIRST, SECOND = AppJwt("first", 0.0), AppJwt("second", 0.0)
CONSUMER = Consumer(
    ACCOUNT, PHONE, "key", "lp-1", "old jws", conversation_id="c-1", features=("RICH_CONTENT",)
)


@dataclass
class Tokens:
    """Every token there is, and who asked for one."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    introduced_consumers: list[Consumer] = field(default_factory=list)

    def get(self, account_id: str) -> AppJwt:
        """Give the AppJWT at hand."""
        self.asked.append(("get", account_id))
        return FIRST

    def renew(self, account_id: str, rejected: AppJwt) -> AppJwt:
        """Give another one."""
        self.asked.append(("renew", account_id, rejected))
        return SECOND

    def issue(self, account_id: str, app_jwt: AppJwt, ext_consumer_id: str) -> ConsumerJws:
        """Mint a ConsumerJWS."""
        self.asked.append(("issue", account_id, app_jwt, ext_consumer_id))
        return ConsumerJws("new jws", "lp-2")

    def save_consumer(self, consumer: Consumer) -> None:
        """Remember a consumer."""
        self.introduced_consumers.append(consumer)


@dataclass
class Call:
    """A call to LivePerson that rejects what it is told to."""

    app_jwts: tuple[AppJwt, ...] = ()
    jws: tuple[str, ...] = ()
    made: list[OnBehalf] = field(default_factory=list)

    def __call__(self, who: OnBehalf) -> str:
        """Answer, or reject a token."""
        self.made.append(who)
        if who.app_jwt in self.app_jwts:
            raise AppJwtRejected("no")
        if who.consumer_jws.token in self.jws:
            raise ConsumerJwsRejected("no")
        return "answer"


@pytest.fixture(name="tokens")
def _tokens() -> Tokens:
    return Tokens()


@pytest.fixture(name="speaker")
def _speaker(tokens: Tokens) -> AuthorizedCalls:
    everything = cast("Any", tokens)
    return AuthorizedCalls(everything, everything, tokens.save_consumer)


def test_a_call_carries_both_tokens_and_what_the_client_can_do(
    speaker: AuthorizedCalls, tokens: Tokens
) -> None:
    """The consumer is afterwards as before."""
    call = Call()

    assert (CONSUMER, "answer") == speaker.call_as(CONSUMER, call)
    jws = ConsumerJws("old jws", "lp-1")
    assert [OnBehalf(ACCOUNT, FIRST, jws, ("RICH_CONTENT",))] == call.made
    assert [("get", ACCOUNT)] == tokens.asked


def test_a_rejected_app_jwt_is_renewed_once(speaker: AuthorizedCalls, tokens: Tokens) -> None:
    """By the name of the one that was rejected."""
    call = Call(app_jwts=(FIRST,))

    assert (CONSUMER, "answer") == speaker.call_as(CONSUMER, call)
    assert [("get", ACCOUNT), ("renew", ACCOUNT, FIRST)] == tokens.asked
    assert [FIRST, SECOND] == [each.app_jwt for each in call.made]


def test_what_is_rejected_even_then_is_no_loop(speaker: AuthorizedCalls) -> None:
    """It is not a matter of age."""
    call = Call(app_jwts=(FIRST, SECOND))

    with pytest.raises(AppJwtRejected):
        speaker.call_as(CONSUMER, call)
    assert 2 == len(call.made)


def test_a_rejected_consumer_jws_is_minted_again(speaker: AuthorizedCalls, tokens: Tokens) -> None:
    """For the same consumer, who goes on in the same conversation under LivePerson's new id."""
    call = Call(jws=("old jws",))
    known, answer = speaker.call_as(CONSUMER, call)

    assert (replace(CONSUMER, jws="new jws", lp_consumer_id="lp-2"), "answer") == (known, answer)
    assert ("issue", ACCOUNT, FIRST, "key") in tokens.asked
    assert [ConsumerJws("old jws", "lp-1"), ConsumerJws("new jws", "lp-2")] == [
        each.consumer_jws for each in call.made
    ]
    assert [Consumer(ACCOUNT, PHONE, "key", "lp-2", "new jws")] == tokens.introduced_consumers


def test_a_consumer_jws_minted_just_now_is_not_minted_again(
    speaker: AuthorizedCalls, tokens: Tokens
) -> None:
    """Then a person should look."""
    call = Call(jws=("old jws", "new jws"))

    with pytest.raises(ConsumerJwsRejected):
        speaker.call_as(CONSUMER, call)
    assert 1 == len(tokens.introduced_consumers)


def test_a_new_consumer_is_introduced_and_remembered(
    speaker: AuthorizedCalls, tokens: Tokens
) -> None:
    """LivePerson gets the pseudonym; our record keeps the channel's own id."""
    expected = Consumer(ACCOUNT, PHONE, "key", "lp-2", "new jws")

    assert expected == speaker.register_consumer(ACCOUNT, PHONE, "key")
    assert [expected] == tokens.introduced_consumers
    assert [("get", ACCOUNT), ("issue", ACCOUNT, FIRST, "key")] == tokens.asked


def test_a_call_without_a_consumer_renews_too(speaker: AuthorizedCalls) -> None:
    """IDP rejects an old AppJWT like the Send API does."""
    seen: list[AppJwt] = []

    def call(app_jwt: AppJwt) -> str:
        seen.append(app_jwt)
        if app_jwt is FIRST:
            raise AppJwtRejected("no")
        return "answer"

    wanted: Callable[[AppJwt], str] = call
    assert "answer" == speaker.with_app_jwt(ACCOUNT, wanted)
    assert [FIRST, SECOND] == seen
