"""What really changed in a conversation, and what is only an older state of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from liveperson_connector.conversations import Conversation, NotificationRecall
from liveperson_connector.flows.breaker import Breaker
from liveperson_connector.flows.channel_delivery import ChannelDelivery, changes
from liveperson_connector.messages import Received
from tests.support.accounts import ACCOUNT
from tests.support.webhooks import CONVERSATION, conversation_change

KNOWN = Conversation(
    ACCOUNT, CONVERSATION, "consumer", consumer_key="key", skill_id="1", changed_at=1000
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Memory:
    """One conversation, and what is noted of it."""

    known: Conversation
    noted: list[Conversation] = field(default_factory=list)

    def recall_notification(self, *_asked: object) -> NotificationRecall:
        """Give the conversation."""
        return NotificationRecall(self.known)

    def point(self, before: Conversation, now: Conversation) -> None:
        """Point the consumer nowhere."""

    def followed(self, now: Conversation) -> None:
        """Note what it has become."""
        self.noted.append(now)


def deliver(memory: Memory, **details: Any) -> None:
    """Hand a conversation change to a flow that reaches no channel: to call it is an error."""
    raw = conversation_change(**details)
    queued = {"account_id": ACCOUNT, "type": "cqm.ExConversationChangeNotification", "change": raw}
    message = Received("m-1", "receipt", json.dumps(queued), "group", 1, NOW, NOW, {})
    unused = cast("Any", None)
    breaker = Breaker("channel_delivery", "channel", unused)
    ChannelDelivery(unused, unused, cast("Any", memory), breaker, unused, unused).handle(message)


@pytest.mark.parametrize("updated_at", [999, 1000])
def test_an_older_state_undoes_nothing(updated_at: int) -> None:
    """It came late, or twice; what is known is newer, so nothing is told and nothing noted."""
    memory = Memory(KNOWN)

    deliver(memory, updated_at=updated_at, stage="CLOSE", state="CLOSE")

    assert [] == memory.noted


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({}, []),
        ({"is_open": False}, ["closed"]),
        ({"is_open": False, "skill_id": "2", "agent_id": "a"}, ["closed"]),
        ({"skill_id": "2"}, ["transferred"]),
        ({"agent_id": "a"}, ["agent_joined"]),
        ({"skill_id": "2", "agent_id": "a"}, ["transferred", "agent_joined"]),
        ({"survey_dialog_id": "s"}, []),
    ],
)
def test_each_real_change_is_named_once(now: dict[str, Any], expected: list[str]) -> None:
    """And nothing else is: a survey or an end is not told as a transfer."""
    assert expected == changes(KNOWN, replace(KNOWN, **now))


@pytest.mark.parametrize("before", [None, "-1"])
def test_routing_to_a_first_skill_is_no_transfer(before: str | None) -> None:
    """A conversation begins without a skill."""
    assert [] == changes(replace(KNOWN, skill_id=before), KNOWN)


def test_what_was_told_of_first_is_opened() -> None:
    """Whatever else is known by then."""
    first = replace(KNOWN, changed_at=0)

    assert ["opened", "agent_joined"] == changes(first, replace(KNOWN, agent_id="a"))
    assert [] == changes(replace(first, is_open=False), replace(KNOWN, is_open=False))
