"""
How a channel speaks.

=============== ============================================================
contract        the contract itself, as data that events are checked against
consumer_events what a channel sends us, and what is wrong with it
files           the bytes of consumers' files
rendering       what was said at LivePerson, as a channel is told it
fallback_text   structured content as plain text
callbacks       how a channel is told, signed by the Standard Webhooks way
adapters        how each provider of a ready channel speaks, pure
provider_events what people do at a provider, as consumer events
ready_channels  a ready channel's settings
ssrf            no connections into our own network (SSRF)
=============== ============================================================
"""
