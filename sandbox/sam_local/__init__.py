"""
`sam local` on a running sandbox: its containers reach the sandbox at the sandbox's own addresses.

    container: function ──▶ 127.0.0.1:4566 (loopback.py) ──▶ gate.py ──▶ 127.0.0.1:4566: machine

The connector calls plain http on loopback alone, and a container has a loopback of its own. So a
Lambda extension stands on the sandbox's ports there and carries what arrives to the gate outside.
No address is written anew, and no rule of the connector is loosened (docs/decisions/0028).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.endpoints import Endpoints
from sandbox.ports import LOOPBACK
from sandbox.sam_local.bridge import MeetingPoint
from sandbox.sam_local.gate import Gate
from sandbox.sam_local.template import environments, write_layer, write_template
from sandbox.state_dir import PROJECT
from sandbox.system import System

BUILT_LAYER = PROJECT / ".aws-sam" / "build" / "ConnectorLayer"


@contextmanager
def opened(system: System, where: MeetingPoint, layer: Path = BUILT_LAYER) -> Iterator[Path]:
    """Let containers in, and give the template that `sam local` takes, until the block ends."""
    folder = system.emulator.folder.path / "sam-local"
    ports = loopback_ports(system.endpoints)
    with Gate(where.listen, ports) as gate:
        settings = {"gate": [where.seen_as, gate.port], "word": gate.word, "ports": ports}
        loopback = write_layer(folder / "loopback", settings)
        yield write_template(folder / "template.json", environments(system), layer, loopback)


def loopback_ports(endpoints: Endpoints) -> list[int]:
    """List the ports of this machine that the functions call."""
    urls = (endpoints.aws_endpoint_url, endpoints.liveperson_url, endpoints.channel_callback_url)
    parts = [urlsplit(url) for url in urls]
    return sorted({each.port for each in parts if each.hostname == LOOPBACK and each.port})
