"""
``connector doctor``: is everything as it should be, and if not, what mends it.

A check is a function that yields findings; it never raises for what it looks for.
"""
