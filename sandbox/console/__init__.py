"""
The console: a page on which a sandbox's consumer and agent are played, and every hop is seen.

======== =====================================================================
watchers where it comes from: the functions' logs, LivePerson, the channel
acts     what a visitor can do on either side, and what can be made to fail
wire     what went over the wire for one hop
gallery  structured content to try, one element after the other
server   the page of `console/`, and `POST acts/…`
======== =====================================================================

The words of a conversation reach the browser and stay in memory; no log and no file gets them.
"""

from sandbox.console.server import Console

__all__ = ["Console"]
