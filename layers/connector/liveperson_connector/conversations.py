"""What the connector remembers: a consumer, a conversation, how far an event has come."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

NOTHING_SENT = -1
"""The ``last_sequence`` of a conversation in which the consumer has not said anything yet."""


@dataclass(frozen=True)
class Consumer:
    """
    A consumer of a channel, as LivePerson knows it.

    ``key`` is the pseudonym sent as ``ext_consumer_id``; ``conversation_id`` the open
    conversation, if any; ``last_sequence`` the sequence of the last thing we said there.
    """

    account_id: str
    consumer_id: str = field(repr=False)
    key: str
    lp_consumer_id: str
    jws: str = field(repr=False)
    conversation_id: str | None = None
    last_sequence: int = NOTHING_SENT


@dataclass(frozen=True)
class Conversation:
    """
    A conversation and whose it is; ``consumer_id`` is empty for another channel's.

    ``echoes`` are the last things the consumer was heard to say there, as LivePerson reported
    them back: sequence and digest of the text.
    """

    account_id: str
    conversation_id: str
    consumer_id: str = field(repr=False)
    consumer_key: str = ""
    lp_consumer_id: str = ""
    is_open: bool = True
    echoes: tuple[tuple[int, str], ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether one of our consumers takes part in it."""
        return bool(self.consumer_key)

    def heard(self, text: str, *, after: int) -> int | None:
        """Return the sequence of the first echo of ``text`` later than ``after``, if any."""
        digest = echo_digest(text)
        found = [sequence for sequence, each in self.echoes if each == digest and sequence > after]
        return min(found, default=None)


@dataclass(frozen=True)
class Progress:
    """
    How far a consumer event has come.

    ``parts_sent`` counts its messages that LivePerson has taken; ``done`` says all of it was.
    ``settled_receives`` is the receive count up to which it is known what every try came to;
    ``ambiguous_at`` (seconds since 1970) is when the last try without an answer was made.
    """

    parts_sent: int = 0
    done: bool = False
    settled_receives: int = 0
    ambiguous_at: float | None = None


def echo_digest(text: str) -> str:
    """Return what is kept of an echoed text: enough to recognise it, not to read it."""
    return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).hexdigest()[:32]
