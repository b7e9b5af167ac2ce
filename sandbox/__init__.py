"""
The whole system on one machine.

    channel/ (demo channel) ◀──▶ template.yaml on MiniStack ◀──▶ simulator/ (LivePerson)

`python -m sandbox up` keeps it running, `demo` sends conversations through it, `soak` does so while
everything fails. `system.py` puts the parts together; every other module knows one of them.
"""
