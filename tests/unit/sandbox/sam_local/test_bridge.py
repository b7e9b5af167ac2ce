"""Where containers see this machine."""

import pytest

from sandbox.sam_local.bridge import gateway


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ({"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}, "172.17.0.1"),
        ({"Subnet": "10.9.0.0/24", "Gateway": "10.9.0.254"}, "10.9.0.254"),
        ({"Subnet": "172.17.0.0/16"}, "172.17.0.1"),
        ({"Subnet": "172.18.0.0/16", "Gateway": ""}, "172.18.0.1"),
    ],
)
def test_a_network_has_a_gateway(network: dict[str, str], address: str) -> None:
    """Docker names it, or it is the first address; it is never empty, which would be everywhere."""
    assert address == gateway(network)


@pytest.mark.parametrize("network", [{}, {"Subnet": ""}, {"Gateway": "everywhere"}])
def test_no_address_is_made_up(network: dict[str, str]) -> None:
    """An answer that says nothing is an error, not an address."""
    with pytest.raises((KeyError, ValueError)):
        gateway(network)
