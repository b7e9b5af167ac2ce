"""What consumers do, said to a LivePerson that checks every request strictly."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.errors import (
    AppJwtRejected,
    ConsumerJwsRejected,
    LivePersonRefused,
    LivePersonUnavailable,
)
from liveperson_connector.liveperson.app_jwt import Sentinel
from liveperson_connector.liveperson.consumer_jws import Idp
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.liveperson.payloads import Opening, Place, text
from liveperson_connector.liveperson.send_api import (
    AlreadyOpen,
    OnBehalf,
    SendApi,
    is_already_open,
)
from simulator import SimulatedLivePerson
from tests.support.accounts import ACCOUNT, CREDENTIALS


@pytest.fixture(name="domains")
def _domains(liveperson: SimulatedLivePerson) -> Domains:
    return Domains(LivePersonHttp(), liveperson.url)


@pytest.fixture(name="send_api")
def _send_api(domains: Domains) -> SendApi:
    return SendApi(LivePersonHttp(), domains)


@pytest.fixture(name="who")
def _who(domains: Domains) -> OnBehalf:
    http = LivePersonHttp()
    app_jwt = Sentinel(http, domains).issue(ACCOUNT, CREDENTIALS)
    return OnBehalf(ACCOUNT, app_jwt, Idp(http, domains).issue(ACCOUNT, app_jwt, "key"))


def opened(send_api: SendApi, who: OnBehalf) -> str:
    """Open a conversation and give its id."""
    return send_api.open_conversation(who, Opening())


def said(send_api: SendApi, who: OnBehalf, conversation_id: str, words: str) -> int | None:
    """Say something and give its sequence."""
    place = Place(conversation_id, conversation_id)
    return send_api.publish(who, text(place, words))


def test_conversation_is_opened_and_spoken_in(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """The first words arrive under the next sequence, by requests without fault."""
    conversation_id = opened(send_api, who)
    sequences = [
        said(send_api, who, conversation_id, words)
        for words in ("Grüße", "👋🏽", 'with "quotes"\nand lines')
    ]

    (conversation,) = liveperson.conversations(ACCOUNT)
    assert conversation_id == conversation["conversation_id"]
    assert ["Grüße", "👋🏽", 'with "quotes"\nand lines'] == [
        line["text"] for line in conversation["transcript"]
    ]
    assert [0, 1, 2] == sequences
    assert [] == liveperson.violations()


def test_both_tokens_go_with_every_call(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """Who calls stands raw in Authorization, for whom in X-LP-ON-BEHALF."""
    conversation_id = opened(send_api, who)
    said(send_api, who, conversation_id, "Hello")

    for call in (liveperson.requests("conversation")[0], liveperson.requests("send")[0]):
        assert {"authorization", "x-lp-on-behalf"} <= set(call["headers"])
        assert "3" == call["query"]["v"]


def test_open_conversation_is_told_apart(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """LivePerson keeps to one open conversation a consumer, so opening twice is safe."""
    opened(send_api, who)

    with pytest.raises(AlreadyOpen):
        opened(send_api, who)
    assert 1 == len(liveperson.conversations(ACCOUNT))


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (None, "Consumer request conversation failed: User 1 already has open conversation.", True),
        (None, "consumer ALREADY HAS  an\topen conversation", True),
        (None, "An existing conversation was found for this consumer", True),
        (None, "There is an open conversation for the user", True),
        (None, "The consumer's conversation is still active", True),
        (None, "Conversation exists", True),
        ("CONVERSATION_ALREADY_OPEN", "Bad Request", True),
        ("AlreadyOpen", "", True),
        (None, "Duplicate conversation", True),
        (None, "Consumer request conversation failed: skill 7 does not exist", False),
        (None, "Campaign is not active", False),
        ("BAD_REQUEST", "Bad Request", False),
        (None, "no reason given", False),
    ],
)
def test_what_looks_like_an_open_conversation_is_one(
    code: str | None, said: str, expected: bool
) -> None:
    """LivePerson's words for it are in one example only, and may change."""
    assert expected == is_already_open(code, said)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (409, {"code": 409, "body": {"title": "Conflict"}}),
        (409, None),
        (400, {"code": 400, "body": {"title": "CONSUMER HAS AN OPEN CONVERSATION"}}),
        (400, {"code": 400, "body": {"title": "Bad Request", "details": "Conversation exists"}}),
        (200, [{"code": "OK"}, {"code": "BAD_REQUEST", "body": {"msg": "already opened"}}]),
    ],
)
def test_open_conversation_may_be_told_in_other_ways(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf, status: int, body: object
) -> None:
    """Another status, other words, other letters: the consumer's words wait for its name."""
    liveperson.add_fault(service="conversation", kind="status", status=status, body=body)

    with pytest.raises(AlreadyOpen):
        opened(send_api, who)


