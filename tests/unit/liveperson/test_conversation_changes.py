"""What conversation changes say: the state of a conversation, whatever LivePerson adds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.liveperson.conversation_changes import (
    ConversationChange,
    read_conversation_change,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import AGENT, CONSUMER, CONVERSATION, conversation_change

DETAILS = (
    *("participants", "dialogs", "skillId", "state", "stage", "metaDataLastUpdateTs"),
    *("closeReason", "conversationHandlerDetails"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


def conversation(**details: Any) -> ConversationChange:
    """Read a conversation's state of which details are replaced."""
    return read_conversation_change(ACCOUNT, conversation_change(**details))


def test_state_of_a_conversation_is_read() -> None:
    """Whose it is, and that it is open."""
    expected = ConversationChange(
        ACCOUNT,
        CONVERSATION,
        (CONSUMER,),
        is_closed=False,
        close_reason=None,
        updated_at=1_700_000_000_000,
        changed_at=datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        says_open=True,
    )

    assert expected == conversation()


def test_change_that_says_nothing_is_read() -> None:
    """It names no conversation and no consumer."""
    read = read_conversation_change(ACCOUNT, {})

    assert ConversationChange(ACCOUNT, "", (), False, None, 0) == read


@pytest.mark.parametrize(
    ("details", "is_closed"),
    [
        ({"stage": "OPEN", "state": "OPEN"}, False),
        ({"stage": "OPEN", "state": "CLOSE"}, False),
        ({"stage": "CLOSE", "state": "CLOSE"}, True),
    ],
)
def test_stage_says_whether_it_is_over(details: dict[str, str], is_closed: bool) -> None:
    """The state is only the main dialog's; a survey may still run."""
    assert is_closed == conversation(**details).is_closed


@pytest.mark.parametrize(("state", "is_closed"), [("OPEN", False), ("CLOSE", True)])
def test_in_the_form_of_2018_the_state_says_it(state: str, is_closed: bool) -> None:
    """That form has no stage."""
    raw = conversation_change(state=state)
    del raw["result"]["conversationDetails"]["stage"]

    assert is_closed == read_conversation_change(ACCOUNT, raw).is_closed


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
    assert expected == conversation(**details).says_open


def test_deleted_conversation_is_over() -> None:
    """DELETE ends it, whatever its details say."""
    raw = {**conversation_change(), "type": "DELETE"}

    assert read_conversation_change(ACCOUNT, raw).is_closed


def test_why_it_was_closed_is_kept() -> None:
    """AGENT, CONSUMER or SYSTEM, as LivePerson says."""
    change = conversation(stage="CLOSE", closeReason="AGENT")

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
    change = conversation(participants=participants)

    assert not any(change.consumer_ids)


@pytest.mark.parametrize("result", [{"convId": "c"}, {"convId": "c", "conversationDetails": None}])
def test_conversation_without_details_is_read(result: dict[str, Any]) -> None:
    """It is open as far as we know."""
    read = read_conversation_change(ACCOUNT, {"type": "UPSERT", "result": result})

    assert ConversationChange(ACCOUNT, "c", (), False, None, 0) == read


def test_who_joined_and_where_it_stands_are_read() -> None:
    """The skill may be a number or stand with the handler alone."""
    agent = {"id": AGENT, "role": "ASSIGNED_AGENT"}
    change = conversation(participants=[agent], skillId=55)
    handled = conversation(conversationHandlerDetails={"skillId": "66"})

    assert (AGENT, "55") == (change.agent_id, change.skill_id)
    assert "66" == handled.skill_id


@pytest.mark.parametrize(
    ("state", "expected"),
    [({"state": "ACTIVE"}, AGENT), ({}, AGENT), ({"state": "SUGGESTED"}, None)],
)
def test_agent_to_whom_it_is_only_offered_has_not_joined(
    state: dict[str, str], expected: str | None
) -> None:
    """The dialog says so, even while the conversation lists the agent already."""
    agent = {"id": AGENT, "role": "ASSIGNED_AGENT"}
    main = {"dialogId": CONVERSATION, "participantsDetails": [{**agent, **state}]}
    change = conversation(participants=[agent], dialogs=[main])

    assert expected == change.agent_id


def test_survey_is_found_by_its_type() -> None:
    """It may stand anywhere in the list, and an earlier one may be over."""
    dialogs = [
        {"dialogId": "open", "dialogType": "POST_SURVEY", "state": "OPEN"},
        {"dialogId": "main", "dialogType": "MAIN", "state": "OPEN"},
        {"dialogId": "over", "dialogType": "POST_SURVEY", "state": "CLOSE"},
    ]
    change = conversation(dialogs=dialogs)

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
    change = conversation(dialogs=dialogs)

    assert {"main": "MAIN", "browsing": "OTHER"} == change.dialog_types


@pytest.mark.parametrize("stage", [None, 7, {}])
def test_stage_that_cannot_be_read_is_as_if_it_were_absent(stage: object) -> None:
    """Then the state says whether it is over."""
    assert conversation(stage=stage, state="CLOSE").is_closed


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
    change = conversation(**details)

    assert all(change.consumer_ids)
    assert all(change.dialog_types)
    assert all(change.dialog_types.values())
    assert "" not in {change.agent_id, change.skill_id, change.survey_dialog_id}


def test_state_of_a_conversation_has_no_identity() -> None:
    """Its time stamp says whether it is newer than what is known."""
    assert () == conversation().identities
