"""What becomes of messages, receipts and typing: whose they are, and what the channel gets."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from liveperson_connector.domain.conversations import file_digest, text_digest
from liveperson_connector.domain.errors import ChannelUnavailable, NotificationEarly
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.logs import Output
from tests.support.webhooks import CONSUMER, CONVERSATION, message_change, without

from .delivering import (
    COMMON,
    FILES_URL,
    KEY,
    READ_EVENT,
    SENDER,
    TYPING_EVENT,
    Delivering,
    file_event,
    numbered,
)

ECHO: dict[str, Any] = {"role": "CONSUMER", "sender": CONSUMER}


# ── What the channel gets ──


def test_message_is_told_field_by_field() -> None:
    """And remembered as delivered, with nothing sent back."""
    delivering = Delivering()
    delivering.hear(message_change("Hello", sequence=3))

    assert [
        {
            **COMMON,
            **SENDER,
            "type": "message",
            "sequence": 3,
            "content": {"type": "text", "text": "Hello"},
        }
    ] == delivering.told
    assert delivering.was_delivered(f"{CONVERSATION}:3")
    assert [] == delivering.consumer_events.letters


def test_message_without_a_time_of_its_own_has_that_of_the_queue() -> None:
    """The contract wants one."""
    delivering = Delivering()
    sent_at = datetime(2023, 11, 14, 22, tzinfo=UTC)
    delivering.hear(message_change(serverTimestamp=None), sent_at=sent_at)

    assert ["2023-11-14T22:00:00.000Z"] == [each["sent_at"] for each in delivering.told]


def test_receipt_is_told_field_by_field() -> None:
    """Whose messages were read, and by whom."""
    delivering = Delivering()
    delivering.hear(message_change(sequence=3, event=READ_EVENT))

    read = {"type": "receipt", "sequence": 3, "status": "read", "sequences": [1, 2]}
    assert [{**COMMON, **SENDER, **read}] == delivering.told


@pytest.mark.parametrize("path", ["/a.png", "/gone"])
def test_file_is_told_with_its_address(path: str) -> None:
    """One that is gone is told without."""
    delivering = Delivering()
    delivering.hear(message_change(event=file_event(path)))

    ((told),) = delivering.told
    found = f"{FILES_URL}/accounts/{ACCOUNT}/files/{delivering.files[0]}" if path != "/gone" else ""
    content = {"type": "file", "caption": "Look", "file_type": "PNG", "url": found}
    assert ("message", content) == (told["type"], told["content"])
    assert [path] == delivering.liveperson.fetched


def test_card_that_names_a_file_stays_a_card() -> None:
    """Only what is of the kind of files is fetched."""
    delivering = Delivering()
    card = {"type": "RichContentEvent", "content": {"type": "text", "text": "Hi"}}
    delivering.hear(message_change(event={**file_event(), **card}))

    assert ["rich"] == [each["content"]["type"] for each in delivering.told]
    assert [] == delivering.liveperson.fetched


@pytest.mark.parametrize(
    ("types", "dialog_id", "expected"),
    [
        ({}, CONVERSATION, "main"),
        ({}, "s-1", "post_survey"),
        ({"s-1": "POST_SURVEY"}, "s-1", "post_survey"),
        ({"s-1": "MAIN"}, "s-1", "main"),
        ({"s-1": "OTHER"}, "s-1", "other"),
        ({"s-1": "NEW"}, "s-1", "other"),
        ({CONVERSATION: "OTHER"}, CONVERSATION, "other"),
    ],
)
def test_dialog_has_the_type_that_a_state_named(
    types: dict[str, str], dialog_id: str, expected: str
) -> None:
    """As long as none did, all but the main one count as surveys."""
    delivering = Delivering()
    delivering.save_state(dialog_types=types)
    delivering.hear(message_change(dialogId=dialog_id))
    delivering.hear(message_change(dialogId=dialog_id, event=TYPING_EVENT))

    assert [(dialog_id, expected)] * 2 == [
        (each["dialog_id"], each["dialog_type"]) for each in delivering.told
    ]


def test_log_tells_what_was_delivered(output: Output) -> None:
    """By ids, with the channel's answer."""
    delivering = Delivering()
    delivering.answer(202)
    delivering.hear(message_change(sequence=3))

    (told,) = output.lines
    assert {
        "message": "delivered",
        "account_id": ACCOUNT,
        "consumer": "0123456789ab",
        "conversation_id": CONVERSATION,
        "sequence": 3,
        "http_status": 202,
    }.items() <= told.items()
    assert told["took_ms"] > 0


