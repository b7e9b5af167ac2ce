"""
The Send API: CONVERSATION opens a conversation, SEND does one thing in it.

Tokens are checked first (`authorization`), then the shape (`strict`), then whether it can be
done: is the conversation known, its own, and open? What the pages leave open is a switch in
`settings`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator import authorization, files
from simulator import request_validation as strict
from simulator.accounts import Account
from simulator.conversations import (
    CONSUMER,
    MAIN,
    SURVEY,
    Conversation,
    ConversationService,
    Dialog,
    Sender,
)
from simulator.state import SimulatorState
from simulator.wire import Answer, Call, JsonObject, Refused, bad_request, outcome

PROFILE_SET = {"msg": "OK User Profile set successfully"}
RESOLVED = {"msg": "OK Conversation resolved successfully"}
FIELD_SET = {"msg": "OK Conversation field updated successfully"}


@dataclass(frozen=True)
class Sending:
    """One SEND by a consumer who is who he says: what he asks, and where his things are."""

    world: SimulatorState
    call: Call
    account: Account
    consumer: str
    request: JsonObject

    @property
    def desk(self) -> ConversationService:
        """Return where the account's conversations are led."""
        return self.world.desks[self.account.account_id]

    @property
    def body(self) -> JsonObject:
        """Return the inner body of the request."""
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
        self.world.records.violation(self.call, reason)


# CONVERSATION


def conversation(world: SimulatorState, call: Call) -> Answer:
    """Open a conversation for the consumer; 400 in an array if he already has one."""
    account, consumer = authorization.app_and_consumer(world, call)
    findings = strict.Findings(account.settings)
    strict.http(findings, call.request)
    features = strict.client_properties(findings, call.request)
    batch = _json(call)
    strict.batch(findings, batch, account.account_id)
    if _reported(world, call, findings):
        return Answer(400, _all_refused(batch))
    profile, request = batch
    with account.lock:
        account.profiles[consumer] = profile["body"]
        results = [outcome("OK", PROFILE_SET, profile["id"])]
        if _has_open(account, consumer):
            return Answer(400, [*results, outcome(*_already_open(consumer), request["id"])])
        opened = world.desks[account.account_id].open(consumer, request["body"], features)
    body = {"conversationId": opened.conversation_id}
    return Answer(200, [*results, outcome("OK", body, request["id"])])


def _has_open(account: Account, consumer: str) -> bool:
    return any(
        each.is_open and each.consumer_id == consumer for each in account.conversations.values()
    )


def _already_open(consumer: str) -> tuple[str, JsonObject]:
    """Return the documented refusal (how-to guide), which does not name the conversation."""
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


def send(world: SimulatorState, call: Call) -> Answer:
    """Do the one thing a consumer asks for."""
    account, consumer = authorization.app_and_consumer(world, call)
    request = _json(call)
    findings = strict.Findings(account.settings)
    strict.http(findings, call.request)
    strict.client_properties(findings, call.request)
    request = findings.object("body", request)
    strict.element(findings, request, metadata_allowed=True)
    _check_length(findings, call, request)
    work = WORK.get(str(request.get("type")))
    findings.must(work is not None, f"type: unknown {request.get('type')!r}")
    if not findings.refusals:
        _check_inner(findings, request)
    if _reported(world, call, findings) or work is None:
        return bad_request(request.get("id"))
    with account.lock:
        return work(Sending(world, call, account, consumer, request))


def _check_inner(findings: strict.Findings, request: JsonObject) -> None:
    """Check what is inside the request, by its type."""
    body, kind = request["body"], request["type"]
    strict.metadata(findings, request.get("metadata"))
    strict.encoded_metadata(findings, request.get("encodedMetadata"))
    if kind == "ms.PublishEvent":
        findings.known("body", body, ("dialogId", "conversationId", "event"))
        findings.must(isinstance(body.get("dialogId"), str), "dialogId: is mandatory")
        strict.event(findings, body.get("event"))
    elif kind == "cm.UpdateConversationField":
        findings.known("body", body, ("conversationId", "conversationField"))
        findings.must(isinstance(body.get("conversationId"), str), "conversationId: is mandatory")
        strict.conversation_field(findings, body.get("conversationField"))
    elif kind == "userprofile.SetUserProfile":
        strict.profile(findings, body)
    elif kind == "ms.GenerateURLForUploadFile":
        strict.upload(findings, body)
    elif kind == "ms.GenerateURLForDownloadFile":
        strict.download(findings, body)


