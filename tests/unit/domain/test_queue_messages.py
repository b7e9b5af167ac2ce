"""Names for groups and identities of queue messages."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.domain.errors import UnreadableMessage
from liveperson_connector.domain.queue_messages import new_id, stable_id
from tests.support.clocks import Clock
from tests.support.messages import received

NOW = datetime.fromtimestamp(Clock().now, UTC)


@given(st.lists(st.text(st.characters(codec=None), max_size=300), max_size=4))
def test_any_text_becomes_a_token_that_sqs_takes(parts: list[str]) -> None:
    """SQS takes 128 characters of ASCII; ids of partners may be anything."""
    assert re.fullmatch(r"[0-9a-f]{64}", stable_id(*parts))


@given(
    st.lists(st.text("a1:", max_size=4), max_size=4),
    st.lists(st.text("a1:", max_size=4), max_size=4),
)
def test_different_parts_make_different_tokens(one: list[str], other: list[str]) -> None:
    """Where one part ends and the next begins is part of the id."""
    assert (one == other) == (stable_id(*one) == stable_id(*other))


def test_half_a_character_becomes_a_token_too() -> None:
    """A partner may send one; it is not the other half."""
    assert stable_id("\ud83d") != stable_id("\ude00")


def test_a_unique_identity_is_never_the_same() -> None:
    """Two messages without a key of their own are two messages."""
    assert new_id() != new_id()


@pytest.mark.parametrize(
    ("attributes", "trace"),
    [({}, "message-1"), ({"trace": ""}, "message-1"), ({"trace": "t-1"}, "t-1")],
)
def test_a_message_without_a_trace_is_followed_by_its_own_id(
    attributes: dict[str, str], trace: str
) -> None:
    """One that Lambda queued, for example."""
    assert trace == received(attributes=attributes).correlation_id


@pytest.mark.parametrize(
    ("first_failed_at", "expected"),
    [
        (None, NOW),
        ("2023-11-14T22:00:00.000Z", datetime(2023, 11, 14, 22, tzinfo=UTC)),
        ("2099-01-01T00:00:00.000Z", NOW),
        ("2023-11-14T22:00:00", NOW),
        ("long ago", NOW),
        ("", NOW),
    ],
)
def test_a_redriven_message_was_accepted_before_it_failed(
    first_failed_at: str | None, expected: datetime
) -> None:
    """What somebody wrote on it by hand does no harm."""
    attributes = {} if first_failed_at is None else {"first_failed_at": first_failed_at}

    assert expected == received(attributes=attributes).accepted_at


def test_a_body_is_read_as_a_json_object() -> None:
    """Each of our own messages is one."""
    assert {"a": [1]} == received('{"a": [1]}').json()


@pytest.mark.parametrize("body", ["", "null", "[]", "7", '"{}"', "{", "[" * 100_000])
def test_a_body_that_is_no_object_is_unreadable(body: str) -> None:
    """It is permanent: a person should look."""
    with pytest.raises(UnreadableMessage):
        received(body).json()
