"""
The Monitoring API's engagement endpoint: which campaign a consumer's conversation belongs to.

It needs no token. The first answer has `vid` and `sid`, later calls send them. While the account
is loading it answers 500 with code 20 (`v=1.0`) or 202 with code 38 (`v=1.1`).
"""

from __future__ import annotations

import secrets
import time

from simulator.calls import Call, JsonObject
from simulator.http_server import Answer
from simulator.model import Account, Conversation
from simulator.state import SimulatorState
from simulator.tokens import lp_consumer_id

BODY_FIELDS = {
    "identities",
    "consumerId",
    "clientProperties",
    "entryPoints",
    "engagementAttributes",
}


def engagement(state: SimulatorState, call: Call) -> Answer:
    """Answer `POST …/app/{client_id}/engagement`: 201 for a new session, 200 for a known one."""
    version = call.request.query.get("v")
    if version not in ("1.0", "1.1"):
        state.records.violation(call, "query: v must be 1.0 or 1.1")
        return _error(400, 5, "v must be 1.0 or 1.1")
    account = state.accounts.get(call.account_id)
    if account is None or call.params["app"] != account.client_id:
        return _error(404, 37, "unknown account or app")
    body = _body(call)
    if body is None:
        state.records.violation(call, "body: must be a JSON object")
        return _error(400, 33, "body must be a JSON object")
    for reason in _complaints(body):
        state.records.violation(call, reason)
    with account.lock:
        return _answer(account, call, version, body)


def _answer(account: Account, call: Call, version: str, body: JsonObject) -> Answer:
    query = call.request.query
    visit = (query.get("vid", ""), query.get("sid", ""))
    if _loading(account):
        visitor = visit[0] or secrets.token_urlsafe(12)
        message = f"Loading account: {account.account_id}, vid: {visitor}"
        return _error(500, 20, message) if version == "1.0" else _error(202, 38, message)
    known = visit in account.visits
    if not known:
        visit = (visit[0] or secrets.token_urlsafe(12), secrets.token_urlsafe(16))
        account.visits.add(visit)
    session: JsonObject = {
        "sessionId": visit[1],
        "visitorId": visit[0],
        "pageId": str(secrets.randbelow(10**10)),
    }
    details = _details(account, body)
    if details is not None:
        session["engagementDetails"] = [details]
    return Answer(200 if known else 201, session)


def _loading(account: Account) -> bool:
    if account.settings.monitoring != "loading":
        return False
    account.loading_answers += 1
    allowed = account.settings.loading_times
    return allowed is None or account.loading_answers <= allowed


def _details(account: Account, body: JsonObject) -> JsonObject | None:
    """Return the engagement, the conversation that is open instead, or None without either."""
    if account.settings.monitoring == "none":
        return None
    details: JsonObject = {
        "campaignId": account.settings.campaign_id,
        "engagementId": account.settings.engagement_id,
        "engagementRevision": 21,
        "connectorId": 2642324112,
    }
    open_now = _open_conversation(account, body)
    if open_now is not None:
        return {**details, "conversationId": open_now.conversation_id, "status": "conversation"}
    return {**details, "contextId": "1", "status": "expose"}


def _open_conversation(account: Account, body: JsonObject) -> Conversation | None:
    given = body.get("identities")
    people = given if isinstance(given, list) else []
    identities = [each.get("sub") for each in people if isinstance(each, dict)]
    names = [name for name in (body.get("consumerId"), *identities) if isinstance(name, str)]
    wanted = {lp_consumer_id(account.account_id, name) for name in names}
    return next(
        (
            each
            for each in account.conversations.values()
            if each.is_open and each.consumer_id in wanted
        ),
        None,
    )


def _body(call: Call) -> JsonObject | None:
    if not call.request.body:
        return {}
    try:
        body = call.request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _complaints(body: JsonObject) -> list[str]:
    """Return what is wrong with a body; all of its fields are optional."""
    found = []
    if set(body) - BODY_FIELDS:
        found.append(f"body: unknown fields {', '.join(sorted(set(body) - BODY_FIELDS))}")
    for name in ("identities", "entryPoints", "engagementAttributes"):
        if not isinstance(body.get(name, []), list):
            found.append(f"{name}: must be an array")
    return found


def _error(status: int, code: int, message: str) -> Answer:
    moment = int(time.time() * 1000)
    return Answer(status, {"time": moment, "message": message, "internalCode": code})
