"""
Structured content in plain text: an example for every element that LivePerson documents.

In tests/data/fallback stand the content as JSON and, beside it, what a reader gets. An example
is added by writing both.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.channel.fallback_text import DEEPEST, LONGEST, fallback_text

EXAMPLES = Path(__file__).parents[2] / "data" / "fallback"

# From https://developers.liveperson.com/getting-started-with-rich-messaging-introduction.html, the
# templates of each channel there, and the schemas of https://github.com/LivePersonInc/json-pollock.
DOCUMENTED = {
    *("text", "image", "button", "map", "linkPreview", "template", "keyValuePairList"),
    *("vertical", "horizontal", "carousel", "carouselSelect", "accordionSelect", "tabs"),
    *("list", "sectionList", "section", "checklist", "checkbox", "buttonList", "submitButton"),
    *("quickReplies", "scheduleSlot"),
}
DOCUMENTED_ACTIONS = {
    *("publishText", "link", "navigate", "addToCart", "custom", "datePicker"),
    *("scheduleSlotList", "checked", "submitAsText"),
}

FIELDS = (
    *("type", "text", "title", "elements", "click", "actions", "replies", "resp", "url", "uri"),
    *("la", "lo", "name", "tooltip", "caption", "slots", "minDate", "maxDate", "start", "end"),
    *("titles", "key", "value", "options", "items", "quickReplies", "web", "tag", "subtitle"),
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(sorted(DOCUMENTED | DOCUMENTED_ACTIONS)),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=30,
)


def examples() -> list[str]:
    """Name the examples."""
    return sorted(each.stem for each in EXAMPLES.glob("*.json"))


def example(name: str) -> dict[str, Any]:
    """Read the content of an example."""
    read: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return read


def types_in(value: object) -> set[str]:
    """Name every type that stands somewhere in ``value``."""
    if isinstance(value, list):
        return {found for each in value for found in types_in(each)}
    if not isinstance(value, dict):
        return set()
    own = {value["type"]} if "type" in value else set()
    return own.union(*(types_in(each) for each in value.values()))


def nested(depth: int) -> dict[str, Any]:
    """Give a text inside of ``depth`` containers."""
    content: dict[str, Any] = {"type": "text", "text": "Hello"}
    for _ in range(depth):
        content = {"type": "vertical", "elements": [content]}
    return content


# ── Examples ──


@pytest.mark.parametrize("name", examples())
def test_example_reads_as_it_should(name: str) -> None:
    """The words, numbered choices and addresses of the content, and nothing else."""
    expected = (EXAMPLES / f"{name}.txt").read_text(encoding="utf-8").removesuffix("\n")

    assert expected == fallback_text(**example(name))


def test_every_documented_element_and_action_has_an_example() -> None:
    """What LivePerson adds is added here."""
    shown = {found for name in examples() for found in types_in(example(name))}

    assert set() == (DOCUMENTED | DOCUMENTED_ACTIONS) - shown


def test_no_example_is_left_behind() -> None:
    """Each text has its content."""
    assert examples() == sorted(each.stem for each in EXAMPLES.glob("*.txt"))


# ── What is promised of any content ──


@given(JSON, JSON)
def test_nothing_is_so_odd_that_it_fails(content: object, quick_replies: object) -> None:
    """An agent's message must not be lost because it cannot be drawn."""
    text = fallback_text(content, quick_replies)

    assert len(text) <= LONGEST
    assert text == text.strip()
    assert "\n\n\n" not in text


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), max_size=9))
def test_choices_are_numbered_from_one_in_their_order(titles: list[str]) -> None:
    """So that a channel finds the element which a consumer's number means."""
    buttons = [{"type": "button", "title": title} for title in titles]

    assert "\n".join(f"{n}. {title}" for n, title in enumerate(titles, 1)) == fallback_text(
        {"type": "vertical", "elements": buttons}
    )


@pytest.mark.parametrize("content", [None, "", {}, [], 7.5e300, True, {"type": "vertical"}])
def test_content_that_says_nothing_is_empty(content: object) -> None:
    """No words are made up."""
    assert "" == fallback_text(content)


def test_what_stands_too_deep_is_left_out() -> None:
    """No message has that many containers in each other; one made to harm may."""
    assert "Hello" == fallback_text(nested(DEEPEST - 1))
    assert "" == fallback_text(nested(DEEPEST))
    assert "" == fallback_text(nested(10_000))


def test_lists_in_lists_are_deep_too() -> None:
    """Depth is counted whatever it is made of."""
    content: Any = "Hello"
    for _ in range(10_000):
        content = [content]

    assert "" == fallback_text(content)


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": "word " * LONGEST},
        {"type": "text", "text": "<a href='" * LONGEST},
        {"type": "text", "text": "<b " * LONGEST},
        {"type": "vertical", "elements": [{"type": "text", "text": "Hello"}] * LONGEST},
    ],
)
def test_long_text_ends_in_an_ellipsis(content: object) -> None:
    """The whole of it stands in the content."""
    text = fallback_text(content)

    assert len(text) <= LONGEST
    assert text.endswith("…")


def test_long_text_ends_before_an_address_and_not_inside_of_it() -> None:
    """Half an address leads nowhere."""
    text = "a" * (LONGEST - 50) + " https://shop.example/" + "b" * 100

    assert "a" * (LONGEST - 50) + "…" == fallback_text({"type": "text", "text": text})


