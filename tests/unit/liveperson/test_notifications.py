"""What webhooks tell: ours out of theirs, of today and of 2018, whatever LivePerson adds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.domain.errors import UnreadableMessage
from liveperson_connector.liveperson.notifications import (
    CONVERSATION_CHANGE,
    KINDS,
    MESSAGING_EVENT,
    Change,
    ConversationChange,
    HostedFile,
    MessagingEvent,
    Notification,
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

PUBLISHED = Path(__file__).parents[2] / "data" / "webhooks"
SURVEY = "__YOUR_POST_SURVEY_DIALOG_ID__"

EVENT_FIELDS = (
    *("type", "contentType", "message", "content", "chatState", "status"),
    *("sequenceList", "quickReplies", "id", "role"),
)
DETAILS = (
    *("participants", "dialogs", "skillId", "state", "stage", "metaDataLastUpdateTs"),
    *("closeReason", "conversationHandlerDetails"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def message(**spoilt: Any) -> Change:
    """Give a message as a change."""
    return Change(ACCOUNT, MESSAGING_EVENT, message_change(**spoilt))


def conversation(**details: Any) -> Change:
    """Give a conversation's state as a change."""
    return Change(ACCOUNT, CONVERSATION_CHANGE, conversation_change(**details))


def said(what: object) -> MessagingEvent:
    """Read a message whose event is ``what``."""
    return read_messaging_event(message(event=what))


def published(name: str) -> list[Change]:
    """Read a webhook that LivePerson published."""
    return list(read_webhook(ACCOUNT, (PUBLISHED / f"{name}.json").read_bytes()).changes)


# ── Bodies ──


def test_every_change_of_a_body_is_read_in_order() -> None:
    """One webhook may tell of several things."""
    changes = [message_change(sequence=n) for n in (1, 2, 3)]
    expected = tuple(Change(ACCOUNT, MESSAGING_EVENT, each) for each in changes)

    assert Notification(expected) == read_webhook(ACCOUNT, notification(*changes))


def test_a_body_about_a_conversation_is_read() -> None:
    """Both kinds of webhook end at the same address."""
    (change,) = read_webhook(ACCOUNT, conversation_notification(conversation_change())).changes

    assert (CONVERSATION_CHANGE, CONVERSATION) == (change.kind, change.conversation_id)


def test_a_body_with_no_changes_tells_nothing() -> None:
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
def test_a_change_without_a_conversation_is_unreadable_by_itself(body: bytes) -> None:
    """Whatever stands in its place; those beside it are read."""
    (change,) = read_webhook(ACCOUNT, body).changes

    assert not change.is_readable
    assert frozenset() == change.named_accounts


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999"])
def test_a_number_that_is_none_makes_a_webhook_unreadable(number: bytes) -> None:
    """Python would read it, and write it to the queue as what no other program takes for JSON."""
    body = notification({**message_change(), "future": 12345})
    assert 1 == len(read_webhook(ACCOUNT, body).changes)

    with pytest.raises(UnreadableMessage):
        read_webhook(ACCOUNT, body.replace(b"12345", number))


# ── Identities ──


def test_two_deliveries_of_a_message_are_the_same() -> None:
    """LivePerson may resend for three days; dialog and sequence tell."""
    again = message(serverTimestamp=1, originatorMetadata={"id": AGENT, "role": "X", "new": 1})

    assert message().identities == again.identities == (f"{CONVERSATION}:1",)


@pytest.mark.parametrize("spoilt", [{"sequence": 2}, {"dialogId": "survey"}])
def test_another_message_is_another(spoilt: dict[str, Any]) -> None:
    """A survey's dialog counts from the beginning again."""
    assert message().identities != message(**spoilt).identities


def receipt(**spoilt: Any) -> Change:
    """Give an agent's receipt as a change, with the number of its message."""
    read = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1]}
    return message(**{"event": read, **spoilt})


