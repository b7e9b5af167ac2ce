"""Which service of LivePerson answers which method and path."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from simulator import agent_profiles, domains, files, idp, monitoring, send_api, sentinel, tolerance
from simulator.calls import Call
from simulator.http_server import Answer
from simulator.recorded_api import RecordedApi
from simulator.state import SimulatorState

ACCOUNT = "/api/account/{account}"
BASE_URIS = f"{ACCOUNT}/service/baseURI"
BASE_URI = f"{ACCOUNT}/service/{{name}}/baseURI"
SEND_API = f"{ACCOUNT}/messaging/consumer/conversation"
TOKEN_V1 = f"/sentinel{ACCOUNT}/app/token"
TOKEN_V2 = "/sentinel/api/v2/account/{account}/app/token"  # noqa: S105 (a path)
PROFILE = f"{ACCOUNT}/configuration/le-users/users/{{agent}}"
FILE = "/v1/AUTH_async-images/{account}/{file}"
ROUTES: list[tuple[str, str, str, Callable[[SimulatorState, Call], Answer]]] = [
    ("GET", f"{BASE_URIS}.json", "domain", domains.all_services),
    ("GET", BASE_URIS, "domain", domains.all_services),
    ("GET", f"{BASE_URI}.json", "domain", domains.one_service),
    ("GET", BASE_URI, "domain", domains.one_service),
    ("POST", TOKEN_V1, "sentinel", sentinel.token_v1),
    ("POST", TOKEN_V2, "sentinel", sentinel.token_v2),
    ("GET", "/sentinel/well-known/jwks", "sentinel", sentinel.keys),
    ("POST", f"{ACCOUNT}/consumer", "idp", idp.consumer),
    ("POST", SEND_API, "conversation", send_api.conversation),
    ("POST", f"{SEND_API}/send", "send", send_api.send),
    ("POST", f"{ACCOUNT}/app/{{app}}/engagement", "smt", monitoring.engagement),
    ("GET", PROFILE, "accdn", agent_profiles.profile),
    ("PUT", FILE, "swift", files.put),
    ("GET", FILE, "swift", files.get),
]
# Examples page: its template for files, https://{swift}/{relativePath}, doubles the slash.
DOUBLED = "path: it should begin with one slash"


def api(state: SimulatorState) -> RecordedApi:
    """Return every service, with the records and the faults of `state`."""
    routes = [
        (method, path, name, partial(_serve, state, service))
        for method, path, name, service in ROUTES
    ]
    return RecordedApi(routes, state.records, state.faults)


def _serve(
    state: SimulatorState, service: Callable[[SimulatorState, Call], Answer], call: Call
) -> Answer:
    if call.request.path.startswith("//") and not tolerance.takes(state, call, DOUBLED):
        return Answer(404, {"error": "not found"})
    return service(state, call)
