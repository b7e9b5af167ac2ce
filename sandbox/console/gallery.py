"""Structured content to try, one element after the other, with invented contents."""

from typing import Any

Card = dict[str, Any]


def _say(title: str, **more: Any) -> Card:
    return {
        "type": "button",
        "tooltip": title,
        "title": title,
        "click": {
            "actions": [{"type": "publishText", "text": title}],
            "metadata": [{"type": "ExternalId", "id": title.lower().replace(" ", "-")}],
        },
        **more,
    }


def _link(title: str, uri: str) -> Card:
    return {
        "type": "button",
        "tooltip": title,
        "title": title,
        "click": {"actions": [{"type": "link", "uri": uri}]},
    }


def _text(text: str, **style: Any) -> Card:
    found: Card = {"type": "text", "text": text, "tooltip": text}
    return {**found, "style": style} if style else found


_PICTURE = {"type": "image", "url": "https://example.com/hat.jpg", "tooltip": "A straw hat"}
_HAT = {
    "type": "vertical",
    "elements": [_PICTURE, _text("Straw hat", bold=True), _say("Order the hat")],
}
_SHOES = {"type": "vertical", "elements": [_text("Shoes", bold=True), _say("Order the shoes")]}

GALLERY: dict[str, Card] = {
    "text": {"type": "vertical", "elements": [_text("Words alone"), _text("Bold", bold=True)]},
    "buttons": {
        "type": "vertical",
        "elements": [_text("Which order is it about?"), _say("The hat"), _say("The shoes")],
    },
    "link": {
        "type": "vertical",
        "elements": [_text("It is on its way"), _link("Track it", "https://example.com/track/7")],
    },
    "picture": {"type": "vertical", "elements": [_PICTURE, _say("That one")]},
    "map": {
        "type": "vertical",
        "elements": [
            {"type": "map", "la": 48.401, "lo": 9.987, "tooltip": "Our shop"},
            _say("I come by"),
        ],
    },
    "carousel": {"type": "carousel", "padding": 10, "elements": [_HAT, _SHOES]},
    "horizontal": {"type": "horizontal", "elements": [_say("Yes"), _say("No")]},
    "many choices": {
        "type": "vertical",
        "elements": [_text("When?"), *(_say(f"{hour} o'clock") for hour in range(8, 20))],
    },
}
"""Cards by the name that the page shows."""

QUICK_REPLIES: Card = {
    "type": "quickReplies",
    "itemsPerRow": 8,
    "replies": [_say("Yes"), _say("No"), _say("Later")],
}