def test_a_receipt_is_never_taken_for_the_message_of_its_number() -> None:
    """LivePerson's own survey tutorial shows an ACCEPT with the number of its message."""
    assert not set(message().identities) & set(receipt().identities[:1])


def test_two_deliveries_of_a_receipt_are_the_same() -> None:
    """By what it says, whether it has a number or not."""
    again = receipt(serverTimestamp=1, originatorMetadata={"id": AGENT, "role": "X", "new": 1})
    raw = without(receipt().raw, "sequence")
    numberless = Change(ACCOUNT, MESSAGING_EVENT, raw)

    assert receipt().identities == again.identities
    assert 1 == len(numberless.identities)
    assert numberless.identities == Change(ACCOUNT, MESSAGING_EVENT, dict(raw)).identities


@pytest.mark.parametrize(
    "spoilt",
    [
        {"sequence": 2},
        {"dialogId": "survey"},
        {"originatorId": "another"},
        {"event": {"type": "AcceptStatusEvent", "status": "ACCEPT", "sequenceList": [1]}},
        {"event": {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1, 2]}},
    ],
)
def test_another_receipt_is_another(spoilt: dict[str, Any]) -> None:
    """Who has received or read which messages, in which dialog."""
    assert receipt().identities[0] != receipt(**spoilt).identities[0]


def test_a_receipt_is_known_by_its_number_alone_to_older_versions() -> None:
    """What they have told is not told again after an upgrade."""
    assert message().identities == receipt().identities[1:]


@pytest.mark.parametrize("sequence", [None, "1", 1.5, 1.0, [], True, False, -1, 2**63, 10**40])
def test_what_has_no_number_has_no_identity(sequence: object) -> None:
    """Typing is never repeated by LivePerson and has no key."""
    assert () == message(sequence=sequence).identities


def test_the_first_message_has_an_identity() -> None:
    """Sequence 0 is a number."""
    assert (f"{CONVERSATION}:0",) == message(sequence=0).identities


def test_a_state_of_a_conversation_has_no_identity() -> None:
    """Its time stamp says whether it is newer than what is known."""
    assert () == conversation().identities


# ── Whose, and when ──


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (conversation(brandId=ACCOUNT), {ACCOUNT}),
        (conversation(brandId=int(ACCOUNT)), {ACCOUNT}),
        (conversation(conversationHandlerDetails={"accountId": "other"}), set()),
        (message(brandId="other"), {"other"}),
        (message(brandId=None), set()),
        (message(), set()),
    ],
)
def test_the_account_that_a_change_names_is_read(change: Change, expected: set[str]) -> None:
    """As text or number; who handles a conversation may be another account."""
    assert expected == change.named_accounts


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (message(serverTimestamp=1_700_000_000_500), 1_700_000_000.5),
        (conversation(updated_at=1_700_000_000_500), 1_700_000_000.5),
        (message(serverTimestamp=None), None),
        (message(serverTimestamp=0), None),
        (conversation(metaDataLastUpdateTs="x"), None),
    ],
)
def test_when_it_happened_is_read(change: Change, expected: float | None) -> None:
    """In seconds; nothing was ever said in 1970."""
    assert expected == change.happened_at


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
        kind="text",
        text="Grüße 👋",
        account_id=ACCOUNT,
        identities=(f"{CONVERSATION}:1",),
        content_type="text/plain",
        message="Grüße 👋",
        names_conversation=True,
    )

    assert expected == read_messaging_event(message(text="Grüße 👋"))


def test_the_form_of_2018_names_no_conversation_and_no_audience() -> None:
    """The dialog stands for the conversation; an absent audience is told apart from any other."""
    raw = without(message_change(), "conversationId", "messageAudience")
    event = read_messaging_event(Change(ACCOUNT, MESSAGING_EVENT, raw))

    assert (CONVERSATION, CONVERSATION) == (event.conversation_id, event.dialog_id)
    assert event.audience is None
    assert not event.names_conversation


