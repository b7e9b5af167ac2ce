"""
Notifications are delivered to the channel.

=========== ==================================================================
flow        what becomes of a notification as a whole
visibility  whether the consumer may see it: default deny
agent_files agents' files, copied to where the channel can fetch them
=========== ==================================================================
"""
