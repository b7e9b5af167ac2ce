"""
Building blocks that know nothing of LivePerson, channels and AWS.

================ =============================================================
cache            values by key, remembered for a while, kept when their source fails
http_client      one outgoing HTTP client for every partner
connections      its connections: one deadline for a whole call
dialer           from a host name to a connected socket, within a deadline
web_address      an address, parsed once
graphemes        where a reader sees one character end (Unicode)
grapheme_classes Unicode's classes of characters for it
================ =============================================================
"""
