"""
The simulated LivePerson: every service a connector talks to, on one loopback port.

    connector ──▶ server ──┬─▶ domains      where each service is
                 faults    ├─▶ sentinel     AppJWT                 tokens
                 records   ├─▶ idp          ConsumerJWS            tokens
                           ├─▶ send_api     CONVERSATION, SEND     authorization, strict
                           ├─▶ files        signed upload and download
                           └─▶ monitoring   engagement
                                  │
                            conversations   what is open, said and closed
                                  │
    connector ◀── webhooks ◀── notifications     one lane per conversation, signed, retried
                  faults
                                  ▲
    a test or a person ──▶ control (/simulator) ──▶ agents speak, conversations close, faults

`SimulatedLivePerson` runs it in this process; `LivePersonControl` drives one in another. What it
does not simulate is said in README.md beside this file.
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
    """Load what is asked for alone: ``loopback_guard`` is used where no library is installed."""
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(import_module(f"simulator.{_HOMES[name]}"), name)
