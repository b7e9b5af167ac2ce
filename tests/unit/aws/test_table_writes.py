"""Every write to the table is accepted by moto, an implementation of DynamoDB that is not ours."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator

import pytest
from moto import mock_aws
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws import clients
from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.aws.table import Update
from liveperson_connector.domain.conversations import (
    Consumer,
    Conversation,
    Progress,
    Refusal,
)
from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.domain.outages import CircuitState
from tests.support.harness import table_of_template

ACCOUNT, KEY, GROUP, NOW = "42257269", "k" * 64, "g" * 64, time.time()
CONSUMER = Consumer(ACCOUNT, "+4915112345678", KEY, "lp-1", "the-jws")
CONVERSATION = Conversation(ACCOUNT, "c-1", CONSUMER.consumer_id, KEY, "lp-1")
SURVEYED = Conversation(ACCOUNT, "c-1", CONSUMER.consumer_id, KEY, "lp-1", survey_dialog_id="d-2")
CLOSED = Conversation(ACCOUNT, "c-1", CONSUMER.consumer_id, KEY, "lp-1", is_open=False)
PROGRESS = Progress(
    parts_sent=1, done=True, settled_receives=2, settled_message="m", ambiguous_at=NOW,
    uploaded="/path", refusals=1, begun_receive=3, begun_at=NOW,
    may_have_opened=True, refusal=Refusal(NOW, "m", "digest", "reason", "no", 400, "BAD"),
)  # fmt: skip


class Kept(ConversationStore, DeliveryState):
    """All that is kept in the table."""


WRITES: dict[str, list[Callable[[Kept], object]]] = {
    "save_consumer": [lambda kept: kept.save_consumer(CONSUMER)],
    "save_opened": [lambda kept: kept.save_opened(CONSUMER, "c-1", ("AUTO_MESSAGES",))],
    "save_typing": [
        lambda kept: kept.save_typing(CONSUMER, NOW),
        lambda kept: kept.save_typing(CONSUMER, None),
    ],
    "save_visit": [lambda kept: kept.save_visit(CONSUMER, "visitor", "session")],
    "save_sent": [lambda kept: kept.save_sent(CONSUMER, "m-1", PROGRESS, 7)],
    "note_progress": [lambda kept: kept.note_progress(ACCOUNT, KEY, "m-1", PROGRESS)],
    "adopt": [
        lambda kept: kept.adopt(CONVERSATION, is_current=False),
        lambda kept: kept.adopt(CONVERSATION, is_current=True),
        lambda kept: kept.adopt(CONVERSATION, is_current=True, told_at=int(NOW * 1000)),
        lambda kept: kept.adopt(CLOSED, is_current=True),
    ],
    "mark_foreign": [
        lambda kept: kept.mark_foreign(ACCOUNT, "c-1"),
        lambda kept: kept.mark_foreign(ACCOUNT, "c-2"),
    ],
    "seek_conversation": [lambda kept: kept.seek_conversation(ACCOUNT)],
    "restore_pointer": [
        lambda kept: kept.restore_pointer(CONVERSATION),
        lambda kept: kept.restore_pointer(SURVEYED, told_at=int(NOW * 1000)),
    ],
    "point_consumer_at": [
        lambda kept: kept.point_consumer_at(CONVERSATION, SURVEYED),
        lambda kept: kept.point_consumer_at(SURVEYED, CLOSED),
        lambda kept: kept.point_consumer_at(CLOSED, CONVERSATION),
    ],
    "save_state": [lambda kept: kept.save_state(SURVEYED)],
    "save_echo": [lambda kept: kept.save_echo(CONVERSATION, 3, "digest")],
    "mark_delivered": [lambda kept: kept.mark_delivered(ACCOUNT, "d-1:3")],
    "probe": [
        lambda kept: kept.probe(ACCOUNT, "channel", NOW, NOW + 60),
        lambda kept: kept.probe(ACCOUNT, "channel", NOW + 5, NOW + 60),
    ],
    "note_failure": [
        lambda kept: kept.note_failure(ACCOUNT, "channel", None, NOW, GROUP),
        lambda kept: kept.note_failure(ACCOUNT, "channel", None, NOW, GROUP),
        lambda kept: kept.note_failure(
            ACCOUNT, "liveperson", CircuitState(9, NOW, NOW), NOW, GROUP
        ),
    ],
    "outage_over": [lambda kept: kept.outage_over(ACCOUNT, "channel")],
    "count_try": [lambda kept: kept.count_try("message-1", "failed")],
    "hold": [lambda kept: kept.hold(GROUP), lambda kept: kept.hold(GROUP)],
    "hold_redriven": [lambda kept: kept.hold_redriven(GROUP)],
    "extend_hold": [
        lambda kept: kept.extend_hold(GROUP),
        lambda kept: kept.extend_hold("another"),
    ],
    "recount": [
        lambda kept: kept.recount(GROUP, 3, NOW - 60),
        lambda kept: kept.recount(GROUP, 3, NOW + 60),
    ],
    "release_one": [lambda kept: kept.release_one(GROUP)],
    "lease": [lambda kept: kept.lease("token-refresh", 10)],
}
"""Each method that writes, where its condition holds and where it does not."""

READS = {"load_event", "load_consumer", "load_conversation", "load_notification", "owner"}


@pytest.fixture(name="dynamodb")
def _dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """Give a client as the functions make it, which also checks the form of what it sends."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    clients.session.cache_clear()  # one that is older than moto would call real AWS
    with mock_aws():
        yield clients.retrying("dynamodb", parameter_validation=True)
    clients.session.cache_clear()


