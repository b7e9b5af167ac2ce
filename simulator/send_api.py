"""
The Send API: CONVERSATION opens a conversation, SEND does one thing in it.

Tokens are checked first (`authorization`), then the form (`request_validation`), then the state: is
the conversation known, this consumer's, and open? Where the pages are silent, `settings` has a
switch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator import authorization, files
from simulator import request_validation as validation
from simulator.calls import Call, JsonObject
from simulator.conversations import ConversationService
from simulator.http_server import Answer, Refused
from simulator.model import CONSUMER, MAIN, SURVEY, Account, Conversation, Dialog, Sender
from simulator.state import SimulatorState

PROFILE_SET = {"msg": "OK User Profile set successfully"}
RESOLVED = {"msg": "OK Conversation resolved successfully"}
FIELD_SET = {"msg": "OK Conversation field updated successfully"}


@dataclass(frozen=True)
class Sending:
    """One SEND whose tokens were valid: the request, its account and its consumer."""

    state: SimulatorState
    call: Call
    account: Account
    consumer: str
    request: JsonObject

    @property
    def conversations(self) -> ConversationService:
        """The account's conversations."""
        return self.state.conversations[self.account.account_id]

    @property
    def body(self) -> JsonObject:
        """The inner body of the request."""
        body: JsonObject = self.request["body"]
        return body

    def ok(self, body: JsonObject) -> Answer:
        """Return the answer to a request that was done."""
        return Answer(200, outcome("OK", body, self.request.get("id")))

    def refuse(self, message: str, status: int = 400) -> Refused:
        """Return the refusal to raise."""
        return Refused(bad_request(self.request.get("id"), message, status))

    def note(self, reason: str) -> None:
        """Record a violation."""
        self.state.records.violation(self.call, reason)


# CONVERSATION


def conversation(state: SimulatorState, call: Call) -> Answer:
    """Open a conversation for the consumer; 400 in an array if one is open already."""
    account, consumer = authorization.app_and_consumer(state, call)
    findings = validation.Findings(account.settings)
    validation.http(findings, call.request)
    features = validation.client_properties(findings, call.request)
    batch = _json(call)
    validation.batch(findings, batch, account.account_id)
    if _reported(state, call, findings):
        return Answer(400, _all_refused(batch))
    profile, request = batch
    with account.lock:
        account.profiles[consumer] = profile["body"]
        results = [outcome("OK", PROFILE_SET, profile["id"])]
        if _has_open(account, consumer):
            return Answer(400, [*results, outcome(*_already_open(consumer), request["id"])])
        service = state.conversations[account.account_id]
        opened = service.open(consumer, request["body"], features)
    body = {"conversationId": opened.conversation_id}
    return Answer(200, [*results, outcome("OK", body, request["id"])])


def _has_open(account: Account, consumer: str) -> bool:
    return any(
        each.is_open and each.consumer_id == consumer for each in account.conversations.values()
    )


def _already_open(consumer: str) -> tuple[str, JsonObject]:
    """Return the documented refusal (how-to guide); it does not name the conversation."""
    message = (
        f"Consumer request conversation failed: User {consumer} already has open conversation. "
        "Can't open another one."
    )
    return "BAD_REQUEST", {"msg": message}


def _all_refused(batch: Any) -> list[JsonObject]:
    elements = batch if isinstance(batch, list) and batch else [batch]
    ids = [each.get("id") if isinstance(each, dict) else None for each in elements]
    return [outcome("BAD_REQUEST", {"msg": "Bad Request"}, identity) for identity in ids]


# SEND


def send(state: SimulatorState, call: Call) -> Answer:
    """Carry out one request of a consumer."""
    account, consumer = authorization.app_and_consumer(state, call)
    request = _json(call)
    findings = validation.Findings(account.settings)
    validation.http(findings, call.request)
    validation.client_properties(findings, call.request)
    request = findings.object("body", request)
    validation.element(findings, request, metadata_allowed=True)
    _check_length(findings, call, request)
    work = WORK.get(str(request.get("type")))
    findings.must(work is not None, f"type: unknown {request.get('type')!r}")
    if not findings.refusals:
        _check_inner(findings, request)
    if _reported(state, call, findings) or work is None:
        return bad_request(request.get("id"))
    with account.lock:
        return work(Sending(state, call, account, consumer, request))


