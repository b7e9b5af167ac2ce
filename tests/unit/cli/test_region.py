"""The region is the environment's, then the profile's, for every command."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from connector_cli.stack import Stack


@pytest.fixture(autouse=True)
def _profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let the caller have a profile with a region, and nothing in the environment."""
    config = tmp_path / "config"
    config.write_text("[default]\nregion = eu-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps the files that it has read
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-west-2"}, "eu-west-1"),
        ({"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        ({"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        ({}, "eu-south-1"),
    ],
)
def test_the_region_is_looked_for_in_the_promised_order(
    monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    """``AWS_REGION``, ``AWS_DEFAULT_REGION``, then the profile's; an empty one is none."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)

    assert expected == Stack("a-stack").client("sqs").meta.region_name


def test_a_sandbox_has_its_own_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says."""
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    sandbox = {
        "aws_endpoint_url": "http://127.0.0.1:9",
        "region": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }

    assert "us-east-1" == Stack("a-stack", sandbox).client("sqs").meta.region_name
