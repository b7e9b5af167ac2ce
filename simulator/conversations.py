"""
How conversations are opened, changed and closed, with their surveys.

Every change is told to the listener at once, in order; the listener makes webhooks of it.
"""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from simulator.calls import JsonObject
from simulator.model import (
    ALL,
    ASSIGNED_AGENT,
    CONSUMER,
    MAIN,
    SURVEY,
    Account,
    Conversation,
    Dialog,
    Event,
    Sender,
    now_ms,
    text_event,
)

URGENCY_SECONDS = {"URGENT": 180, "NORMAL": 600, "PRIORITIZED": 600, "CUSTOM": 600}
GREETING = (
    "Hello, I’m the survey bot and would like your feedback. "
    "To skip the whole survey, type ‘skip’ at any point."
)
THANKS = "Thank you for your time."

Listener = Callable[[Conversation, "list[Event] | None"], None]
"""Called with new events, or with None after a change of the conversation itself."""


class ConversationService:
    """Opens, changes and closes conversations of one account; the caller holds its lock."""

    def __init__(self, account: Account, listener: Listener) -> None:
        self.account = account
        self._notify = listener

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
        agent = self.agent(ASSIGNED_AGENT)
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
        self._notify(conversation, None)
        return conversation

    # Events

    def publish(
        self,
        conversation: Conversation,
        dialog: Dialog,
        sender: Sender,
        content: JsonObject,
        metadata: list[JsonObject] | None = None,
    ) -> Event:
        """Add an event to a dialog and notify; return it with its sequence number."""
        event = self._record(conversation, dialog, sender, content, metadata)
        self._notify(conversation, [event])
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
        conversation.transcript.append(event)
        return event

    def agent(self, role: str, audience: str = ALL) -> Sender:
        """Return the brand's side as a sender; each role is another person."""
        return Sender(agent_id(self.account.account_id, role), role, audience)

    # Changes

    def join(self, conversation: Conversation, role: str = ASSIGNED_AGENT) -> None:
        """Add an agent to the conversation, and notify."""
        agent = self.agent(role).originator_id
        conversation.participants.append({"id": agent, "role": role})
        dialog = conversation.open_dialog or conversation.main
        dialog.participants.append(_active(agent, role))
        conversation.touch()
        self._notify(conversation, None)

    def transfer(self, conversation: Conversation, skill_id: str) -> None:
        """Give the conversation to another skill; its agent leaves until the next joins."""
        conversation.skill_id = skill_id
        kept = [each for each in conversation.participants if each["role"] != ASSIGNED_AGENT]
        conversation.participants = kept
        main = conversation.main
        main.participants = [each for each in main.participants if each["role"] == CONSUMER]
        conversation.touch()
        self._notify(conversation, None)

    def change(self, conversation: Conversation, **changes: Any) -> None:
        """Set fields of the conversation (csat, ttr), and notify."""
        for name, value in changes.items():
            setattr(conversation, name, value)
        conversation.touch()
        self._notify(conversation, None)

    # Closing

    def close(self, conversation: Conversation, by: str, cause: str | None = None) -> None:
        """Close the whole conversation at once; a survey does not start."""
        moment = conversation.touch()
        for dialog in conversation.dialogs:
            dialog.close(by, cause, moment)
        self._finish(conversation, by, moment)

    def close_main(self, conversation: Conversation, by: str, cause: str | None) -> None:
        """Close the MAIN dialog; start a survey if there is one and the client supports it."""
        if self.account.settings.survey and self.can_survey(conversation):
            self.start_survey(conversation, by, cause)
        else:
            self.close(conversation, by, cause)

    def can_survey(self, conversation: Conversation) -> bool:
        """Whether a survey may start: MULTI_DIALOG was announced and an agent took part."""
        assigned = any(each["role"] == ASSIGNED_AGENT for each in conversation.participants)
        return assigned and "MULTI_DIALOG" in conversation.features

    def start_survey(self, conversation: Conversation, by: str, cause: str | None) -> Dialog:
        """Close MAIN and open the survey dialog with its greeting and first question."""
        moment = conversation.touch()
        conversation.main.close(by, cause, moment)
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
        self._notify(conversation, None)
        greeting = self._record(conversation, survey, bot, text_event(GREETING))
        self._notify(conversation, [greeting, self._ask(conversation, survey)])
        return survey

    def survey_answered(self, conversation: Conversation, survey: Dialog, text: str) -> None:
        """Handle the consumer's answer in a survey: ask the next question, or thank and close."""
        survey.question += 1
        skipped = text.strip().lower() == "skip"
        if not skipped and survey.question < len(self.account.settings.survey_questions):
            self._notify(conversation, [self._ask(conversation, survey)])
            return
        bot = self.agent("AGENT")
        self.publish(conversation, survey, bot, text_event(THANKS))
        moment = conversation.touch()
        survey.close("AGENT", "Skipped" if skipped else "Completed", moment)
        self._finish(conversation, conversation.close_reason or "AGENT", moment)

    def _ask(self, conversation: Conversation, survey: Dialog) -> Event:
        question = self.account.settings.survey_questions[survey.question]
        content = {**text_event(question), "quickReplies": one_to_five(question)}
        return self._record(conversation, survey, self.agent("AGENT"), content)

    def _finish(self, conversation: Conversation, by: str, moment: int) -> None:
        conversation.stage = "CLOSE"
        conversation.close_reason = conversation.close_reason or by
        conversation.ended_ms = moment
        self._notify(conversation, None)


def agent_id(account_id: str, role: str) -> str:
    """Return the public id of the brand's person in a role."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{account_id}/{role}"))


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


def _active(identity: str, role: str) -> JsonObject:
    return {"id": identity, "role": role, "state": "ACTIVE"}
