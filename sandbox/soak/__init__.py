"""
A soak: many people talk through the deployed system while everything around it breaks.

    shape ──▶ plan ──▶ people   consumers and agents say what the plan says
    (seed)        └──▶ trouble  LivePerson, the channel, workers and queues fail as it says
                            │
                            ▼
              record ──▶ judge ──▶ report   one verdict for each promise

The same shape gives the same plan: who says what and when, and what breaks when. The judge sees
plain values alone: what was accepted, what LivePerson and the channel have, what was spoilt.
"""