def _check_inner(findings: validation.Findings, request: JsonObject) -> None:
    """Check the inner body and the metadata, by the request's type."""
    body, kind = request["body"], request["type"]
    validation.metadata(findings, request.get("metadata"))
    validation.encoded_metadata(findings, request.get("encodedMetadata"))
    if kind == "ms.PublishEvent":
        findings.known("body", body, ("dialogId", "conversationId", "event"))
        findings.must(isinstance(body.get("dialogId"), str), "dialogId: is mandatory")
        validation.event(findings, body.get("event"))
    elif kind == "cm.UpdateConversationField":
        findings.known("body", body, ("conversationId", "conversationField"))
        findings.must(isinstance(body.get("conversationId"), str), "conversationId: is mandatory")
        validation.conversation_field(findings, body.get("conversationField"))
    elif kind == "userprofile.SetUserProfile":
        validation.profile(findings, body)
    elif kind == "ms.GenerateURLForUploadFile":
        validation.upload(findings, body)
    elif kind == "ms.GenerateURLForDownloadFile":
        validation.download(findings, body)


def _check_length(findings: validation.Findings, call: Call, request: JsonObject) -> None:
    """Refuse a request that is too long; one that only a preview makes too long is noted."""
    settings, total = findings.settings, len(call.request.body.decode("utf-8", "replace"))
    limit, preview = settings.request_limit_characters, _preview_length(request)
    alone = total if settings.preview_counts else total - preview
    findings.must(alone <= limit, f"request: longer than {limit} characters")
    rule = f"request: longer than {limit} characters with the preview; no page says if it counts"
    findings.should(alone > limit or total <= limit, rule)


def _preview_length(request: JsonObject) -> int:
    """Return the length of a file's preview in characters; 0 without one."""
    body = request.get("body")
    event = body.get("event") if isinstance(body, dict) else None
    message = event.get("message") if isinstance(event, dict) else None
    preview = message.get("preview") if isinstance(message, dict) else None
    return len(preview) if isinstance(preview, str) else 0


def _publish(sending: Sending) -> Answer:
    """Publish a text, a file, a chat state or a receipt."""
    conversation, dialog = _open_place(sending)
    event = sending.body["event"]
    _fits(sending, conversation, dialog, event)
    consumer = Sender(sending.consumer, CONSUMER)
    metadata = sending.request.get("metadata")
    published = sending.conversations.publish(conversation, dialog, consumer, event, metadata)
    if dialog.kind == SURVEY and isinstance(event.get("message"), str):
        sending.conversations.survey_answered(conversation, dialog, event["message"])
    return sending.ok({"sequence": published.sequence or 0})


def _fits(sending: Sending, conversation: Conversation, dialog: Dialog, event: JsonObject) -> None:
    """Refuse an event that does not fit the dialog, and note what is only inadvisable."""
    if len(conversation.dialogs) > 1 and "conversationId" not in sending.body:
        sending.note("conversationId: is needed once there is a second dialog")
    if event["type"] == "AcceptStatusEvent":
        unknown = sorted(set(event["sequenceList"]) - set(range(dialog.next_sequence)))
        if unknown:
            sending.note(f"sequenceList: the dialog has no {unknown}")
            raise sending.refuse("Bad Request")
        if event["status"] == "ACTION" and not sending.request.get("metadata"):
            sending.note("metadata: an ACTION carries that of the element clicked")
    if event["type"] == "ChatStateEvent" and dialog.kind == SURVEY:
        sending.note("event: a survey dialog takes no chat states")
        if not sending.account.settings.accept_chat_state_in_survey:
            raise sending.refuse("Bad Request")
    if event.get("contentType") == "hosted/file":
        _file_is_there(sending, event["message"])
    auto = "AUTO_MESSAGES" in conversation.features
    if auto and "AUTO_MESSAGES" not in sending.call.request.headers.get("client-properties", ""):
        sending.note("Client-Properties: AUTO_MESSAGES belongs on every SEND")


def _file_is_there(sending: Sending, message: JsonObject) -> None:
    file = sending.account.files.get(message["relativePath"])
    if file is None or file.content is None:
        sending.note("relativePath: no file was uploaded there")
        raise sending.refuse("Bad Request")
    if file.owner != sending.consumer:
        raise _not_theirs(sending)
    if file.file_type != message["fileType"]:
        sending.note("fileType: differs from what was announced")
        raise sending.refuse("Bad Request")


def _update_field(sending: Sending) -> Answer:
    """Close a conversation or a dialog, or set its rating or urgency."""
    conversation, _ = _place(sending, sending.body["conversationId"])
    given = sending.body["conversationField"]
    value = given[0] if isinstance(given, list) else given
    if value["field"] == "CSATRate":
        csat = {name: each for name, each in value.items() if name != "field"}
        sending.conversations.change(conversation, csat=csat)
        return sending.ok(FIELD_SET)
    if value["field"] == "TTRField":
        ttr = {"ttrType": value["ttrType"], "value": value.get("value", 600)}
        sending.conversations.change(conversation, ttr=ttr)
        return sending.ok(FIELD_SET)
    return _close(sending, conversation, value)


