"""What may leave: every audience, every role, every dialog and every kind, one with another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import product
from typing import Any

import pytest

from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.flows.channel_delivery.visibility import (
    ECHO,
    NOT_FOR_CONSUMERS,
    UNKNOWN_KIND,
    UNKNOWN_SENDER,
    reason_to_withhold,
)
from liveperson_connector.liveperson.messaging_events import (
    KINDS,
    MessagingEvent,
    read_messaging_event,
)
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import AGENT, CONSUMER, CONVERSATION, message_change

OURS = Conversation(ACCOUNT, CONVERSATION, "+49151", "key", lp_consumer_id=CONSUMER)


class Absent(Enum):
    """What a field holds that is not there; it prints the same in every process."""

    FIELD = "absent"


ABSENT = Absent.FIELD

# Where an audience can stand. LivePerson documents the first place alone.
PLACES = ("change", "event", "sender", "message")
NAMES = ("messageAudience", "audience")

OPEN_AUDIENCES = ["ALL", ABSENT, None]
CLOSED_AUDIENCES = [
    "AGENTS_AND_MANAGERS",
    "MANAGERS",
    "CONSUMERS",
    "all",
    " ALL",
    "",
    "None",
    0,
    1,
    True,
    False,
    1.5,
    [],
    ["ALL"],
    {},
    {"ALL": True},
]

CONSUMER_ROLE = "CONSUMER"
OTHER_ROLES = [
    "ASSIGNED_AGENT",
    "AGENT",
    "AGENT_MANAGER",
    "ASSIGNED_MANAGER",
    "MANAGER",
    "READER",
    "CONTROLLER",
    "BRAND_BOT",
    "SOMETHING_NEW",
]
UNTOLD_ROLES = [ABSENT, None, "", 7, ["ASSIGNED_AGENT"]]

# The main dialog, a survey's, another, and the form that names the dialog alone.
DIALOGS: list[dict[str, object]] = [
    {},
    {"dialogId": "survey"},
    {"dialogId": "co-browsing"},
    {"conversationId": ABSENT},
    {"conversationId": ABSENT, "dialogId": "survey"},
]

CONTENT = "ContentEvent"
KNOWN_EVENTS: dict[str, list[dict[str, Any]]] = {
    "text": [{"type": CONTENT, "contentType": "text/plain", "message": "Hello"}],
    "rich": [
        {"type": "RichContentEvent", "content": {"type": "text", "text": "Hello"}},
        {"type": "RichContentEvent", "message": {"type": "text", "text": "Hello"}},
    ],
    "file": [
        {"type": CONTENT, "contentType": "hosted/file", "message": {"relativePath": "/v1/a.JPG"}}
    ],
    "secure_form": [
        {"type": CONTENT, "contentType": "forms/secure-invitation", "message": {"title": "Card"}},
        {"type": CONTENT, "contentType": "forms/secure-submission", "message": {}},
    ],
    "typing": [
        {"type": "ChatStateEvent", "chatState": state}
        for state in ("ACTIVE", "INACTIVE", "BACKGROUND", "GONE", "COMPOSING", "PAUSE")
    ],
    "receipt": [
        {"type": "AcceptStatusEvent", "status": status, "sequenceList": [0]}
        for status in ("ACCEPT", "READ")
    ],
}
UNKNOWN_EVENTS: list[object] = [
    ABSENT,
    None,
    {},
    [],
    "text",
    {"type": "SomethingNew", "message": "Hello"},
    {"type": CONTENT, "message": "Hello"},
    {"type": CONTENT, "contentType": "text/html", "message": "<b>Hello</b>"},
    {"type": CONTENT, "contentType": "text/plain", "message": {"text": "Hello"}},
    {"type": CONTENT, "contentType": "hosted/file", "message": "a.JPG"},
    {"type": CONTENT, "contentType": "external/file", "message": {"relativePath": "/v1/a.JPG"}},
    {"type": CONTENT, "contentType": "forms/something-new", "message": {}},
    {"type": "RichContentEvent"},
    {"type": "RichContentEvent", "content": "not JSON"},
    {"type": "RichContentEvent", "content": [{"type": "text", "text": "Hello"}]},
    {"type": "ChatStateEvent"},
    {"type": "ChatStateEvent", "chatState": "SOMETHING_NEW"},
    {"type": "ChatStateEvent", "chatState": 7},
    {"type": "AcceptStatusEvent"},
    {"type": "AcceptStatusEvent", "status": "READ"},
    {"type": "AcceptStatusEvent", "status": "READ", "sequenceList": ["1", True, -1]},
    *(
        {"type": "AcceptStatusEvent", "status": status, "sequenceList": [0]}
        for status in ("ACCESS", "NACK", "ACTION", "SOMETHING_NEW", 7)
    ),
]


def event(**spoilt: object) -> MessagingEvent:
    """Read an agent's message of which fields are replaced or left out."""
    fields: Mapping[str, object] = {**message_change(), **spoilt}
    raw = {name: value for name, value in fields.items() if value is not ABSENT}
    return read_messaging_event(ACCOUNT, raw)


