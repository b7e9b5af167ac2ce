"""
``connector doctor``: check the stack and the accounts, and say how to fix what is wrong.

A check is a function that yields findings; it does not raise for the faults that it detects.
"""
