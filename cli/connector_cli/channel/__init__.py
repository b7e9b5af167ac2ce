"""
``connector channel``: the channels of accounts.

======== =====================================================================
command  the commands themselves
ready    an account's ready channels: add, list, show, try, register, remove
provider what their providers are asked
checks   what a channel of one's own must do, check by check
examples callbacks of every type, as the connector would post them
======== =====================================================================
"""
