"""
``connector``: the operator's command line.

::

    commands (manifest, account, doctor, …) ─▶ stack, logs, letters, parameters ─▶ AWS
                                             └▶ liveperson_connector: the layer's own code

One module a command. What a command finds out stands in values, so that ``--json`` and a person
at a terminal are told the same. Secrets come by a hidden prompt or by standard input, and are
never printed.
"""