@pytest.fixture(name="kept")
def _kept(dynamodb: DynamoDBClient) -> Kept:
    return Kept(dynamodb, table_of_template(dynamodb, "table"))


def methods(*classes: type) -> set[str]:
    """Name the public methods of classes."""
    found = {name for each in classes for name, _ in inspect.getmembers(each, inspect.isfunction)}
    return {name for name in found if not name.startswith("_")}


def test_no_write_is_forgotten() -> None:
    """Each method that touches the table stands above, as a write or as a read."""
    assert methods(ConversationStore, DeliveryState) == WRITES.keys() | READS


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_accepted_by_another_implementation(kept: Kept, name: str) -> None:
    """On an empty table, and on one that has everything."""
    for write in WRITES[name]:
        write(kept)
    for writes in WRITES.values():
        for write in writes:
            write(kept)
    for write in WRITES[name]:
        write(kept)


def test_what_was_written_is_read_back(kept: Kept) -> None:
    """The other implementation has understood the writes as they were meant."""
    kept.save_consumer(CONSUMER)
    consumer = kept.save_opened(CONSUMER, "c-1", ())
    kept.save_sent(consumer, "m-1", PROGRESS, 7)
    kept.point_consumer_at(CONVERSATION, SURVEYED)
    kept.save_echo(CONVERSATION, 3, "digest")
    kept.mark_delivered(ACCOUNT, "d-1:3")
    kept.hold(GROUP)

    event = kept.load_event(ACCOUNT, KEY, "m-1", GROUP)
    told = kept.load_notification(ACCOUNT, "d-2", ("d-1:3",), (), GROUP)

    assert event.consumer
    assert ("c-1", "d-2") == (event.consumer.conversation_id, event.consumer.survey_dialog_id)
    assert (True, 1) == (event.progress.done, event.progress.parts_sent)
    assert told.conversation
    assert (KEY, ((3, "digest"),)) == (told.conversation.consumer_key, told.conversation.echoes)
    assert (True, True) == (told.was_delivered, told.is_held)


def test_the_judge_is_strict(kept: Kept) -> None:
    """A value that no expression uses is refused, as AWS refuses it."""
    with pytest.raises(AwsUnavailable, match="ValidationException"):
        kept._table.write(Update("x", {"a": 1}, "pk = :b", {":b": "x", ":c": 2}))
