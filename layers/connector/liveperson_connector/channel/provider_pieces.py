"""
What the agent said, as pieces that a ready channel can carry.

Choices become the provider's buttons where they fit its limits, else its list, else the numbered
plain text; a person answers by pressing, or by writing the number or the words. A long text is cut
at white space where there is some nearby, and never inside what a reader sees as one character.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..domain.errors import NotCarried
from ..domain.ready_channels import Offer, OfferedChoice, SharedFile
from ..liveperson.text import split_text
from .adapters.interface import Capabilities, Choice, File, Location, Piece, Text
from .fallback_text import Choosable, Rendering, render
from .offers import data_of

_UNITS: Mapping[str, Callable[[str], int]] = {
    "characters": len,
    "bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "utf16": lambda text: len(text.encode("utf-16-le", "surrogatepass")) // 2,
}


_LONGEST_LINK = 1000


@dataclass(frozen=True)
class Said:
    """The pieces of a message, in order, and what it offers to choose, if it does."""

    pieces: Sequence[Piece]
    offer: Offer | None = None


def say(content: Mapping[str, Any], can: Capabilities, offer: Offer) -> Said:
    """
    Return the pieces of a message's ``content``, as the channel API has it.

    ``offer`` names the message; it is returned with the choices, should there be any. A file has a
    function of its own, :func:`show`.
    """
    if content["type"] == "text":
        return _rendered(content["text"], None, content.get("quick_replies"), can, offer)
    if place := _place(content.get("content")):
        return Said([place]) if can.location_out else Said(_texts(content["fallback_text"], can))
    found = render(content.get("content"), content.get("quick_replies"))
    if not found.text:  # what is not structured content, such as a secure form
        return Said(_texts(content.get("fallback_text", ""), can))
    return _rendered("", content.get("content"), content.get("quick_replies"), can, offer)


def show(file: SharedFile, file_type: str, caption: str, can: Capabilities) -> Said:
    """
    Return the pieces of an agent's file.

    Raises :class:`NotCarried` for one that the channel does not take.
    """
    largest = max(can.files.get(kind, 0) for kind in _spellings(file_type))
    if not largest:
        raise NotCarried(f"the channel takes no file of the type {file_type.upper()[:10]}")
    if file.size > largest:
        raise NotCarried(f"the channel takes no file of more than {largest} bytes")
    kind = next(each for each in _spellings(file_type) if each in can.files)
    fits = _UNITS[can.unit](caption) <= can.caption
    shown = File(file.url, kind, caption if fits else "")
    return Said([shown] if fits else [shown, *_texts(caption, can)])


def _rendered(
    words: str, content: object, quick_replies: object, can: Capabilities, offer: Offer
) -> Said:
    """
    Draw choices as buttons or rows if all of them fit, else as numbered text.

    Links are drawn beside them if these fit as well, and else stand in the text.
    """
    for with_links in (True, False):
        drawn = render(content, quick_replies, with_buttons=True, with_links=with_links)
        if not with_links:
            drawn = replace(drawn, links=[])
        text = "\n".join(filter(None, (words, drawn.text)))
        style = _style(drawn, can) if text.strip() else None
        if style:
            break
    if style is None:
        plain = render(content, quick_replies)
        text = "\n".join(filter(None, (words, plain.text)))
        return _offering(_texts(text, can), plain.choices, replace(offer, is_numbered=True))
    if not drawn.choices and not drawn.links:
        return Said(_texts(text, can))
    pieces = _texts(text, can, last=can.text_with_choices)
    offered = _offered(drawn.choices, offer)
    choices = [Choice(each.title, data_of(offered, n)) for n, each in enumerate(offered.choices)]
    links = [Choice(each.title, url=each.url) for each in drawn.links]
    last = replace(pieces[-1], choices=(*choices, *links), style=style)
    return Said([*pieces[:-1], last], offered if choices else None)


def _style(drawn: Rendering, can: Capabilities) -> Literal["buttons", "list"] | None:
    """Return how choices and links fit the channel; None if they do not."""
    size = _UNITS[can.unit]
    titles = [each.title for each in drawn.choices] + [each.title for each in drawn.links]
    names = {title.casefold() for title in titles}
    if len(names) < len(titles) or not all(each.is_plain for each in drawn.choices):
        return None
    if len(drawn.links) > can.link_buttons or not all(_opens(each.url) for each in drawn.links):
        return None
    if len(titles) <= can.buttons and all(size(each) <= can.button_title for each in titles):
        return "buttons"
    fit = len(titles) <= can.rows and all(size(each) <= can.row_title for each in titles)
    return "list" if fit and not drawn.links else ("buttons" if not titles else None)


def _opens(url: str) -> bool:
    """
    Whether a button can open this address: Telegram takes no ``tel:``, LINE 1,000 characters.

    https://core.telegram.org/bots/api#inlinekeyboardbutton
    https://developers.line.biz/en/reference/messaging-api/#uri-action
    """
    return url.lower().startswith(("https://", "http://")) and len(url) <= _LONGEST_LINK


def _offering(pieces: Sequence[Piece], choices: Sequence[Choosable], offer: Offer) -> Said:
    return Said(pieces, _offered(choices, offer) if choices else None)


def _offered(choices: Sequence[Choosable], offer: Offer) -> Offer:
    return replace(
        offer,
        choices=tuple(OfferedChoice(each.title, each.text, each.metadata) for each in choices),
    )


def _texts(text: str, can: Capabilities, *, last: int | None = None) -> list[Text]:
    """Cut a text; ``last`` is how long the part may be that has the choices."""
    measure = _UNITS[can.unit]
    parts = [part.strip() for part in split_text(text, limit=can.text, measure=measure)]
    if last is not None and parts and measure(parts[-1]) > last:
        end = split_text(parts.pop(), limit=last, measure=measure)
        parts += [part.strip() for part in end]
    return [Text(part) for part in parts]


def _place(content: object) -> Location | None:
    """Return the place of content that is a map and nothing else."""
    if not isinstance(content, Mapping) or content.get("type") != "map":
        return None
    match content.get("la"), content.get("lo"), content.get("title"):
        case int() | float() as latitude, int() | float() as longitude, title:
            exists = abs(latitude) <= 90 and abs(longitude) <= 180
            name = title if isinstance(title, str) else ""
            return Location(latitude, longitude, name) if exists else None
    return None


def _spellings(file_type: str) -> tuple[str, ...]:
    kind = file_type.upper()
    return ("JPG", "JPEG") if kind in ("JPG", "JPEG") else (kind,)