def test_unwanted_message_is_done_without_it(output: Output) -> None:
    """It is not offered again."""
    delivering = Delivering(callbacks=frozenset({"typing"}))
    delivering.hear(message_change(sequence=3))

    assert [] == delivering.told
    assert delivering.was_delivered(f"{CONVERSATION}:3")
    assert [("not_wanted", 3)] == numbered(output)


def test_repeat_is_not_told_twice(output: Output) -> None:
    """LivePerson may send a webhook again for days."""
    delivering = Delivering()
    for _ in range(2):
        delivering.hear(message_change())

    assert 1 == len(delivering.told)
    assert [("delivered", 1), ("repeat_ignored", 1)] == numbered(output)


def test_message_that_the_channel_did_not_take_is_told_again() -> None:
    """It counts as delivered only then."""
    delivering = Delivering()
    delivering.answer(503)
    with pytest.raises(ChannelUnavailable):
        delivering.hear(message_change())
    assert not delivering.was_delivered(f"{CONVERSATION}:1")
    delivering.hear(message_change())

    assert 2 == len(delivering.told)
    assert delivering.ids[0] == delivering.ids[1]


def test_note_between_agents_stays_in(output: Output) -> None:
    """And the log says why."""
    delivering = Delivering()
    delivering.hear(message_change(messageAudience="AGENTS_AND_MANAGERS"))

    assert ([], [("withheld_not_for_consumers", 1)]) == (delivering.told, numbered(output))


# ── Whose it is ──


@pytest.mark.parametrize(("receives", "seconds"), [(1, 2), (8, 2), (9, 45), (12, 45)])
def test_message_of_an_unknown_conversation_waits_a_moment(receives: int, seconds: float) -> None:
    """It may have overtaken the answer that names the conversation."""
    delivering = Delivering(is_known=False)
    with pytest.raises(NotificationEarly) as early:
        delivering.hear(message_change(), receive_count=receives)

    assert (seconds, None) == (early.value.retry_after, delivering.conversation)


def test_conversation_that_stays_unknown_is_another_channels(output: Output) -> None:
    """It is remembered as such, so that its next message need not wait."""
    delivering = Delivering(is_known=False)
    delivering.hear(message_change(), receive_count=13)
    delivering.hear(message_change(sequence=2))

    assert delivering.conversation is not None
    assert (False, []) == (delivering.conversation.is_ours, delivering.told)
    assert ["foreign_conversation"] * 2 == output.messages
    assert (ACCOUNT, CONVERSATION) == (
        output.lines[0]["account_id"],
        output.lines[0]["conversation_id"],
    )


def test_typing_in_an_unknown_conversation_is_dropped_at_once() -> None:
    """It would be stale by the time that anything is known, and says nothing of whose it is."""
    delivering = Delivering(is_known=False)
    delivering.hear(message_change(event=TYPING_EVENT))

    assert ([], None) == (delivering.told, delivering.conversation)


def test_echo_of_our_consumer_tells_whose_a_conversation_is(output: Output) -> None:
    """It is adopted; whether it is the current one only its state tells."""
    delivering = Delivering(is_known=False)
    delivering.hear(message_change("Hi", sequence=3, **ECHO))

    known = delivering.conversation
    assert known is not None
    assert (KEY, ((3, text_digest("Hi")),)) == (known.consumer_key, known.echoes)
    assert (["conversation_adopted", "withheld_echo"], []) == (output.messages, delivering.told)


def test_adopted_conversation_is_not_taken_for_the_current_one() -> None:
    """An echo may be late news of an older one."""
    delivering = Delivering()
    delivering.hear(message_change(conversation_id="older", **ECHO))

    assert CONVERSATION == delivering.person.conversation_id


def test_echo_that_names_only_its_dialog_tells_nothing() -> None:
    """The dialog may be a survey's."""
    delivering = Delivering(is_known=False)
    with pytest.raises(NotificationEarly):
        delivering.hear(without(message_change(**ECHO), "conversationId"))

    assert delivering.conversation is None


def test_echoed_file_is_known_by_its_path() -> None:
    """As the text of a message is by its words; a receipt of the consumer's own is no echo."""
    delivering = Delivering()
    delivering.hear(message_change(event=file_event(), sequence=3, **ECHO))
    delivering.hear(message_change(event=READ_EVENT, sequence=4, **ECHO))
    delivering.hear(without(message_change("Hi", **ECHO), "sequence"))

    assert delivering.conversation is not None
    assert ((3, file_digest("/a.png")),) == delivering.conversation.echoes


def test_agents_words_are_no_echo() -> None:
    """Whatever they say."""
    delivering = Delivering()
    delivering.hear(message_change("Hi"))

    assert delivering.conversation is not None
    assert () == delivering.conversation.echoes