def test_opening_that_is_refused_for_another_reason_is_refused(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """A slip in the routing is not waited for."""
    body = {"code": 400, "body": {"title": "Campaign 7 does not exist"}}
    liveperson.add_fault(service="conversation", kind="status", status=400, body=body)

    with pytest.raises(LivePersonRefused):
        opened(send_api, who)


def test_search_for_the_address_leaves_no_doubt(
    liveperson: SimulatedLivePerson, domains: Domains, who: OnBehalf
) -> None:
    """Nothing was said as long as it is not known where."""
    liveperson.add_fault(service="domain", kind="status", status=503)
    lost = SendApi(LivePersonHttp(), Domains(LivePersonHttp(), liveperson.url))

    with pytest.raises(LivePersonUnavailable) as unavailable:
        said(lost, who, "c-1", "Hello")

    assert not unavailable.value.maybe_done


def test_another_can_be_opened_after_a_close(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """A closed conversation does not stand in the way."""
    first = opened(send_api, who)
    liveperson.close(ACCOUNT, first)

    assert first != opened(send_api, who)


def test_closed_conversation_takes_no_words(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """It is a refusal with LivePerson's status and words."""
    conversation_id = opened(send_api, who)
    liveperson.close(ACCOUNT, conversation_id)

    with pytest.raises(LivePersonRefused) as refused:
        said(send_api, who, conversation_id, "Hello?")

    assert 400 == refused.value.http_status


def test_longest_part_is_taken(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """What ``split_text`` lets through, LivePerson does too."""
    conversation_id = opened(send_api, who)
    said(send_api, who, conversation_id, "a" * 4000)

    assert [] == liveperson.violations()


def test_lost_answer_to_an_opening_may_have_been_done(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """LivePerson has opened it; the caller is told that this may be so."""
    liveperson.add_fault(service="conversation", kind="lost_answer")

    with pytest.raises(LivePersonUnavailable) as lost:
        opened(send_api, who)

    assert lost.value.maybe_done
    assert 1 == len(liveperson.conversations(ACCOUNT))


def test_lost_answer_to_words_may_have_been_done(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """LivePerson has heard them; the caller is told that this may be so."""
    conversation_id = opened(send_api, who)
    liveperson.add_fault(service="send", kind="lost_answer")

    with pytest.raises(LivePersonUnavailable) as lost:
        said(send_api, who, conversation_id, "Hello")

    assert lost.value.maybe_done
    assert 1 == len(liveperson.conversations(ACCOUNT)[0]["transcript"])


def test_answer_that_names_no_conversation_may_have_opened_one(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """A success without an id is no answer."""
    liveperson.add_fault(service="conversation", kind="status", status=200, body=[{"code": "OK"}])

    with pytest.raises(LivePersonUnavailable) as unclear:
        opened(send_api, who)

    assert unclear.value.maybe_done


def test_rejected_tokens_are_told_apart(
    liveperson: SimulatedLivePerson, send_api: SendApi, who: OnBehalf
) -> None:
    """Which of the two is not accepted decides what is renewed."""
    liveperson.revoke_consumer_jws(ACCOUNT)
    with pytest.raises(ConsumerJwsRejected):
        opened(send_api, who)
    liveperson.revoke_tokens(ACCOUNT)

    with pytest.raises(AppJwtRejected):
        opened(send_api, who)


def test_service_that_cannot_be_reached_is_looked_up_again(
    liveperson: SimulatedLivePerson, domains: Domains, send_api: SendApi, who: OnBehalf
) -> None:
    """Its address may have moved."""
    elsewhere = Domains(LivePersonHttp(), liveperson.url)
    liveperson.set(ACCOUNT, base_uris={"asyncMessagingEnt": "http://127.0.0.1:9"})
    moving = SendApi(LivePersonHttp(), elsewhere)
    with pytest.raises(LivePersonUnavailable):
        opened(moving, who)
    liveperson.set(ACCOUNT, base_uris={})

    assert opened(moving, who)


def test_tokens_are_not_shown(who: OnBehalf) -> None:
    """Who calls for whom may be printed."""
    assert who.app_jwt.token not in repr(who)
    assert who.consumer_jws.token not in repr(who)
