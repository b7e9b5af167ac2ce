"""
A certificate for 127.0.0.1, so that files on this machine can be fetched by https.

The connector fetches consumers' files by https alone. Each sandbox makes its own certificate; only
the copy of the layer that it deploys trusts it.
"""

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sandbox.ports import LOOPBACK

LIFE = timedelta(days=30)
BUNDLE = "certifi/cacert.pem"
BEGIN = b"-----BEGIN CERTIFICATE-----"


def make_certificate(file: Path) -> Path:
    """Write a key and a certificate for this machine's loopback address into a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(private + _self_signed(key).public_bytes(Encoding.PEM))
    return file


def trust(certificate: Path, built: Path) -> None:
    """Add a certificate to the trusted ones of the built layer."""
    pem = certificate.read_bytes()
    public = pem[pem.index(BEGIN) :]
    for bundle in built.rglob(BUNDLE):
        content = bundle.read_bytes()
        bundle.unlink()  # it may be a link into a package cache
        bundle.write_bytes(content + b"\n" + public)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox on this machine")])
    now, public = datetime.now(UTC), key.public_key()
    usage = {"digital_signature": True, "key_cert_sign": True}
    others = (
        *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("crl_sign", "encipher_only", "decipher_only"),
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage, **dict.fromkeys(others, False)), critical=True)
        .add_extension(_addresses(), critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )


def _addresses() -> x509.SubjectAlternativeName:
    loopback = x509.IPAddress(ipaddress.ip_address(LOOPBACK))
    return x509.SubjectAlternativeName([loopback, x509.DNSName("localhost")])
