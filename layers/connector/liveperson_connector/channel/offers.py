"""
What a person chose of what they were offered: by a button, by a number, or in words.

A pressed button sends back ``{reference}:{number}``, the offer's reference and the choice's place
in it. What is typed is compared with the newest offer alone: a number if numbers were shown, else
the words of a choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..domain.ready_channels import Offer, OfferedChoice

# What was offered yesterday is hardly what today's "2" is about.
TYPED_SECONDS = 86_400.0

_NUMBER = re.compile(r"#?([0-9]{1,3})[.):]?")

Chosen = tuple[Offer, OfferedChoice]


def data_of(offer: Offer, index: int) -> str:
    """Return what the button of a choice sends back."""
    return f"{offer.reference}:{index}"


def pressed(offers: Sequence[Offer], data: str) -> Chosen | None:
    """Return what a button with this ``data`` stands for; None if it is not known any more."""
    reference, _, index = data.rpartition(":")
    for offer in offers:
        if offer.reference == reference and index.isdigit() and int(index) < len(offer.choices):
            return offer, offer.choices[int(index)]
    return None


def typed(offers: Sequence[Offer], text: str, at: float) -> Chosen | None:
    """Return what ``text``, said ``at`` (seconds since 1970), chooses; None if that is nothing."""
    before = [each for each in offers if each.at <= at < each.at + TYPED_SECONDS]
    if not before:
        return None
    offer = before[-1]
    number = _NUMBER.fullmatch(text.strip())
    if number and offer.is_numbered:
        place = int(number[1]) - 1
        return (offer, offer.choices[place]) if 0 <= place < len(offer.choices) else None
    said = _plain(text)
    found = [each for each in offer.choices if said in (_plain(each.title), _plain(each.text))]
    return (offer, found[0]) if len(found) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