def test_long_text_ends_between_characters() -> None:
    """A family stays together."""
    family = "👩\u200d👩\u200d👧\u200d👦"
    text = fallback_text({"type": "text", "text": family * 2000})

    assert text == family * ((LONGEST - 1) // len(family)) + "…"


# ── Addresses ──

ADDRESS = "https://shop.example/a?x=1&section=2&copy=1&amp=3&reg;=%C3%A4#!~"


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": ADDRESS},
        {"type": "text", "text": f"See {ADDRESS} &amp; tell us"},
        {"type": "text", "text": f"<a href='{ADDRESS.replace('&', '&amp;')}'>More</a>"},
        {"type": "image", "url": ADDRESS},
        {"type": "linkPreview", "url": ADDRESS, "title": "News"},
        {"type": "button", "title": f"Go to {ADDRESS}"},
        {"type": "button", "title": "Go", "click": {"actions": [{"uri": ADDRESS}]}},
        {"type": "button", "title": "Go", "click": {"actions": [{"web": {"uri": ADDRESS}}]}},
        {"type": "keyValuePairList", "elements": [{"key": "At", "value": ADDRESS}]},
        {"type": "not yet invented", "href": ADDRESS, "label": ADDRESS},
    ],
    ids=lambda content: f"{content['type']}-{'-'.join(content)}",
)
def test_address_is_written_as_it_is(content: dict[str, Any]) -> None:
    """Wherever it stands: another address leads elsewhere, and breaks what is signed."""
    assert ADDRESS in fallback_text(content).split(" ")


# ── Cards ──


def test_only_what_answers_is_numbered() -> None:
    """A link is not a choice: the consumer who answers its number would have said nothing."""
    link = {"type": "button", "title": "Track it", "click": {"actions": [{"uri": ADDRESS}]}}
    answer = {"type": "button", "title": "Help", "click": {"actions": [{"text": "Help"}]}}

    assert f"Track it: {ADDRESS}\n1. Help" == fallback_text([link, answer])


# ── Time ──

UNITS = (
    *("<a x=", "<a href=x>", "<a href='", "</a>", "<", "<b ", "<p>", "<!--", "&", "&#", "&amp"),
    *(
        " ",
        "\n",
        "\t",
        "a",
        "a:",
        "://",
        "a://",
        "www.",
        "&lt;",
        "'",
        '"',
        "=",
        "/",
        "-",
        "<b>&amp;",
    ),
)


@pytest.mark.parametrize("field", ["text", "title", "url"])
@pytest.mark.parametrize("unit", UNITS)
def test_time_grows_with_the_length_and_not_faster(unit: str, field: str) -> None:
    """An agent's text, whatever it is made of, holds up no other conversation."""
    for begin in ("", "<a x=", "<a href='", "&", "https://a", "<p "):
        short, long = ({field: begin + unit * (n // len(unit))} for n in (600, 9_600))
        assert seconds(long) < 16 * 4 * seconds(short) + 0.05, begin


def seconds(content: dict[str, str]) -> float:
    """Measure the processor's time for a rendering, the best of two."""
    took = []
    for _ in range(2):
        began = time.process_time()
        fallback_text(content)
        took.append(time.process_time() - began)
    return min(took)


# ── Places and times ──


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(91, 0), (0, 181), (True, 0), ("0", 0), (None, 0), (float("nan"), 0), (float("inf"), 0)],
)
def test_place_that_is_none_on_earth_gives_no_address(latitude: object, longitude: object) -> None:
    """Its words stay."""
    content = {"type": "map", "la": latitude, "lo": longitude, "tooltip": "Our store"}

    assert "Our store" == fallback_text(content)


@pytest.mark.parametrize("uri", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x"])
def test_no_address_is_one_that_runs(uri: str) -> None:
    """Some channels make links of what looks like one."""
    content = {"type": "button", "title": "Click", "click": {"actions": [{"uri": uri}]}}

    assert "1. Click" == fallback_text(content)


@pytest.mark.parametrize("moment", [10**30, -(10**30), "soon", True, None, float("nan")])
def test_time_that_is_none_is_left_out(moment: object) -> None:
    """The slot can be chosen all the same."""
    assert "1. Morning" == fallback_text(
        {"type": "scheduleSlot", "id": "1", "start": moment, "title": "Morning"}
    )


def test_seconds_and_milliseconds_are_told_apart() -> None:
    """LivePerson documents seconds; a sender may have thought of milliseconds."""
    seconds = {"type": "datePicker", "title": "Day", "minDate": 1_618_613_044}

    assert "Day (2021-04-16 –)" == fallback_text(seconds)
    assert "Day (2021-04-16 –)" == fallback_text({**seconds, "minDate": 1_618_613_044_000})


def test_tags_and_control_characters_are_taken_out_of_words() -> None:
    """A plain text has neither; what only looks like a tag stays."""
    content = {"type": "text", "text": "<p>Dear\x00 <x@y.example>,</p><br>1 <b and c> 2 &lt;br&gt;"}

    assert "Dear <x@y.example>,\n\n1 <b and c> 2 <br>" == fallback_text(content)
