"""
The connector: carries messages between a brand's own channel and LivePerson.

::

    functions ─▶ wiring ─▶ flows ─▶ values and errors
                   │                    ▲
                   └─▶ liveperson, channel, aws

``flows`` says what happens, ``liveperson`` how LivePerson speaks, ``channel`` how the brand's
channel speaks, ``aws`` what we stand on. Imports point as the arrows do; a test keeps it so.
"""

__version__ = "0.1.0"
