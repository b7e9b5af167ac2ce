"""
Render structured content as plain text, for a channel that can show nothing else.

LivePerson documents the elements on the pages from
https://developers.liveperson.com/getting-started-with-rich-messaging-introduction.html on, and
their fields in the schemas of https://github.com/LivePersonInc/json-pollock. Choices are numbered,
in the order of the content and then of the quick replies. Links, images and maps are written as
addresses and have no number: a consumer cannot answer with them. An unknown element is rendered by
the texts, addresses, choices and elements that it contains. No word is added, since the consumer
may speak any language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .markup import address as _uri
from .markup import joined, plain_text

LONGEST = 10_000
"""Limit in characters; a longer rendering ends with an ellipsis."""

DEEPEST = 20
"""Limit for the nesting of elements; deeper ones are left out."""

_Element = Mapping[str, Any]

_HEADINGS = ("title", "text", "label", "message")
_WORDS = (*_HEADINGS, "caption", "alt", "tooltip")
_DETAILS = ("subtitle", "description")
_ADDRESSES = ("url", "uri", "href", "imageUrl")
_OPTIONS = ("options", "choices", "replies", "resp", "slots")
_CHILDREN = ("elements", "items", "sections", "cards", "buttons", "content")

# Larger time stamps are in milliseconds: in seconds this one is in the year 5138.
_MILLISECONDS = 100_000_000_000


def fallback_text(content: object, quick_replies: object = None) -> str:
    """Return ``content`` and its quick replies as plain text, possibly empty; never raise."""
    writer = _Writer()
    lines = [*writer.elements(content, 0), *writer.elements(quick_replies, 0)]
    return _shortened(_tidy(lines))


@dataclass(frozen=True)
class Choosable:
    """
    An element that can be chosen, in the order of the numbers.

    It ``is_plain`` if it is nothing but its title, so that a button says all of it.
    """

    title: str
    element: _Element
    is_plain: bool

    @property
    def text(self) -> str:
        """What choosing it says."""
        return _published(self.element) or self.title

    @property
    def metadata(self) -> list[Mapping[str, Any]]:
        """LivePerson's own of the element; empty if it has none."""
        click = self.element.get("click")
        found = click.get("metadata") if isinstance(click, Mapping) else None
        listed = _list(found or self.element.get("metadata"))
        return [each for each in listed if isinstance(each, Mapping) and each.get("type")]


@dataclass(frozen=True)
class Link:
    """A button that opens an address and does nothing else."""

    title: str
    url: str


@dataclass(frozen=True)
class Rendering:
    """Content as plain text, what can be chosen of it, and the buttons that only lead elsewhere."""

    text: str
    choices: list[Choosable]
    links: list[Link]


def render(
    content: object,
    quick_replies: object = None,
    *,
    with_buttons: bool = False,
    with_links: bool = False,
) -> Rendering:
    """
    Write ``content`` as :func:`fallback_text` does, and name its choices and links.

    ``with_buttons`` leaves out of the text the choices that a channel draws as buttons, and
    ``with_links`` the buttons that only lead elsewhere.
    """
    writer = _Writer(with_buttons=with_buttons, with_links=with_links)
    lines = [*writer.elements(content, 0), *writer.elements(quick_replies, 0)]
    return Rendering(_shortened(_tidy(lines)), writer.choices, writer.links)


