"""A function beside the connector's own, in a container like theirs: says what it finds there."""

from __future__ import annotations

import os
import platform
from typing import Any

import liveperson_connector


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Tell the Python that runs, and where the layer's package came from."""
    return {
        "python": platform.python_version(),
        "runtime": os.environ["AWS_EXECUTION_ENV"],
        "package": liveperson_connector.__file__,
    }
