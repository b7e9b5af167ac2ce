"""
A soak: many conversations through the deployed system while everything around it fails.

    Shape ──▶ plan ──▶ actors             consumers and agents act as planned
    (seed)        └──▶ fault_injection    LivePerson, the channel, workers and AWS fail as planned
                            │
                            ▼
              record ──▶ invariants ──▶ report   one verdict for each promise

The same shape gives the same plan of actions and faults. The invariants are checked on plain
values: what was accepted, what LivePerson and the channel have, which faults were applied.
"""
