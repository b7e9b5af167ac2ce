"""
What a simulated LivePerson holds: an account with its conversations, dialogs, events and files.

    Account ── settings, consumers, files
    └── Conversation ── stage OPEN / CLOSE            the whole
        ├── Dialog MAIN ── state OPEN / CLOSE         its id is the conversation's id
        │   └── Event 0, 1, 2 …                       content and accept events take numbers
        └── Dialog POST_SURVEY                        its own id, numbers again from 0

Plain values and what can be read from them; `conversations` has the rules by which they change.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from simulator.calls import JsonObject
from simulator.settings import Settings

ALL = "ALL"
AGENTS_ONLY = "AGENTS_AND_MANAGERS"
CONSUMER = "CONSUMER"
ASSIGNED_AGENT = "ASSIGNED_AGENT"
MAIN = "MAIN"
SURVEY = "POST_SURVEY"


@dataclass(frozen=True)
class Sender:
    """Who says something, and to whom."""

    originator_id: str
    role: str
    audience: str = ALL


@dataclass(frozen=True)
class Event:
    """One event in a dialog; a chat state has no sequence number."""

    dialog_id: str
    sequence: int | None
    originator_id: str
    role: str
    audience: str
    at_ms: int
    content: JsonObject = field(repr=False)
    metadata: list[JsonObject] | None = field(default=None, repr=False)

    def as_json(self) -> JsonObject:
        """Return the event as one line of a transcript."""
        line: JsonObject = {
            "dialog_id": self.dialog_id,
            "sequence": self.sequence,
            "role": self.role,
            "originator_id": self.originator_id,
            "audience": self.audience,
            "type": self.content["type"],
            "at": self.at_ms,
        }
        if self.metadata is not None:
            line["metadata"] = self.metadata
        if self.content.get("contentType") == "text/plain":
            line["text"] = self.content["message"]
        if self.content.get("contentType") != "text/plain" or "quickReplies" in self.content:
            line["event"] = self.content
        return line


@dataclass
class Dialog:
    """A part of a conversation. Times are in milliseconds since 1970."""

    dialog_id: str
    kind: str
    created_ms: int
    updated_ms: int
    participants: list[JsonObject]
    state: str = "OPEN"
    ended_ms: int | None = None
    closed_by: str | None = None
    closed_cause: str | None = None
    next_sequence: int = 0
    question: int = 0
    """How many questions of a survey were answered."""

    @property
    def is_open(self) -> bool:
        """Whether it takes events."""
        return self.state == "OPEN"

    def close(self, by: str, cause: str | None, at_ms: int) -> None:
        """Close it, unless it is closed."""
        if self.is_open:
            self.state, self.closed_by, self.closed_cause = "CLOSE", by, cause
            self.ended_ms = self.updated_ms = at_ms


@dataclass
class Conversation:
    """A conversation of one consumer: the connector's, or one of another channel (`foreign`)."""

    conversation_id: str
    consumer_id: str
    started_ms: int
    updated_ms: int
    skill_id: str
    dialogs: list[Dialog]
    participants: list[JsonObject]
    ttr: JsonObject
    request: JsonObject = field(default_factory=dict, repr=False)
    features: frozenset[str] = frozenset()
    foreign: bool = False
    stage: str = "OPEN"
    close_reason: str | None = None
    ended_ms: int | None = None
    csat: JsonObject | None = None
    usable_at: float = 0.0
    """From when on SEND knows it, by `time.monotonic`."""
    transcript: list[Event] = field(default_factory=list, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether the whole conversation is open, surveys included."""
        return self.stage == "OPEN"

    @property
    def main(self) -> Dialog:
        """The dialog between consumer and agents."""
        return self.dialogs[0]

    @property
    def open_dialog(self) -> Dialog | None:
        """The dialog that is open now, or None."""
        return next((dialog for dialog in reversed(self.dialogs) if dialog.is_open), None)

    def touch(self) -> int:
        """Return the time of the next change: now, but always later than the one before."""
        self.updated_ms = max(now_ms(), self.updated_ms + 1)
        return self.updated_ms

    def as_json(self, ext_consumer_id: str | None) -> JsonObject:
        """Return the conversation with its transcript, as the control API shows it."""
        return {
            "conversation_id": self.conversation_id,
            "consumer": self.consumer_id,
            "ext_consumer_id": ext_consumer_id,
            "foreign": self.foreign,
            "stage": self.stage,
            "state": self.main.state,
            "close_reason": self.close_reason,
            "skill_id": self.skill_id,
            "csat": self.csat,
            "ttr": self.ttr,
            "features": sorted(self.features),
            "request": self.request,
            "dialogs": [
                {"dialog_id": each.dialog_id, "type": each.kind, "state": each.state}
                for each in self.dialogs
            ],
            "transcript": [each.as_json() for each in self.transcript],
        }


@dataclass
class StoredFile:
    """A file that was announced, and stored unless `content` is None."""

    path: str
    file_type: str
    size: int
    owner: str
    content: bytes | None = field(default=None, repr=False)


@dataclass
class Account:
    """One LivePerson account with its one app install. Hold `lock` to use its conversations."""

    account_id: str
    client_id: str
    client_secret: str = field(repr=False)
    webhook_url: str | None = None
    settings: Settings = field(default_factory=Settings)

    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)
    issued: set[str] = field(default_factory=set, repr=False)
    """AppJWTs that are valid until they expire."""
    revoked: set[str] = field(default_factory=set, repr=False)
    jws_generation: int = 0
    """Raised to revoke every ConsumerJWS."""
    consumers: dict[str, str] = field(default_factory=dict)
    """The connector's own id (`ext_consumer_id`) by LivePerson's."""
    profiles: dict[str, JsonObject] = field(default_factory=dict, repr=False)
    conversations: dict[str, Conversation] = field(default_factory=dict, repr=False)
    dialogs: dict[str, tuple[Conversation, Dialog]] = field(default_factory=dict, repr=False)
    files: dict[str, StoredFile] = field(default_factory=dict, repr=False)
    loading_answers: int = 0
    """How often Monitoring answered that the account is loading."""
    visits: set[tuple[str, str]] = field(default_factory=set, repr=False)
    owed_answers: int = 0
    """Answers of the echoing agent that are still to come."""

    def endpoint(self, topic: str) -> str | None:
        """Return the URL for a manifest key, or None if the app does not subscribe to it."""
        return self.settings.webhook_urls.get(topic, self.webhook_url)

    def revoke_tokens(self) -> None:
        """Make every AppJWT issued so far invalid."""
        self.revoked |= self.issued
        self.issued.clear()


def text_event(text: str) -> JsonObject:
    """Return the event body of a plain text."""
    return {"type": "ContentEvent", "message": text, "contentType": "text/plain"}


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
