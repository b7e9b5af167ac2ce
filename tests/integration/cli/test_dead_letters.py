"""Dead letters on the command line: a lasting name, the true age, and no false success."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.queue_messages import iso
from tests.support.accounts import ACCOUNT
from tests.support.messages import PHONE, queued_event, text_event
from tests.support.moto_stack import MotoStack, moto_stack

EVENTS, NOTIFICATIONS = "ConsumerEventsDeadLetters", "NotificationsDeadLetters"

NOW = datetime.fromtimestamp(time.time(), UTC)
WEEK = timedelta(days=7)


@pytest.fixture(name="stack")
def _stack() -> Iterator[MotoStack]:
    with moto_stack() as stack:
        yield stack


def bury(
    stack: MotoStack,
    name: str,
    reason: str = "liveperson_refused",
    group: str = "g",
    **more: str,
) -> None:
    """Put a consumer's event among the dead letters, under the name ``l-…``."""
    body = queued_event(text_event(name))
    stack.send(EVENTS, body, group, reason=reason, letter_id=f"l-{name}", **more)


def names(stack: MotoStack) -> list[str]:
    """Give the names of the events that are dead letters."""
    return sorted(json.loads(each)["event"]["id"] for each in stack.bodies(EVENTS))


def test_a_letter_is_listed_by_its_name_its_event_and_its_age(stack: MotoStack) -> None:
    """Whatever SQS calls it today, and however young it makes it."""
    bury(stack, "m-1", first_failed_at=iso(NOW - WEEK))
    told = stack.connector("dead-letters", "list")
    (letter,) = json.loads(stack.connector("dead-letters", "list", "--json").stdout)

    assert ("l-m-1", "m-1") == (letter["id"], letter["event_id"])
    assert (iso(NOW - WEEK), iso(NOW + WEEK)) == (letter["dead_since"], letter["expires_at"])
    (row,) = [line for line in told.stdout.splitlines() if "l-m-1" in line]
    assert all(word in row for word in ("m-1", "7 d ago", " 7 d"))


def test_a_letter_of_a_ready_channel_is_listed_with_its_channel(stack: MotoStack) -> None:
    """An account may have several; one of the brand's own has no name."""
    body = json.dumps({**json.loads(queued_event(text_event("m-1"))), "channel": "shop"})
    stack.send(EVENTS, body, "g", reason="liveperson_refused", letter_id="l-m-1")
    bury(stack, "m-2", group="h")

    told = stack.connector("dead-letters", "list").stdout
    letters = json.loads(stack.connector("dead-letters", "list", "--json").stdout)

    assert {"l-m-1": "shop", "l-m-2": None} == {each["id"]: each["channel"] for each in letters}
    assert 1 == told.count("shop: ")


def test_a_letter_without_a_name_has_its_messages_id(stack: MotoStack) -> None:
    """One that SQS moved by itself, or of a version before."""
    stack.send(EVENTS, queued_event(text_event("m-1")), "g")
    ((message_id, _),) = stack.stand(EVENTS)
    said = stack.connector("dead-letters", "show", message_id)

    assert ("m-1", "cut_off") == tuple(json.loads(said.stdout)[w] for w in ("event_id", "reason"))


def test_to_look_changes_nothing(stack: MotoStack) -> None:
    """Neither what a letter is called, nor when it was sent, nor where it stands."""
    for number in range(12):
        bury(stack, f"m-{number:02}")
    before = stack.stand(EVENTS)
    for command in (("list",), ("show", "l-m-03"), ("discard", "l-m-03", "--dry-run")):
        assert 0 == stack.connector("dead-letters", *command).exit_code

    assert before == stack.stand(EVENTS)


def test_a_letter_is_deleted_by_its_id(stack: MotoStack) -> None:
    """It alone; the messages that waited behind it go on."""
    holds = DeliveryState(stack.client("dynamodb"), stack.table)
    holds.hold("g")
    bury(stack, "m-1", "channel_unavailable")
    bury(stack, "m-2", group="h")
    said = stack.connector("dead-letters", "discard", "l-m-1", "--yes")

    assert (0, "✓ deleted 1 dead letter") == (said.exit_code, said.stdout.strip())
    assert (["m-2"], []) == (names(stack), stack.items())


@pytest.mark.parametrize("given", [("l-old",), ("l-old", "l-m-1"), ("--reason", "file_refused")])
def test_what_is_not_there_is_an_error(stack: MotoStack, given: tuple[str, ...]) -> None:
    """And then nothing else is thrown away either."""
    bury(stack, "m-1")
    said = stack.connector("dead-letters", "discard", *given, "--yes")

    assert (1, "") == (said.exit_code, said.stdout)
    assert "there is no dead letter l-old" in said.stderr or "no dead letter matches" in said.stderr
    assert ["m-1"] == names(stack)


@pytest.mark.parametrize("given", [("l-m-11",), ("--reason", "liveperson_refused")])
def test_letters_behind_others_are_thrown_away_too(
    stack: MotoStack, given: tuple[str, ...]
) -> None:
    """SQS shows ten of a group; those before are sent behind, if they wait for a person."""
    for number in range(12):
        bury(stack, f"m-{number:02}")
    said = stack.connector("dead-letters", "discard", *given, "--yes", "--queue", "consumer-events")

    assert 0 == said.exit_code, said.stderr
    left = [f"m-{number:02}" for number in range(11)] if given == ("l-m-11",) else []
    assert left == names(stack)


def test_a_consumers_notifications_are_the_consumers(stack: MotoStack) -> None:
    """Whose a conversation is says the table; the letter itself names nobody."""
    memory = ConversationStore(stack.client("dynamodb"), stack.table)
    conversation = Conversation(ACCOUNT, "c-1", PHONE, "k" * 64, "lp-1")
    memory.adopt(conversation, is_current=True)
    for number in (1, 2):
        change = {"conversationId": f"c-{number}"}
        body = json.dumps({"account_id": ACCOUNT, "change": change})
        stack.send(NOTIFICATIONS, body, f"c-{number}", reason="channel_refused")
    bury(stack, "m-1")
    said = stack.connector("dead-letters", "list", "--consumer", PHONE, "--json")

    found = [(each["event_id"], each["conversation_id"]) for each in json.loads(said.stdout)]
    assert [("m-1", None), (None, "c-1")] == found
