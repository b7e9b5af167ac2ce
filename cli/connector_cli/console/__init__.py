"""
``connector console``: the flight recorder of a deployed stack, as a page for support staff.

========= ======================================================================
command   serves the page until Ctrl-C
recorder  what the page may ask: where a message went, and what fails now
failing   what fails now, and since when
========= ======================================================================

The page is that of `console/`. It reads what ``connector trace`` and ``connector status`` read, and
can change nothing: not even dead letters are received, which would lend them to the console.
"""
