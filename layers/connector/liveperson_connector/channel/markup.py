"""
Plain text from the little HTML that structured content contains; addresses are left as they are.

LivePerson documents no markup for texts, but bots and agents' tools write some: tags for looks,
links, character references such as ``&amp;``. What only looks like a tag or a reference stays.
The quantifiers are possessive (``*+``, ``++``): with backtracking, a crafted text takes quadratic
time.
"""

from __future__ import annotations

import html
import re
from html.entities import html5

_BRACKETED = re.compile(r"<([^<>]*+)>")
_TAG = re.compile(
    r"(/?)(a|b|br|div|em|font|h[1-6]|i|img|li|ol|p|small|span|strong|u|ul)"
    r"(?:\s++[a-z-]++\s*+=.*+|\s*+/?\s*+)",
    re.IGNORECASE | re.DOTALL,
)
_HREF = re.compile(r"""\shref\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++))""", re.IGNORECASE)
_ENDS_A_LINE = re.compile(r"/?br|/(?:p|div|li|h[1-6])", re.IGNORECASE)

# HTML takes some references without their semicolon too, such as the &copy of "?x=1&copy=1".
_REFERENCE = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")

# An address between words. A reference to a character that no address has ends it.
_ADDRESS = re.compile(
    r"""(?<![a-z0-9+.-])(?:[a-z0-9+.-]++://|www\.)(?:(?!&(?:lt|gt|quot|nbsp);)[^\s<>"])*+""",
    re.IGNORECASE,
)
_REFERENCE_OR_ADDRESS = re.compile(f"{_REFERENCE.pattern}|{_ADDRESS.pattern}", re.IGNORECASE)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_GAP = re.compile(r"[\s\x00-\x1f\x7f]")
_AROUND = "".join(map(chr, range(0x21)))

# A plain text cannot lead to these.
_NOT_SHOWN = ("data:", "javascript:")

# Space in a telephone number is only there to be read.
_NUMBERS = ("tel:", "sms:")


def plain_text(text: str) -> str:
    """
    Return the words of ``text``: no tags, no character references, no control characters.

    A link becomes its words and its address. An address between the words stays as it is written;
    references in it are read only if tags show that the text is HTML.
    """
    pieces = _BRACKETED.split(text)
    if any(map(_TAG.fullmatch, pieces[1::2])):
        plain = _without_tags(pieces[::2], pieces[1::2])
    else:
        plain = _REFERENCE_OR_ADDRESS.sub(_character, text)
    return _CONTROL.sub("", plain).strip()


def address(value: object) -> str:
    """
    Return an address as it stands; empty if a plain text cannot lead there.

    White space within it is percent-encoded, as browsers do (https://url.spec.whatwg.org/). If it
    were deleted, the address would be another one; if it were kept, the address would end there.
    """
    if not isinstance(value, str):
        return ""
    where = value.strip(_AROUND)
    scheme = _GAP.sub("", where[:99]).lower()
    if scheme.startswith(_NOT_SHOWN):
        return ""
    return where if scheme.startswith(_NUMBERS) else _GAP.sub(_percent_encoded, where)


def joined(label: str, where: str) -> str:
    """Write an address behind the words for it."""
    if not label or not where or label == where:
        return label or where
    return f"{label.rstrip(':')}: {where}"


def _without_tags(texts: list[str], brackets: list[str]) -> str:
    """Write texts and what stands in angle brackets between them."""
    written = [_decoded(texts[0])]
    link = None  # the address of the link that is open, and where its words begin
    for bracket, text in zip(brackets, texts[1:], strict=True):
        tag = _TAG.fullmatch(bracket)
        if tag is None:
            written.append(f"<{_decoded(bracket)}>")
        elif tag[2].lower() == "a":
            _end_link(written, link)
            link = None if tag[1] else (_target(bracket), len(written))
        elif _ENDS_A_LINE.fullmatch(tag[1] + tag[2]):
            written.append("\n")
        written.append(_decoded(text))
    _end_link(written, link)
    return "".join(written)


def _end_link(written: list[str], link: tuple[str, int] | None) -> None:
    if link is not None:
        where, begin = link
        written[begin:] = [joined("".join(written[begin:]), where)]


def _target(anchor: str) -> str:
    found = _HREF.search(anchor)
    return address(_decoded("".join(filter(None, found.groups())))) if found else ""


def _decoded(text: str) -> str:
    return _REFERENCE.sub(_character, text)


def _character(found: re.Match[str]) -> str:
    """Return what a character reference stands for; what is none, as it is."""
    name = found[1]
    if name is None:
        return found[0]
    return html.unescape(found[0]) if name.startswith("#") else html5.get(f"{name};", found[0])


def _percent_encoded(gap: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in gap[0].encode())
