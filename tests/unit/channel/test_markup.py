"""The HTML that stands in structured content, and addresses, which come through untouched."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.channel.markup import address, joined, plain_text

# What an address may be made of (RFC 3986, 2), without what would make HTML of it.
ADDRESSES = st.from_regex(
    r"[a-z]{2,6}://[a-z0-9.-]+/[A-Za-z0-9._~:/?#@!$()*+,=%\[\]-]*", fullmatch=True
)
REFERENCES = st.sampled_from(sorted(each for each in html.entities.html5 if each.isalpha()))


@given(ADDRESSES, st.lists(REFERENCES))
def test_address_is_left_alone(where: str, names: list[str]) -> None:
    """Whatever the names of its parameters are."""
    where += "?" + "".join(f"&{name}={name}" for name in names)

    assert f"See {where} now" == plain_text(f"See {where} now")
    assert f"it: {where}" == plain_text(f'<a href="{where}">it</a>')
    assert where == address(where)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a &amp; b &lt;i&gt; &#39;c&#39; &#x1F449;", "a & b <i> 'c' 👉"),
        ("AT&T, R&D, &nosuchname; &copy 1 &copy;", "AT&T, R&D, &nosuchname; &copy 1 ©"),
        ("&notit; &section; &ampersand;", "&notit; &section; &ampersand;"),
        (
            "Tom &amp; Jerry&nbsp;https://a.example/?x=1&amp;y",
            "Tom & Jerry\xa0https://a.example/?x=1&amp;y",
        ),
        ("&lt;https://a.example/?x=1&gt; &amp;", "<https://a.example/?x=1> &"),
        ("www.a.example/?a&copy;=1 and&nbsp;more", "www.a.example/?a&copy;=1 and\xa0more"),
        ("<b>See</b> https://a.example/?x=1&amp;y=2", "See https://a.example/?x=1&y=2"),
        ("<b>See</b> https://a.example/?x=1&copy=2", "See https://a.example/?x=1&copy=2"),
    ],
)
def test_character_references(text: str, plain: str) -> None:
    """They end with a semicolon and have a known name; addresses have none, unless it is HTML."""
    assert plain == plain_text(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<p>one</p><div class='x'>two</div><br/>three<BR>four", "one\ntwo\n\nthree\nfour"),
        ("<h1>one</h1><ul><li>two</li></ul>", "one\ntwo"),
        (
            "1 < 2 > 0, <x@y.example>, <b and c>, <c>, <>, a<b",
            "1 < 2 > 0, <x@y.example>, <b and c>, <c>, <>, a<b",
        ),
        ("<b>&lt;b&gt;</b>", "<b>"),
        ("<<b>>", "<>"),
    ],
)
def test_tags(text: str, plain: str) -> None:
    """Known ones are taken out, and lines end where theirs do; what only looks like one stays."""
    assert plain == plain_text(text)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<a href='https://a.example/'>it</a>.", "it: https://a.example/."),
        (
            "<a class=x HREF = https://a.example/?a&amp;b target=y>it</a>",
            "it: https://a.example/?a&b",
        ),
        (
            "<a href='https://a.example/'><b>the</b> <i>terms</i></a>!",
            "the terms: https://a.example/!",
        ),
        ("<a href='https://a.example/'>https://a.example/</a>", "https://a.example/"),
        ("<a href='https://a.example/'></a>", "https://a.example/"),
        (
            "<a href='https://a.example/'>one<a href='https://b.example/'>two",
            "one: https://a.example/two: https://b.example/",
        ),
        ("<a href='javascript:alert(1)'>it</a>", "it"),
        ("<a name='x'>it</a></a>", "it"),
    ],
)
def test_links(text: str, plain: str) -> None:
    """They become their words and their address, whatever stands inside."""
    assert plain == plain_text(text)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (" https://a.example/x \n", "https://a.example/x"),
        ("https://a.example/my picture.png", "https://a.example/my%20picture.png"),
        ("https://a.example/a\tb\nc\u00a0d", "https://a.example/a%09b%0Ac%C2%A0d"),
        ("https://a.example/ä?x=1&copy;", "https://a.example/ä?x=1&copy;"),
        ("mailto:a@b.example?subject=Hello you", "mailto:a@b.example?subject=Hello%20you"),
        ("tel:+49 30 123456", "tel:+49 30 123456"),
        ("java\nscript:alert(1)", ""),
        ("\x01javascript:alert(1)", ""),
        (" " * 200 + "javascript:alert(1)", ""),
        (" DATA:text/html,x", ""),
        ("", ""),
        (7, ""),
        (None, ""),
    ],
)
def test_addresses_of_their_own(value: object, where: str) -> None:
    """White space in them becomes what a browser makes of it; nothing of them is left out."""
    assert where == address(value)


@pytest.mark.parametrize(
    ("label", "where", "line"),
    [
        ("it", "x:y", "it: x:y"),
        ("it:", "x:y", "it: x:y"),
        ("", "x:y", "x:y"),
        ("it", "", "it"),
        ("x:y", "x:y", "x:y"),
    ],
)
def test_words_and_their_address(label: str, where: str, line: str) -> None:
    """Each is written once."""
    assert line == joined(label, where)