def test_a_survey_dialog_is_not_its_conversation() -> None:
    """Where both are named, each is what it says."""
    event = read_messaging_event(message(dialogId="survey"))

    assert (CONVERSATION, "survey") == (event.conversation_id, event.dialog_id)


def test_the_strictest_of_several_audiences_counts() -> None:
    """A note is private wherever it is marked so."""
    event = {"type": "ContentEvent", "contentType": "text/plain", "message": "x"}
    private = {"messageAudience": "ALL", "event": {**event, "audience": "AGENTS_AND_MANAGERS"}}
    inside = {"messageAudience": None, "event": {**event, "audience": "ALL"}}

    assert "AGENTS_AND_MANAGERS" == read_messaging_event(message(**private)).audience
    assert "ALL" == read_messaging_event(message(**inside)).audience


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
        {"serverTimestamp": True},
        {"sequence": True},
        {"sequence": 10**40},
        {"metadata": {"type": "ExternalId"}},
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


def test_of_two_names_of_the_sender_the_messages_own_counts() -> None:
    """The metadata may be about whom somebody else spoke for."""
    spoken_for = message(originatorId="bot", originatorMetadata={"id": AGENT, "role": "X"})

    assert "bot" == read_messaging_event(spoken_for).sender_id


@pytest.mark.parametrize(
    ("role", "expected"), [("CONSUMER", True), ("ASSIGNED_AGENT", False), ("SOMETHING_NEW", False)]
)
def test_a_consumers_own_words_are_known_by_the_role(role: str, expected: bool) -> None:
    """An echo is what a CONSUMER said."""
    assert expected == read_messaging_event(message(role=role)).is_consumers


# ── Kinds ──


def test_metadata_is_kept_as_it_came() -> None:
    """A card's id is written there, a survey's question too; absent, null and odd are none."""
    metadata = [{"type": "ExternalId", "id": "card"}]

    assert tuple(metadata) == read_messaging_event(message(metadata=metadata)).metadata
    assert () == read_messaging_event(message(metadata=None)).metadata


@pytest.mark.parametrize("form", ["content", "message"])
def test_structured_content_is_found_in_each_of_its_places(form: str) -> None:
    """Live events name it content, the published schema message, and the history writes text."""
    card = {"type": "vertical", "elements": []}
    event = said({"type": "RichContentEvent", form: card})
    written = said({"type": "RichContentEvent", form: json.dumps(card)})

    assert ("rich", card) == (event.kind, event.rich)
    assert ("rich", card) == (written.kind, written.rich)


def test_quick_replies_ride_on_texts_and_on_cards() -> None:
    """They are kept as they came."""
    replies = {"type": "quickReplies", "itemsPerRow": 8, "replies": []}
    text = {"type": "ContentEvent", "contentType": "text/plain", "message": "Yes?"}
    card = {"type": "RichContentEvent", "content": {"type": "text", "text": "Yes?"}}

    for each in (text, card):
        assert said(each).quick_replies is None
        assert replies == said({**each, "quickReplies": replies}).quick_replies


def test_a_file_is_a_place_in_livepersons_storage() -> None:
    """Its caption and its type may be missing; its place may not."""
    event = {"type": "ContentEvent", "contentType": "hosted/file"}
    file = {"caption": "Bill", "relativePath": "/v1/a.PDF", "fileType": "PDF", "preview": "data:"}

    assert HostedFile("Bill", "/v1/a.PDF", "PDF") == said({**event, "message": file}).file
    assert HostedFile("", "/v1/a", "") == said({**event, "message": {"relativePath": "/v1/a"}}).file
    assert said({**event, "message": {"caption": "Bill"}}).file is None


