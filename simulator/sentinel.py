"""
Sentinel: an AppJWT for the client's id and secret.

Four forms are published and accepted: 1. grant type in the query, client in the form (the newest
Connector page); 2. all in the form, v1 (OAuth page); 3. all in the query (older pages); 4. all in
the form, v2 path (OAuth page). Errors are only documented "as OAuth 2.0".
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl

from simulator import tokens, tolerance
from simulator.calls import Call, JsonObject
from simulator.http_server import Answer, Refused
from simulator.model import Account
from simulator.state import SimulatorState

FORM = "application/x-www-form-urlencoded"
FIELDS = ("client_id", "client_secret", "grant_type")


def token_v1(state: SimulatorState, call: Call) -> Answer:
    """Answer forms 1 to 3, which need `v=1.0`."""
    if not tolerance.has_version(state, call, "v", "1.0"):
        return _error(400, "invalid_request", "v must be 1.0")
    return _token(state, call)


def token_v2(state: SimulatorState, call: Call) -> Answer:
    """Answer form 4."""
    return _token(state, call)


def keys(_state: SimulatorState, _call: Call) -> Answer:
    """Answer the well-known page with the key that verifies our tokens."""
    return Answer(200, {"keys": [tokens.public_jwk()]})


def _token(state: SimulatorState, call: Call) -> Answer:
    given = _parameters(state, call)
    missing = [name for name in FIELDS if not given.get(name)]
    if missing:
        state.records.violation(call, f"missing {', '.join(missing)}")
        return _error(400, "invalid_request", f"missing {', '.join(missing)}")
    if given["grant_type"] != "client_credentials":
        state.records.violation(call, "grant_type must be client_credentials")
        return _error(400, "unsupported_grant_type", "use client_credentials")
    account = state.accounts.get(call.account_id)
    if account is None or not _is_client(account, given):
        return _error(401, "invalid_client", "client authentication failed")
    with account.lock:
        body: JsonObject = {"access_token": tokens.issue_app_jwt(account), "token_type": "Bearer"}
    if account.settings.answer_expires_in:
        body["expires_in"] = account.settings.app_jwt_life_seconds
    return Answer(200, body)


def _parameters(state: SimulatorState, call: Call) -> dict[str, str]:
    """Return the parameters of query and form; a secret in the query is a violation."""
    request = call.request
    if not tolerance.has_content_type(state, call, FORM):
        raise Refused(_error(400, "invalid_request", f"content-type must be {FORM}"))
    account = state.accounts.get(call.account_id)
    strict = account is None or account.settings.strict_secret_placement
    if strict and "client_secret" in request.query:
        state.records.violation(call, "the client secret travels in the query string")
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    unknown = sorted(set(form) - {*FIELDS, "scope"})
    if unknown:
        state.records.violation(call, f"form: unknown fields {', '.join(unknown)}")
    return {**request.query, **form}


def _is_client(account: Account, given: dict[str, str]) -> bool:
    right_id = hmac.compare_digest(given["client_id"].encode(), account.client_id.encode())
    secret = account.client_secret.encode()
    return hmac.compare_digest(given["client_secret"].encode(), secret) and right_id


def _error(status: int, word: str, description: str) -> Answer:
    return Answer(status, {"error": word, "error_description": description})
