"""
The whole system on one machine.

    channel/ (demo channel) ◀──▶ template.yaml on MiniStack ◀──▶ liveperson/ (simulated)

`python -m sandbox up` keeps it running; `python -m sandbox demo` sends one conversation through
it. `system.py` is the place where the parts meet; every other module knows one of them.
"""
