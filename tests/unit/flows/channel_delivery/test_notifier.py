"""The one way to the channel: what it wants, what waits, and how a callback is known again."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from liveperson_connector.delivery.circuit_breaker import CHANNEL
from liveperson_connector.domain.errors import (
    ChannelRefused,
    ChannelUnavailable,
    CircuitOpen,
    GroupHeld,
    MisconfiguredAccount,
    ProbeFailed,
)
from liveperson_connector.domain.queue_messages import stable_id
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.logs import Output
from tests.support.webhooks import message_change

from .delivering import (
    CALLBACK_URL,
    FAILURE,
    HEARD,
    KEY,
    READ_EVENT,
    Delivering,
    file_event,
)

TELL: dict[str, Callable[[Delivering], None]] = {
    "message": lambda each: each.hear(message_change()),
    "state": lambda each: each.hear_state(),
    "failure": lambda each: each.hear_failure(),
}


# ── What the channel wants ──


def test_callback_goes_to_the_address_of_its_account() -> None:
    """And is signed; the channel API's documentation says how."""
    delivering = Delivering()
    delivering.hear(message_change())

    ((url, headers, _),) = delivering.wire.calls
    assert CALLBACK_URL == url
    assert headers["webhook-signature"].startswith("v1,")


def test_channel_that_wants_messages_alone_gets_its_files() -> None:
    """They are messages, as texts are; a receipt is not."""
    delivering = Delivering(callbacks=frozenset({"message"}))
    for sequence, event in enumerate((file_event(), READ_EVENT)):
        delivering.hear(message_change(event=event, sequence=sequence))

    assert ["file"] == [each["content"]["type"] for each in delivering.told]


def test_unwanted_file_is_not_fetched() -> None:
    """It costs LivePerson and us nothing."""
    delivering = Delivering(callbacks=frozenset({"receipt"}))
    delivering.hear(message_change(event=file_event()))

    assert ([], []) == (delivering.liveperson.fetched, delivering.told)


def test_receipts_on_behalf_of_the_channel_keep_its_consumers_order() -> None:
    """They stand in the group of the consumer's own events."""
    delivering = Delivering(automatic_receipts=True)
    delivering.hear(message_change())

    assert [stable_id(ACCOUNT, KEY)] == [each.group for each in delivering.consumer_events.letters]


# ── Ids ──


def test_callback_has_one_id_however_often_it_is_tried() -> None:
    """And another than every other, so that the channel knows a repeat."""
    ids = []
    for known, sequence in [({}, 1), ({}, 1), ({}, 2), ({"skill_id": "1"}, 1)]:
        delivering = Delivering()
        delivering.save_state(**known)
        delivering.hear(message_change(sequence=sequence))
        ids += delivering.ids

    assert ids[0] == ids[1] == ids[3] != ids[2]
    assert all(re.fullmatch("msg_[0-9a-f]{32}", each) for each in ids)


def test_ids_of_callbacks_stay_the_same_in_every_version() -> None:
    """Fixed vectors: while a new version is rolled out, a repeat must be known as one."""
    delivering = Delivering()
    delivering.hear(message_change(sequence=3))
    delivering.hear_failure()
    delivering.hear_state()

    assert [
        "msg_6e2fc679a5ce2450734acba13729271e",
        "msg_5e82e2f738db3de6457599d9291e7c71",
        "msg_7fb6fba83e3d371593e225761392d342",
    ] == delivering.ids


# ── Outages and holds ──


@pytest.mark.parametrize("kind", TELL)
def test_held_group_follows_its_dead_letters(kind: str) -> None:
    """The channel is not asked."""
    delivering = Delivering()
    delivering.setbacks.hold("group-1")
    with pytest.raises(GroupHeld):
        TELL[kind](delivering)

    assert [] == delivering.told


def test_hold_of_another_group_holds_nothing() -> None:
    """Each conversation has its own."""
    delivering = Delivering()
    delivering.setbacks.hold("group-2")
    delivering.hear(message_change())

    assert 1 == len(delivering.told)


@pytest.mark.parametrize(("seconds", "told"), [(-1, 1), (0, 0), (1, 0)])
def test_redriven_message_waits_if_an_earlier_letter_died_again(seconds: int, told: int) -> None:
    """Whatever came back since then does not overtake it."""
    delivering = Delivering()
    delivering.setbacks.hold("group-1")
    delivering.clock.now = Clock().now + seconds
    delivering.setbacks.hold_redriven("group-1")
    with nullcontext() if told else pytest.raises(GroupHeld):
        delivering.hear(message_change(), attributes={"redrives": "1"})

    assert told == len(delivering.told)