def test_a_receipt_names_the_messages_it_is_for() -> None:
    """Only numbers are numbers; what is not is left out."""
    event = said({"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [0, True, "2", 3]})

    assert ("receipt", "READ", (0, 3)) == (event.kind, event.receipt_status, event.sequences)


@pytest.mark.parametrize("state", ["COMPOSING", "SOMETHING_NEW"])
def test_typing_is_told_by_its_state_and_has_no_identity(state: str) -> None:
    """It is stale in seconds, so that nobody asks whether it was told before."""
    change = message(event={"type": "ChatStateEvent", "chatState": state})
    event = read_messaging_event(change)

    assert ("typing", state) == (event.kind, event.chat_state)
    assert change.is_typing
    assert () == change.identities


def test_nothing_else_is_typing() -> None:
    """Neither a text nor a conversation's state is."""
    assert not message().is_typing
    assert not conversation().is_typing
    assert not message(event=None).is_typing


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"type": "SomethingNew"},
        {"type": ["ContentEvent"]},
        {"type": "ContentEvent", "contentType": "text/plain", "message": 7},
        {"type": "ContentEvent", "contentType": "something/new", "message": "x"},
        {"type": "ContentEvent", "contentType": "hosted/file", "message": None},
        {"type": "RichContentEvent", "content": 7},
        {"type": "RichContentEvent", "content": "[" * 100_000},
        {"type": "RichContentEvent", "content": '{"la": NaN}'},
        {"type": "RichContentEvent", "content": "[1]"},
    ],
)
def test_what_is_not_known_has_no_kind(event: dict[str, Any]) -> None:
    """Kinds that will be invented, and known ones that can't be read."""
    assert said(event).kind is None


@given(
    st.dictionaries(
        st.sampled_from([*message_change(), "metadata"]),
        JSON
        | st.dictionaries(
            st.sampled_from(EVENT_FIELDS),
            JSON | st.sampled_from(["ContentEvent", "RichContentEvent", "hosted/file"]),
        ),
    )
)
def test_no_event_is_so_odd_that_reading_fails(raw: dict[str, Any]) -> None:
    """Whatever stands where: it is read as far as it is known."""
    change = Change(ACCOUNT, MESSAGING_EVENT, raw)

    assert read_messaging_event(change).kind in {*KINDS, None}
    assert () == change.identities or not change.is_typing


# ── Conversations ──


def test_the_state_of_a_conversation_is_read() -> None:
    """Whose it is, and that it is open."""
    expected = ConversationChange(
        ACCOUNT, CONVERSATION, (CONSUMER,), False, None, 1_700_000_000_000, says_open=True
    )

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


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"stage": "OPEN", "state": "CLOSE"}, True),
        ({"stage": None, "state": "OPEN"}, True),
        ({"stage": "CLOSE", "state": "OPEN"}, False),
        ({"stage": None, "state": None}, False),
        ({"stage": "SOMETHING_NEW"}, False),
    ],
)
def test_only_a_state_that_says_so_is_open(details: dict[str, Any], expected: bool) -> None:
    """One that says neither ends a conversation nor opens it again."""
    assert expected == read_conversation_change(conversation(**details)).says_open


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

    assert ConversationChange(ACCOUNT, "c", (), False, None, 0) == read_conversation_change(change)


def test_who_joined_and_where_it_stands_are_read() -> None:
    """The skill may be a number or stand with the handler alone."""
    agent = {"id": AGENT, "role": "ASSIGNED_AGENT"}
    change = read_conversation_change(conversation(participants=[agent], skillId=55))
    handled = conversation(conversationHandlerDetails={"skillId": "66"})

    assert (AGENT, "55") == (change.agent_id, change.skill_id)
    assert "66" == read_conversation_change(handled).skill_id


@pytest.mark.parametrize(
    ("state", "expected"),
    [({"state": "ACTIVE"}, AGENT), ({}, AGENT), ({"state": "SUGGESTED"}, None)],
)
def test_an_agent_to_whom_it_is_only_offered_has_not_joined(
    state: dict[str, str], expected: str | None
) -> None:
    """The dialog says so, even while the conversation lists the agent already."""
    agent = {"id": AGENT, "role": "ASSIGNED_AGENT"}
    main = {"dialogId": CONVERSATION, "participantsDetails": [{**agent, **state}]}
    change = conversation(participants=[agent], dialogs=[main])

    assert expected == read_conversation_change(change).agent_id


