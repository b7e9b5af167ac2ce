"""
``connector doctor``: check whether everything is as it should be, and say how to fix what is not.

A check is a function that yields findings; it never raises for what it looks for.
"""
