"""Nobody's AWS account: a call that escapes a test must fail, not reach somebody's."""

from __future__ import annotations

import os


def credentials() -> dict[str, str]:
    """Return made-up credentials, and an environment with nothing of a person's configuration."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
