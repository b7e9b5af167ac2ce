"""What webhooks tell: ours out of theirs, of today and of 2018, whatever LivePerson adds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from liveperson_connector.errors import UnreadableMessage
from liveperson_connector.liveperson.notifications import (
    CONVERSATION_CHANGE,
    MESSAGING_EVENT,
    Change,
    ConversationChange,
    MessagingEvent,
    read_conversation_change,
    read_messaging_event,
    read_webhook,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import (
    AGENT,
    CONSUMER,
    CONVERSATION,
    conversation_change,
    conversation_notification,
    message_change,
    notification,
    without,
)


def message(**spoilt: Any) -> Change:
    """Give a message as a change."""
    return Change(ACCOUNT, MESSAGING_EVENT, message_change(**spoilt))


def conversation(**details: Any) -> Change:
    """Give a conversation's state as a change."""
    return Change(ACCOUNT, CONVERSATION_CHANGE, conversation_change(**details))


# ── Bodies ──


def test_every_change_of_a_body_is_read_in_order() -> None:
    """One webhook may tell of several things."""
    changes = [message_change(sequence=n) for n in (1, 2, 3)]

    assert [Change(ACCOUNT, MESSAGING_EVENT, each) for each in changes] == read_webhook(
        ACCOUNT, notification(*changes)
    )


def test_a_body_about_a_conversation_is_read() -> None:
    """Both kinds of webhook end at the same address."""
    (change,) = read_webhook(ACCOUNT, conversation_notification(conversation_change()))

    assert (CONVERSATION_CHANGE, CONVERSATION) == (change.kind, change.conversation_id)


def test_a_body_with_no_changes_tells_nothing() -> None:
    """An empty list is no fault."""
    assert [] == read_webhook(ACCOUNT, notification())


def test_unknown_fields_of_the_envelope_do_no_harm() -> None:
    """A newer LivePerson may say more."""
    body = json.loads(notification(message_change()))
    body = {**body, "future": 1, "body": {**body["body"], "sentTs": 1, "subscriptionId": "x"}}

    assert 1 == len(read_webhook(ACCOUNT, json.dumps(body).encode()))


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
        b"{}",
        b'{"type": "ms.MessagingEventNotification"}',
        b'{"type": "ms.MessagingEventNotification", "body": []}',
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": {}}}',
        b'{"type": "ms.MessagingEventNotification", "body": {"changes": [7]}}',
        notification(message_change(), kind="ms.SomethingNew"),
        b'{"type": [], "body": {"changes": []}}',
        b'{"type": {}, "body": {"changes": []}}',
        notification({}),
        notification(message_change(conversation_id="")),
        conversation_notification({"result": {"convId": 7}}),
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(body: bytes) -> None:
    """LivePerson signed it, so it is kept for a person, and breaks nothing."""
    with pytest.raises(UnreadableMessage):
        read_webhook(ACCOUNT, body)


# ── Identities ──


def test_two_deliveries_of_a_message_are_the_same() -> None:
    """LivePerson may resend for three days; dialog and sequence tell."""
    again = message(serverTimestamp=1, originatorMetadata={"id": AGENT, "role": "X", "new": 1})

    assert message().identity == again.identity == f"{CONVERSATION}:1"


@pytest.mark.parametrize("spoilt", [{"sequence": 2}, {"dialogId": "survey"}])
def test_another_message_is_another(spoilt: dict[str, Any]) -> None:
    """A survey's dialog counts from the beginning again."""
    assert message().identity != message(**spoilt).identity


@pytest.mark.parametrize("sequence", [None, "1", 1.5, []])
def test_what_has_no_number_has_no_identity(sequence: object) -> None:
    """Typing is never repeated by LivePerson and has no key."""
    assert message(sequence=sequence).identity is None


def test_the_first_message_has_an_identity() -> None:
    """Sequence 0 is a number."""
    assert f"{CONVERSATION}:0" == message(sequence=0).identity


def test_two_deliveries_of_a_conversations_state_are_the_same() -> None:
    """The order in which its fields are written does not matter."""
    raw = conversation_change()
    turned = dict(reversed(raw.items()))

    assert conversation().identity == Change(ACCOUNT, CONVERSATION_CHANGE, turned).identity


def test_another_state_of_a_conversation_is_another() -> None:
    """Each state is told once."""
    assert conversation().identity != conversation(stage="CLOSE").identity


# ── Messages ──


def test_a_message_is_read() -> None:
    """Who said what to whom, when and where."""
    expected = MessagingEvent(
        conversation_id=CONVERSATION,
        dialog_id=CONVERSATION,
        sequence=1,
        sender_id=AGENT,
        sender_role="ASSIGNED_AGENT",
        audience="ALL",
        sent_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        event_type="ContentEvent",
        content_type="text/plain",
        message="Grüße 👋",
    )

    assert expected == read_messaging_event(message(text="Grüße 👋"))


def test_the_form_of_2018_names_no_conversation_and_no_audience() -> None:
    """The dialog stands for the conversation; an absent audience is told apart from any other."""
    raw = without(message_change(), "conversationId", "messageAudience")
    event = read_messaging_event(Change(ACCOUNT, MESSAGING_EVENT, raw))

    assert (CONVERSATION, CONVERSATION) == (event.conversation_id, event.dialog_id)
    assert event.audience is None


def test_a_survey_dialog_is_not_its_conversation() -> None:
    """Where both are named, each is what it says."""
    event = read_messaging_event(message(dialogId="survey"))

    assert (CONVERSATION, "survey") == (event.conversation_id, event.dialog_id)


