"""Whatever an agent sends becomes pieces within the limits that a kind of channel declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.channel.adapters.interface import Capabilities, File, Recipient, Text
from liveperson_connector.channel.offers import pressed
from liveperson_connector.channel.provider_pieces import Said, say, show
from liveperson_connector.domain.errors import NotCarried
from liveperson_connector.domain.ready_channels import SharedFile
from tests.support.adapters import Samples, all_samples
from tests.support.rendering import OFFER, PAGES, elements, page

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
UNITS: dict[str, Callable[[str], int]] = {
    "characters": len,
    "bytes": lambda text: len(text.encode()),
    "utf16": lambda text: len(text.encode("utf-16-le")) // 2,
}

each_kind = pytest.mark.parametrize("of", [pytest.param(of, id=of.kind) for of in all_samples()])
each_element = pytest.mark.parametrize(
    "content", [pytest.param(content, id=name) for name, content in elements()]
)


def assert_within(said: Said, can: Capabilities) -> None:
    """Check every piece against what a channel declares."""
    size = UNITS[can.unit]
    for piece in said.pieces:
        if not isinstance(piece, Text):
            continue
        assert piece.text.strip()
        assert size(piece.text) <= (can.text_with_choices if piece.choices else can.text)
        most, longest = (
            (can.rows, can.row_title) if piece.style == "list" else (can.buttons, can.button_title)
        )
        assert len(piece.choices) <= most
        assert all(size(each.title) <= longest for each in piece.choices)
        assert all(size(each.data) <= can.choice_data for each in piece.choices)
        assert sum(bool(each.url) for each in piece.choices) <= can.link_buttons


@each_kind
@each_element
def test_structured_content_fits_every_kind(of: Samples, content: dict[str, Any]) -> None:
    """Each element of LivePerson's, on each kind; its adapter can write all of it."""
    can = of.adapter.capabilities(of.settings)
    said = say(content, can, OFFER)

    assert_within(said, can)
    for piece in said.pieces:
        assert of.adapter.request(piece, Recipient(of.person, KEY), of.settings).body


@each_kind
@each_element
def test_what_is_offered_can_be_chosen(of: Samples, content: dict[str, Any]) -> None:
    """Each button leads back to its choice; where there is none, each choice has a number."""
    said = say(content, of.adapter.capabilities(of.settings), OFFER)
    buttons = [
        each.data
        for piece in said.pieces
        if isinstance(piece, Text)
        for each in piece.choices
        if each.data
    ]
    if said.offer is None:
        assert not buttons
        return
    found = [pressed([said.offer], data) for data in buttons]
    assert all(found)
    if buttons:
        assert list(said.offer.choices) == [each[1] for each in found if each]
        assert not said.offer.is_numbered
    else:
        text = "\n".join(each.text for each in said.pieces if isinstance(each, Text))
        assert said.offer.is_numbered
        assert all(f"{n}." in text for n in range(1, len(said.offer.choices) + 1))


@each_kind
def test_how_everything_is_shown_is_written_down(of: Samples) -> None:
    """In ``tests/data/rendering``; ``python -m tests.support.rendering`` writes it anew."""
    assert (PAGES / f"{of.kind}.txt").read_text() == page(of)


CAN = Capabilities(
    text=40,
    caption=10,
    buttons=3,
    button_title=10,
    rows=5,
    row_title=12,
    choice_data=32,
    text_with_choices=30,
    link_buttons=2,
    files={"JPEG": 100, "PDF": 1000},
)

_TITLES = st.lists(st.text(st.sampled_from("abc 😀é"), min_size=1, max_size=14), max_size=7)


@given(
    text=st.text(st.sampled_from("ab \n😀👩‍👧é"), max_size=120),
    titles=_TITLES,
    unit=st.sampled_from(list(UNITS)),
)
def test_no_piece_breaks_a_limit(text: str, titles: list[str], unit: Any) -> None:
    """Whatever the words and the choices; and no word gets lost on the way."""
    can = replace(CAN, unit=unit)
    replies = {"type": "quickReplies", "replies": [_button(each) for each in titles]}
    said = say({"type": "text", "text": text, "quick_replies": replies}, can, OFFER)

    assert_within(said, can)
    shown = "".join(piece.text for piece in said.pieces if isinstance(piece, Text))
    assert shown.replace(" ", "").replace("\n", "").startswith("".join(text.split()))


