"""
The demo: one conversation of every kind through the deployed system.

============= ================================================================
command       runs it; the scenes with texts
scenario      scenes and checks: prints them and counts
actors        the consumer, the agent and the channel
message_types one scene for each kind of message
pictures      small pictures to send
============= ================================================================
"""