def _close(sending: Sending, conversation: Conversation, value: JsonObject) -> Answer:
    """Close the whole conversation, or one dialog, after which a survey may follow."""
    dialog = _dialog_to_close(sending, conversation, value)
    if not conversation.is_open or not dialog.is_open:
        status = sending.account.settings.close_closed_status
        if status == 200:
            return sending.ok(RESOLVED)
        raise sending.refuse("Bad Request", status)
    if value["field"] == "DialogChange" and dialog.kind == MAIN:
        cause = value["dialog"].get("closedCause")
        sending.conversations.close_main(conversation, CONSUMER, cause)
    else:
        sending.conversations.close(conversation, CONSUMER, "Closed by consumer")
    return sending.ok(RESOLVED)


def _dialog_to_close(sending: Sending, conversation: Conversation, value: JsonObject) -> Dialog:
    """Return the dialog to close: the named one, or the open one."""
    if value["field"] != "DialogChange":
        return conversation.open_dialog or conversation.main
    named = value["dialog"]["dialogId"]
    found = next((each for each in conversation.dialogs if each.dialog_id == named), None)
    if found is None:
        sending.note("dialogId: not a dialog of this conversation")
        raise sending.refuse("Bad Request")
    return found


def _set_profile(sending: Sending) -> Answer:
    """Change the consumer's engagement attributes."""
    sending.account.profiles[sending.consumer] = sending.body
    return sending.ok(PROFILE_SET)


def _upload_url(sending: Sending) -> Answer:
    """Give a URL to upload a file of the announced size and type."""
    account, body = sending.account, sending.body
    if not account.settings.file_sharing:
        raise sending.refuse("Bad Request")
    file = files.announce(account, sending.consumer, body["fileType"], int(body["fileSize"]))
    return sending.ok(files.signed_url(account, "PUT", file.path))


def _download_url(sending: Sending) -> Answer:
    """Give a URL to fetch a file of the consumer's conversations."""
    file = sending.account.files.get(sending.body["relativePath"])
    if file is None:
        sending.note("relativePath: no such file")
        raise sending.refuse("Bad Request")
    if file.owner != sending.consumer:
        raise _not_theirs(sending)
    return sending.ok(files.signed_url(sending.account, "GET", file.path))


WORK: dict[str, Callable[[Sending], Answer]] = {
    "ms.PublishEvent": _publish,
    "cm.UpdateConversationField": _update_field,
    "userprofile.SetUserProfile": _set_profile,
    "ms.GenerateURLForUploadFile": _upload_url,
    "ms.GenerateURLForDownloadFile": _download_url,
}


# Where it goes


def _open_place(sending: Sending) -> tuple[Conversation, Dialog]:
    """Return the open dialog to publish to, or refuse."""
    conversation, dialog = _place(sending, sending.body["dialogId"])
    named = sending.body.get("conversationId", conversation.conversation_id)
    if named != conversation.conversation_id:
        sending.note("dialogId: not a dialog of this conversation")
        raise sending.refuse("Bad Request")
    if not dialog.is_open:
        settings = sending.account.settings
        raise sending.refuse(settings.closed_message, settings.closed_status)
    return conversation, dialog


def _place(sending: Sending, dialog_id: str) -> tuple[Conversation, Dialog]:
    """Return a dialog of this consumer; refuse one that is unknown, too new or another's."""
    place = sending.account.dialogs.get(dialog_id)
    settings = sending.account.settings
    if place is None or time.monotonic() < place[0].usable_at:
        message, status = (
            settings.unknown_conversation_message,
            settings.unknown_conversation_status,
        )
        raise sending.refuse(message, status)
    if place[0].consumer_id != sending.consumer:
        raise _not_theirs(sending)
    return place


def _not_theirs(sending: Sending) -> Refused:
    """Return the 401 for another consumer's conversation; its errorCode is unpublished."""
    code = sending.account.settings.foreign_consumer_error_code
    sending.note("the conversation or file is another consumer's")
    details = "The consumer does not take part in this conversation"
    return Refused(authorization.refusal(401, "Unauthorized", details, code))


def _json(call: Call) -> Any:
    try:
        return call.request.json()
    except ValueError:
        return None


def _reported(state: SimulatorState, call: Call, findings: validation.Findings) -> bool:
    """Record what was found; return whether the request is refused."""
    for reason in (*findings.refusals, *findings.warnings):
        state.records.violation(call, reason)
    return bool(findings.refusals)


def bad_request(req_id: object, message: str = "Bad Request", status: int = 400) -> Answer:
    """Return the Send API's answer to a request it does not accept (how-to guide)."""
    return Answer(status, outcome("BAD_REQUEST", {"msg": message}, req_id))


def outcome(code: str, body: JsonObject, req_id: object) -> JsonObject:
    """Return one result object; `reqId` is a string even if the id was a number (examples page)."""
    return {"code": code, "body": body, "reqId": "" if req_id is None else str(req_id)}
