"""
``channel_delivery``: deliver LivePerson's notifications to the channel.

==================== ==============================================================================
flow                 read a queued notification and load what is known of it; what happens next
conversation_changes which conversations are ours, and what became of them
messages             messages, receipts and typing: whose they are, and whether they may leave
visibility           whether the consumer may see an event: default deny
notifier             all that is written to a channel goes through it; the brand's own, by callbacks
provider_notifier    the same for ready channels, by their providers' requests
agent_files          agents' files, copied to where the channel can fetch them
==================== ==============================================================================
"""
