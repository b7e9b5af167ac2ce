"""Agents' files: the addresses that the channel is sent to."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from liveperson_connector.aws.clients import file_storage, session

BUCKET = "stack-filesbucket-abc123"


@pytest.fixture(name="environment")
def _environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let each client be made of what the test says, as in a new container."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    session.cache_clear()
    yield monkeypatch
    session.cache_clear()


def presigned() -> str:
    """Sign an address as the function does."""
    place = {"Bucket": BUCKET, "Key": "12345678/f-1"}
    return str(file_storage().generate_presigned_url("get_object", Params=place, ExpiresIn=60))


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "eu-central-1", "me-central-1"])
def test_an_address_names_the_region(environment: pytest.MonkeyPatch, region: str) -> None:
    """The regional host of the bucket, Signature Version 4, in old, new and opt-in regions."""
    environment.setenv("AWS_DEFAULT_REGION", region)
    address = urlsplit(presigned())
    query = parse_qs(address.query)

    assert ("https", f"{BUCKET}.s3.{region}.amazonaws.com") == (address.scheme, address.netloc)
    assert "/12345678/f-1" == address.path
    assert ["AWS4-HMAC-SHA256"] == query["X-Amz-Algorithm"]
    assert f"/{region}/s3/aws4_request" in query["X-Amz-Credential"][0]


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "host.docker.internal"])
def test_elsewhere_than_on_aws_the_bucket_stands_in_the_path(
    environment: pytest.MonkeyPatch, variable: str, host: str
) -> None:
    """An emulator, or a container's way to it, has one name for all buckets."""
    environment.setenv(variable, f"http://{host}:4566")

    assert presigned().startswith(f"http://{host}:4566/{BUCKET}/12345678/f-1?X-Amz-Algorithm=")
