"""
The simulated LivePerson: every service a connector calls, on one loopback port.

    connector ──▶ services ──┬─▶ domains      where each service is
                  faults     ├─▶ sentinel     AppJWT                 tokens
                  records    ├─▶ idp          ConsumerJWS            tokens
                             ├─▶ send_api     CONVERSATION, SEND     authorization
                             ├─▶ files        signed URLs            request_validation
                             └─▶ monitoring   engagement
                                    │
                              conversations   open, publish, close; the values are in `model`
                                    │
    connector ◀── webhooks ◀── notifications  one queue per conversation, signed, retried
                  faults
                                    ▲
    a test or a person ──▶ control, or rpc (/simulator)   agents speak, faults are added …

`SimulatedLivePerson` runs it in this process; `LivePersonControl` drives one in another. README.md
beside this file says how to use it and what it does not simulate.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.control import ControlRefused
    from simulator.rpc import LivePersonControl
    from simulator.signing import sign
    from simulator.simulator import SimulatedLivePerson

__all__ = ["ControlRefused", "LivePersonControl", "SimulatedLivePerson", "sign"]

_HOMES = {
    "ControlRefused": "control",
    "LivePersonControl": "rpc",
    "SimulatedLivePerson": "simulator",
    "sign": "signing",
}


def __getattr__(name: str) -> Any:
    """Import a name at its first use: `loopback_guard` is used where no library is installed."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"simulator.{_HOMES[name]}"), name)
