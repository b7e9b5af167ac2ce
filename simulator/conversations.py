"""
What is going on in an account: conversations, their dialogs, and the events in them.

    Conversation ── stage OPEN / CLOSE            the whole
    ├── Dialog MAIN ── state OPEN / CLOSE         its id is the conversation's id
    │   └── Event 0, 1, 2 …                       content and accept events take numbers
    └── Dialog POST_SURVEY                        its own id, numbers again from 0

Every change tells its listener at once, in order; whoever listens makes webhooks of it.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.accounts import Account
from simulator.wire import JsonObject

ALL = "ALL"
AGENTS_ONLY = "AGENTS_AND_MANAGERS"
CONSUMER = "CONSUMER"
MAIN = "MAIN"
SURVEY = "POST_SURVEY"
URGENCY_SECONDS = {"URGENT": 180, "NORMAL": 600, "PRIORITIZED": 600, "CUSTOM": 600}


@dataclass(frozen=True)
class Event:
    """One event in a dialog; chat states have no number and are not kept by LivePerson."""

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
    events: list[Event] = field(default_factory=list, repr=False)
    next_sequence: int = 0
    question: int = 0

    @property
    def is_open(self) -> bool:
        """Tell whether something may still be said in it."""
        return self.state == "OPEN"

    def numbers(self) -> set[int]:
        """Return the sequence numbers given so far."""
        return set(range(self.next_sequence))


@dataclass
class Conversation:
    """A conversation of one consumer, ours or of another channel of the brand."""

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
    moments: list[Event] = field(default_factory=list, repr=False)

    @property
    def is_open(self) -> bool:
        """Tell whether the whole conversation is open, surveys included."""
        return self.stage == "OPEN"

    @property
    def main(self) -> Dialog:
        """Return the dialog between consumer and agents."""
        return self.dialogs[0]

    @property
    def open_dialog(self) -> Dialog | None:
        """Return the dialog that is open now, if one is."""
        return next((dialog for dialog in reversed(self.dialogs) if dialog.is_open), None)

    def touch(self) -> int:
        """Return a time for the next change: now, but always later than the one before."""
        self.updated_ms = max(now_ms(), self.updated_ms + 1)
        return self.updated_ms


Listener = Callable[[Conversation, "list[Event] | None"], None]
"""Hears of new events, or with None that the conversation itself changed."""


@dataclass(frozen=True)
class Sender:
    """Who says something, and to whom."""

    originator_id: str
    role: str
    audience: str = ALL


class ConversationService:
    """Where an account's conversations are opened, led and closed."""

    def __init__(self, account: Account, listener: Listener) -> None:
        self.account = account
        self._tell = listener

    # Opening

    def open(self, consumer_id: str, request: JsonObject, features: Iterable[str]) -> Conversation:
        """Open a conversation of the connector, from the body of its request."""
        conversation = self._create(consumer_id, request, foreign=False)
        conversation.features = frozenset(features)
        if self.account.settings.auto_join:
            self.join(conversation)
        return conversation

    def open_foreign(self, texts: Iterable[str]) -> Conversation:
        """Open a conversation of another channel, with texts of consumer and agent in turn."""
        consumer = uuid.uuid4().hex * 2
        conversation = self._create(consumer, {}, foreign=True)
        self.join(conversation)
        agent = self.agent("ASSIGNED_AGENT")
        speakers = itertools.cycle([Sender(consumer, CONSUMER), agent])
        for text, speaker in zip(texts, speakers, strict=False):
            self.publish(conversation, conversation.main, speaker, text_event(text))
        return conversation

    def _create(self, consumer_id: str, request: JsonObject, *, foreign: bool) -> Conversation:
        moment = now_ms()
        identity = str(uuid.uuid4())
        settings = self.account.settings
        urgency = request.get("ttrDefName") or "PRIORITIZED"
        main = Dialog(identity, MAIN, moment, moment, [_active(consumer_id, CONSUMER)])
        conversation = Conversation(
            conversation_id=identity,
            consumer_id=consumer_id,
            started_ms=moment,
            updated_ms=moment,
            skill_id=str(request.get("skillId") or settings.skill_id),
            dialogs=[main],
            participants=[{"id": consumer_id, "role": CONSUMER}],
            ttr={"ttrType": urgency, "value": URGENCY_SECONDS.get(urgency, 600)},
            request=request,
            foreign=foreign,
            usable_at=time.monotonic() + settings.new_conversation_usable_after_ms / 1000,
        )
        self.account.conversations[identity] = conversation
        self.account.dialogs[identity] = (conversation, main)
        self._tell(conversation, None)
        return conversation

    # Saying something

    def publish(
        self,
        conversation: Conversation,
        dialog: Dialog,
        sender: Sender,
        content: JsonObject,
        metadata: list[JsonObject] | None = None,
    ) -> Event:
        """Add an event to a dialog and tell of it; return it with its number."""
        event = self._record(conversation, dialog, sender, content, metadata)
        self._tell(conversation, [event])
        return event

    def _record(
        self,
        conversation: Conversation,
        dialog: Dialog,
        sender: Sender,
        content: JsonObject,
        metadata: list[JsonObject] | None = None,
    ) -> Event:
        numbered = content["type"] != "ChatStateEvent"
        event = Event(
            dialog_id=dialog.dialog_id,
            sequence=dialog.next_sequence if numbered else None,
            originator_id=sender.originator_id,
            role=sender.role,
            audience=sender.audience,
            at_ms=now_ms(),
            content=content,
            metadata=metadata,
        )
        dialog.next_sequence += numbered
        dialog.events.append(event)
        conversation.moments.append(event)
        return event

    def agent(self, role: str, audience: str = ALL) -> Sender:
        """Return the brand's side as a sender; each role is another person."""
        identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.account.account_id}/{role}")
        return Sender(str(identity), role, audience)

    # Leading

    def join(self, conversation: Conversation, role: str = "ASSIGNED_AGENT") -> None:
        """Let an agent take part, and tell of it."""
        agent = self.agent(role).originator_id
        conversation.participants.append({"id": agent, "role": role})
        dialog = conversation.open_dialog or conversation.main
        dialog.participants.append(_active(agent, role))
        conversation.touch()
        self._tell(conversation, None)

    def transfer(self, conversation: Conversation, skill_id: str) -> None:
        """Give the conversation to another skill; its agent leaves until the next joins."""
        conversation.skill_id = skill_id
        kept = [each for each in conversation.participants if each["role"] != "ASSIGNED_AGENT"]
        conversation.participants = kept
        main = conversation.main
        main.participants = [each for each in main.participants if each["role"] == CONSUMER]
        conversation.touch()
        self._tell(conversation, None)

    def change(self, conversation: Conversation, **changes: Any) -> None:
        """Set fields of the conversation (csat, ttr) and tell of it."""
        for name, value in changes.items():
            setattr(conversation, name, value)
        conversation.touch()
        self._tell(conversation, None)

    # Closing

    def close(self, conversation: Conversation, by: str, cause: str | None = None) -> None:
        """Close the whole conversation at once; a survey does not start."""
        moment = conversation.touch()
        for dialog in conversation.dialogs:
            _close_dialog(dialog, by, cause, moment)
        self._finish(conversation, by, moment)

    def close_main(self, conversation: Conversation, by: str, cause: str | None) -> None:
        """Close the MAIN dialog; a survey starts if the brand has one and it can be shown."""
        if self.account.settings.survey and self.can_survey(conversation):
            self.start_survey(conversation, by, cause)
        else:
            self.close(conversation, by, cause)

    def can_survey(self, conversation: Conversation) -> bool:
        """Tell whether a survey may start: MULTI_DIALOG was announced and an agent took part."""
        assigned = any(each["role"] == "ASSIGNED_AGENT" for each in conversation.participants)
        return assigned and "MULTI_DIALOG" in conversation.features

    def start_survey(self, conversation: Conversation, by: str, cause: str | None) -> Dialog:
        """Close MAIN and open the survey dialog with its greeting and first question."""
        moment = conversation.touch()
        _close_dialog(conversation.main, by, cause, moment)
        conversation.close_reason = by
        bot = self.agent("AGENT")
        people = [
            _active(conversation.consumer_id, CONSUMER),
            _active(bot.originator_id, bot.role),
        ]
        survey = Dialog(
            uuid.uuid4().hex[:22], SURVEY, moment - 1, conversation.touch(), participants=people
        )
        conversation.dialogs.append(survey)
        conversation.participants.append({"id": bot.originator_id, "role": bot.role})
        self.account.dialogs[survey.dialog_id] = (conversation, survey)
        self._tell(conversation, None)
        greeting = self._record(conversation, survey, bot, text_event(GREETING))
        self._tell(conversation, [greeting, self._ask(conversation, survey)])
        return survey

    def survey_answered(self, conversation: Conversation, survey: Dialog, text: str) -> None:
        """Take the consumer's words in a survey: ask the next question, or thank and end."""
        survey.question += 1
        skipped = text.strip().lower() == "skip"
        if not skipped and survey.question < len(self.account.settings.survey_questions):
            self._tell(conversation, [self._ask(conversation, survey)])
            return
        bot = self.agent("AGENT")
        self.publish(conversation, survey, bot, text_event(THANKS))
        moment = conversation.touch()
        _close_dialog(survey, "AGENT", "Skipped" if skipped else "Completed", moment)
        self._finish(conversation, conversation.close_reason or "AGENT", moment)

    def _ask(self, conversation: Conversation, survey: Dialog) -> Event:
        question = self.account.settings.survey_questions[survey.question]
        content = {**text_event(question), "quickReplies": one_to_five(question)}
        return self._record(conversation, survey, self.agent("AGENT"), content)

    def _finish(self, conversation: Conversation, by: str, moment: int) -> None:
        conversation.stage = "CLOSE"
        conversation.close_reason = conversation.close_reason or by
        conversation.ended_ms = moment
        self._tell(conversation, None)