@pytest.mark.parametrize("kind", TELL)
def test_message_waits_while_the_channel_is_down(kind: str) -> None:
    """The channel is not asked."""
    delivering = Delivering()
    delivering.break_circuit()
    with pytest.raises(CircuitOpen):
        TELL[kind](delivering)

    assert [] == delivering.told


@pytest.mark.parametrize("kind", TELL)
def test_probe_finds_out_that_the_channel_is_back(kind: str) -> None:
    """The first whose turn it is goes ahead; one that another got ahead of does not."""
    delivering = Delivering()
    delivering.break_circuit()
    circuit = delivering.circuit
    assert circuit is not None
    delivering.clock.now = circuit.next_probe_at
    later = delivering.clock() + 60
    assert delivering.setbacks.probe(ACCOUNT, CHANNEL, delivering.clock(), later)
    with pytest.raises(CircuitOpen):
        TELL[kind](delivering)
    delivering.clock.now = later
    TELL[kind](delivering)

    assert (1, None) == (len(delivering.told), delivering.circuit)


@pytest.mark.parametrize("kind", TELL)
def test_failure_of_the_channel_is_counted(kind: str) -> None:
    """With the group that noticed."""
    delivering = Delivering()
    delivering.break_circuit(failures=1)
    delivering.answer(503)
    with pytest.raises(ChannelUnavailable):
        TELL[kind](delivering)

    assert delivering.circuit is not None
    assert 2 == delivering.circuit.failures
    assert {"group-0", "group-1"} == delivering.circuit.groups


def test_failed_probe_leaves_the_circuit_open() -> None:
    """It does not count as a try of the message."""
    delivering = Delivering()
    delivering.break_circuit()
    delivering.clock.pass_seconds(60)
    delivering.answer(503)
    with pytest.raises(ProbeFailed):
        delivering.hear(message_change())

    assert delivering.circuit is not None
    assert delivering.circuit.is_open


@pytest.mark.parametrize("kind", TELL)
@pytest.mark.parametrize("answer", [200, 410])
def test_answer_ends_a_doubt(answer: int, kind: str) -> None:
    """Also one that says never."""
    delivering = Delivering()
    delivering.break_circuit(failures=1)
    delivering.answer(answer)
    with nullcontext() if answer == 200 else pytest.raises(ChannelRefused):
        TELL[kind](delivering)

    assert delivering.circuit is None


@pytest.mark.parametrize("kind", TELL)
def test_missing_settings_count_as_an_outage(kind: str) -> None:
    """An operator writes them; until then the account's messages wait."""
    delivering = Delivering()
    delivering.settings = None
    with pytest.raises(MisconfiguredAccount):
        TELL[kind](delivering)

    assert delivering.circuit is not None
    assert 1 == delivering.circuit.failures


# ── What was refused for good ──


def test_refused_event_is_told_field_by_field(output: Output) -> None:
    """What is not known is left out."""
    delivering = Delivering()
    delivering.hear_failure()

    known = {name: value for name, value in FAILURE.items() if value is not None}
    assert [{"type": "failed", "account_id": ACCOUNT, "sent_at": HEARD, **known}] == delivering.told
    assert (["told_failed"], ACCOUNT, "e-1") == (
        output.messages,
        output.lines[0]["account_id"],
        output.lines[0]["event_id"],
    )


def test_refused_event_has_an_id_of_its_own() -> None:
    """The same on every try; no other event's, consumer's or copy's."""
    delivering = Delivering()
    for other in ({}, {}, {"event_id": "e-2"}, {"consumer_id": "+49152"}):
        delivering.hear_failure(**other)
    body = {"account_id": ACCOUNT, "type": "connector.EventFailed", "failure": FAILURE}
    for copy in ("m-1", "m-1", "m-2"):
        delivering.handle({**body, "message_id": copy})

    assert delivering.ids[0] == delivering.ids[1]
    assert delivering.ids[4] == delivering.ids[5]
    assert 5 == len(set(delivering.ids))


@pytest.mark.parametrize(("wanted", "told"), [("failed", 1), ("message", 0)])
def test_refused_event_is_told_to_a_channel_that_wants_it(
    wanted: str, told: int, output: Output
) -> None:
    """A channel may look at the dead letters instead; then nothing waits either."""
    delivering = Delivering(callbacks=frozenset({wanted}))
    if not told:
        delivering.setbacks.hold("group-1")
    delivering.hear_failure()

    assert told == len(delivering.told)
    assert ["told_failed" if told else "not_wanted"] == output.messages
