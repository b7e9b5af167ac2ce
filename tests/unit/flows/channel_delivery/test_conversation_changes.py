"""What really changed in a conversation, and what is only an older state of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.errors import ChannelUnavailable, GroupHeld
from liveperson_connector.flows.channel_delivery.conversation_changes import changes
from liveperson_connector.liveperson.notifications import CLAIM_ATTRIBUTE, CONVERSATION_CHANGE
from tests.support.accounts import ACCOUNT
from tests.support.logs import Output
from tests.support.webhooks import CONVERSATION, conversation_change

from .delivering import COMMON, KEY, OURS, Delivering

NOW = 1_700_000_000_000
KNOWN = replace(OURS, skill_id="1", changed_at=1000)
JOINED = {"participants": [{"id": "a", "role": "ASSIGNED_AGENT"}]}
CLOSED = {"stage": "CLOSE", "state": "CLOSE"}
SURVEY = {"dialogId": "s-1", "dialogType": "POST_SURVEY", "state": "OPEN"}


def known(delivering: Delivering) -> Conversation:
    """Give what is known of the conversation."""
    found = delivering.conversation
    assert found is not None
    return found


# ── What changed ──


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
        ({"agent_id": None}, []),
    ],
)
def test_real_change_is_named_once(now: dict[str, Any], expected: list[str]) -> None:
    """And nothing else is: a survey or an end is not told as a transfer."""
    assert expected == changes(KNOWN, replace(KNOWN, **now))


@pytest.mark.parametrize("now", ["a", None])
def test_agent_who_stays_or_leaves_has_not_joined(now: str | None) -> None:
    """Nobody new is there."""
    assert [] == changes(replace(KNOWN, agent_id="a"), replace(KNOWN, agent_id=now))


@pytest.mark.parametrize("before", [None, "-1"])
def test_routing_to_a_first_skill_is_no_transfer(before: str | None) -> None:
    """A conversation begins without a skill."""
    assert [] == changes(replace(KNOWN, skill_id=before), KNOWN)


def test_first_state_is_told_as_opened() -> None:
    """Whatever else is known by then; so is one that is opened again."""
    first = replace(KNOWN, changed_at=0)

    assert ["opened", "agent_joined"] == changes(first, replace(KNOWN, agent_id="a"))
    assert [] == changes(replace(first, is_open=False), replace(KNOWN, is_open=False))
    assert ["opened"] == changes(replace(KNOWN, is_open=False), KNOWN)


# ── What the channel is told, and what is known then ──


def test_new_conversation_is_told_field_by_field() -> None:
    """And what is known of it is remembered."""
    delivering = Delivering()
    delivering.hear_state(skillId="7", **JOINED)

    common = {**COMMON, "type": "conversation"}
    assert [
        {**common, "event": "opened"},
        {**common, "event": "agent_joined"},
    ] == delivering.told
    assert replace(OURS, skill_id="7", agent_id="a", changed_at=NOW) == known(delivering)


def test_end_is_told_with_its_reason() -> None:
    """As LivePerson names it; the consumer's next words open another conversation."""
    delivering = Delivering()
    delivering.save_state(changed_at=1)
    delivering.hear_state(closeReason="AGENT", **CLOSED)

    closed = {"type": "conversation", "event": "closed", "reason": "AGENT"}
    assert [{**COMMON, **closed}] == delivering.told
    assert (True, False, None) == (
        known(delivering).is_ended,
        known(delivering).is_open,
        delivering.person.conversation_id,
    )


def test_change_during_a_survey_is_told_of_the_survey() -> None:
    """It is where the consumer is; only an end has a reason."""
    delivering = Delivering()
    delivering.hear_state(dialogs=[SURVEY], closeReason="AGENT")

    place = {"dialog_id": "s-1", "dialog_type": "post_survey"}
    told = {"type": "conversation", "event": "opened"}
    assert [{**COMMON, **place, **told}] == delivering.told
    assert ("s-1", {"s-1": "POST_SURVEY"}) == (
        delivering.person.survey_dialog_id,
        known(delivering).dialog_types,
    )


def test_state_that_says_less_takes_nothing_back() -> None:
    """Neither the skill nor the types of the dialogs; an agent who is gone is gone."""
    delivering = Delivering()
    before = delivering.save_state(
        skill_id="7", agent_id="a", dialog_types={"d": "MAIN"}, changed_at=5
    )
    delivering.hear_state()

    assert replace(before, agent_id=None, changed_at=NOW) == known(delivering)


