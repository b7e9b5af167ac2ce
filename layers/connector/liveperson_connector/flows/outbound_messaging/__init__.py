"""
Carry out consumer events at LivePerson.

=============== ================================================================
flow            what becomes of an event as a whole
sending         texts, replies and files: once, in a new conversation if need be
send_progress   the exactly-once bookkeeping of a send
requests        what an event asks of LivePerson, as steps
provider_events events of ready channels in terms of the contract
typing          typing indicators: now or never
routing         where a new conversation is routed
=============== ================================================================
"""
