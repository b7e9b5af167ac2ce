"""
The demo channel: what a brand's own messaging channel looks like to the connector.

It does the two things a channel must do, and shows both: it sends consumer events (`client.py`)
and receives callbacks, believing only those whose signature is right (`signature.py`). Files of its
consumers are fetched from it (`files.py`). What it
received can be read, and faults can be set, over a small HTTP API (`server.py`, `control.py`).
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
