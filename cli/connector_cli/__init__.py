"""
``connector``: the operator's command line.

::

    commands (manifest, account, doctor, …) ─▶ stack, logs, dead_letters, parameters ─▶ AWS
                                             └▶ liveperson_connector: the layer's own code

One module per command. A command collects its results as values first, so that ``--json`` and the
text for a person say the same. Secrets are read from a hidden prompt or from standard input, and
are never printed.
"""
