"""What messaging events say: ours out of theirs, of today and of 2018, whatever LivePerson adds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.liveperson.messaging_events import (
    KINDS,
    HostedFile,
    MessagingEvent,
    read_messaging_event,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import AGENT, CONVERSATION, message_change, without

EVENT_FIELDS = (
    *("type", "contentType", "message", "content", "chatState", "status"),
    *("sequenceList", "quickReplies", "id", "role"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def message(**spoilt: Any) -> MessagingEvent:
    """Read a message of which fields are replaced."""
    return read_messaging_event(ACCOUNT, message_change(**spoilt))


def said(what: object) -> MessagingEvent:
    """Read a message whose event is ``what``."""
    return message(event=what)


# ── Messages ──


def test_message_is_read() -> None:
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
        is_consumers=False,
        consumer_ids=(),
        content_type="text/plain",
        message="Grüße 👋",
        names_conversation=True,
    )

    assert expected == (message(text="Grüße 👋"))


def test_event_that_says_nothing_is_read() -> None:
    """Every text that is not there is empty, everything else is none."""
    event = read_messaging_event(ACCOUNT, {})

    assert ("", "", "", "", "") == (
        event.conversation_id,
        event.dialog_id,
        event.sender_id,
        event.sender_role,
        event.content_type,
    )
    assert ((), (), ()) == (event.identities, event.consumer_ids, event.sequences)


def test_form_of_2018_names_no_conversation_and_no_audience() -> None:
    """The dialog stands for the conversation; an absent audience is told apart from any other."""
    raw = without(message_change(), "conversationId", "messageAudience")
    event = read_messaging_event(ACCOUNT, raw)

    assert (CONVERSATION, CONVERSATION) == (event.conversation_id, event.dialog_id)
    assert event.audience is None
    assert not event.names_conversation


def test_survey_dialog_is_not_its_conversation() -> None:
    """Where both are named, each is what it says."""
    event = message(dialogId="survey")

    assert (CONVERSATION, "survey") == (event.conversation_id, event.dialog_id)


def test_strictest_of_several_audiences_counts() -> None:
    """A note is private wherever it is marked so."""
    event = {"type": "ContentEvent", "contentType": "text/plain", "message": "x"}
    private = {"messageAudience": "ALL", "event": {**event, "audience": "AGENTS_AND_MANAGERS"}}
    inside = {"messageAudience": None, "event": {**event, "audience": "ALL"}}

    assert "AGENTS_AND_MANAGERS" == message(**private).audience
    assert "ALL" == message(**inside).audience


@pytest.mark.parametrize("audience", ["AGENTS_AND_MANAGERS", "", "all", 7, [], {}, False])
def test_audience_is_never_taken_for_an_absent_one(audience: object) -> None:
    """Only what is not there is the older form; anything else is an audience of its own."""
    assert message(messageAudience=audience).audience not in {None, "ALL"}


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
    assert expected == message(**spoilt).text


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
def test_field_of_another_form_breaks_nothing(spoilt: dict[str, Any]) -> None:
    """The rest of the message is read all the same."""
    assert "Hello" == message(**spoilt).text


def test_sender_is_found_in_its_metadata_too() -> None:
    """Either place may name who said it."""
    raw = without(message_change(), "originatorId")

    assert AGENT == read_messaging_event(ACCOUNT, raw).sender_id


def test_of_two_names_of_the_sender_the_messages_own_counts() -> None:
    """The metadata may be about whom somebody else spoke for."""
    spoken_for = message(originatorId="bot", originatorMetadata={"id": AGENT, "role": "X"})

    assert "bot" == spoken_for.sender_id


@pytest.mark.parametrize(
    ("role", "expected"), [("CONSUMER", True), ("ASSIGNED_AGENT", False), ("SOMETHING_NEW", False)]
)
def test_consumers_own_words_are_known_by_the_role(role: str, expected: bool) -> None:
    """An echo is what a CONSUMER said."""
    assert expected == message(role=role).is_consumers


# ── Kinds ──


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


def test_file_is_a_place_in_livepersons_storage() -> None:
    """Its caption and its type may be missing; its place may not."""
    event = {"type": "ContentEvent", "contentType": "hosted/file"}
    file = {"caption": "Bill", "relativePath": "/v1/a.PDF", "fileType": "PDF", "preview": "data:"}

    assert HostedFile("Bill", "/v1/a.PDF", "PDF") == said({**event, "message": file}).file
    assert HostedFile("", "/v1/a", "") == said({**event, "message": {"relativePath": "/v1/a"}}).file
    assert said({**event, "message": {"caption": "Bill"}}).file is None


def test_receipt_names_the_messages_it_is_for() -> None:
    """Only numbers are numbers; what is not is left out."""
    event = said({"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [0, True, "2", 3]})

    assert ("receipt", "READ", (0, 3)) == (event.kind, event.receipt_status, event.sequences)


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
    event = read_messaging_event(ACCOUNT, raw)

    assert event.kind in {*KINDS, None}
    assert () == event.identities or "typing" != event.kind


@pytest.mark.parametrize("state", ["COMPOSING", "SOMETHING_NEW"])
def test_typing_is_told_by_its_state_and_has_no_identity(state: str) -> None:
    """It is stale in seconds, so that nobody asks whether it was told before."""
    event = said({"type": "ChatStateEvent", "chatState": state})

    assert ("typing", state, ()) == (event.kind, event.chat_state, event.identities)


# ── Identities ──


def test_two_deliveries_of_a_message_are_the_same() -> None:
    """LivePerson may resend for three days; dialog and sequence tell."""
    again = message(serverTimestamp=1, originatorMetadata={"id": AGENT, "role": "X", "new": 1})

    assert message().identities == again.identities == (f"{CONVERSATION}:1",)


@pytest.mark.parametrize("spoilt", [{"sequence": 2}, {"dialogId": "survey"}])
def test_another_message_is_another(spoilt: dict[str, Any]) -> None:
    """A survey's dialog counts from the beginning again."""
    assert message().identities != message(**spoilt).identities


