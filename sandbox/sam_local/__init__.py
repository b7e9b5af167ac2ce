"""
`sam local` on a running sandbox: its containers reach the sandbox at the sandbox's addresses.

    container: function ──▶ 127.0.0.1:4566 (loopback.py) ──▶ gate.py ──▶ 127.0.0.1:4566: machine

The connector calls plain http on loopback only, and a container has its own loopback. So a Lambda
extension listens on the sandbox's ports there and forwards every connection to the gate outside. No
address is rewritten, and no rule of the connector is relaxed (docs/decisions/0028).
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
    """Let containers connect until the block ends; yield the template for `sam local`."""
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
