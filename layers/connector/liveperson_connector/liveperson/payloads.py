"""
Build the requests to the Send API, as values: one function per request.

The types and bodies are those of
https://developers.liveperson.com/connector-api-send-api-send.html; :mod:`.send_api` adds the
envelope.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PUBLISH = "ms.PublishEvent"


@dataclass(frozen=True)
class Request:
    """One request of the Send API."""

    type: str
    body: Mapping[str, Any]
    metadata: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Place:
    """A dialog of a conversation, where an event is published."""

    conversation_id: str
    dialog_id: str


@dataclass(frozen=True)
class Opening:
    """
    How a conversation is opened: the consumer's profile and where it is routed.

    The fields are those of the channel's ``conversation`` object (see ``docs/channel-api.md``).
    """

    profile: Mapping[str, Any] = field(default_factory=dict)
    routing: Mapping[str, Any] = field(default_factory=dict)


def text(place: Place, words: str, metadata: Sequence[Mapping[str, Any]] = ()) -> Request:
    """Publish a text."""
    event = {"type": "ContentEvent", "contentType": "text/plain", "message": words}
    return _publish(place, event, metadata)


def hosted_file(place: Place, relative_path: str, file_type: str, caption: str) -> Request:
    """Publish a file that was uploaded to ``relative_path``; LivePerson makes its preview."""
    message = {"relativePath": relative_path, "fileType": file_type, "caption": caption}
    event = {"type": "ContentEvent", "contentType": "hosted/file", "message": message}
    return _publish(place, event)


def chat_state(place: Place, state: str) -> Request:
    """Publish what the consumer is doing, for example ``COMPOSING``."""
    return _publish(place, {"type": "ChatStateEvent", "chatState": state})


def accept_status(
    place: Place,
    status: str,
    sequences: Sequence[int],
    metadata: Sequence[Mapping[str, Any]] = (),
) -> Request:
    """Publish the status of messages: ``ACCEPT``, ``READ``, ``ACCESS``, ``NACK`` or ``ACTION``."""
    event = {"type": "AcceptStatusEvent", "status": status, "sequenceList": list(sequences)}
    return _publish(place, event, metadata)


def close_dialog(conversation_id: str) -> Request:
    """Close the main dialog, so that a post-conversation survey can start."""
    dialog = {
        "dialogId": conversation_id,
        "state": "CLOSE",
        "closedCause": "Closed by consumer",
    }
    return _field(conversation_id, {"field": "DialogChange", "type": "UPDATE", "dialog": dialog})


def close_conversation(conversation_id: str) -> Request:
    """Close the whole conversation; no survey follows."""
    return _field(conversation_id, {"field": "Stage", "conversationState": "CLOSE"})


def rating(
    conversation_id: str, csat: int | None, resolved: bool | None, *, skipped: bool = False
) -> Request:
    """Rate a conversation: ``csat`` from 1 to 5, whether the matter was ``resolved``."""
    change: dict[str, Any] = {
        "field": "CSATRate",
        "status": _rating_status(csat, resolved, skipped),
    }
    if csat is not None:
        change["csatRate"] = csat
    if resolved is not None:
        change["csatResolutionConfirmation"] = resolved
    return _field(conversation_id, change)


def profile(attributes: Mapping[str, Any]) -> Request:
    """
    Set the consumer's profile: ``customer`` and ``personal``, LivePerson's engagement attributes.

    See https://developers.liveperson.com/engagement-attributes-types-of-engagement-attributes.html.
    """
    attributes_sent: list[dict[str, Any]] = []
    if customer := attributes.get("customer"):
        attributes_sent.append({"type": "ctmrinfo", "info": customer})
    if personal := attributes.get("personal"):
        attributes_sent.append({"type": "personal", "personal": personal})
    body = {"authenticatedData": {"lp_sdes": attributes_sent}} if attributes_sent else {}
    return Request("userprofile.SetUserProfile", body)


def conversation(account_id: str, routing: Mapping[str, Any]) -> Request:
    """Request a conversation, routed by a campaign or else by a skill."""
    body: dict[str, Any] = {"brandId": account_id, "channelType": "MESSAGING"}
    if urgency := routing.get("urgency"):
        body["ttrDefName"] = urgency
    if skill := routing.get("skill_id"):
        body["skillId"] = skill
    campaign = _renamed(routing, campaign_id="campaignId", engagement_id="engagementId")
    if campaign:
        body["campaignInfo"] = campaign
    context = _renamed(
        routing,
        visitor_id="visitorId",
        session_id="sessionId",
        context_id="interactionContextId",
        language="lang",
    )
    if context:
        body["conversationContext"] = {"type": "SharkContext", **context}
    return Request("cm.ConsumerRequestConversation", body)


def upload_url(size: int, file_type: str) -> Request:
    """Request an address to upload a file of ``size`` bytes; LivePerson expects it as text."""
    return Request("ms.GenerateURLForUploadFile", {"fileSize": str(size), "fileType": file_type})


def download_url(relative_path: str) -> Request:
    """Request an address where a file can be fetched for one minute."""
    return Request("ms.GenerateURLForDownloadFile", {"relativePath": relative_path})


def client_properties(features: Sequence[str]) -> str:
    """Return the ``Client-Properties`` header, with the abilities of the consumer's client."""
    properties = {"type": ".ClientProperties", "features": list(features)}
    return json.dumps(properties, separators=(",", ":"))


def _publish(
    place: Place, event: Mapping[str, Any], metadata: Sequence[Mapping[str, Any]] = ()
) -> Request:
    # Always send both ids: the second is necessary once a survey's dialog exists.
    body = {
        "conversationId": place.conversation_id,
        "dialogId": place.dialog_id,
        "event": event,
    }
    return Request(PUBLISH, body, tuple(metadata))


def _field(conversation_id: str, change: Mapping[str, Any]) -> Request:
    body = {"conversationId": conversation_id, "conversationField": change}
    return Request("cm.UpdateConversationField", body)


def _rating_status(csat: int | None, resolved: bool | None, skipped: bool) -> str:
    if skipped:
        return "SKIPPED"
    return "FILLED" if csat is not None and resolved is not None else "PARTIALLY_FILLED"


def _renamed(source: Mapping[str, Any], **names: str) -> dict[str, Any]:
    return {theirs: source[ours] for ours, theirs in names.items() if source.get(ours)}
