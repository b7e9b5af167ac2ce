"""What the intake reads of a webhook: its changes, whose they are, when they happened."""

from __future__ import annotations

import json
from typing import Any

import pytest

from liveperson_connector.domain.errors import UnreadableMessage
from liveperson_connector.liveperson.notifications import (
    CONVERSATION_CHANGE,
    MESSAGING_EVENT,
    Change,
    Notification,
    read_change,
    read_webhook,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import (
    AGENT,
    CONVERSATION,
    conversation_change,
    conversation_notification,
    message_change,
    notification,
)


def message(**spoilt: Any) -> Change:
    """Read a message of which fields are replaced."""
    return read_change(ACCOUNT, MESSAGING_EVENT, message_change(**spoilt))


def conversation(**details: Any) -> Change:
    """Read a conversation's state of which details are replaced."""
    return read_change(ACCOUNT, CONVERSATION_CHANGE, conversation_change(**details))


# ── Bodies ──


def test_every_change_of_a_body_is_read_in_order() -> None:
    """One webhook may tell of several things."""
    changes = [message_change(sequence=n) for n in (1, 2, 3)]
    expected = tuple(read_change(ACCOUNT, MESSAGING_EVENT, each) for each in changes)

    assert Notification(expected) == read_webhook(ACCOUNT, notification(*changes))


def test_body_about_a_conversation_is_read() -> None:
    """Both kinds of webhook end at the same address."""
    (change,) = read_webhook(ACCOUNT, conversation_notification(conversation_change())).changes

    assert (CONVERSATION_CHANGE, CONVERSATION) == (change.kind, change.conversation_id)


def test_body_with_no_changes_tells_nothing() -> None:
    """An empty list is no fault."""
    assert Notification(()) == read_webhook(ACCOUNT, notification())


def test_unknown_fields_of_the_envelope_do_no_harm() -> None:
    """A newer LivePerson may say more."""
    body = json.loads(notification(message_change()))
    body = {**body, "future": 1, "body": {**body["body"], "subscriptionId": "x"}}

    assert 1 == len(read_webhook(ACCOUNT, json.dumps(body).encode()).changes)


@pytest.mark.parametrize(
    ("said", "expected"),
    [({"sentTs": 1_769_650_000_500}, 1_769_650_000.5), ({"sentTs": "now"}, None), ({}, None)],
)
def test_when_a_webhook_was_sent_is_read(said: dict[str, Any], expected: float | None) -> None:
    """Some say it, in milliseconds."""
    body = json.loads(notification(message_change()))
    body["body"] |= said

    assert expected == read_webhook(ACCOUNT, json.dumps(body).encode()).sent_at


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\xfd",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"[" * 100_000,
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": [{"a": NaN}]}}',
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": [{"a": 1e999}]}}',
        b"{}",
        b'{"type": "ms.MessagingEventNotification"}',
        b'{"type": "ms.MessagingEventNotification", "body": []}',
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": {}}}',
        notification(message_change(), kind="ms.SomethingNew"),
        b'{"type": [], "body": {"changes": []}}',
        b'{"type": {}, "body": {"changes": []}}',
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(body: bytes) -> None:
    """LivePerson signed it, so it is kept for a person, and breaks nothing."""
    with pytest.raises(UnreadableMessage):
        read_webhook(ACCOUNT, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": [7]}}',
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": [null]}}',
        b'{"type": "cqm.ExConversationChangeNotification", "body": {"changes": ["x"]}}',
        notification({}),
        notification(message_change(conversation_id="")),
        conversation_notification({"result": {"convId": 7}}),
        conversation_notification({"result": "x"}),
    ],
)
def test_change_without_a_conversation_is_unreadable_by_itself(body: bytes) -> None:
    """Whatever stands in its place; those beside it are read."""
    (change,) = read_webhook(ACCOUNT, body).changes

    assert "" == change.conversation_id
    assert frozenset() == change.named_accounts


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
def test_number_that_is_none_makes_a_webhook_unreadable(number: bytes) -> None:
    """Python would read it, and write it to the queue as what no other program takes for JSON."""
    body = notification({**message_change(), "future": 12345})
    assert 1 == len(read_webhook(ACCOUNT, body).changes)

    with pytest.raises(UnreadableMessage):
        read_webhook(ACCOUNT, body.replace(b"12345", number))


# ── Whose, when, and what ──


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"brandId": ACCOUNT}, {ACCOUNT}),
        ({"brandId": int(ACCOUNT)}, {ACCOUNT}),
        ({"brandId": ""}, set()),
        ({"conversationHandlerDetails": {"accountId": "other"}}, set()),
    ],
)
def test_account_that_a_state_names_is_read(details: dict[str, Any], expected: set[str]) -> None:
    """As text or number; who handles a conversation may be another account."""
    assert expected == conversation(**details).named_accounts


def test_account_that_a_state_names_is_read_in_each_of_its_places() -> None:
    """One account more is one too many, wherever it stands."""
    raw = {**conversation_change(brandId="details"), "brandId": "change"}
    raw["result"]["brandId"] = "result"

    named = read_change(ACCOUNT, CONVERSATION_CHANGE, raw).named_accounts
    assert {"change", "result", "details"} == named


@pytest.mark.parametrize(
    ("spoilt", "expected"),
    [({"brandId": "other"}, {"other"}), ({"brandId": None}, set()), ({}, set())],
)
def test_account_that_a_message_names_is_read(spoilt: dict[str, Any], expected: set[str]) -> None:
    """Mostly it names none."""
    assert expected == message(**spoilt).named_accounts


@pytest.mark.parametrize(
    ("milliseconds", "expected"), [(1_700_000_000_500, 1_700_000_000.5), (0, None), ("x", None)]
)
def test_time_of_a_change_is_read(milliseconds: object, expected: float | None) -> None:
    """In seconds; nothing was ever said in 1970."""
    assert expected == message(serverTimestamp=milliseconds).happened_at
    assert expected == conversation(metaDataLastUpdateTs=milliseconds).happened_at


def test_typing_is_told_apart() -> None:
    """It is stale within seconds; neither a text nor a conversation's state is."""
    assert message(event={"type": "ChatStateEvent", "chatState": "COMPOSING"}).is_typing
    assert not message().is_typing
    assert not conversation().is_typing
    assert not message(event=None).is_typing


@pytest.mark.parametrize(
    ("role", "expected"), [("CONSUMER", True), ("ASSIGNED_AGENT", False), (None, False)]
)
def test_echo_is_told_apart(role: str, expected: bool) -> None:
    """What a consumer did has a group of its own in the queue."""
    assert expected == message(role=role).is_consumers
    assert not conversation().is_consumers


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, True),
        ({"participants": [{"id": AGENT, "role": "ASSIGNED_AGENT"}]}, False),
        ({"stage": "CLOSE"}, False),
    ],
)
def test_conversation_begins_until_an_agent_joins(details: dict[str, Any], expected: bool) -> None:
    """Or until it ends; a message begins nothing."""
    assert expected == conversation(**details).is_beginning
    assert not message().is_beginning


def test_change_of_2018_is_about_its_dialog() -> None:
    """That form names no conversation."""
    assert "d-1" == message(conversationId=None, dialogId="d-1").conversation_id
    assert CONVERSATION == message(dialogId="d-1").conversation_id
