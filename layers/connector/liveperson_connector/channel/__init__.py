"""
How a channel speaks.

=============== ============================================================
contract        the contract itself, as data that events are validated against
consumer_events events as a channel posts them, validated
queued_events   events as they are queued between an intake and the worker
files           consumers' files, fetched or decoded
rendering       LivePerson's messages as the channel API writes them
fallback_text   structured content as plain text
callbacks       signed calls of a channel, by the Standard Webhooks specification
adapters        how each provider of a ready channel speaks, pure
provider_events what people do at a provider, as consumer events
ready_channels  a ready channel's settings
ssrf            no connections into our own network (SSRF)
=============== ============================================================
"""
