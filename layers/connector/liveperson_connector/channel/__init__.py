"""
How a channel speaks.

=============== ============================================================
consumer_events what a channel sends us, and what is wrong with it
files           the bytes of consumers' files
guard           no connections into our own network
callbacks       what a channel is told, signed by the Standard Webhooks way
=============== ============================================================
"""
