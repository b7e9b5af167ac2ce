"""Which AWS region is meant: the same answer for the command line, ``make`` and the tools."""

from __future__ import annotations

from collections.abc import Mapping

# As the AWS CLI and AWS's SDKs look for it, in this order; boto3 alone knows the second only
# (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html).
VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")


def region_name(environ: Mapping[str, str]) -> str | None:
    """Return the region that the environment names, or None: then the profile's is meant."""
    return next((environ[name] for name in VARIABLES if environ.get(name)), None)
