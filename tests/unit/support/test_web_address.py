r"""A web address is known by its parts, or refused; what is called is what was given."""

from __future__ import annotations

import pytest

from liveperson_connector.support.web_address import BadAddress, WebAddress


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/cb",
        "/cb?",
        "/cb?a=b&c=%2F",
        "/%7Euser/%7e",
        "/a/../b/./c",
        "//double//slashes/",
        "/%c3%a4?x=%c3%A4",
        "/odd|characters\"<>\\^`{}'()[]",
        "/a?b?c?d",
        "/a:b@c",
    ],
)
def test_a_target_stays_as_it_was_given(target: str) -> None:
    """Any of it may be part of a signature."""
    assert target == WebAddress.parse(f"https://files.example{target}").target


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ("https://a.example", "/"),
        ("https://a.example?x=1", "/?x=1"),
        ("https://a.example#part", "/"),
        ("https://a.example/x?y#z?/w", "/x?y"),
        ("https://a.example/Grüße?ö=1", "/Gr%C3%BC%C3%9Fe?%C3%B6=1"),
        ("https://a.example/📦", "/%F0%9F%93%A6"),
    ],
)
def test_what_cannot_stand_in_a_request_line_is_added_or_left_out(given: str, target: str) -> None:
    """A path begins with a slash, a fragment is never sent, and the rest is ASCII (RFC 3987)."""
    assert target == WebAddress.parse(given).target


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("https://A.Example:8443/x", ("https", "a.example", 8443, "")),
        ("HTTP://a_b.example", ("http", "a_b.example", 80, "")),
        ("https://a.example./", ("https", "a.example.", 443, "")),
        ("https://[2606:4700::1111]/", ("https", "2606:4700::1111", 443, "")),
        ("http://[::1]:8080", ("http", "::1", 8080, "")),
        ("https://user:p%40ss@a.example/", ("https", "a.example", 443, "user:p%40ss")),
        ("https://bücher.example/", ("https", "xn--bcher-kva.example", 443, "")),
        ("https://8.8.8.8/", ("https", "8.8.8.8", 443, "")),
    ],
)
def test_an_address_is_taken_apart(given: str, parts: tuple[str, str, int, str]) -> None:
    """Into what a connection needs."""
    address = WebAddress.parse(given)

    assert parts == (address.scheme, address.host, address.port, address.user)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("https://A.example:443/x", "https://a.example/x"),
        ("http://a.example:80", "http://a.example/"),
        ("https://a.example:80/", "https://a.example:80/"),
        ("http://[::1]:8080/?x", "http://[::1]:8080/?x"),
        ("https://user@a.example/x#y", "https://a.example/x"),
    ],
)
def test_an_address_is_written_anew_from_its_parts(given: str, written: str) -> None:
    """Without what is never sent."""
    assert written == str(WebAddress.parse(given))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a.example",
        "//a.example/x",
        "ftp://a.example/",
        "https:/a.example",
        "https://",
        "https:///x",
        "https://:443/x",
        "https://?x",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:999999/",
        "https://a.example:/x",
        "https://a.example:-1/",
        "https://a.example:8o/",
        "https://a.example:٣/",
        r"https://a.example\.b.example/",
        r"https://a.example\@b.example/",
        r"https://a.example:80\@b.example/",
        "https://a.example%2f.b.example/",
        "https://a%2eexample/",
        "https://a..example/",
        "https://.example/",
        f"https://{'a' * 64}.example/",
        f"https://{'a.' * 127}example/",
        "https://a.example b.example/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[v1.x]/",
        "https://[::1%25eth0]/",
        "https://a.example/a b",
        "https://a.example/\r\nX-Header: y",
        "https://a.example/\tx",
        "https://a.example/\x00",
        "https://a.example/\x7f",
        " https://a.example/",
        "https://a.example/\n",
        "https://a.example/\ud800",
        "https://\u202e.example/",
        "https://a。b/ /",
        "https://ex⁄ample/",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(given: str) -> None:
    """Nothing is guessed, stripped or corrected; and an error does not repeat it."""
    with pytest.raises(BadAddress) as bad:
        WebAddress.parse(given)

    assert not given or given not in str(bad.value)
