"""What is remembered of a conversation, and the echoes heard in it."""

from __future__ import annotations

import pytest

from liveperson_connector.domain.conversations import (
    Consumer,
    Conversation,
    file_digest,
    text_digest,
)

YES = text_digest("yes")
CONVERSATION = Conversation(
    "12345678",
    "c-1",
    "+49151",
    "key",
    echoes=((1, YES), (4, text_digest("no")), (6, YES), (8, YES)),
)


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("yes", -1, 1),
        ("yes", 1, 6),
        ("yes", 8, None),
        ("no", -1, 4),
        ("maybe", -1, None),
    ],
)
def test_an_echo_is_the_first_after_what_was_said_before(
    text: str, after: int, expected: int | None
) -> None:
    """Who says the same twice is heard twice: an older echo is not the newer message's."""
    assert expected == CONVERSATION.heard(text_digest(text), after=after)


def test_white_space_around_an_echo_does_not_matter() -> None:
    """LivePerson may trim what a consumer said."""
    assert 1 == CONVERSATION.heard(text_digest(" yes\n"), after=-1)


def test_a_digest_does_not_tell_the_words() -> None:
    """What consumers said is not kept, only enough to recognise it."""
    assert "secret words" not in text_digest("secret words")


def test_half_a_character_has_a_digest_too() -> None:
    """What a channel once took, an echo is compared with."""
    assert text_digest("\ud83d") != text_digest("\ud83e")


def test_a_file_is_not_a_text() -> None:
    """Who writes a file's path has not sent the file."""
    assert file_digest("/v1/a.png") != text_digest("/v1/a.png")


def test_a_conversation_without_a_consumer_of_ours_is_not_ours() -> None:
    """Another channel's conversation is remembered as such."""
    assert not Conversation("12345678", "c-2", "").is_ours
    assert CONVERSATION.is_ours


def test_nobody_is_named_when_a_record_is_printed() -> None:
    """Neither the channel's own id nor a token shows."""
    consumer = Consumer("12345678", "+49151", "key", "lp", "the-jws")

    assert "+49151" not in repr((consumer, CONVERSATION))
    assert "the-jws" not in repr(consumer)


@pytest.mark.parametrize(
    ("conversation_id", "survey_dialog_id", "expected"),
    [("c-1", None, "c-1"), ("c-1", "s-1", "s-1"), (None, None, "")],
)
def test_words_go_to_the_survey_while_one_runs(
    conversation_id: str | None, survey_dialog_id: str | None, expected: str
) -> None:
    """Else to the main dialog, whose id is the conversation's; nowhere without one."""
    consumer = Consumer(
        "12345678",
        "+49151",
        "key",
        "lp-1",
        "the jws",
        conversation_id=conversation_id,
        survey_dialog_id=survey_dialog_id,
    )

    assert expected == consumer.current_dialog_id