def test_a_survey_is_found_by_its_type() -> None:
    """It may stand anywhere in the list, and an earlier one may be over."""
    dialogs = [
        {"dialogId": "open", "dialogType": "POST_SURVEY", "state": "OPEN"},
        {"dialogId": "main", "dialogType": "MAIN", "state": "OPEN"},
        {"dialogId": "over", "dialogType": "POST_SURVEY", "state": "CLOSE"},
    ]
    change = read_conversation_change(conversation(dialogs=dialogs))

    assert "open" == change.survey_dialog_id


def test_each_dialogs_type_is_read() -> None:
    """In LivePerson's own words; one without a name or a type says nothing."""
    dialogs = [
        {"dialogId": "main", "dialogType": "MAIN"},
        {"dialogId": "browsing", "dialogType": "OTHER"},
        {"dialogType": "OTHER"},
        {"dialogId": "untyped"},
        {"dialogId": 7, "dialogType": "OTHER"},
    ]
    change = read_conversation_change(conversation(dialogs=dialogs))

    assert {"main": "MAIN", "browsing": "OTHER"} == change.dialog_types


@pytest.mark.parametrize("stage", [None, 7, {}])
def test_a_stage_that_cannot_be_read_is_as_if_it_were_absent(stage: object) -> None:
    """Then the state says whether it is over."""
    assert read_conversation_change(conversation(stage=stage, state="CLOSE")).is_closed


@given(
    st.dictionaries(
        st.sampled_from(DETAILS),
        JSON
        | st.lists(
            st.dictionaries(
                st.sampled_from(["dialogId", "dialogType", "participantsDetails", "id", "role"]),
                JSON | st.sampled_from(["POST_SURVEY", "ASSIGNED_AGENT", "CONSUMER"]),
            )
        ),
    )
)
def test_no_state_is_so_odd_that_reading_fails(details: dict[str, Any]) -> None:
    """Whatever stands where: nobody without a name takes part."""
    change = read_conversation_change(conversation(**details))

    assert all(change.consumer_ids)
    assert all(change.dialog_types)
    assert all(change.dialog_types.values())
    assert "" not in {change.agent_id, change.skill_id, change.survey_dialog_id}


# ── What LivePerson published ──

READ_EVENTS: dict[str, list[tuple[str, str]]] = {
    "messages/text": [("text", f"{CONVERSATION}:5")],
    "messages/private_text": [("text", f"{CONVERSATION}:6")],
    "messages/text_of_consumer": [("text", "4fe52a76-7316-45fe-acf3-482cfb621d9c:39")],
    "messages/text_with_quick_replies": [("text", f"{CONVERSATION}:21")],
    "messages/file": [("file", f"{CONVERSATION}:33")],
    "messages/secure_form_invitation": [("secure_form", f"{CONVERSATION}:34")],
    "messages/secure_form_submission": [("secure_form", f"{CONVERSATION}:35")],
    "messages/card": [("rich", f"{CONVERSATION}:29")],
    "messages/card_with_quick_replies": [("rich", f"{CONVERSATION}:32")],
    "messages/survey_question": [
        ("text", "PwT_YK91Sum3vu5H6T3YnA:0"),
        ("text", "PwT_YK91Sum3vu5H6T3YnA:1"),
    ],
    "messages/survey_thanks": [("text", f"{SURVEY}:5")],
    "messages/delivered": [("receipt", "__YOUR_CONVERSATION_ID__:4")],
    "messages/read": [("receipt", "f66ad121-8dcb-4430-9fc2-731e961f6eae:9")],
    "messages/choice_of_consumer": [("receipt", f"{SURVEY}:2")],
    "messages/composing": [("typing", "")],
    "messages/active_consumer": [("typing", "")],
    "of_2018/text": [("text", "5491244f-e462-4c63-bf4e-faf4b2d3e7b5:2")],
    "of_2018/another_text": [("text", "5491244f-e462-4c63-bf4e-faf4b2d3e7b5:3")],
    "of_2018/text_of_consumer": [("text", "5491244f-e462-4c63-bf4e-faf4b2d3e7b5:0")],
    "of_2018/read": [("receipt", "5491244f-e462-4c63-bf4e-faf4b2d3e7b5:1")],
    "of_2018/active": [("typing", "")],
    "of_2018/composing": [("typing", "")],
    "chat-state-pause": [("typing", "")],
    "emoji": [("text", f"{CONVERSATION}:7")],
}

