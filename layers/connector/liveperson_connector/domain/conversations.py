"""What the connector stores: a consumer, a conversation, how far an event has come."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .outages import CircuitState

NOTHING_SENT = -1
"""The ``last_sequence`` of a conversation in which the consumer has not said anything yet."""

ALL_SETTLED = 2**53
"""The ``last_sequence`` of a consumer whose conversation ended with a survey: no echo follows."""


@dataclass(frozen=True)
class Consumer:
    """
    A consumer of a channel, as LivePerson knows it.

    ``key`` is the pseudonym sent as ``ext_consumer_id``; ``conversation_id`` the open
    conversation, if any, and ``survey_dialog_id`` the survey that runs in it; ``last_sequence``
    the sequence of the last thing we said there, or in the last conversation if none is open.
    ``features`` are what its client can do, as the conversation was opened with. ``visitor_id``
    and ``session_id`` are the Monitoring API's. ``channel`` names its ready channel, and is empty
    for the ``webhook`` one.
    """

    account_id: str
    consumer_id: str = field(repr=False)
    key: str
    lp_consumer_id: str
    jws: str = field(repr=False)
    conversation_id: str | None = None
    last_conversation_id: str | None = None
    survey_dialog_id: str | None = None
    last_sequence: int = NOTHING_SENT
    features: tuple[str, ...] = ()
    composing_since: float | None = None
    visitor_id: str = ""
    session_id: str = ""
    channel: str = ""

    @property
    def current_dialog_id(self) -> str:
        """Where the next words go: a survey's dialog while one runs, else the main one."""
        return self.survey_dialog_id or self.conversation_id or ""


@dataclass(frozen=True)
class Conversation:
    """
    A conversation and its consumer; ``consumer_id`` is empty for another channel's.

    ``is_open`` is the state that the channel was told of last; ``is_ended`` says that LivePerson
    has told us of the end, which the channel may not have taken yet. ``changed_at``
    (milliseconds) is when LivePerson last changed what we know of it, 0 if it has told nothing.
    ``dialog_types`` are LivePerson's words for the types of its dialogs, by their ids. ``echoes``
    are the last things the consumer was heard to say there, as LivePerson reported them back:
    sequence and digest. ``channel`` names its consumer's ready channel, and is empty for the
    ``webhook`` one.
    """

    account_id: str
    conversation_id: str
    consumer_id: str = field(repr=False)
    consumer_key: str = ""
    lp_consumer_id: str = ""
    is_open: bool = True
    is_ended: bool = False
    agent_id: str | None = None
    skill_id: str | None = None
    survey_dialog_id: str | None = None
    dialog_types: Mapping[str, str] = field(default_factory=dict)
    changed_at: int = 0
    echoes: tuple[tuple[int, str], ...] = ()
    channel: str = ""

    @property
    def is_ours(self) -> bool:
        """Whether one of our consumers takes part in it."""
        return bool(self.consumer_key)

    @property
    def is_over(self) -> bool:
        """Whether it takes no more messages."""
        return self.is_ended or not self.is_open

    @property
    def log_ids(self) -> dict[str, Any]:
        """The fields of a log line about it."""
        return {
            "account_id": self.account_id,
            "consumer": self.consumer_key,
            "conversation_id": self.conversation_id,
        }

    @property
    def last_heard(self) -> int:
        """The highest sequence of an echo; echoes up to it tell nothing about later tries."""
        return max((sequence for sequence, _ in self.echoes), default=NOTHING_SENT)

    def heard(self, digest: str, *, after: int) -> int | None:
        """Return the sequence of the first echo with ``digest`` later than ``after``, if any."""
        found = [sequence for sequence, each in self.echoes if each == digest and sequence > after]
        return min(found, default=None)


@dataclass(frozen=True)
class AgentProfile:
    """What consumers may see of an agent; empty where LivePerson says nothing of it."""

    name: str = ""
    picture_url: str = ""


@dataclass(frozen=True)
class Refusal:
    """
    The permanent refusal of a consumer event: when (seconds since 1970), and of which copy.

    ``content`` is a digest of that copy's fields; the other fields are those of the error.
    """

    at: float
    message_id: str
    content: str
    reason: str = ""
    problem: str = ""
    http_status: int | None = None
    error_code: str | None = None


@dataclass(frozen=True)
class Progress:
    """
    How far a consumer event has come; ``send_progress`` has its transitions.

    ``parts_sent`` counts its messages that LivePerson has taken; ``done`` says all of it was.
    ``settled_receives`` is the receive count of ``settled_message`` up to which it is known what
    every try came to; ``begun_receive`` and ``begun_at`` (seconds since 1970) are of its last try
    that was noted before it sent anything;
    ``ambiguous_at`` (seconds since 1970) is when the last try without an answer was made;
    ``uploaded`` is where its file lies at LivePerson, so that it is uploaded once, and
    ``file_type`` what its first bytes said it is; one that is ``not_carried`` is told in words;
    ``refusals`` counts tries for which the conversation may have been closed or not yet ready;
    ``may_have_opened`` says that a try without an answer may have opened another, whose name is on
    its way.
    """

    parts_sent: int = 0
    done: bool = False
    settled_receives: int = 0
    settled_message: str = ""
    begun_receive: int = 0
    begun_at: float = 0.0
    ambiguous_at: float | None = None
    uploaded: str | None = None
    file_type: str | None = None
    not_carried: bool = False
    refusals: int = 0
    may_have_opened: bool = False
    refusal: Refusal | None = None


@dataclass(frozen=True)
class EventState:
    """
    What is known when a consumer event is taken up.

    ``outage`` is that of LivePerson for the account; ``is_held`` says that earlier events of the
    consumer are dead letters, ``redrive_failed_at`` (seconds since 1970) when a redriven one last
    became a dead letter again.
    """

    consumer: Consumer | None
    progress: Progress
    outage: CircuitState | None = None
    is_held: bool = False
    redrive_failed_at: float = 0.0


@dataclass(frozen=True)
class NotificationState:
    """
    What is known when a notification is taken up.

    ``claim`` is its conversation as it would be remembered for the consumer of ours that it
    names; ``was_delivered`` says that the channel has taken it already. ``is_sought`` says that
    a consumer of the account waits for a webhook that names its open conversation.
    """

    conversation: Conversation | None
    claim: Conversation | None = None
    was_delivered: bool = False
    is_sought: bool = False
    outage: CircuitState | None = None
    is_held: bool = False
    redrive_failed_at: float = 0.0


def text_digest(text: str) -> str:
    """Return the digest by which the echo of a text is recognised; it does not show the text."""
    return _digest(text.strip())


def file_digest(relative_path: str) -> str:
    """Return the digest by which the echo of a file is recognised, made of its unique path."""
    return _digest(f"file {relative_path}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