GREETING = (
    "Hello, I’m the survey bot and would like your feedback. "
    "To skip the whole survey, type ‘skip’ at any point."
)
THANKS = "Thank you for your time."


def one_to_five(question: str) -> JsonObject:
    """Return the five buttons of a survey question, each with its `Answer` metadata."""
    question_id = str(uuid.uuid5(uuid.NAMESPACE_URL, question))
    return {
        "type": "quickReplies",
        "itemsPerRow": 8,
        "replies": [
            {
                "type": "button",
                "tooltip": mark,
                "title": mark,
                "click": {
                    "metadata": [
                        {
                            "type": "Answer",
                            "questionId": question_id,
                            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, question + mark)),
                            "provider": "AC",
                        }
                    ],
                    "actions": [{"type": "publishText", "text": mark}],
                },
            }
            for mark in "12345"
        ],
    }


def text_event(text: str) -> JsonObject:
    """Return the event body of a plain text."""
    return {"type": "ContentEvent", "message": text, "contentType": "text/plain"}


def now_ms() -> int:
    """Return the time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _active(identity: str, role: str) -> JsonObject:
    return {"id": identity, "role": role, "state": "ACTIVE"}


def _close_dialog(dialog: Dialog, by: str, cause: str | None, moment: int) -> None:
    if dialog.is_open:
        dialog.state, dialog.closed_by, dialog.closed_cause = "CLOSE", by, cause
        dialog.ended_ms = dialog.updated_ms = moment