def _check_length(findings: strict.Findings, call: Call, request: JsonObject) -> None:
    """Refuse a request that is too long, and note one that is so by its file's preview alone."""
    settings, total = findings.settings, len(call.request.body.decode("utf-8", "replace"))
    limit, preview = settings.request_limit_characters, _preview_length(request)
    alone = total if settings.preview_counts else total - preview
    findings.must(alone <= limit, f"request: longer than {limit} characters")
    rule = f"request: longer than {limit} characters with the preview; no page says if it counts"
    findings.should(alone > limit or total <= limit, rule)


def _preview_length(request: JsonObject) -> int:
    """Return how long a file's preview is, in characters; 0 without one."""
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
    published = sending.desk.publish(conversation, dialog, consumer, event, metadata)
    if dialog.kind == SURVEY and isinstance(event.get("message"), str):
        sending.desk.survey_answered(conversation, dialog, event["message"])
    return sending.ok({"sequence": published.sequence or 0})


def _fits(sending: Sending, conversation: Conversation, dialog: Dialog, event: JsonObject) -> None:
    """Refuse an event that does not fit the dialog, and note what is only unwise."""
    if len(conversation.dialogs) > 1 and "conversationId" not in sending.body:
        sending.note("conversationId: is needed once there is a second dialog")
    if event["type"] == "AcceptStatusEvent":
        unknown = sorted(set(event["sequenceList"]) - dialog.numbers())
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
        raise _not_his(sending)
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
        sending.desk.change(conversation, csat=csat)
        return sending.ok(FIELD_SET)
    if value["field"] == "TTRField":
        ttr = {"ttrType": value["ttrType"], "value": value.get("value", 600)}
        sending.desk.change(conversation, ttr=ttr)
        return sending.ok(FIELD_SET)
    return _close(sending, conversation, value)


def _close(sending: Sending, conversation: Conversation, value: JsonObject) -> Answer:
    """Close as asked: everything, or one dialog so that a survey may follow."""
    dialog = _dialog_to_close(sending, conversation, value)
    if not conversation.is_open or not dialog.is_open:
        status = sending.account.settings.close_closed_status
        if status == 200:
            return sending.ok(RESOLVED)
        raise sending.refuse("Bad Request", status)
    if value["field"] == "DialogChange" and dialog.kind == MAIN:
        cause = value["dialog"].get("closedCause")
        sending.desk.close_main(conversation, CONSUMER, cause)
    else:
        sending.desk.close(conversation, CONSUMER, "Closed by consumer")
    return sending.ok(RESOLVED)


def _dialog_to_close(sending: Sending, conversation: Conversation, value: JsonObject) -> Dialog:
    """Return the dialog that is meant: the named one, or the one that is open."""
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
        raise _not_his(sending)
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
    """Return the open dialog a publish is meant for, or refuse."""
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
    """Return a dialog of this consumer, or refuse what is unknown, too new or another's."""
    place = sending.account.dialogs.get(dialog_id)
    settings = sending.account.settings
    if place is None or time.monotonic() < place[0].usable_at:
        message, status = (
            settings.unknown_conversation_message,
            settings.unknown_conversation_status,
        )
        raise sending.refuse(message, status)
    if place[0].consumer_id != sending.consumer:
        raise _not_his(sending)
    return place


def _not_his(sending: Sending) -> Refused:
    """Return the 401 for what belongs to another consumer; its errorCode is unpublished."""
    code = sending.account.settings.foreign_consumer_error_code
    sending.note("the conversation or file is another consumer's")
    details = "The consumer does not take part in this conversation"
    return Refused(authorization.refusal(401, "Unauthorized", details, code))


def _json(call: Call) -> Any:
    try:
        return call.request.json()
    except ValueError:
        return None


def _reported(world: SimulatorState, call: Call, findings: strict.Findings) -> bool:
    """Record what was found; return whether the request is refused."""
    for reason in (*findings.refusals, *findings.warnings):
        world.records.violation(call, reason)
    return bool(findings.refusals)
