"""What went over the wire for one hop, as far as the partners of the sandbox have kept it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from sandbox.system import System

Shown = dict[str, Any]

SECONDS = 30.0
"""A request belongs to a hop that was logged within this time after it."""

MOST = 4

_WITH_WORDS = {"send", "conversation"}


def of_hop(
    system: System, sent: Iterable[Mapping[str, Any]], hop: Mapping[str, Any]
) -> list[Shown]:
    """Return the requests of a hop, the latest last; secrets are redacted."""
    finders = {
        "message_intake": lambda: _events(system, sent, hop),
        "outbound_messaging": lambda: _calls(system, hop),
        "webhook_intake": lambda: _webhooks(system, hop),
        "channel_delivery": lambda: _callbacks(system, hop),
    }
    find = finders.get(str(hop.get("function")))
    return find()[-MOST:] if find else []


def _events(
    system: System, sent: Iterable[Mapping[str, Any]], hop: Mapping[str, Any]
) -> list[Shown]:
    where = system.endpoints
    event_id = hop["details"].get("event_id")
    return [
        {
            "method": "POST",
            "address": f"{where.channel_api_url}/accounts/{where.account_id}/consumers/"
            f"{quote(each['consumer'], safe='')}/events",
            "headers": {"content-type": "application/json", "x-api-key": "…"},
            "body": _json(each["event"]),
            "status": each["status"],
        }
        for each in sent
        if each["event"].get("id") == event_id
    ]


def _calls(system: System, hop: Mapping[str, Any]) -> list[Shown]:
    if system.liveperson is None:
        return []
    found = system.liveperson.requests(account_id=system.account.account_id, limit=200)
    return [
        {
            "method": each["method"],
            "address": f"{system.liveperson.url}{each['path']}",
            "headers": each["headers"],
            "body": _json(each["body"]),
            "status": each["status"] or "no answer",
        }
        for each in found
        if 0 <= hop["at"] - each["at"] < SECONDS and _is_about(each, hop)
    ]


def _is_about(call: Mapping[str, Any], hop: Mapping[str, Any]) -> bool:
    conversation = hop["details"].get("conversation_id")
    if not conversation:
        return True
    return call["service"] in _WITH_WORDS and conversation in json.dumps(call["body"])


def _webhooks(system: System, hop: Mapping[str, Any]) -> list[Shown]:
    if system.liveperson is None:
        return []
    found = system.liveperson.deliveries(system.account.account_id, 50)
    return [
        {
            "method": "POST",
            "address": system.endpoints.webhook_url,
            "headers": each.get("headers", {}),
            "body": _json(each.get("body")),
            "status": each.get("status") or "no answer",
            "checks": _checks(hop),
        }
        for each in found
        if abs(hop["at"] - each.get("at", 0)) < SECONDS
    ][-1:]


def _checks(hop: Mapping[str, Any]) -> list[Shown]:
    refused = hop.get("outcome") == "untrusted_webhook"
    return [{"what": "signature over the raw bytes", "ok": not refused}]


def _callbacks(system: System, hop: Mapping[str, Any]) -> list[Shown]:
    if system.channel is None:
        return []
    details = hop["details"]
    return [
        {
            "method": "POST",
            "address": system.endpoints.channel_callback_url,
            "headers": {"content-type": "application/json", "webhook-id": each.webhook_id},
            "body": _json(each.body),
            "status": each.status or "no answer",
            "checks": [
                {"what": each.problem or "Standard Webhooks signature", "ok": not each.problem}
            ],
        }
        for each in system.channel.callbacks()
        if isinstance(each.body, dict)
        and each.body.get("conversation_id") == details.get("conversation_id")
        and each.body.get("sequence") == details.get("sequence", each.body.get("sequence"))
    ]


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) if value is not None else ""
