"""
What LivePerson's conversation changes say: the state of a conversation after each.

https://developers.liveperson.com/connector-api-webhooks-events.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .json_fields import IDENTIFIER, NUMBER, STRING, Fields, moment, typed
from .messaging_events import CONSUMER

ASSIGNED_AGENT = "ASSIGNED_AGENT"

_PARTICIPANT: Fields = {"id": STRING, "role": STRING, "state": STRING}
_DIALOG: Fields = {
    "dialogId": STRING,
    "dialogType": STRING,
    "state": STRING,
    "participantsDetails": [_PARTICIPANT],
}
_DETAILS: Fields = {
    "stage": STRING,
    "state": STRING,
    "closeReason": STRING,
    "metaDataLastUpdateTs": NUMBER,
    "skillId": IDENTIFIER,
    "conversationHandlerDetails": {"skillId": IDENTIFIER},
    "participants": [_PARTICIPANT],
    "dialogs": [_DIALOG],
}
_CHANGE: Fields = {"type": STRING, "result": {"convId": STRING, "conversationDetails": _DETAILS}}


@dataclass(frozen=True)
class ConversationChange:
    """
    The state of a conversation. ``updated_at`` (milliseconds) orders changes of one.

    ``conversation_id`` is empty where the change names none, and says nothing then. ``updated_at``
    is 0 where the change doesn't say; ``changed_at`` is the same as a moment. A state that names
    neither its end nor that it is open leaves that as it was. ``skill_id`` is ``-1`` for
    LivePerson's "no skill", and ``None`` where nothing is said of it. ``agent_id`` is an agent who
    has joined, not one to whom it is only offered. ``survey_dialog_id`` is the survey that is open
    now. ``dialog_types`` are LivePerson's words for the types of the dialogs, by their ids
    (https://developers.liveperson.com/messaging-window-api-tutorials-post-conversation-survey-pcs.html).
    ``identities`` are empty: the time stamp tells whether it is newer than what is known.
    """

    account_id: str
    conversation_id: str
    consumer_ids: tuple[str, ...]
    is_closed: bool
    close_reason: str | None
    updated_at: int
    changed_at: datetime | None = None
    skill_id: str | None = None
    agent_id: str | None = None
    survey_dialog_id: str | None = None
    dialog_types: Mapping[str, str] = field(default_factory=dict)
    says_open: bool = False
    identities: tuple[str, ...] = ()

    @property
    def is_beginning(self) -> bool:
        """Whether no agent has joined yet: it is a new conversation, most likely."""
        return self.agent_id is None and not self.is_closed


def read_conversation_change(account_id: str, raw: object) -> ConversationChange:
    """Read the raw change of a conversation."""
    change = typed(raw, _CHANGE)
    details = change["result"]["conversationDetails"]
    dialogs, participants = details["dialogs"], details["participants"]
    stage = _stage(change, details)
    updated_at = details.get("metaDataLastUpdateTs", 0)
    return ConversationChange(
        account_id=account_id,
        conversation_id=change["result"].get("convId", ""),
        consumer_ids=tuple(_with_role(CONSUMER, participants)),
        is_closed=stage == "CLOSE",
        says_open=stage == "OPEN",
        close_reason=details.get("closeReason") or None,
        updated_at=updated_at,
        changed_at=moment(updated_at),
        skill_id=_skill(details),
        agent_id=_agent(participants, dialogs),
        survey_dialog_id=next(iter(_types(filter(_is_open_survey, dialogs))), None),
        dialog_types=_types(dialogs),
    )


def _stage(change: Mapping[str, Any], details: Mapping[str, Any]) -> str | None:
    # ``stage`` is the whole conversation; ``state`` only its main dialog, after which a survey
    # may still run. The form of 2018 has no ``stage``.
    if change.get("type") == "DELETE":
        return "CLOSE"
    return details.get("stage") or details.get("state")


def _skill(details: Mapping[str, Any]) -> str | None:
    places = (details, details["conversationHandlerDetails"])
    named = (str(each["skillId"]) for each in places if "skillId" in each)
    return next((each for each in named if each), None)


def _agent(participants: list[dict[str, Any]], dialogs: list[dict[str, Any]]) -> str | None:
    """Return the agent who has joined: an agent whose state is SUGGESTED has not yet."""
    takes_part = [
        each
        for dialog in dialogs
        if not _is_survey(dialog)
        for each in dialog["participantsDetails"]
    ]
    offered = _with_role(
        ASSIGNED_AGENT, [each for each in takes_part if each.get("state") == "SUGGESTED"]
    )
    agents = _with_role(ASSIGNED_AGENT, [*takes_part, *participants])
    return next((agent for agent in agents if agent not in offered), None)


def _with_role(role: str, participants: Iterable[Mapping[str, Any]]) -> list[str]:
    return [each["id"] for each in participants if each.get("role") == role and each.get("id")]


def _is_survey(dialog: Mapping[str, Any]) -> bool:
    return dialog.get("dialogType") == "POST_SURVEY"


def _is_open_survey(dialog: Mapping[str, Any]) -> bool:
    return _is_survey(dialog) and dialog.get("state") == "OPEN"


def _types(dialogs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {
        each["dialogId"]: each["dialogType"]
        for each in dialogs
        if each.get("dialogId") and each.get("dialogType")
    }
