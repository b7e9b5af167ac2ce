"""
The form of webhooks: LivePerson's JSON for an event, and for the state of a conversation.

From the webhook events page and its examples: `ms` for events, `cqm` for conversations, both as
`{"kind", "body": {"changes": […]}, "type"}`.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

from simulator.calls import JsonObject
from simulator.model import ALL, MAIN, Account, Conversation, Dialog, Event, now_ms
from simulator.settings import Settings

MS = "ms.MessagingEventNotification"
CQM = "cqm.ExConversationChangeNotification"


@dataclass(eq=False)
class Notification:
    """One or more changes for the app, with the state of their delivery."""

    account: Account
    conversation_id: str
    kind: str
    topic: str
    changes: list[JsonObject] = field(repr=False)
    queued_at: float = 0.0
    attempts: int = 0
    faulted: bool = False
    copies: int = 1
    held_until: float | None = None
    stored: bool = False


def of_events(account: Account, conversation: Conversation, events: list[Event]) -> Notification:
    """Return the webhook for events of one kind in a conversation."""
    topic = f"{MS}.{events[0].content['type']}"
    changes = [_event_change(account.settings, conversation, event) for event in events]
    return Notification(account, conversation.conversation_id, MS, topic, changes)


def of_conversation(account: Account, conversation: Conversation) -> Notification:
    """Return the webhook for the state of a conversation, which is always the complete one."""
    changes = [_conversation_change(account, conversation)]
    return Notification(account, conversation.conversation_id, CQM, CQM, changes)


def envelope(settings: Settings, batch: list[Notification]) -> JsonObject:
    """Return the JSON to send for notifications of one kind."""
    kind = batch[0].kind
    body: JsonObject = {"changes": [change for each in batch for change in each.changes]}
    if settings.envelope == "subscriptionId" and kind == CQM:
        body = {"subscriptionId": _subscription(batch[0]), **body}
    if settings.envelope == "sentTs":
        body["sentTs"] = now_ms()
    if settings.unknown_fields:
        body["futureField"] = {"since": "tomorrow"}
    return {"kind": "notification", "body": body, "type": kind}


def _subscription(first: Notification) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, first.account.account_id))


def _event_change(settings: Settings, conversation: Conversation, event: Event) -> JsonObject:
    change: JsonObject = {
        "originatorId": event.originator_id,
        "originatorMetadata": {"id": event.originator_id, "role": event.role},
        "event": event.content,
        "dialogId": event.dialog_id,
    }
    if event.sequence is not None:
        change = {"sequence": event.sequence, "serverTimestamp": event.at_ms, **change}
    if not settings.omit_conversation_id:
        change["conversationId"] = conversation.conversation_id
    if event.audience != ALL or not settings.omit_audience:
        change["messageAudience"] = event.audience
    if event.metadata is not None or settings.null_metadata:
        change["metadata"] = event.metadata
    if settings.unknown_fields:
        change["futureField"] = 1
    return change


def _conversation_change(account: Account, conversation: Conversation) -> JsonObject:
    details = _details(account, conversation)
    result: JsonObject = {"convId": conversation.conversation_id, "conversationDetails": details}
    if account.settings.omit_dialogs:
        for name in ("skillId", "dialogs", "stage", "conversationHandlerDetails", "endTs"):
            details.pop(name, None)
    else:
        due = conversation.started_ms + conversation.ttr["value"] * 1000
        result["effectiveTTR"] = due if conversation.main.is_open else -1
    if account.settings.unknown_fields:
        details["futureField"] = []
    return {"type": "UPSERT", "result": result}


def _details(account: Account, conversation: Conversation) -> JsonObject:
    details: JsonObject = {
        "skillId": conversation.skill_id,
        "participants": [dict(each) for each in conversation.participants],
        "dialogs": [_dialog(account, dialog) for dialog in conversation.dialogs],
        "brandId": account.account_id,
        "state": conversation.main.state,
        "stage": conversation.stage,
        "startTs": conversation.started_ms,
        "metaDataLastUpdateTs": conversation.updated_ms,
        "ttr": dict(conversation.ttr),
        "conversationHandlerDetails": {
            "accountId": account.account_id,
            "skillId": conversation.skill_id,
        },
    }
    optional = {
        "closeReason": conversation.close_reason,
        "endTs": conversation.ended_ms,
        "csat": conversation.csat,
        "campaignInfo": conversation.request.get("campaignInfo"),
    }
    return details | {name: value for name, value in optional.items() if value is not None}


def _dialog(account: Account, dialog: Dialog) -> JsonObject:
    shape: JsonObject = {
        "dialogId": dialog.dialog_id,
        "participantsDetails": [dict(each) for each in dialog.participants],
        "dialogType": dialog.kind,
        "channelType": "MESSAGING",
        "state": dialog.state,
        "creationTs": dialog.created_ms,
        "metaDataLastUpdateTs": dialog.updated_ms,
    }
    if dialog.kind != MAIN:
        shape["metaData"] = {"appInstallId": account.client_id}
    optional = {
        "endTs": dialog.ended_ms,
        "closedBy": dialog.closed_by,
        "closedCause": dialog.closed_cause,
    }
    return shape | {name: value for name, value in optional.items() if value is not None}
