"""
The Domain API: which base URI each service of an account has.

Its page prints an array for both forms; in practice the answer is one object for one service and
`{"baseURIs": […]}` for all. The simulator's base URIs carry their scheme, since it is plain HTTP.
"""

from __future__ import annotations

from simulator import tolerance
from simulator.calls import Call, JsonObject
from simulator.http_server import Answer, Refused
from simulator.model import Account
from simulator.state import SimulatorState

SERVICES = (
    "sentinel",
    "idp",
    "asyncMessagingEnt",
    "swift",
    "smt",
    "acCdnDomain",
    "accountConfigReadWrite",
    "agentVep",
    "msgHist",
)


def one_service(state: SimulatorState, call: Call) -> Answer:
    """Answer `GET …/service/{name}/baseURI.json`; names are case sensitive."""
    account = _account(state, call)
    name = call.params["name"]
    if name not in SERVICES:
        state.records.violation(call, f"unknown service {name!r} (names are case sensitive)")
        return Answer(account.settings.unknown_service_status, {"error": "unknown service"})
    return Answer(200, _entry(state, account, name))


def all_services(state: SimulatorState, call: Call) -> Answer:
    """Answer `GET …/service/baseURI.json`."""
    account = _account(state, call)
    return Answer(200, {"baseURIs": [_entry(state, account, name) for name in SERVICES]})


def _account(state: SimulatorState, call: Call) -> Account:
    if not tolerance.has_version(state, call, "version", "1.0"):
        raise Refused(Answer(400, {"error": "version must be 1.0"}))
    rule = "path: it should end in baseURI.json"
    if not (call.request.path.endswith(".json") or tolerance.takes(state, call, rule)):
        raise Refused(Answer(404, {"error": "not found"}))
    account = state.accounts.get(call.account_id)
    if account is None:
        raise Refused(Answer(state.unknown_account_status, {"error": "unknown account"}))
    return account


def _entry(state: SimulatorState, account: Account, name: str) -> JsonObject:
    base = account.settings.base_uris.get(name, state.url)
    return {"service": name, "account": account.account_id, "baseURI": base}
