"""
Consumer events are carried out at LivePerson.

========= ====================================================================
flow      what becomes of an event as a whole
sending   texts, replies and files: once, in a new conversation if need be
requests  what an event asks of LivePerson, as steps
typing    typing indicators: now or never
routing   where a new conversation is routed
========= ====================================================================
"""
