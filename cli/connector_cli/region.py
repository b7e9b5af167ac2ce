"""The AWS region that the environment names: one answer for ``connector``, ``make`` and tools."""

from __future__ import annotations

from collections.abc import Mapping

# In the order in which the AWS CLI and the SDKs read them; boto3 itself reads the second only
# (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html).
VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def region_name(environ: Mapping[str, str]) -> str | None:
    """Return the region that the environment names; None if the profile decides."""
    return next((environ[name] for name in VARIABLES if environ.get(name)), None)
