"""
The form of a request, checked strictly by the Send API's pages.

Each check adds to `Findings`: `must` refuses (HTTP 400), `should` only warns. Both are recorded as
violations. Checks that need a conversation are in `send_api`.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from simulator.calls import JsonObject
from simulator.http_server import Request
from simulator.settings import Settings

CHAT_STATES = ("ACTIVE", "INACTIVE", "GONE", "COMPOSING", "PAUSE")
ACCEPT_STATUSES = ("ACCEPT", "READ", "ACCESS", "NACK", "ACTION")
FILE_TYPES = ("JPG", "JPEG", "PNG", "GIF")
LARGEST_FILE_BYTES = 3 * 1024 * 1024
LARGEST_PREVIEW_BYTES = 30 * 1024
URGENCIES = ("NORMAL", "URGENT", "PRIORITIZED", "CUSTOM", None)
FEATURES = [
    "AUTO_MESSAGES",
    "MULTI_DIALOG",
    "RICH_CONTENT",
    "QUICK_REPLIES",
    "PHOTO_SHARING",
    "CO_BROWSE",
    "CO_APP",
    "SECURE_FORMS",
    "FILE_SHARING",
    "MARKDOWN_HYPERLINKS",
]
CLIENT_PROPERTIES = [
    "type",
    "features",
    "appId",
    "appVersion",
    "ipAddress",
    "deviceFamily",
    "os",
    "osVersion",
    "osName",
    "integration",
    "integrationVersion",
    "browser",
    "browserVersion",
    "timeZone",
    "deviceManufacture",
    "deviceModel",
]
INFO_FIELDS = [
    "socialId",
    "ctype",
    "cstatus",
    "balance",
    "currency",
    "customerId",
    "imei",
    "userName",
    "companySize",
    "companyBranch",
    "accountName",
    "role",
    "lastPaymentDate",
    "registrationDate",
    "loginStatus",
    "storeZipCode",
    "storeNumber",
]
PERSONAL_FIELDS = ["firstname", "lastname", "age", "contacts", "gender", "company", "language"]
PROFILE_FIELDS = [
    "authenticatedData",
    "firstName",
    "lastName",
    "userId",
    "avatarUrl",
    "role",
    "backgndImgUri",
    "description",
    "privateData",
]
REQUEST_FIELDS = [
    "brandId",
    "channelType",
    "ttrDefName",
    "campaignInfo",
    "conversationContext",
    "skillId",
    "conversationId",
]
CONTEXT_FIELDS = ["type", "visitorId", "sessionId", "interactionContextId", "lang"]


@dataclass
class Findings:
    """What is wrong with a request: reasons to refuse it, and warnings."""

    settings: Settings
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def must(self, ok: bool, reason: str) -> bool:
        """Refuse for `reason` unless `ok`; return `ok`."""
        if not ok:
            self.refusals.append(reason)
        return ok

    def should(self, ok: bool, reason: str) -> bool:
        """Warn of `reason` unless `ok`; return `ok`."""
        if not ok:
            self.warnings.append(reason)
        return ok

    def undocumented(self, ok: bool, reason: str) -> bool:
        """Warn of `reason` unless `ok`, or refuse if `refuse_undocumented`; return `ok`."""
        report = self.must if self.settings.refuse_undocumented else self.should
        return report(ok, reason)

    def string_id(self, where: str, value: Any) -> None:
        """Warn of a number as an id, as published samples have; refuse anything but a string."""
        if isinstance(value, int) and not isinstance(value, bool):
            report = self.must if self.settings.refuse_numeric_ids else self.should
            report(False, f"{where}: should be a string")
        else:
            self.must(isinstance(value, str), f"{where}: must be a string")

    def known(self, where: str, value: JsonObject, names: Iterable[str]) -> None:
        """Warn of fields that no page has, or refuse them if `refuse_unknown_fields`."""
        unknown = sorted(set(value) - set(names))
        report = self.must if self.settings.refuse_unknown_fields else self.should
        report(not unknown, f"{where}: unknown fields {', '.join(unknown)}")

    def object(self, where: str, value: Any) -> JsonObject:
        """Return a JSON object, or refuse and return an empty one."""
        return value if self.must(isinstance(value, dict), f"{where}: must be an object") else {}


# The envelope


def http(findings: Findings, request: Request) -> None:
    """Check version and content type, the same for both endpoints."""
    findings.must(request.query.get("v", "3") == "3", "query: v must be 3")
    findings.undocumented("v" in request.query, "query: v should be 3")
    right = request.headers.get("content-type", "").lower().startswith("application/json")
    findings.undocumented(right, "header: content-type should be application/json")


def element(findings: Findings, value: JsonObject, *, metadata_allowed: bool = False) -> None:
    """Check `kind`, `id`, `type` and `body`."""
    extra = ("metadata", "encodedMetadata") if metadata_allowed else ()
    findings.known("request", value, ("kind", "id", "type", "body", *extra))
    findings.must(value.get("kind") == "req", "kind: must be req")
    _element_id(findings, value.get("id"))
    findings.must(isinstance(value.get("type"), str), "type: must be a string")
    findings.object("body", value.get("body"))


def _element_id(findings: Findings, identity: Any) -> None:
    findings.string_id("id", identity)
    fits = not isinstance(identity, str) or 1 <= len(identity) <= 64
    findings.must(fits, "id: must have 1 to 64 characters")


def client_properties(findings: Findings, request: Request) -> frozenset[str]:
    """Return the features of the Client-Properties header; warn of what is wrong with it."""
    raw = request.headers.get("client-properties")
    if raw is None:
        return frozenset()
    try:
        value = json.loads(raw)
    except ValueError:
        value = None
    if not findings.should(isinstance(value, dict), "Client-Properties: must be a JSON object"):
        return frozenset()
    findings.known("Client-Properties", value, CLIENT_PROPERTIES)
    right = value.get("type") == ".ClientProperties"
    findings.should(right, "Client-Properties: type must be .ClientProperties")
    features = value.get("features", [])
    if not findings.should(
        isinstance(features, list), "Client-Properties: features must be a list"
    ):
        return frozenset()
    unknown = [name for name in features if name not in FEATURES]
    findings.should(not unknown, f"Client-Properties: unknown features {unknown}")
    return frozenset(str(name) for name in features)


# CONVERSATION


def batch(findings: Findings, value: Any, account_id: str) -> None:
    """Check the body of CONVERSATION: first the profile, then the request, nothing else."""
    if not findings.must(isinstance(value, list), "body: must be an array"):
        return
    types = [each.get("type") if isinstance(each, dict) else None for each in value]
    right = types == ["userprofile.SetUserProfile", "cm.ConsumerRequestConversation"]
    if not findings.must(right, "body: must be SetUserProfile, then ConsumerRequestConversation"):
        return
    for each in value:
        element(findings, each)
    different = value[0].get("id") != value[1].get("id")
    findings.should(different, "id: both elements have the same")
    profile(findings, value[0].get("body"))
    conversation_request(findings, value[1].get("body"), account_id)


def profile(findings: Findings, value: Any) -> None:
    """Check the body of SetUserProfile."""
    body = findings.object("SetUserProfile", value)
    findings.known("SetUserProfile", body, PROFILE_FIELDS)
    data = findings.object("authenticatedData", body.get("authenticatedData", {}))
    findings.known("authenticatedData", data, ("lp_sdes",))
    sdes = data.get("lp_sdes", [])
    if findings.must(isinstance(sdes, list), "lp_sdes: must be an array"):
        for each in sdes:
            _sde(findings, findings.object("lp_sdes", each))


def _sde(findings: Findings, value: JsonObject) -> None:
    kind = value.get("type")
    if kind == "ctmrinfo":
        findings.known("ctmrinfo", value, ("type", "info"))
        findings.known("info", findings.object("info", value.get("info")), INFO_FIELDS)
    elif kind == "personal":
        findings.known("personal", value, ("type", "personal"))
        inner = findings.object("personal", value.get("personal"))
        findings.known("personal", inner, PERSONAL_FIELDS)
        contacts = inner.get("contacts", [])
        if findings.must(isinstance(contacts, list), "contacts: must be an array"):
            for each in contacts:
                contact = findings.object("contacts", each)
                findings.known("contacts", contact, ("email", "phone", "phoneType", "address"))
        gender = inner.get("gender")
        allowed = gender in (None, "MALE", "FEMALE", "OTHER")
        findings.must(allowed, "personal: gender must be MALE, FEMALE or OTHER")
    else:
        findings.must(False, "lp_sdes: only ctmrinfo and personal are supported")


def conversation_request(findings: Findings, value: Any, account_id: str) -> None:
    """Check the body of ConsumerRequestConversation."""
    body = findings.object("ConsumerRequestConversation", value)
    findings.known("ConsumerRequestConversation", body, REQUEST_FIELDS)
    findings.string_id("brandId", body.get("brandId"))
    findings.must(str(body.get("brandId")) == account_id, "brandId: must be the account id")
    channel = body.get("channelType")
    findings.should(channel is not None, "channelType: should be sent, as the newest page says")
    findings.must(channel in (None, "MESSAGING"), "channelType: must be MESSAGING")
    findings.must(body.get("ttrDefName") in URGENCIES, "ttrDefName: unknown")
    findings.string_id("skillId", body.get("skillId", "-1"))
    campaign = findings.object("campaignInfo", body.get("campaignInfo", {}))
    findings.known("campaignInfo", campaign, ("campaignId", "engagementId"))
    for name, identity in campaign.items():
        findings.string_id(f"campaignInfo: {name}", identity)
    context = findings.object("conversationContext", body.get("conversationContext", {}))
    findings.known("conversationContext", context, CONTEXT_FIELDS)
    shark = not context or context.get("type") == "SharkContext"
    findings.must(shark, "conversationContext: type must be SharkContext")


# SEND


def event(findings: Findings, value: Any) -> None:
    """Check the event of a PublishEvent."""
    body = findings.object("event", value)
    check = {
        "ContentEvent": _content,
        "ChatStateEvent": _chat_state,
        "AcceptStatusEvent": _accept_status,
        "RichContentEvent": _rich_content,
    }.get(str(body.get("type")))
    if check is None:
        findings.must(False, f"event: unknown type {body.get('type')!r}")
    else:
        check(findings, body)


def _content(findings: Findings, body: JsonObject) -> None:
    findings.known("event", body, ("type", "contentType", "message"))
    message = body.get("message")
    if body.get("contentType") == "text/plain":
        fits = isinstance(message, str) and message != ""
        findings.must(fits, "message: must be a string, and not empty")
    elif body.get("contentType") == "hosted/file":
        _hosted_file(findings, findings.object("message", message))
    else:
        findings.must(False, "contentType: must be text/plain or hosted/file")


def _hosted_file(findings: Findings, message: JsonObject) -> None:
    findings.known("message", message, ("caption", "relativePath", "fileType", "preview"))
    findings.must(isinstance(message.get("relativePath"), str), "relativePath: is mandatory")
    findings.must(message.get("fileType") in FILE_TYPES, f"fileType: one of {FILE_TYPES}")
    findings.should("caption" in message, "caption: the schema requires one")
    preview = message.get("preview", "")
    fits = isinstance(preview, str) and len(preview) < LARGEST_PREVIEW_BYTES
    findings.must(fits, "preview: must be below 30 KB")


def _chat_state(findings: Findings, body: JsonObject) -> None:
    findings.known("event", body, ("type", "chatState"))
    findings.must(body.get("chatState") in CHAT_STATES, f"chatState: one of {CHAT_STATES}")


def _accept_status(findings: Findings, body: JsonObject) -> None:
    findings.known("event", body, ("type", "status", "sequenceList"))
    findings.must(body.get("status") in ACCEPT_STATUSES, f"status: one of {ACCEPT_STATUSES}")
    numbers = body.get("sequenceList")
    whole = isinstance(numbers, list) and all(type(each) is int for each in numbers)
    findings.must(whole and bool(numbers), "sequenceList: must be numbers, at least one")


def _rich_content(findings: Findings, body: JsonObject) -> None:
    allowed = findings.settings.accept_rich_content
    findings.must(allowed, "event: RichContentEvent from a connector is not documented")
    findings.object("content", body.get("content"))


def metadata(findings: Findings, value: Any) -> None:
    """Check top-level metadata: a list of ExternalId and Answer objects."""
    if value is None:
        return
    if not findings.must(isinstance(value, list), "metadata: must be an array"):
        return
    for each in value:
        item = findings.object("metadata", each)
        if item.get("type") == "ExternalId":
            findings.known("metadata", item, ("type", "id"))
            identity = item.get("id")
            fits = isinstance(identity, str) and len(identity) <= 64
            findings.must(fits, "metadata: ExternalId has an id of at most 64 characters")
        elif item.get("type") == "Answer":
            findings.known("metadata", item, ("type", "questionId", "id", "provider", "groupId"))
        else:
            findings.should(False, f"metadata: type {item.get('type')!r} is not for connectors")


def encoded_metadata(findings: Findings, value: Any) -> None:
    """Check `encodedMetadata`: Base64 of at most 5 kB."""
    if value is None:
        return
    try:
        fits = len(base64.b64decode(value, validate=True)) <= 5_000
    except (TypeError, ValueError, binascii.Error):
        fits = False
    findings.must(fits, "encodedMetadata: must be Base64 of at most 5 kB")


def conversation_field(findings: Findings, value: Any) -> JsonObject:
    """Check a `conversationField`, one object or an array of one; return the object."""
    if isinstance(value, list):
        findings.must(len(value) == 1, "conversationField: an array must have one element")
        value = value[0] if value else None
    body = findings.object("conversationField", value)
    check = {
        "ConversationStateField": _state_field,
        "Stage": _state_field,
        "DialogChange": _dialog_change,
        "CSATRate": _csat,
        "TTRField": _ttr,
    }.get(str(body.get("field")))
    if check is None:
        findings.must(False, f"conversationField: unknown field {body.get('field')!r}")
    else:
        check(findings, body)
    return body


def _state_field(findings: Findings, body: JsonObject) -> None:
    findings.known("conversationField", body, ("field", "conversationState"))
    findings.must(body.get("conversationState") == "CLOSE", "conversationState: must be CLOSE")


def _dialog_change(findings: Findings, body: JsonObject) -> None:
    findings.known("conversationField", body, ("field", "type", "dialog"))
    findings.must(body.get("type") == "UPDATE", "DialogChange: type must be UPDATE")
    dialog = findings.object("dialog", body.get("dialog"))
    findings.known("dialog", dialog, ("dialogId", "state", "closedCause"))
    findings.must(isinstance(dialog.get("dialogId"), str), "dialog: dialogId is mandatory")
    findings.must(dialog.get("state") == "CLOSE", "dialog: state must be CLOSE")


def _csat(findings: Findings, body: JsonObject) -> None:
    names = ("field", "csatRate", "csatResolutionConfirmation", "status")
    findings.known("conversationField", body, names)
    status = body.get("status")
    findings.must(status in ("FILLED", "PARTIALLY_FILLED", "SKIPPED"), "CSATRate: unknown status")
    rate = body.get("csatRate")
    rated = type(rate) is int and 1 <= rate <= 5
    findings.must(rated or (rate is None and status != "FILLED"), "csatRate: must be 1 to 5")
    solved = body.get("csatResolutionConfirmation")
    findings.must(solved in (None, True, False), "csatResolutionConfirmation: must be a boolean")


def _ttr(findings: Findings, body: JsonObject) -> None:
    findings.known("conversationField", body, ("field", "ttrType", "value"))
    findings.must(body.get("ttrType") in URGENCIES[:4], "ttrType: unknown")
    value = body.get("value", 0)
    findings.must(type(value) is int and value >= 0, "value: must be seconds")


def upload(findings: Findings, body: JsonObject) -> None:
    """Check the body of GenerateURLForUploadFile; the size is a string of bytes."""
    findings.known("body", body, ("fileSize", "fileType"))
    findings.must(body.get("fileType") in FILE_TYPES, f"fileType: one of {FILE_TYPES}")
    size = body.get("fileSize")
    findings.should(isinstance(size, str), "fileSize: should be a string")
    digits = str(size).isascii() and str(size).isdigit()
    fits = digits and 0 < int(str(size)) <= LARGEST_FILE_BYTES
    findings.must(fits, "fileSize: must be 1 byte to 3 MB")


def download(findings: Findings, body: JsonObject) -> None:
    """Check the body of GenerateURLForDownloadFile."""
    findings.known("body", body, ("relativePath",))
    findings.must(isinstance(body.get("relativePath"), str), "relativePath: is mandatory")
