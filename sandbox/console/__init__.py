"""
The console: a page on which a sandbox's consumer and agent are played, and every hop is seen.

======== =====================================================================
feed     what happened, in order, for everybody who looks
watchers where it comes from: the functions' logs, LivePerson, the channel
acts     what a visitor can do on either side, and what can be made to fail
wire     what went over the wire for one hop
gallery  structured content to try, one element after the other
server   the page and its API: `GET feed` (server-sent events), `POST acts/…`
page/    the page itself: HTML, CSS and modules, without a build
======== =====================================================================

The words of a conversation reach the browser and stay in memory; no log and no file gets them.
"""

from sandbox.console.server import Console

__all__ = ["Console"]
