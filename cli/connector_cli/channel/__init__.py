"""
``connector channel``: the channels of accounts.

======== =====================================================================
command  the commands themselves
checks   what a channel of one's own must do, check by check
examples callbacks of every type, as the connector would post them
======== =====================================================================
"""