def test_change_that_is_not_wanted_is_followed_without_it(output: Output) -> None:
    """It is not offered again, and not said to be told."""
    delivering = Delivering(callbacks=frozenset({"message"}))
    delivering.hear_state()

    assert ([], NOW) == (delivering.told, known(delivering).changed_at)
    assert [("not_wanted", "opened")] == [
        (each["message"], each["change"]) for each in output.lines
    ]


def test_log_tells_each_change(output: Output) -> None:
    """By ids, with the channel's answer."""
    delivering = Delivering()
    delivering.answer(202)
    delivering.hear_state(**JOINED)

    first, second = output.lines
    assert {
        "message": "told_conversation",
        "account_id": ACCOUNT,
        "consumer": "0123456789ab",
        "conversation_id": CONVERSATION,
        "change": "opened",
        "http_status": 202,
    }.items() <= first.items()
    assert ("agent_joined", 200) == (second["change"], second["http_status"])


def test_change_has_an_id_of_its_own() -> None:
    """Two changes of one moment are two, and a change of another moment is another."""
    ids = []
    for updated_at in (1000, 1000, 2000):
        delivering = Delivering()
        delivering.hear_state(updated_at=updated_at, **JOINED)
        ids += delivering.ids

    assert ids[:2] == ids[2:4]
    assert 4 == len(set(ids))


def test_change_without_a_time_has_that_of_the_queue() -> None:
    """And an id by it, so that a repeat of the queue's is known."""
    delivering = Delivering()
    delivering.hear_state(updated_at=0)
    at_its_time = Delivering()
    at_its_time.hear_state(updated_at=NOW)

    assert [COMMON["sent_at"]] == [each["sent_at"] for each in delivering.told]
    assert at_its_time.ids == delivering.ids


def test_change_that_the_channel_did_not_take_is_told_again() -> None:
    """What is known of the conversation is still what the channel was told of last."""
    delivering = Delivering()
    delivering.save_state(changed_at=1)
    delivering.answer(503)
    with pytest.raises(ChannelUnavailable):
        delivering.hear_state(**CLOSED)
    assert known(delivering).is_open
    delivering.hear_state(**CLOSED)

    assert ["closed", "closed"] == [each["event"] for each in delivering.told]
    assert not known(delivering).is_open


def test_change_waits_for_what_is_held() -> None:
    """Where the consumer's next words go is known all the same."""
    delivering = Delivering()
    before = delivering.save_state(changed_at=1)
    delivering.setbacks.hold("group-1")
    with pytest.raises(GroupHeld):
        delivering.hear_state(**CLOSED)

    assert ([], before.changed_at) == (delivering.told, known(delivering).changed_at)
    assert delivering.person.conversation_id is None


# ── Which state counts ──


@pytest.mark.parametrize("updated_at", [1, 999, 1000])
def test_older_state_undoes_nothing(updated_at: int, output: Output) -> None:
    """It came late, or twice; what is known is newer, so nothing is told and nothing noted."""
    delivering = Delivering()
    before = delivering.save_state(skill_id="1", changed_at=1000)
    delivering.hear_state(updated_at=updated_at, skillId="2")

    assert ([], before, ["outdated_change"]) == (
        delivering.told,
        known(delivering),
        output.messages,
    )


@pytest.mark.parametrize(("is_open", "told"), [(True, ["closed"]), (False, [])])
def test_end_counts_of_two_states_of_one_moment(is_open: bool, told: list[str]) -> None:
    """LivePerson's clock may stand still for both; once it is over, it is."""
    delivering = Delivering()
    delivering.save_state(is_open=is_open, is_ended=not is_open, changed_at=1000)
    delivering.hear_state(updated_at=1000, **CLOSED)

    assert told == [each["event"] for each in delivering.told]


@pytest.mark.parametrize(("before", "expected"), [(0, 1), (5, 5)])
def test_state_without_a_time_is_as_new_as_the_last(before: int, expected: int) -> None:
    """And something is known then, whenever it was."""
    delivering = Delivering()
    delivering.save_state(changed_at=before)
    delivering.hear_state(updated_at=0, **JOINED)

    assert (expected, "a") == (known(delivering).changed_at, known(delivering).agent_id)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({}, ["opened"]),
        ({"updated_at": 0}, []),
        ({"stage": None, "state": None}, []),
    ],
)
def test_conversation_opens_again_if_a_newer_state_says_so(
    details: dict[str, Any], expected: list[str]
) -> None:
    """One without a time may be older than the end; one that doesn't say it means nothing."""
    delivering = Delivering()
    delivering.save_state(is_open=False, is_ended=True, changed_at=1000)
    delivering.hear_state(**details)

    assert expected == [each["event"] for each in delivering.told]
    assert bool(expected) is known(delivering).is_open