READ = {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": [1]}


def receipt(**spoilt: Any) -> MessagingEvent:
    """Read an agent's receipt, with the number of its message."""
    return message(**{"event": READ, **spoilt})


def test_receipt_is_never_taken_for_the_message_of_its_number() -> None:
    """LivePerson's own survey tutorial shows an ACCEPT with the number of its message."""
    assert not set(message().identities) & set(receipt().identities[:1])


def test_two_deliveries_of_a_receipt_are_the_same() -> None:
    """By what it says, whether it has a number or not."""
    again = receipt(serverTimestamp=1, originatorMetadata={"id": AGENT, "role": "X", "new": 1})
    raw = without(message_change(event=READ), "sequence")
    numberless = read_messaging_event(ACCOUNT, raw)

    assert receipt().identities == again.identities
    assert 1 == len(numberless.identities)
    assert numberless.identities == read_messaging_event(ACCOUNT, dict(raw)).identities


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


def test_identity_of_a_receipt_stays_the_same_in_every_version() -> None:
    """A fixed vector: what was told before an update is not told again."""
    assert f"{CONVERSATION}:receipt:379e1927c7faf36df6bcb315518b5772" == receipt().identities[0]


def test_receipt_is_known_by_its_number_alone_to_older_versions() -> None:
    """What they have told is not told again after an upgrade."""
    assert message().identities == receipt().identities[1:]


@pytest.mark.parametrize("sequence", [None, "1", 1.5, 1.0, [], True, False, -1, 2**63, 10**40])
def test_what_has_no_number_has_no_identity(sequence: object) -> None:
    """Typing is never repeated by LivePerson and has no key."""
    assert () == message(sequence=sequence).identities


def test_first_message_has_an_identity() -> None:
    """Sequence 0 is a number."""
    assert (f"{CONVERSATION}:0",) == message(sequence=0).identities
