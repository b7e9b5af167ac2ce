"""
Agents' public profiles, at the service `acCdnDomain`.

From the page "Get Agent Public Profile": no token, and a picture only where the agent has one.
"""

from __future__ import annotations

from simulator.calls import Call, JsonObject
from simulator.conversations import agent_id
from simulator.http_server import Answer
from simulator.state import SimulatorState

ROLES = ("ASSIGNED_AGENT", "AGENT_MANAGER", "ASSIGNED_MANAGER", "MANAGER", "AGENT", "BRAND_BOT")


def profile(state: SimulatorState, call: Call) -> Answer:
    """Answer `GET …/configuration/le-users/users/{agent}`."""
    if "authorization" in call.request.headers:
        state.records.violation(call, "Authorization: a public profile needs no token")
    account = state.accounts.get(call.account_id)
    known = {agent_id(call.account_id, role) for role in ROLES}
    if account is None or call.params["agent"] not in known:
        return Answer(404, {"error": "unknown account or user"})
    nickname, picture = account.settings.agent_nickname, account.settings.agent_picture_url
    found: JsonObject = {"employeeId": "E-7", "nickname": nickname, "fullName": f"{nickname} Agent"}
    return Answer(200, {**found, "pictureUrl": picture} if picture else found)
