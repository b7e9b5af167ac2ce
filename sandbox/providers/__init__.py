"""
Strict stand-ins for the providers of ready channels, one module for each kind.

A stand-in answers as the provider's API does, refuses what the provider would refuse, signs
webhooks as the provider does, and remembers what a person would see. `stand_in.py` has what all of
them share: the control API, faults, people. None of them is the provider: what was learnt from
documentation alone is said in the kind's page in `docs/channels/`.
"""

from importlib import import_module
from importlib.util import find_spec

from liveperson_connector.channel.adapters import READY_KINDS
from sandbox.providers.stand_in import StandIn


def kinds() -> list[str]:
    """Return the kinds that have a stand-in."""
    return [kind for kind in READY_KINDS if find_spec(f"{__name__}.{kind}")]


def stand_in(kind: str, port: int = 0) -> StandIn:
    """Make the stand-in of a kind; it answers once it is started."""
    made: StandIn = import_module(f"{__name__}.{kind}").STAND_IN(port=port)
    return made
