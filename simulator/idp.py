"""The IDP: a ConsumerJWS for the connector's own id of a consumer (authorization page)."""

from __future__ import annotations

from simulator import authorization, tokens, tolerance
from simulator.calls import Call
from simulator.http_server import Answer
from simulator.state import SimulatorState


def consumer(state: SimulatorState, call: Call) -> Answer:
    """Answer `POST …/consumer?v=1.0` with 201 and a token; the same id is the same consumer."""
    if not tolerance.has_version(state, call, "v", "1.0"):
        return Answer(400, {"error": "v must be 1.0"})
    account = authorization.app(state, call)
    identity = _ext_consumer_id(state, call)
    if identity is None:
        state.records.violation(call, 'body: must be {"ext_consumer_id": "…"} in JSON')
        return Answer(400, {"error": "ext_consumer_id is missing"})
    with account.lock:
        known = tokens.lp_consumer_id(account.account_id, identity)
        account.consumers[known] = identity
        return Answer(201, {"token": tokens.issue_consumer_jws(account, identity)})


def _ext_consumer_id(state: SimulatorState, call: Call) -> str | None:
    """Return the id in the body, or None if the request cannot be served."""
    if not tolerance.has_content_type(state, call, "application/json"):
        return None
    try:
        body = call.request.json()
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    unknown = sorted(set(body) - {"ext_consumer_id"})
    if unknown and not tolerance.takes(state, call, f"body: unknown fields {', '.join(unknown)}"):
        return None
    identity = body.get("ext_consumer_id")
    return identity if isinstance(identity, str) and identity else None
