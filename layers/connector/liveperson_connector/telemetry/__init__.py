"""
What an operator sees.

======== =====================================================================
outcomes the context of a message (its correlation id) and the words for what happened
logs     JSON lines, and metrics in CloudWatch's embedded format (EMF)
======== =====================================================================
"""