def _button(title: str, **action: Any) -> dict[str, Any]:
    actions = [action or {"type": "publishText", "text": title}]
    return {"type": "button", "title": title, "click": {"actions": actions}}


def _choices(said: Said) -> list[str]:
    (piece,) = said.pieces
    assert isinstance(piece, Text)
    return [each.title for each in piece.choices]


@pytest.mark.parametrize(
    ("titles", "style"),
    [
        (["1234567890", "b", "c"], "buttons"),
        (["12345678901", "b", "c"], "list"),
        (["a", "b", "c", "d", "123456789012"], "list"),
        (["a", "b", "c", "d", "1234567890123"], None),
        (["a", "b", "c", "d", "e", "f"], None),
        (["a", "A"], None),
    ],
)
def test_a_limit_is_used_to_the_full_and_not_beyond(titles: list[str], style: str | None) -> None:
    """One below and one above; two that look alike cannot be told apart."""
    replies = {"type": "quickReplies", "replies": [_button(each) for each in titles]}
    said = say({"type": "text", "text": "Which?", "quick_replies": replies}, CAN, OFFER)
    piece = said.pieces[-1]

    assert isinstance(piece, Text)
    assert (titles if style else []) == [each.title for each in piece.choices]
    assert style in (None, piece.style)


def test_links_are_buttons_that_send_nothing_back() -> None:
    """Where the channel has such; else they stand in the words."""
    link = _button("Open", type="link", uri="https://a.example/1")
    content = {"type": "vertical", "elements": [{"type": "text", "text": "See"}, link]}
    rich = {"type": "rich", "content": content, "fallback_text": "See\nOpen: https://a.example/1"}
    drawn, written = say(rich, CAN, OFFER), say(rich, replace(CAN, link_buttons=0), OFFER)

    assert ["Open"] == _choices(drawn)
    assert drawn.offer is None
    assert [] == _choices(written)
    assert "https://a.example/1" in str(written.pieces[0].text)  # type: ignore[union-attr]


def test_a_secure_form_is_told_in_its_own_words() -> None:
    """It is no structured content that could be drawn."""
    content = {"type": "forms/secure-invitation", "message": {"title": "Pay"}}
    said = say(
        {"type": "rich", "content": content, "fallback_text": "Secure form: Pay"}, CAN, OFFER
    )

    assert [Text("Secure form: Pay")] == list(said.pieces)


@pytest.mark.parametrize(
    ("file_type", "size", "pieces"),
    [
        ("jpg", 100, [File("u", "JPEG", "Look")]),
        ("JPEG", 100, [File("u", "JPEG", "Look")]),
        ("PDF", 1000, [File("u", "PDF", "Look")]),
    ],
)
def test_a_file_is_shown_if_the_channel_takes_it(
    file_type: str, size: int, pieces: list[File]
) -> None:
    """By LivePerson's word for its type, in the channel's spelling."""
    assert pieces == list(show(SharedFile("u", size), file_type, "Look", CAN).pieces)


@pytest.mark.parametrize(("file_type", "size"), [("JPEG", 101), ("PDF", 1001), ("GIF", 1)])
def test_a_file_that_is_not_taken_is_not_carried(file_type: str, size: int) -> None:
    """Too large by one byte, or of another type."""
    with pytest.raises(NotCarried):
        show(SharedFile("u", size), file_type, "", CAN)


@pytest.mark.parametrize(("caption", "texts"), [("1234567890", 0), ("12345678901", 1)])
def test_a_caption_that_is_too_long_follows(caption: str, texts: int) -> None:
    """As a message of its own."""
    said = show(SharedFile("u", 1), "JPEG", caption, CAN)

    assert texts == sum(isinstance(each, Text) for each in said.pieces)
