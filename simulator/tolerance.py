"""
Requests that differ from the documents where no page says that LivePerson refuses them.

Public clients send such requests and hold whole conversations with LivePerson. They are taken here
too, and are violations all the same. An account with `refuse_undocumented` refuses them.
"""

from __future__ import annotations

from simulator.state import SimulatorState
from simulator.wire import Call


def takes(world: SimulatorState, call: Call, rule: str) -> bool:
    """Note a broken `rule` of the documents; return whether the request is served."""
    account = world.accounts.get(call.account_id)
    refuses = account is not None and account.settings.refuse_undocumented
    what_then = "refused, as the account is set to" if refuses else "taken all the same"
    world.records.violation(call, f"{rule}: {what_then}")
    return not refuses


def has_version(world: SimulatorState, call: Call, name: str, wanted: str) -> bool:
    """
    Return whether a request names the version that its page asks for in the query.

    No version is taken, with a note; another one asks for something that no page describes.
    """
    given = call.request.query.get(name)
    if given is None:
        return takes(world, call, f"query: {name} should be {wanted}")
    if given != wanted:
        world.records.violation(call, f"query: {name} must be {wanted}")
    return given == wanted


def has_content_type(world: SimulatorState, call: Call, wanted: str) -> bool:
    """Return whether a request has the content type of its page, or another that is taken."""
    given = call.request.headers.get("content-type", "")
    right = given.lower().startswith(wanted)
    return right or takes(world, call, f"header: content-type should be {wanted}")
