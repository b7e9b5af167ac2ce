"""What is remembered of a ready channel's people, and of the messages they were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OfferedChoice:
    """
    Something that a person was offered to choose.

    ``title`` is what the person reads, ``text`` what choosing it says; ``metadata`` is LivePerson's
    own of the element, which a reply repeats.
    """

    title: str = field(repr=False)
    text: str = field(repr=False)
    metadata: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Offer:
    """
    The choices of one message, offered ``at`` (seconds since 1970).

    ``reference`` stands for the message in what a pressed button sends back. A person who was shown
    numbers (``is_numbered``) may answer with one.
    """

    reference: str
    conversation_id: str
    dialog_id: str
    sequence: int
    at: float
    choices: Sequence[OfferedChoice]
    is_numbered: bool = False


@dataclass(frozen=True)
class Person:
    """
    A person at a provider, as far as sending to them needs it.

    ``heard_at`` is when they last said something (seconds since 1970, 0 if that is unknown),
    ``mark`` what the provider calls that, ``template_at`` when the template for a closed window was
    sent last. ``offers`` are what they were offered lately, the newest last.
    """

    heard_at: float = 0.0
    mark: str = field(default="", repr=False)
    template_at: float = 0.0
    offers: Sequence[Offer] = ()


@dataclass(frozen=True)
class SentMessage:
    """
    A message of a provider's, by which a message of LivePerson's was told, or its part.

    ``is_last`` says that no other part follows; ``status`` is the last report of it that was told,
    by the event ``told_by``.
    """

    conversation_id: str
    dialog_id: str
    sequence: int
    is_last: bool = True
    status: str = ""
    told_by: str = ""


@dataclass(frozen=True)
class SharedFile:
    """An agent's file for a provider: an address that shows it for a while, and its bytes."""

    url: str = field(repr=False)
    size: int
