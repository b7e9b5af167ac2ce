"""
Strict stand-ins for the providers of ready channels, one module for each kind.

A stand-in answers as the provider's API does, refuses what the provider would refuse, signs
webhooks as the provider does, and remembers what a person would see. `stand_in.py` has what all of
them share: the control API, faults, people. None of them is the provider: what was learnt from
documentation alone is said in the kind's page in `docs/channels/`.
"""

from importlib import import_module

from sandbox.providers.stand_in import StandIn

KINDS = ("line", "sinch", "telegram", "twilio", "whatsapp")
"""The kinds that have a stand-in: each is a module here that has a ``STAND_IN``."""


def stand_in(kind: str, port: int | None = 0, nth: int = 1) -> StandIn:
    """Make the ``nth`` stand-in of a kind; it answers once it is started."""
    made: StandIn = import_module(f"{__name__}.{kind}").STAND_IN(port=port, nth=nth)
    return made