def by(role: object, sender: object = AGENT) -> dict[str, object]:
    """Name who did it."""
    metadata = {"id": sender, "role": role}
    return {
        "originatorId": sender,
        "originatorMetadata": {k: v for k, v in metadata.items() if v is not ABSENT},
    }


def known_events() -> Iterator[dict[str, Any]]:
    """Give an event of every kind and form that may leave."""
    return (each for events in KNOWN_EVENTS.values() for each in events)


def test_walk_meets_every_kind() -> None:
    """A new kind must be walked here before it may leave."""
    assert set(KNOWN_EVENTS) == set(KINDS)
    for kind, events in KNOWN_EVENTS.items():
        assert {kind} == {event(event=each).kind for each in events}


@pytest.mark.parametrize("audience", CLOSED_AUDIENCES, ids=repr)
def test_event_that_is_not_for_everyone_stays_in(audience: object) -> None:
    """Whoever did it, in whichever dialog, of whichever kind: a note stays between agents."""
    roles = [CONSUMER_ROLE, *OTHER_ROLES, *UNTOLD_ROLES]
    for role, dialog, what in product(roles, DIALOGS, [*known_events(), *UNKNOWN_EVENTS]):
        said = event(messageAudience=audience, event=what, **by(role), **dialog)
        assert NOT_FOR_CONSUMERS == reason_to_withhold(said, OURS), (role, dialog, what)


def marked(
    place: str, name: str, audience: object, role: object, what: Mapping[str, Any]
) -> dict[str, object]:
    """Give an event that is for everyone but for an ``audience`` that stands somewhere else."""
    sender, mark = by(role), {name: audience}
    if place == "change":
        return {**sender, "event": what, **mark}
    if place == "sender":
        metadata: Any = sender["originatorMetadata"]
        return {**sender, "event": what, "originatorMetadata": {**metadata, **mark}}
    if place == "event":
        return {**sender, "event": {**what, **mark}}
    message = what.get("message")
    spoilt = {**what, "message": {**message, **mark}} if isinstance(message, dict) else None
    return {**sender, "event": spoilt or {**what, **mark}}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("audience", CLOSED_AUDIENCES, ids=repr)
def test_note_stays_in_wherever_it_is_marked(place: str, name: str, audience: object) -> None:
    """The strictest audience counts, whoever wrote it, in whichever dialog, of whichever kind."""
    for role, dialog, what in product([*OTHER_ROLES, *UNTOLD_ROLES], DIALOGS, known_events()):
        said = event(**marked(place, name, audience, role, what), **dialog)
        assert NOT_FOR_CONSUMERS == reason_to_withhold(said, OURS), (role, dialog, what)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("audience", ["ALL", None], ids=repr)
