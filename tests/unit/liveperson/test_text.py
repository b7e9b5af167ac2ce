r"""
Long texts: nothing lost, everything short enough, no character broken.

What one character is, the package ``regex`` decides: its ``\X`` keeps to Unicode's UAX #29.
"""

from __future__ import annotations

import itertools
import json
import sys
import time

import pytest
import regex  # type: ignore[import-untyped]
from hypothesis import example, given
from hypothesis import strategies as st

from liveperson_connector.channel import contract
from liveperson_connector.liveperson.http import compact
from liveperson_connector.liveperson.text import LIMIT, is_blank, size, split_text

# What a reader sees as one character each, however many code points it has.
CHARACTERS = {
    "letter": "a",
    "composed accent": "é",
    "combining accent": "e\u0301",
    "two accents": "o\u0302\u0301",
    "Hangul": "한",
    "Hangul in parts": "\u1112\u1161\u11ab",
    "Hangul half in parts": "하\u11ab",
    "Devanagari vowel": "की",
    "Devanagari conjunct": "क्ष",
    "Thai": "ก\u0e33",
    "half-width katakana": "ｶﾞ",
    "non-joiner": "م\u200c",
    "emoji": "👋",
    "skin tone": "👋🏽",
    "lightest skin tone": "👋🏻",
    "family": "👩\u200d👩\u200d👧\u200d👦",
    "profession with skin tone": "👩🏿\u200d🚀",
    "heart on fire": "❤\ufe0f\u200d🔥",
    "keycap": "1\ufe0f\u20e3",
    "flag": "🇩🇪",
    "flag of the first letter": "🇦🇩",
    "flag of a region": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "line end": "\r\n",
    "space": " ",
    "quote": '"',
    "backslash": "\\",
    "control": "\x01",
}
LONGEST = max(size(each) for each in CHARACTERS.values())

# Strings of what Unicode's rules treat differently, far more often joined than by chance.
JOINING = st.lists(
    st.sampled_from(sorted({*"".join(CHARACTERS.values()), *"\u0600\u0903\u1cf5\u115f\ua97c"}))
    | st.characters(categories=["Mn", "Mc", "Me", "Cf", "Zs", "So", "Lo"]),
    max_size=80,
).map("".join)


def visible(text: str) -> str:
    """Leave out white space."""
    return "".join(each for each in text if not is_blank(each))


# ── Where a text may be cut ──


@given(st.lists(st.sampled_from(sorted(CHARACTERS.values())), max_size=60), st.integers(40, 80))
@example(["🇩🇪"] * 60, 41)
@example(["🇩🇪"] * 60, 46)
@example(["👩\u200d👩\u200d👧\u200d👦"] * 9, 40)
@example(["\r\n"] * 60, 41)
def test_text_is_cut_between_characters_and_nothing_is_lost(
    characters: list[str], limit: int
) -> None:
    """Joined parts are the text, each fits, and each begins where a character begins."""
    text = "x" + "".join(characters)
    parts = split_text(text, limit=limit)

    assert visible(text) == visible("".join(parts))
    assert all(size(part) <= limit for part in parts)
    assert are_cut_between_characters(text, parts)


@given(st.text() | JOINING, st.integers(12, 40))
def test_any_text_at_all_is_carried_whole(text: str, limit: int) -> None:
    """Whatever it is made of, each part fits, and nothing that can be seen is lost."""
    parts = split_text(text, limit=limit)

    assert visible(text) == visible("".join(parts))
    assert all(size(part) <= limit for part in parts)


@given(JOINING, st.integers(1, 5))
def test_every_rule_of_unicode_is_kept(text: str, pieces: int) -> None:
    """No cut is made where UAX #29 sees one character, unless that is larger than a message."""
    characters = regex.findall(r"\X", text)
    limit = max(map(size, characters), default=0) * pieces

    assert are_cut_between_characters(text, split_text(text, limit=limit))


def are_cut_between_characters(text: str, parts: list[str]) -> bool:
    """Whether every part begins and ends where a reader sees a character begin and end."""
    ends = {0, *itertools.accumulate(len(each) for each in regex.findall(r"\X", text))}
    found = 0
    for part in parts:
        begin = text.index(part, found)
        found = begin + len(part)
        if not {begin, found} <= ends:
            return False
    return True


@pytest.mark.parametrize("name", CHARACTERS)
def test_no_character_is_broken(name: str) -> None:
    """Wherever the limit falls, before or inside a character, it stays whole."""
    character = CHARACTERS[name]
    for lead in range(LONGEST + 2):
        parts = split_text("x" * lead + character + "y" * 60, limit=LONGEST + 1)

        assert any(character in part for part in parts), parts


def test_short_text_stays_as_it_is() -> None:
    """What fits is one message."""
    assert ["Hello"] == split_text("Hello")


def test_text_that_just_fits_is_one_message() -> None:
    """The limit itself is allowed, one more is not."""
    assert [1, 2] == [len(split_text("a" * length)) for length in (LIMIT, LIMIT + 1)]