@pytest.mark.parametrize(("is_ended", "expected"), [(False, CONVERSATION), (True, None)])
def test_consumer_who_lost_its_conversation_is_led_back(
    is_ended: bool, expected: str | None, output: Output
) -> None:
    """By whatever webhook names it, unless it is over."""
    delivering = Delivering()
    delivering.lose_pointer(is_open=not is_ended, is_ended=is_ended)
    delivering.hear(message_change())

    assert expected == delivering.person.conversation_id
    assert ("pointer_restored" in output.messages) is not is_ended


# ── Typing ──


def test_typing_is_told_field_by_field(output: Output) -> None:
    """Its time is when we took it; it has no number."""
    delivering = Delivering()
    delivering.hear(message_change(event=TYPING_EVENT))

    assert [{**COMMON, **SENDER, "type": "typing", "state": "composing"}] == delivering.told
    assert ["typing_told"] == output.messages
    assert not delivering.was_delivered(f"{CONVERSATION}:1")


@pytest.mark.parametrize(("ago", "told"), [(10, 1), (10.1, 0)])
def test_typing_that_comes_late_is_not_told(ago: float, told: int, output: Output) -> None:
    """Nobody types any more."""
    delivering = Delivering()
    sent_at = datetime.fromtimestamp(Clock().now - ago, UTC)
    delivering.hear(message_change(event=TYPING_EVENT), sent_at=sent_at)

    assert told == len(delivering.told)
    assert ["typing_told" if told else "typing_stale"] == output.messages


@pytest.mark.parametrize(
    ("obstacle", "told"),
    [("hold", 0), ("outage", 0), ("doubt", 1), ("end", 0), ("untold end", 0)],
)
def test_typing_waits_for_nothing(obstacle: str, told: int, output: Output) -> None:
    """Where a message would wait it is dropped; a doubt alone is no reason."""
    delivering = Delivering()
    if obstacle == "hold":
        delivering.setbacks.hold("group-1")
    elif obstacle in {"outage", "doubt"}:
        delivering.break_circuit(**({} if obstacle == "outage" else {"failures": 1}))
    else:
        delivering.save_state(is_open=obstacle == "untold end", is_ended=True)
    delivering.hear(message_change(event=TYPING_EVENT))

    assert told == len(delivering.told)
    assert ["typing_told" if told else "typing_dropped"] == output.messages


def test_unwanted_typing_is_not_said_to_be_told(output: Output) -> None:
    """The channel named what it wants."""
    delivering = Delivering(callbacks=frozenset({"message"}))
    delivering.hear(message_change(event=TYPING_EVENT))

    assert ([], ["not_wanted"]) == (delivering.told, output.messages)


@pytest.mark.parametrize("answer", [503, 410])
def test_typing_that_is_not_taken_is_dropped(answer: int, output: Output) -> None:
    """It is tried once, and says nothing of the channel."""
    delivering = Delivering()
    delivering.answer(answer)
    delivering.hear(message_change(event=TYPING_EVENT))

    assert ["typing_dropped"] == output.messages[1:]
    assert ACCOUNT == output.lines[0]["account_id"]
    assert delivering.circuit is None


# ── Receipts on behalf of the channel ──


def test_channel_may_let_us_send_its_receipts() -> None:
    """Of messages that it took, and of nothing else."""
    delivering = Delivering(automatic_receipts=True)
    delivering.hear(message_change(sequence=3, dialogId="s-1"))
    delivering.hear(message_change(sequence=4, event=READ_EVENT))
    delivering.hear(message_change(sequence=5, event=TYPING_EVENT))

    (letter,) = delivering.consumer_events.letters
    queued: dict[str, Any] = json.loads(letter.body)
    assert (ACCOUNT, "+49151", Clock().now, True) == (
        queued["account_id"],
        queued["consumer_id"],
        queued["accepted_at"],
        queued["automatic"],
    )
    assert ("receipt", "accepted", [3], "s-1") == (
        queued["event"]["type"],
        queued["event"]["status"],
        queued["event"]["sequences"],
        queued["event"]["dialog_id"],
    )


def test_first_message_is_receipted_too() -> None:
    """Its number is 0."""
    delivering = Delivering(automatic_receipts=True)
    delivering.hear(message_change(sequence=0))

    (letter,) = delivering.consumer_events.letters
    assert [0] == json.loads(letter.body)["event"]["sequences"]


@pytest.mark.parametrize("wishes", [{"callbacks": frozenset({"typing"})}, {}])
def test_message_that_was_not_received_has_no_receipt(wishes: dict[str, Any]) -> None:
    """Because the channel did not want it, or did not take it."""
    delivering = Delivering(automatic_receipts=True, **wishes)
    delivering.answer(503)
    if wishes:
        delivering.hear(message_change())
    else:
        with pytest.raises(ChannelUnavailable):
            delivering.hear(message_change())

    assert [] == delivering.consumer_events.letters