class _Writer:
    """Writes elements as lines and numbers the choices among them."""

    def __init__(self, *, with_buttons: bool = False, with_links: bool = False) -> None:
        self.choices: list[Choosable] = []
        self.links: list[Link] = []
        self._with_buttons = with_buttons
        self._with_links = with_links
        self._writers: dict[str, Callable[[_Element, int], list[str]]] = {
            "text": self._text,
            "button": self._button,
            "submitButton": self._placeholder,
            "checkbox": self._option,
            "radio": self._option,
            "option": self._option,
            "image": self._picture,
            "linkPreview": self._picture,
            "map": self._map,
            "keyValuePairList": self._pairs,
            "carousel": self._cards,
            "tabs": self._cards,
            "carouselSelect": self._selectable_cards,
            "accordionSelect": self._accordion,
            "datePicker": self._picker,
            "timePicker": self._picker,
            "scheduleSlotList": self._picker,
            "scheduleSlot": self._slot,
        }

    def elements(self, value: object, depth: int) -> list[str]:
        """Write a list of elements, or one that stands alone."""
        each_one = value if isinstance(value, list) else [value]
        return [line for each in each_one for line in self._element(each, depth)]

    def _element(self, value: object, depth: int) -> list[str]:
        if depth >= DEEPEST:
            return []
        if isinstance(value, list):
            return self.elements(value, depth + 1)
        if not isinstance(value, Mapping):
            return _said(_words(value))
        kind = value.get("type")
        write = self._writers.get(kind) if isinstance(kind, str) else None
        return (write or self._anything)(value, depth + 1)

    # ── Elements without others inside ──

    def _text(self, element: _Element, depth: int) -> list[str]:
        return self._line(element, _first(element, _WORDS), depth=depth)

    def _button(self, element: _Element, depth: int) -> list[str]:
        # WhatsApp's list template has a button that only opens the list, and what was selected
        # elsewhere is sent off by a button that refers to it.
        if element.get("tag") == "menu" or "ref" in element:
            return self._placeholder(element, depth)
        leads_elsewhere = _links(element) or _pickers(element)
        if self._is_link(element):
            return []
        return self._line(element, _label(element), is_choice=not leads_elsewhere, depth=depth)

    def _placeholder(self, element: _Element, _depth: int) -> list[str]:
        """Write a button that has no meaning in text, such as the one that sends off a form."""
        label = _label(element)
        return [f"[{label}]"] if label and not self._with_buttons else []

    def _option(self, element: _Element, depth: int) -> list[str]:
        return self._line(element, _label(element), is_choice=True, depth=depth)

    def _picture(self, element: _Element, depth: int) -> list[str]:
        label = _first(element, ("title", "caption", "alt", "tooltip"))
        return self._line(element, label, _address(element), depth=depth)

    def _map(self, element: _Element, depth: int) -> list[str]:
        label = _first(element, ("title", "text", "alt", "tooltip"))
        return self._line(element, label, _place(element), depth=depth)

    def _pairs(self, element: _Element, _depth: int) -> list[str]:
        pairs = [each for each in _list(element.get("elements")) if isinstance(each, Mapping)]
        return _said(
            *(joined(_words(pair.get("key")), _words(pair.get("value"))) for pair in pairs)
        )

    def _slot(self, element: _Element, _depth: int) -> list[str]:
        when = _appointment(element.get("start"), element.get("end"))
        words = _dashed([_first(element, _WORDS), when, _first(element, _DETAILS)])
        return _said(self._numbered(words, element))

    def _picker(self, element: _Element, depth: int) -> list[str]:
        """Write what is to be picked: a day between two, a time, one of the slots."""
        span = _days(element.get("minDate"), element.get("maxDate"))
        title = _first(element, _WORDS)
        described = f"{title} ({span})".strip() if span else title
        return [*_said(described), *self.elements(element.get("slots"), depth)]

    # ── Elements with others inside ──

    def _cards(self, element: _Element, depth: int) -> list[str]:
        cards = [self._element(card, depth) for card in _list(element.get("elements"))]
        return [*_said(_first(element, _HEADINGS)), *_apart(cards)]

    def _selectable_cards(self, element: _Element, depth: int) -> list[str]:
        cards = [self._card(card, depth) for card in _list(element.get("elements"))]
        return [*_said(_first(element, _HEADINGS)), *_apart(cards)]

    def _card(self, card: object, depth: int) -> list[str]:
        element = card if isinstance(card, Mapping) else {}
        number = self._next(_label(element) or _titles(element), element)
        lines = self._element(card, depth)
        return [f"{number} {lines[0]}", *lines[1:]] if lines else []

    def _accordion(self, element: _Element, depth: int) -> list[str]:
        """Write the titles, each of which can be selected, with what they unfold."""
        titles, folded = _list(element.get("titles")), _list(element.get("elements"))
        cards = []
        for index in range(max(len(titles), len(folded))):
            heading = self._heading(titles[index]) if index < len(titles) else []
            content = folded[index] if index < len(folded) else None
            cards.append([*heading, *self._element(content, depth)])
        return _apart(cards)

    def _heading(self, title: object) -> list[str]:
        title = title if isinstance(title, Mapping) else {"name": title}
        return _said(
            self._numbered(
                _dashed(_first(title, (name,)) for name in ("name", "additional")), title
            )
        )

    def _anything(self, element: _Element, depth: int) -> list[str]:
        """Write containers, and what is not known by what is known of it."""
        words = _HEADINGS if any(name in element for name in _CHILDREN) else _WORDS
        label = _dashed([_first(element, words), _first(element, _DETAILS)])
        address = _place(element) or _address(element)
        return [
            *self._line(element, label, address, depth=depth),
            *self._choose(element, depth),
            *(line for name in _CHILDREN for line in self.elements(element.get(name), depth)),
            *self.elements(element.get("quickReplies"), depth),
        ]

    def _choose(self, element: _Element, depth: int) -> list[str]:
        offered = [each for name in _OPTIONS for each in _list(element.get(name))]
        return [line for each in offered for line in self._offer(each, depth)]

    def _offer(self, offered: object, depth: int) -> list[str]:
        if not isinstance(offered, Mapping):
            return _said(self._numbered(_words(offered), {}, is_plain=True))
        kind = offered.get("type")
        if isinstance(kind, str) and kind in self._writers:
            return self._element(offered, depth)
        return self._option(offered, depth)

    # ── Lines ──

    def _line(
        self,
        element: _Element,
        label: str,
        address: str = "",
        *,
        is_choice: bool = False,
        depth: int,
    ) -> list[str]:
        """Write one element: its words, its address, and what a click on it does."""
        links = [(name, uri) for name, uri in _links(element) if uri != address]
        if not address and links:
            name, address = links.pop(0)
            label = label or name
        line = joined(label, address)
        if is_choice or _published(element):
            is_plain = not (address or links or _pickers(element))
            line = self._numbered(line or _published(element), element, is_plain=is_plain)
        picked = [line for each in _pickers(element) for line in self._picker(each, depth)]
        return [*_said(line, *(joined(name, uri) for name, uri in links)), *picked]

    def _numbered(self, words: str, element: _Element, *, is_plain: bool = False) -> str:
        if not words:
            return ""
        number = self._next(words, element, is_plain=is_plain)
        return "" if is_plain and self._with_buttons else f"{number} {words}"

    def _next(self, words: str, element: _Element, *, is_plain: bool = False) -> str:
        self.choices.append(Choosable(words, element, is_plain))
        return f"{len(self.choices)}."

    def _is_link(self, element: _Element) -> bool:
        """Note a button that only leads elsewhere; whether a button of the channel shows it."""
        links, label = _links(element), _label(element)
        if len(links) != 1 or not label or _published(element) or _pickers(element):
            return False
        self.links.append(Link(label, links[0][1]))
        return self._with_links