@pytest.mark.parametrize("audience", ["AGENTS_AND_MANAGERS", "", "all", 7, [], {}, False])
def test_an_audience_is_never_taken_for_an_absent_one(audience: object) -> None:
    """Only what is not there is the older form; anything else is an audience of its own."""
    assert read_messaging_event(message(messageAudience=audience)).audience not in {None, "ALL"}


@pytest.mark.parametrize(
    ("spoilt", "expected"),
    [
        ({}, "Hello"),
        ({"event": {"type": "ContentEvent", "contentType": "text/plain", "message": ""}}, ""),
        ({"event": {"type": "ContentEvent", "contentType": "text/plain", "message": {}}}, None),
        ({"event": {"type": "ContentEvent", "contentType": "hosted/file", "message": "x"}}, None),
        ({"event": {"type": "ChatStateEvent", "chatState": "COMPOSING"}}, None),
        ({"event": {"type": "AcceptStatusEvent", "status": "READ"}}, None),
        ({"event": {"type": "SomethingNew", "contentType": "text/plain", "message": "x"}}, None),
        ({"event": None}, None),
        ({"event": "text"}, None),
    ],
)
def test_only_a_text_has_words(spoilt: dict[str, Any], expected: str | None) -> None:
    """Files, typing, receipts and what is not yet invented are no text."""
    assert expected == read_messaging_event(message(**spoilt)).text


@pytest.mark.parametrize(
    "spoilt",
    [
        {"originatorMetadata": None},
        {"originatorMetadata": "agent"},
        {"originatorMetadata": {"role": 7}},
        {"originatorId": 7},
        {"serverTimestamp": "now"},
        {"serverTimestamp": 10**30},
        {"serverTimestamp": None},
        {"metadata": None},
        {"futureField": {"a": [1]}},
        {"dialogId": None},
    ],
)
def test_a_field_of_another_form_breaks_nothing(spoilt: dict[str, Any]) -> None:
    """The rest of the message is read all the same."""
    assert "Hello" == read_messaging_event(message(**spoilt)).text


def test_the_sender_is_found_in_its_metadata_too() -> None:
    """Either place may name who said it."""
    raw = without(message_change(), "originatorId")

    assert AGENT == read_messaging_event(Change(ACCOUNT, MESSAGING_EVENT, raw)).sender_id


@pytest.mark.parametrize(
    ("role", "expected"), [("CONSUMER", True), ("ASSIGNED_AGENT", False), ("SOMETHING_NEW", False)]
)
def test_a_consumers_own_words_are_known_by_the_role(role: str, expected: bool) -> None:
    """An echo is what a CONSUMER said."""
    assert expected == read_messaging_event(message(role=role)).is_consumers


# ── Conversations ──


def test_the_state_of_a_conversation_is_read() -> None:
    """Whose it is, and that it is open."""
    expected = ConversationChange(CONVERSATION, (CONSUMER,), False, None, 1_700_000_000_000)

    assert expected == read_conversation_change(conversation())


@pytest.mark.parametrize(
    ("details", "is_closed"),
    [
        ({"stage": "OPEN", "state": "OPEN"}, False),
        ({"stage": "OPEN", "state": "CLOSE"}, False),
        ({"stage": "CLOSE", "state": "CLOSE"}, True),
    ],
)
def test_the_stage_says_whether_it_is_over(details: dict[str, str], is_closed: bool) -> None:
    """The state is only the main dialog's; a survey may still run."""
    assert is_closed == read_conversation_change(conversation(**details)).is_closed


@pytest.mark.parametrize(("state", "is_closed"), [("OPEN", False), ("CLOSE", True)])
def test_in_the_form_of_2018_the_state_says_it(state: str, is_closed: bool) -> None:
    """That form has no stage."""
    raw = conversation_change(state=state)
    del raw["result"]["conversationDetails"]["stage"]

    change = Change(ACCOUNT, CONVERSATION_CHANGE, raw)

    assert is_closed == read_conversation_change(change).is_closed


def test_a_deleted_conversation_is_over() -> None:
    """DELETE ends it, whatever its details say."""
    change = Change(ACCOUNT, CONVERSATION_CHANGE, {**conversation_change(), "type": "DELETE"})

    assert read_conversation_change(change).is_closed


def test_why_it_was_closed_is_kept() -> None:
    """AGENT, CONSUMER or SYSTEM, as LivePerson says."""
    change = read_conversation_change(conversation(stage="CLOSE", closeReason="AGENT"))

    assert "AGENT" == change.close_reason


@pytest.mark.parametrize(
    "participants",
    [
        None,
        {},
        "x",
        [],
        [None],
        [{"role": "CONSUMER"}],
        [{"id": "x"}],
        [{"id": 7, "role": "AGENT"}],
    ],
)
def test_participants_of_another_form_break_nothing(participants: object) -> None:
    """Then the change names no consumer that we could know."""
    change = read_conversation_change(conversation(participants=participants))

    assert not any(change.consumer_ids)


@pytest.mark.parametrize("result", [{"convId": "c"}, {"convId": "c", "conversationDetails": None}])
def test_a_conversation_without_details_is_read(result: dict[str, Any]) -> None:
    """It is open as far as we know."""
    change = Change(ACCOUNT, CONVERSATION_CHANGE, {"type": "UPSERT", "result": result})

    assert ConversationChange("c", (), False, None, 0) == read_conversation_change(change)
