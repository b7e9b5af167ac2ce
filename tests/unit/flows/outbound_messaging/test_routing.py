"""Where a new conversation is routed: as the channel says, or as the Monitoring API finds."""

from __future__ import annotations

from typing import cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.domain.accounts import ChannelSettings
from liveperson_connector.domain.conversations import Consumer
from liveperson_connector.domain.errors import MisconfiguredAccount
from liveperson_connector.flows.liveperson_access import AppJwts
from liveperson_connector.flows.outbound_messaging.routing import Routing
from liveperson_connector.liveperson.app_jwt import Sentinel
from liveperson_connector.liveperson.domains import Domains
from liveperson_connector.liveperson.http import LivePersonHttp
from liveperson_connector.liveperson.monitoring import Monitoring
from liveperson_connector.support.cache import Cache
from simulator import SimulatedLivePerson
from tests.simulation.table import Table
from tests.support.accounts import ACCOUNT, CLIENT_ID, CREDENTIALS
from tests.support.logs import Output
from tests.support.messages import PHONE

ENTRY_POINT = ("https://brand.example.com/support",)
CONSUMER = Consumer(ACCOUNT, PHONE, "0123456789abcdef", "lp-1", "jws")


@pytest.fixture(name="memory")
def _memory() -> ConversationStore:
    memory = ConversationStore(cast("DynamoDBClient", Table()), "table")
    memory.save_consumer(CONSUMER)
    return memory


def routing(
    liveperson: SimulatedLivePerson,
    memory: ConversationStore,
    entry_point: tuple[str, ...] = ENTRY_POINT,
    *,
    has_token: bool = True,
) -> Routing:
    """Make the routing of an account with an entry point."""
    http = LivePersonHttp()
    domains = Domains(http, liveperson.url)
    token = Sentinel(http, domains).issue(ACCOUNT, CREDENTIALS).token if has_token else None

    def settings(_account_id: str) -> ChannelSettings:
        return ChannelSettings("https://channel.example.com", b"key", entry_point=entry_point)

    return Routing(
        channels=Cache(settings, ttl=300),
        monitoring=Monitoring(http, domains),
        app_jwts=AppJwts({ACCOUNT: token}.get, lambda _account_id, _rejected: None),
        save_visit=memory.save_visit,
    )


def test_what_the_channel_says_comes_first(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """And nothing is looked up for it."""
    given = {"skill_id": "12"}

    assert (CONSUMER, given) == routing(liveperson, memory).find(CONSUMER, given)
    assert [] == liveperson.requests("smt")


def test_without_a_word_of_it_the_entry_point_is_asked(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """For the campaign, of the app, for the consumer's pseudonym."""
    consumer, found = routing(liveperson, memory).find(CONSUMER, {})

    assert {"campaign_id", "engagement_id", "visitor_id", "session_id"} <= set(found)
    assert (found["visitor_id"], found["session_id"]) == (consumer.visitor_id, consumer.session_id)
    (asked,) = liveperson.requests("smt")
    assert list(ENTRY_POINT) == asked["body"]["entryPoints"]
    assert CONSUMER.key == asked["body"]["identities"][0]["sub"]
    assert f"/app/{CLIENT_ID}/" in asked["path"]


def test_a_visitor_is_remembered(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """LivePerson throttles who comes as another one each time; a known visit is not written."""
    known = routing(liveperson, memory)
    first, _ = known.find(CONSUMER, {})
    stored = memory.load_consumer(ACCOUNT, CONSUMER.key)
    again, _ = known.find(first, {})

    assert stored is not None
    assert (first.visitor_id, first.session_id) == (stored.visitor_id, stored.session_id)
    assert first.visitor_id
    assert first == again
    assert first.visitor_id == liveperson.requests("smt")[1]["query"]["vid"]


def test_without_an_entry_point_nothing_is_looked_up(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """LivePerson routes as the account says."""
    assert (CONSUMER, {}) == routing(liveperson, memory, ()).find(CONSUMER, {})
    assert [] == liveperson.requests("smt")


@pytest.mark.parametrize("status", [400, 429, 500])
def test_a_look_up_that_fails_is_left_out(
    liveperson: SimulatedLivePerson, memory: ConversationStore, output: Output, status: int
) -> None:
    """A conversation without a campaign is better than none."""
    liveperson.add_fault(service="smt", kind="status", status=status)

    assert (CONSUMER, {}) == routing(liveperson, memory).find(CONSUMER, {})
    assert 1 == len(output.messages)


def test_without_a_token_nothing_is_looked_up(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """It is the sending that waits for one."""
    without = routing(liveperson, memory, has_token=False)

    assert (CONSUMER, {}) == without.find(CONSUMER, {})


def test_settings_that_cannot_be_read_are_left_out(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """Consumers need not wait until an operator corrects them."""

    def broken(_account_id: str) -> ChannelSettings:
        raise MisconfiguredAccount("parameter …/channel: it is not JSON")

    whole = routing(liveperson, memory)
    without = Routing(Cache(broken, ttl=300), whole.monitoring, whole.app_jwts, whole.save_visit)

    assert (CONSUMER, {}) == without.find(CONSUMER, {})


def test_where_no_campaign_is_meant_none_is_given(
    liveperson: SimulatedLivePerson, memory: ConversationStore
) -> None:
    """The visit is remembered all the same."""
    liveperson.set(ACCOUNT, monitoring="none")
    consumer, found = routing(liveperson, memory).find(CONSUMER, {})

    assert {} == found
    assert consumer.visitor_id
