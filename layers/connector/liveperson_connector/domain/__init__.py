"""
Values and errors that every package uses; nothing here makes a call.

============== ===============================================================
accounts       an account's parameters as values
conversations  consumers, conversations, how far an event has come
queue_messages a queue's message, before it is sent and as a worker receives it
outages        the state of a circuit breaker
pseudonyms     the keyed hash that stands for a consumer (no PII in logs)
errors         everything that can go wrong, as a tree
clock          where time comes from
============== ===============================================================
"""