def test_cut_is_made_at_white_space() -> None:
    """Where a person would break the text, if there is such a place nearby."""
    assert ["one two ", "three"] == split_text("one two three", limit=11)


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        ("aaaa\nbbbb", 4, ["aaaa", "\nbb", "bb"]),
        (" abc", 3, [" ab", "c"]),
        ("a한글", 2, ["a한", "글"]),
        ("abcd🇩🇪", 4, ["abcd", "🇩🇪"]),
        ("ae\u0301", 2, ["a", "e\u0301"]),
        ("abe\u0301", 3, ["ab", "e\u0301"]),
    ],
)
def test_part_is_as_long_as_it_may_be(text: str, limit: int, parts: list[str]) -> None:
    """Where it need not be shorter, it is not."""
    assert parts == split_text(text, limit=limit)


def test_white_space_far_from_the_limit_is_not_worth_it() -> None:
    """A message is not cut in half for the sake of one early space."""
    text = "a " + "b" * 5000

    assert LIMIT == len(split_text(text)[0])


def test_white_space_is_looked_for_to_the_very_first_letter() -> None:
    """A short message is searched whole."""
    assert ["a ", "bcd"] == split_text("a bcd", limit=4)


def test_mark_on_a_space_is_not_white_space() -> None:
    """A reader sees an accent there, and no place to break the text."""
    assert ["ab \u0301c", "d"] == split_text("ab \u0301cd", limit=5)


def test_address_is_not_cut_if_it_fits_one_message() -> None:
    """Two halves lead nowhere; so the message before it is a short one."""
    address = "https://files.example/" + "a" * 2000
    text = "a" * 2500 + " " + address

    assert ["a" * 2500 + " ", address] == split_text(text)


def test_address_larger_than_a_message_is_cut_after_all() -> None:
    """No text makes us run for ever."""
    address = "https://files.example/" + "a" * 5000

    assert ["See ", address[:LIMIT], address[LIMIT:]] == split_text(f"See {address}")


# ── White space ──


def test_no_message_is_white_space_alone() -> None:
    """LivePerson may refuse a blank message, and what comes after it would never be said."""
    parts = split_text("Hello" + " " * 9000 + "world")

    assert ["Hello", "world"] == [part.strip() for part in parts]


@given(
    st.lists(st.sampled_from([" ", "\n", "\r\n", "\t", "\u3000", "\ufeff", "a"]), max_size=99),
    st.integers(6, 20),
)
def test_white_space_wherever_it_stands(pieces: list[str], limit: int) -> None:
    """At the beginning, at the end and between: no part is blank, and no letter is lost."""
    parts = split_text("".join(pieces), limit=limit)

    assert pieces.count("a") == "".join(parts).count("a")
    assert not [part for part in parts if is_blank(part)]


def test_white_space_that_a_message_has_room_for_stays() -> None:
    """Only parts that would be blank are left out."""
    text = "  one\n\n" + "two " * 1500 + " "

    assert text == "".join(split_text(text))


def test_blank_is_what_the_contract_takes_for_blank() -> None:
    """So every text that is accepted has something to say."""
    pattern = regex.compile(
        contract.schemas()["ConsumerEventText"]["properties"]["text"]["pattern"]
    )
    everything = map(chr, range(sys.maxunicode + 1))

    assert not [each for each in everything if is_blank(each) == bool(pattern.search(each))]


# ── Sizes ──


def test_long_text_is_cut_in_a_time_that_grows_with_its_length() -> None:
    """The rules of Unicode look at each code point a few times at most."""
    for unit in (
        "a",
        " ",
        "e\u0301",
        "\u0301",
        "\u0915\u094d",
        "\u0600",
        "👩\u200d",
        "🇩",
        "\u1100",
    ):
        short, long = unit * 10_000, unit * 80_000
        assert seconds(long) < 8 * 4 * seconds(short) + 0.05, unit


def seconds(text: str) -> float:
    """Measure the processor's time for one text, the best of three."""
    took = []
    for _ in range(3):
        began = time.process_time()
        split_text(text)
        took.append(time.process_time() - began)
    return min(took)


def test_part_has_at_least_one_character() -> None:
    """Even one that does not fit: no text makes us run for ever."""
    assert ["\x01", "\x02", "a"] == split_text("\x01\x02a", limit=3)


def test_character_longer_than_a_message_is_cut_after_all() -> None:
    """A heap of accents beyond any limit does not stop the consumer's words."""
    text = "e" + "\u0301" * 50

    assert text == "".join(split_text(text, limit=20))
    assert all(len(part) <= 20 for part in split_text(text, limit=20))


@given(st.text(max_size=50))
def test_size_is_what_the_text_takes_in_a_request(text: str) -> None:
    """Counted as UTF-16 units of the JSON that is really sent."""
    sent = compact(text)[1:-1]

    assert len(sent.encode("utf-16-le", "surrogatepass")) // 2 == size(text)
    assert text == json.loads(f'"{sent}"')


def test_part_leaves_room_for_its_envelope() -> None:
    """The whole request of a full part stays below LivePerson's 5,000 characters."""
    event = {"type": "ContentEvent", "contentType": "text/plain", "message": "a" * LIMIT}
    place = {"conversationId": "x" * 64, "dialogId": "x" * 64, "event": event}
    request = {"kind": "req", "id": "x" * 36, "type": "ms.PublishEvent", "body": place}

    assert len(compact(request)) < 5000
