"""
Who may call: the checks of the Connector API's authorization page, in its order.

Missing AppJWT 40105, missing ConsumerJWS 40104, invalid AppJWT 40102, AppJWT without mandatory
claims 40001 (HTTP 400), invalid ConsumerJWS 40103.
"""

from __future__ import annotations

from simulator import tokens
from simulator.calls import Call, JsonObject
from simulator.http_server import Answer, Refused
from simulator.model import Account
from simulator.state import SimulatorState

ERRORS = {
    40001: ("Missing parameter", "Brand Id is missing"),
    40102: ("Invalid AppJWT", "AppJWT has expired or is invalid"),
    40103: ("Invalid ConsumerJWS", "ConsumerJWS is invalid"),
    40104: ("ConsumerJWS is missing", "X_ON_BEHALF_HEADER is not present"),
    40105: ("AppJWT is missing", "AUTHORIZATION header is not present"),
}


def app(state: SimulatorState, call: Call) -> Account:
    """Return the account the AppJWT is for, or refuse."""
    token = call.request.headers.get("authorization")
    if not token:
        state.records.violation(call, "header: no Authorization")
        raise Refused(error(_missing(state, call, 40105)))
    return _checked(state, call, token)


def app_and_consumer(state: SimulatorState, call: Call) -> tuple[Account, str]:
    """Return the account and the `lp_consumer_id` the two tokens are for, or refuse."""
    token, consumer = (call.request.headers.get(n) for n in ("authorization", "x-lp-on-behalf"))
    if not token:
        state.records.violation(call, "header: no Authorization")
        raise Refused(error(_missing(state, call, 40105)))
    if not consumer:
        state.records.violation(call, "header: no X-LP-ON-BEHALF")
        raise Refused(error(_missing(state, call, 40104)))
    account = _checked(state, call, token)
    try:
        return account, tokens.read_consumer_jws(account, consumer)
    except tokens.BadToken:
        raise Refused(error(40103)) from None


def _checked(state: SimulatorState, call: Call, token: str) -> Account:
    if token.lower().startswith("bearer "):
        state.records.violation(call, "header: Authorization carries the AppJWT without Bearer")
    account = state.accounts.get(call.account_id)
    if account is None:
        raise Refused(error(40102))
    try:
        tokens.check_app_jwt(account, token)
    except tokens.BadToken:
        raise Refused(error(40102)) from None
    except tokens.MissingClaims:
        raise Refused(error(40001)) from None
    return account


def _missing(state: SimulatorState, call: Call, code: int) -> int:
    """Return the code for a missing header, exchanged if the account says so."""
    account = state.accounts.get(call.account_id)
    swapped = account is not None and account.settings.swap_missing_header_codes
    return {40104: 40105, 40105: 40104}[code] if swapped else code


def error(code: int) -> Answer:
    """Return the documented answer for an errorCode; its first three digits are the status."""
    title, details = ERRORS[code]
    return refusal(code // 100, title, details, code)


def refusal(status: int, title: str, details: str, code: int | None) -> Answer:
    """Return an answer in the authorization page's envelope, where `code` is always 401."""
    body: JsonObject = {"title": title, "details": details}
    if code is not None:
        body["errorCode"] = code
    return Answer(status, {"kind": "resp", "code": 401, "body": body, "type": ".ReqBody$ErrorResp"})