def test_state_that_changes_nothing_for_the_channel_is_remembered_alone() -> None:
    """The channel is not asked, not even whether it is back."""
    delivering = Delivering()
    delivering.save_state(changed_at=1)
    delivering.break_circuit()
    delivering.hear_state()

    assert ([], NOW) == (delivering.told, known(delivering).changed_at)
    assert delivering.circuit is not None


def test_state_that_says_nothing_new_is_not_written() -> None:
    """One write less for each webhook that LivePerson repeats without a time."""
    delivering = Delivering()
    before = delivering.save_state(changed_at=1000)
    (stored,) = [key for key in delivering.table.items if key.startswith("conversation#")]
    item = dict(delivering.table.items[stored])
    delivering.clock.pass_seconds(60)
    delivering.hear_state(updated_at=0)

    assert (before, item) == (known(delivering), delivering.table.items[stored])


# ── Whose it is ──


@pytest.mark.parametrize(("stage", "is_open"), [("OPEN", True), ("CLOSE", False)])
def test_state_that_names_our_consumer_makes_a_conversation_ours(
    stage: str, is_open: bool, output: Output
) -> None:
    """The current one, as it is now."""
    delivering = Delivering(is_known=False)
    delivering.hear_state(stage=stage)

    assert (KEY, is_open) == (known(delivering).consumer_key, known(delivering).is_open)
    assert (CONVERSATION if is_open else None) == delivering.person.conversation_id
    assert "conversation_adopted" == output.messages[0]
    assert (["opened"] if is_open else []) == [each["event"] for each in delivering.told]


def test_newer_conversation_takes_the_place_of_the_current_one() -> None:
    """Late news of an older one does not."""
    delivering = Delivering()
    for conversation_id, updated_at in (("newer", NOW + 1), ("older", 1)):
        delivering.hear_state(conversation_id=conversation_id, updated_at=updated_at)

    assert "newer" == delivering.person.conversation_id


@pytest.mark.parametrize("hears_it_as", ["claim", "older state", "newer state"])
def test_consumer_who_lost_its_conversation_is_led_back(hears_it_as: str, output: Output) -> None:
    """By each state that names it as open."""
    delivering = Delivering()
    delivering.lose_pointer(changed_at=NOW)
    raw = conversation_change(updated_at=NOW + (1 if hears_it_as == "newer state" else 0))
    attributes = {CLAIM_ATTRIBUTE: "only"} if hears_it_as == "claim" else {}
    delivering.hear(raw, CONVERSATION_CHANGE, attributes=attributes)

    assert CONVERSATION == delivering.person.conversation_id
    assert "pointer_restored" == output.messages[0]


def test_consumer_who_was_led_back_is_not_led_back_again(output: Output) -> None:
    """The account may still be sought for another; the log tells only what changed."""
    delivering = Delivering()
    delivering.save_state(changed_at=NOW)
    delivering.store.seek_conversation(ACCOUNT)
    delivering.hear_state(updated_at=1)

    assert ["outdated_change"] == output.messages


def test_claim_says_whose_a_conversation_is_and_nothing_else() -> None:
    """What is to be told of it comes in its own turn."""
    delivering = Delivering(is_known=False)
    claim = {CLAIM_ATTRIBUTE: "only"}
    delivering.hear(conversation_change(), CONVERSATION_CHANGE, attributes=claim)

    assert ([], KEY, 0) == (
        delivering.told,
        known(delivering).consumer_key,
        known(delivering).changed_at,
    )
    assert CONVERSATION == delivering.person.conversation_id


@pytest.mark.parametrize("attributes", [{}, {CLAIM_ATTRIBUTE: "only"}])
def test_state_that_names_nobody_of_ours_is_another_channels(
    attributes: dict[str, str], output: Output
) -> None:
    """That is remembered, so that its messages need not wait."""
    delivering = Delivering(is_known=False)
    raw = conversation_change(consumer="somebody else")
    for _ in range(2):
        delivering.hear(raw, CONVERSATION_CHANGE, attributes=attributes)

    assert ([], False) == (delivering.told, known(delivering).is_ours)
    assert ([] if attributes else ["foreign_conversation"] * 2) == output.messages
