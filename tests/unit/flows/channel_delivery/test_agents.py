"""Who writes: names go along if they are known, and no message waits for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from liveperson_connector.domain.conversations import AgentProfile
from liveperson_connector.domain.errors import LivePersonUnavailable
from liveperson_connector.flows.channel_delivery.agents import (
    KNOWN_SECONDS,
    QUIET_SECONDS,
    UNKNOWN_SECONDS,
)
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output
from tests.support.webhooks import AGENT, message_change

from .delivering import SENDER, TYPING_EVENT, Delivering

ALEX = AgentProfile("Alex", "https://cdn.example/alex.png")
NAMED = {**SENDER["sender"], "name": "Alex"}


def delivering(**wishes: Any) -> Delivering:
    """Give a delivery of an account whose agent has a name and a picture at LivePerson."""
    found = Delivering(**wishes)
    found.profiles.profiles[AGENT] = ALEX
    return found


def say(to: Delivering, sequence: int, role: str = "ASSIGNED_AGENT") -> dict[str, str]:
    """Let somebody of the brand say something, and give the sender that the channel was told."""
    to.hear(message_change(sequence=sequence, role=role))
    told: dict[str, str] = to.told[-1]["sender"]
    return told


def test_message_does_not_wait_for_a_name() -> None:
    """The channel has it before LivePerson is asked; the next one has the name."""
    to = delivering()
    asked_before_the_callback: list[int] = []
    post = to.wire.call

    def call(*where: object, **what: object) -> object:
        asked_before_the_callback.append(len(to.profiles.asked))
        return post(*where, **what)  # type: ignore[arg-type]

    to.wire.call = call  # type: ignore[method-assign,assignment]

    assert [SENDER["sender"], NAMED] == [say(to, 1), say(to, 2)]
    assert [0, 1] == asked_before_the_callback
    assert [AGENT] == to.profiles.asked


@pytest.mark.parametrize(
    "herald",
    [
        lambda to: to.hear_state(participants=[{"id": AGENT, "role": "ASSIGNED_AGENT"}]),
        lambda to: to.hear(message_change(event=TYPING_EVENT)),
    ],
    ids=["joins", "types"],
)
def test_agent_who_was_announced_has_a_name_at_once(herald: Callable[[Delivering], None]) -> None:
    """It joins and types before it writes."""
    to = delivering()
    herald(to)

    assert NAMED == say(to, 1)


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ("name", {"name": "Alex"}),
        ("name_and_picture", {"name": "Alex", "picture_url": ALEX.picture_url}),
        ("hidden", {}),
    ],
)
def test_account_decides_what_is_shown(wish: str, shown: dict[str, str]) -> None:
    """And of hidden agents LivePerson is not even asked."""
    to = delivering(agents=wish)
    say(to, 1)

    assert {**SENDER["sender"], **shown} == say(to, 2)
    assert bool(shown) == bool(to.profiles.asked)


@pytest.mark.parametrize("profile", [ALEX, AgentProfile()], ids=["a profile", "none"])
def test_agent_is_looked_up_once_a_day_for_all_containers(profile: AgentProfile) -> None:
    """An agent without a profile as well."""
    to = delivering()
    to.profiles.profiles[AGENT] = profile
    say(to, 1)
    to.flow = to._flow()
    to.clock.pass_seconds(86_399)
    say(to, 2)
    assert [AGENT] == to.profiles.asked

    to.clock.pass_seconds(KNOWN_SECONDS)
    say(to, 3)
    assert [AGENT, AGENT] == to.profiles.asked


def test_failed_look_up_harms_nothing_and_is_not_repeated_at_once(output: Output) -> None:
    """The messages are delivered; an account's look-ups rest for a minute."""
    to = delivering()
    to.profiles.failure = LivePersonUnavailable("it is down")
    assert [SENDER["sender"]] * 2 == [say(to, 1), say(to, 2)]
    assert [AGENT] == to.profiles.asked
    assert ["delivered", "liveperson_unavailable", "delivered"] == output.messages

    to.profiles.failure = None
    to.clock.pass_seconds(max(QUIET_SECONDS, UNKNOWN_SECONDS))
    say(to, 3)
    assert NAMED == say(to, 4)


@pytest.mark.parametrize(
    ("role", "kind", "is_named"),
    [
        ("ASSIGNED_AGENT", "agent", True),
        ("ASSIGNED_MANAGER", "agent", True),
        ("AGENT", "bot", True),
        ("CONTROLLER", "system", False),
        ("SOMETHING_NEW", None, False),
    ],
)
def test_kind_is_told_where_livepersons_role_says_it(
    role: str, kind: str | None, *, is_named: bool
) -> None:
    """Automatic messages have no agent, and of a new role nothing is assumed."""
    to = delivering()
    say(to, 1, role)
    told = say(to, 2, role)

    assert kind == told.get("kind")
    assert is_named == ("name" in told) == bool(to.profiles.asked)


def test_what_stays_in_costs_no_look_up() -> None:
    """Private notes, and the conversations of other channels, of which webhooks tell too."""
    to = delivering()
    to.hear(message_change(sequence=1, messageAudience="AGENTS_AND_MANAGERS"))
    to.store.mark_foreign(ACCOUNT, "another")
    to.hear(message_change(sequence=1, conversation_id="another"))

    assert ([], []) == (to.told, to.profiles.asked)
