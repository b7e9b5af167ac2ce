"""How what stands on the emulator is named and reached."""

import pytest

from sandbox.emulator_workarounds import local_address
from sandbox.errors import SandboxError


def test_an_apis_address_becomes_one_that_every_resolver_knows() -> None:
    """The API's id moves from the host name into the path."""
    there = "https://ab12.execute-api.us-east-1.amazonaws.com/v1/webhooks/liveperson"

    here = local_address("http://127.0.0.1:4600", there)

    assert here == "http://127.0.0.1:4600/_aws/execute-api/ab12/v1/webhooks/liveperson"


def test_another_address_is_a_mistake_in_the_template() -> None:
    """It is named, so that the output can be found."""
    with pytest.raises(SandboxError, match=r"https://example\.com"):
        local_address("http://127.0.0.1:4600", "https://example.com/v1")