# ── What an element says ──


def _label(element: _Element) -> str:
    label = _first(element, ("title", "text", "label", "name", "value")) or _published(element)
    return _dashed([label or _first(element, _WORDS), _first(element, _DETAILS)])


def _titles(element: _Element) -> str:
    """Return the first title inside an element, by which a card may be named."""
    inside = (each for each in _list(element.get("elements")) if isinstance(each, Mapping))
    return next(filter(None, map(_label, inside)), "")


def _first(element: _Element, names: Iterable[str]) -> str:
    """Return the first of the named texts that says anything."""
    return next(filter(None, (_words(element.get(name)) for name in names)), "")


def _address(element: _Element) -> str:
    return next(filter(None, (_uri(element.get(name)) for name in _ADDRESSES)), "")


def _place(element: _Element) -> str:
    latitude, longitude = _degrees(element.get("la"), 90), _degrees(element.get("lo"), 180)
    if not latitude or not longitude:
        return ""
    return f"https://maps.google.com/?q={latitude},{longitude}"


def _degrees(value: object, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= most:
        return ""
    return f"{value:.7f}".rstrip("0").rstrip(".")


# ── What a click does ──
# https://developers.liveperson.com/getting-started-with-rich-messaging-introduction.html


def _actions(element: _Element) -> list[_Element]:
    click = element.get("click")
    actions = click.get("actions") if isinstance(click, Mapping) else None
    return [each for each in _list(actions) if isinstance(each, Mapping)]


def _published(element: _Element) -> str:
    """Return what a click says for the consumer; empty if it says nothing."""
    said = [_first(action, ("text", "publishText")) for action in _actions(element)]
    return next(filter(None, said), "")


def _links(element: _Element) -> list[tuple[str, str]]:
    """Return where a click leads to: names and addresses, each address once."""
    found: dict[str, str] = {}
    for action in _actions(element):
        found.setdefault(_target(action), _first(action, ("name",)))
    return [(name, uri) for uri, name in found.items() if uri]


def _target(action: _Element) -> str:
    if action.get("type") == "navigate":
        return _place(action)
    platforms = [action.get(name) for name in ("web", "ios", "android")]
    places = [action, *(each for each in platforms if isinstance(each, Mapping))]
    return next(filter(None, map(_address, places)), "")


def _pickers(element: _Element) -> list[_Element]:
    kinds = ("datePicker", "timePicker", "scheduleSlotList")
    return [action for action in _actions(element) if action.get("type") in kinds]


# ── Words, times, lines ──


def _words(value: object) -> str:
    """Return a text as plain words, and a number as it is written."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    if not isinstance(value, str):
        return f"{value:.10g}" if abs(value) < _MILLISECONDS else ""
    return plain_text(value)


def _days(start: object, end: object) -> str:
    """Write the days between two, of which one may be open."""
    days = [f"{moment:%Y-%m-%d}" if moment else "" for moment in (_moment(start), _moment(end))]
    return " – ".join(days).strip() if any(days) else ""


def _appointment(start: object, end: object) -> str:
    begins, ends = _moment(start), _moment(end)
    if begins is None:
        return ""
    if ends is None:
        return f"{begins:%Y-%m-%d %H:%M} UTC"
    last = f"–{ends:%H:%M}" if begins.date() == ends.date() else f" – {ends:%Y-%m-%d %H:%M}"
    return f"{begins:%Y-%m-%d %H:%M}{last} UTC"


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _dashed(parts: Iterable[str]) -> str:
    return " – ".join(part for part in parts if part)


def _said(*lines: str) -> list[str]:
    return [line for line in lines if line]


def _apart(cards: Iterable[list[str]]) -> list[str]:
    """Set cards apart by an empty line."""
    return [line for card in cards if card for line in ("", *card, "")]


def _tidy(lines: Iterable[str]) -> str:
    """Join lines, at most one of them empty between two others."""
    text = "\n".join(line.rstrip() for each in lines for line in (each.split("\n")))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{_beginning(text, LONGEST - 1).rstrip()}…"


def _beginning(text: str, longest: int) -> str:
    """Return at most ``longest`` characters of a text, cut inside no cluster and no address."""
    # Imported here: few renderings are long, so a cold start does not load the table of classes.
    from ..support.graphemes import clusters  # noqa: PLC0415

    length = 0
    for cluster in clusters(text[: longest + 99]):
        if length + len(cluster) > longest:
            break
        length += len(cluster)
    word = max(text.rfind(gap, 0, length) for gap in " \n") + 1
    return text[:word] if "://" in text[word:length] else text[:length]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
