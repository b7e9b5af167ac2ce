"""
``connector dead-letters``: list, show, redrive and discard messages that were given up.

``queues`` reads the two dead-letter queues; ``command`` has the commands.
"""
