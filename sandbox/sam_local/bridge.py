"""Find the address at which containers reach this machine."""

import ipaddress
import json
import socket
from dataclasses import dataclass
from typing import Any

from sandbox.ports import LOOPBACK
from sandbox.processes import run

ADDRESSES = "{{json .IPAM.Config}}"
DOCKER_DESKTOP = "host.docker.internal"


@dataclass(frozen=True)
class MeetingPoint:
    """The address to listen at for containers, and the one under which they see it."""

    listen: str
    seen_as: str


def meeting_point() -> MeetingPoint:
    """
    Ask Docker how its containers reach this machine.

    With Docker Engine on Linux the gateway of its network is an address of this machine that only
    containers should use. With Docker Desktop the gateway is inside a virtual machine, and a host
    name leads from there to this machine's loopback.
    """
    said = run(
        ["docker", "network", "inspect", "bridge", "--format", ADDRESSES],
        what="docker network inspect",
        hint="`sam local` needs a running Docker; see docs/local-development.md",
    )
    address = gateway(json.loads(said)[0])
    if _is_ours(address):
        return MeetingPoint(address, address)
    return MeetingPoint(LOOPBACK, DOCKER_DESKTOP)


def gateway(addresses: dict[str, Any]) -> str:
    """Return a network's gateway; Docker omits it if it is the network's first address."""
    found = addresses.get("Gateway") or ipaddress.ip_network(addresses["Subnet"])[1]
    return str(ipaddress.ip_address(found))


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