CONVERSATION_AGENT = "e9b2867c-f984-5727-b034-fc9c6800bd9c"
SURVEYED_AGENT = "29c3019d-fe0b-5200-afe8-737abfeae4b4"

# Whether it is over and why, which skill has it, who joined, which survey is open.
READ_STATES: dict[str, tuple[bool, str | None, str | None, str | None, str | None]] = {
    "conversations/opened": (False, None, "558327413", None, None),
    "conversations/opened_without_skill": (False, None, "-1", None, None),
    "conversations/agent_joined": (False, None, "558327413", CONVERSATION_AGENT, None),
    "conversations/agent_joined_with_sent_time": (
        *(False, None, "558327413"),
        *(CONVERSATION_AGENT, None),
    ),
    "conversations/transferred": (False, None, "99999999", None, None),
    "conversations/closed_by_agent": (True, "AGENT", "558327413", CONVERSATION_AGENT, None),
    "conversations/survey_opened": (False, "CONSUMER", None, SURVEYED_AGENT, SURVEY),
    "conversations/survey_completed": (True, "CONSUMER", "496645413", SURVEYED_AGENT, None),
    "of_2018/opened": (False, None, None, None, None),
    "of_2018/agent_joined": (False, None, None, SURVEYED_AGENT, None),
    "closed-by-consumer": (True, "CONSUMER", "-1", None, None),
}


def test_every_published_webhook_is_looked_at() -> None:
    """Whoever adds one says here what it tells."""
    files = {str(each.relative_to(PUBLISHED))[:-5] for each in PUBLISHED.rglob("*.json")}

    assert files == {*READ_EVENTS, *READ_STATES}


@pytest.mark.parametrize("name", READ_EVENTS)
def test_published_events_are_of_the_right_kind_and_identity(name: str) -> None:
    """What LivePerson shows is what it sends."""
    changes = published(name)

    assert READ_EVENTS[name] == [
        (read_messaging_event(change).kind, "".join(change.identities[-1:])) for change in changes
    ]
    assert all(change.kind == MESSAGING_EVENT for change in changes)


@pytest.mark.parametrize("name", READ_STATES)
def test_published_states_are_read(name: str) -> None:
    """Each names its consumer, and says when it was so."""
    (change,) = published(name)
    state = read_conversation_change(change)

    assert READ_STATES[name] == (
        state.is_closed,
        state.close_reason,
        state.skill_id,
        state.agent_id,
        state.survey_dialog_id,
    )
    assert state.consumer_ids
    assert state.updated_at > 0


def test_where_only_the_dialog_is_named_is_known() -> None:
    """The form of 2018 does so, and the published survey question."""
    unnamed = {
        name
        for name in READ_EVENTS
        for change in published(name)
        if not read_messaging_event(change).names_conversation
    }

    assert {name for name in READ_EVENTS if name.startswith("of_2018/")} | {
        "messages/survey_question"
    } == unnamed


def test_a_published_webhook_says_when_it_was_sent() -> None:
    """Beside its changes."""
    name = "conversations/agent_joined_with_sent_time"
    body = (PUBLISHED / f"{name}.json").read_bytes()

    assert 1_769_650_000.0 == read_webhook(ACCOUNT, body).sent_at