@pytest.mark.parametrize("documented", ["ALL", ABSENT, None], ids=repr)
def test_event_for_everyone_everywhere_leaves(
    place: str, name: str, audience: object, documented: object
) -> None:
    """A second audience that is everyone holds back nothing."""
    for role, dialog, what in product(OTHER_ROLES, DIALOGS, known_events()):
        spoilt = {"messageAudience": documented, **marked(place, name, audience, role, what)}
        assert reason_to_withhold(event(**spoilt, **dialog), OURS) is None, (role, dialog, what)


@pytest.mark.parametrize("audience", OPEN_AUDIENCES, ids=repr)
def test_event_of_a_consumer_stays_in(audience: object) -> None:
    """What the consumer did is known by the role, and by the id whatever the role says."""
    consumers = [by(CONSUMER_ROLE), by(CONSUMER_ROLE, CONSUMER), by(CONSUMER_ROLE, ABSENT)]
    consumers += [by(role, CONSUMER) for role in (*OTHER_ROLES, *UNTOLD_ROLES)]
    for sender, dialog, what in product(consumers, DIALOGS, [*known_events(), *UNKNOWN_EVENTS]):
        said = event(messageAudience=audience, event=what, **sender, **dialog)
        assert ECHO == reason_to_withhold(said, OURS), (sender, dialog, what)


@pytest.mark.parametrize("audience", OPEN_AUDIENCES, ids=repr)
def test_event_of_an_unknown_kind_stays_in(audience: object) -> None:
    """What cannot be told is not told, though it is for everyone."""
    for role, dialog, what in product([*OTHER_ROLES, *UNTOLD_ROLES], DIALOGS, UNKNOWN_EVENTS):
        said = event(messageAudience=audience, event=what, **by(role), **dialog)
        assert UNKNOWN_KIND == reason_to_withhold(said, OURS), (role, dialog, what)


@pytest.mark.parametrize("audience", OPEN_AUDIENCES, ids=repr)
def test_event_of_anybody_else_leaves(audience: object) -> None:
    """Agents, managers, bots, automatic messages and surveys speak to the consumer."""
    for role, dialog, what in product([*OTHER_ROLES, *UNTOLD_ROLES], DIALOGS, known_events()):
        said = event(messageAudience=audience, event=what, **by(role), **dialog)
        assert reason_to_withhold(said, OURS) is None, (role, dialog, what)


@pytest.mark.parametrize("role", UNTOLD_ROLES, ids=repr)
def test_event_of_an_unknown_sender_stays_in(role: object) -> None:
    """With neither role nor id it may be an echo; so may any id while the consumer's is unknown."""
    unclaimed = Conversation(ACCOUNT, CONVERSATION, "+49151", "key")
    for dialog, what in product(DIALOGS, known_events()):
        nobodys = event(event=what, **by(role, ABSENT), **dialog)
        assert UNKNOWN_SENDER == reason_to_withhold(nobodys, OURS)
        assert UNKNOWN_SENDER == reason_to_withhold(event(event=what, **by(role)), unclaimed)


@pytest.mark.parametrize("role", OTHER_ROLES)
def test_role_tells_an_agent_where_no_id_does(role: str) -> None:
    """An agent's words leave though nobody is named."""
    assert reason_to_withhold(event(**by(role, ABSENT)), OURS) is None


@pytest.mark.parametrize("sequence", [ABSENT, None, True, -1, 1.0, "1", 10**40], ids=repr)
def test_message_without_its_number_stays_in(sequence: object) -> None:
    """It is told once, and by its number alone can that be known; a receipt by what it says."""
    for kind, events in KNOWN_EVENTS.items():
        expected = None if kind in {"typing", "receipt"} else UNKNOWN_KIND
        for each in events:
            assert expected == reason_to_withhold(event(event=each, sequence=sequence), OURS)
