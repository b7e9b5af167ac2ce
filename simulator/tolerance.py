"""
Requests that differ from LivePerson's pages where no page says that they are refused.

Public clients send such requests and hold whole conversations with LivePerson. The simulator serves
them too, and records a violation. An account with `refuse_undocumented` refuses them.
"""

from __future__ import annotations

from simulator.calls import Call
from simulator.state import SimulatorState


def takes(state: SimulatorState, call: Call, rule: str) -> bool:
    """Note a broken `rule` of the documents; return whether the request is served."""
    account = state.accounts.get(call.account_id)
    refuses = account is not None and account.settings.refuse_undocumented
    what_then = "refused, as the account is set to" if refuses else "taken all the same"
    state.records.violation(call, f"{rule}: {what_then}")
    return not refuses


def has_version(state: SimulatorState, call: Call, name: str, wanted: str) -> bool:
    """
    Return whether a request names the version that its page asks for in the query.

    A missing version is a violation and served; another version is refused.
    """
    given = call.request.query.get(name)
    if given is None:
        return takes(state, call, f"query: {name} should be {wanted}")
    if given != wanted:
        state.records.violation(call, f"query: {name} must be {wanted}")
    return given == wanted


def has_content_type(state: SimulatorState, call: Call, wanted: str) -> bool:
    """Return whether a request has the content type of its page, or another that is served."""
    given = call.request.headers.get("content-type", "")
    right = given.lower().startswith(wanted)
    return right or takes(state, call, f"header: content-type should be {wanted}")
