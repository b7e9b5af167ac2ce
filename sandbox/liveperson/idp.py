"""The IDP: a ConsumerJWS for the connector's own id of a consumer (authorization page)."""

from __future__ import annotations

from sandbox.liveperson import authorization, tokens
from sandbox.liveperson.wire import Answer, Call
from sandbox.liveperson.world import World


def consumer(world: World, call: Call) -> Answer:
    """Answer `POST …/consumer?v=1.0` with 201 and a token; the same id is the same consumer."""
    if call.request.query.get("v") != "1.0":
        world.records.violation(call, "query: v must be 1.0")
        return Answer(400, {"error": "v must be 1.0"})
    account = authorization.app(world, call)
    identity = _ext_consumer_id(call)
    if identity is None:
        world.records.violation(call, 'body: must be {"ext_consumer_id": "…"} in JSON')
        return Answer(400, {"error": "ext_consumer_id is missing"})
    with account.lock:
        known = tokens.lp_consumer_id(account.account_id, identity)
        account.consumers[known] = identity
        return Answer(201, {"token": tokens.issue_consumer_jws(account, identity)})


def _ext_consumer_id(call: Call) -> str | None:
    if not call.request.headers.get("content-type", "").startswith("application/json"):
        return None
    try:
        body = call.request.json()
    except ValueError:
        return None
    identity = body.get("ext_consumer_id") if isinstance(body, dict) else None
    alone = isinstance(body, dict) and set(body) == {"ext_consumer_id"}
    return identity if alone and isinstance(identity, str) and identity else None
