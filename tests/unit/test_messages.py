"""Names for groups and identities of queue messages."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.messages import token, unique


@given(st.lists(st.text(st.characters(codec=None), max_size=300), max_size=4))
def test_any_text_becomes_a_token_that_sqs_takes(parts: list[str]) -> None:
    """SQS takes 128 characters of ASCII; ids of partners may be anything."""
    assert re.fullmatch(r"[0-9a-f]{64}", token(*parts))


@given(
    st.lists(st.text("a1:", max_size=4), max_size=4),
    st.lists(st.text("a1:", max_size=4), max_size=4),
)
def test_different_parts_make_different_tokens(one: list[str], other: list[str]) -> None:
    """Where one part ends and the next begins is part of the token."""
    assert (one == other) == (token(*one) == token(*other))


def test_a_unique_identity_is_never_the_same() -> None:
    """Two messages without a key of their own are two messages."""
    assert unique() != unique()
