"""
The demo channel: what a brand's own messaging channel looks like to the connector.

It shows the two things that a channel must do: send consumer events (`client.py`), and receive
callbacks, accepting only those with a valid signature (`signature.py`). The connector fetches its
consumers' files from it (`files.py`). A small HTTP API shows what arrived and sets faults
(`server.py`, `control.py`).
"""

from sandbox.channel.client import Answer, ConnectorClient
from sandbox.channel.control import ChannelControl
from sandbox.channel.files import FileHost
from sandbox.channel.inbox import Callback, Fault
from sandbox.channel.server import DemoChannel

__all__ = [
    "Answer",
    "Callback",
    "ChannelControl",
    "ConnectorClient",
    "DemoChannel",
    "Fault",
    "FileHost",
]
