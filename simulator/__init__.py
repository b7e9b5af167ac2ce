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

from simulator.client import LivePersonControl
from simulator.control import ControlRefused
from simulator.signing import sign
from simulator.simulator import SimulatedLivePerson

__all__ = ["ControlRefused", "LivePersonControl", "SimulatedLivePerson", "sign"]
