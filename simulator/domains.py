"""
The Domain API: which base URI each service of an account has.

Its page prints an array for both forms; what answers in practice is one object for one service
and `{"baseURIs": […]}` for all. Our base URIs carry their scheme, for we are plain HTTP.
"""

from __future__ import annotations

from simulator import tolerance
from simulator.accounts import Account
from simulator.state import SimulatorState
from simulator.wire import Answer, Call, JsonObject, Refused

SERVICES = (
    "sentinel",
    "idp",
    "asyncMessagingEnt",
    "swift",
    "smt",
    "accountConfigReadWrite",
    "agentVep",
    "msgHist",
)


def one_service(world: SimulatorState, call: Call) -> Answer:
    """Answer `GET …/service/{name}/baseURI.json`; names are case sensitive."""
    account = _account(world, call)
    name = call.params["name"]
    if name not in SERVICES:
        world.records.violation(call, f"unknown service {name!r} (names are case sensitive)")
        return Answer(account.settings.unknown_service_status, {"error": "unknown service"})
    return Answer(200, _entry(world, account, name))


def all_services(world: SimulatorState, call: Call) -> Answer:
    """Answer `GET …/service/baseURI.json`."""
    account = _account(world, call)
    return Answer(200, {"baseURIs": [_entry(world, account, name) for name in SERVICES]})


def _account(world: SimulatorState, call: Call) -> Account:
    if not tolerance.has_version(world, call, "version", "1.0"):
        raise Refused(Answer(400, {"error": "version must be 1.0"}))
    rule = "path: it should end in baseURI.json"
    if not (call.params["extension"] or tolerance.takes(world, call, rule)):
        raise Refused(Answer(404, {"error": "not found"}))
    account = world.accounts.get(call.account_id)
    if account is None:
        raise Refused(Answer(world.unknown_account_status, {"error": "unknown account"}))
    return account


def _entry(world: SimulatorState, account: Account, name: str) -> JsonObject:
    base = account.settings.base_uris.get(name, world.url)
    return {"service": name, "account": account.account_id, "baseURI": base}
