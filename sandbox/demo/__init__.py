"""
The demo: one conversation of every kind through the deployed system.

============= ================================================================
command       runs it, and shows each check as it holds
scenario      the story, scene by scene
actors        the consumer, the agent and the channel
message_types one scene for each kind of message
pictures      small pictures to send
============= ================================================================
"""
