"""The sandbox's own certificate: for this machine, and trusted by what is deployed alone."""

import stat
from pathlib import Path

import pytest
import requests

from sandbox.certificates import make_certificate, trust
from sandbox.channel import FileHost
from sandbox.demo.pictures import png


@pytest.fixture(name="certificate")
def _certificate(tmp_path: Path) -> Path:
    return make_certificate(tmp_path / "loopback.pem")


@pytest.fixture(name="built")
def _built(tmp_path: Path, certificate: Path) -> Path:
    bundle = tmp_path / "build" / "Layer" / "python" / "certifi" / "cacert.pem"
    bundle.parent.mkdir(parents=True)
    bundle.write_text("-----BEGIN CERTIFICATE-----\nof the world\n-----END CERTIFICATE-----\n")
    trust(certificate, tmp_path / "build")
    return bundle


def test_its_key_is_its_owners_alone(certificate: Path) -> None:
    """The file holds a key, so its mode is 0600."""
    assert stat.S_IMODE(certificate.stat().st_mode) == 0o600


def test_what_is_built_trusts_it_beside_the_worlds(built: Path) -> None:
    """No certificate is taken away, and the key goes nowhere."""
    text = built.read_text()

    assert "of the world" in text
    assert text.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE KEY" not in text


def test_a_file_is_fetched_by_who_trusts_it(tmp_path: Path, certificate: Path) -> None:
    """The strict checks of today's clients pass; who does not trust it gets nothing."""
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(certificate.read_bytes())
    host = FileHost(certificate)
    host.start()
    url, picture = host.put(png(1, 2, 3)), png(1, 2, 3)
    try:
        answer = requests.get(url, verify=str(trusted), timeout=10)
        missing = requests.get(f"{url}x", verify=str(trusted), timeout=10)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, timeout=10)
    finally:
        host.stop()

    assert (answer.status_code, answer.content) == (200, picture)
    assert missing.status_code == 404
    assert host.fetched(url) == 1
