"""What LivePerson published as examples of its webhooks: each is read for what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from liveperson_connector.liveperson.conversation_changes import read_conversation_change
from liveperson_connector.liveperson.messaging_events import read_messaging_event
from liveperson_connector.liveperson.notifications import MESSAGING_EVENT, Change, read_webhook
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import CONVERSATION

PUBLISHED = Path(__file__).parents[2] / "data" / "webhooks"
SURVEY = "__YOUR_POST_SURVEY_DIALOG_ID__"

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


def published(name: str) -> list[Change]:
    """Read a webhook that LivePerson published."""
    return list(read_webhook(ACCOUNT, (PUBLISHED / f"{name}.json").read_bytes()).changes)


def test_every_published_webhook_is_looked_at() -> None:
    """Whoever adds one says here what it tells."""
    files = {str(each.relative_to(PUBLISHED))[:-5] for each in PUBLISHED.rglob("*.json")}

    assert files == {*READ_EVENTS, *READ_STATES}


@pytest.mark.parametrize("name", READ_EVENTS)
def test_published_events_are_of_the_right_kind_and_identity(name: str) -> None:
    """What LivePerson shows is what it sends."""
    changes = published(name)
    events = [read_messaging_event(ACCOUNT, change.raw) for change in changes]

    assert READ_EVENTS[name] == [(each.kind, "".join(each.identities[-1:])) for each in events]
    assert all(change.kind == MESSAGING_EVENT for change in changes)


@pytest.mark.parametrize("name", READ_STATES)
def test_published_states_are_read(name: str) -> None:
    """Each names its consumer, and says when it was so."""
    (change,) = published(name)
    state = read_conversation_change(ACCOUNT, change.raw)

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
        if not read_messaging_event(ACCOUNT, change.raw).names_conversation
    }

    assert {name for name in READ_EVENTS if name.startswith("of_2018/")} | {
        "messages/survey_question"
    } == unnamed


def test_published_webhook_says_when_it_was_sent() -> None:
    """Beside its changes."""
    name = "conversations/agent_joined_with_sent_time"
    body = (PUBLISHED / f"{name}.json").read_bytes()

    assert 1_769_650_000.0 == read_webhook(ACCOUNT, body).sent_at
