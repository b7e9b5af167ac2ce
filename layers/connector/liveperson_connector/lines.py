"""
How log lines and metrics are written: as JSON on standard output, which is the function's log.

A line has the fields that Powertools for AWS Lambda made common, a metric is in CloudWatch's
embedded format. They are written here since writing them with Powertools costs the webhook intake
more than all else that it adds to its one call (docs/decisions/0005-what-of-powertools-is-used.md).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Metric = tuple[str, str, float]
"""A name, CloudWatch's word for the unit, and a value."""

MILLISECONDS, SECONDS, COUNT = "Milliseconds", "Seconds", "Count"

# CloudWatch takes as many metrics of a line, and as many values of a metric.
_MOST_METRICS = 100


def log(level: str, message: str, /, **fields: Any) -> None:
    """Write a log line."""
    now = datetime.now(UTC)
    line = {
        "level": level,
        "message": message,
        "timestamp": f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03}+0000",
        "service": _service(),
        **fields,
    }
    if sampled := os.environ.get("_X_AMZN_TRACE_ID"):  # Root=…;Parent=…;Sampled=…
        line["xray_trace_id"] = sampled.partition(";")[0].removeprefix("Root=")
    _write(line)


def metrics(dimensions: Mapping[str, str], measured: Sequence[Metric]) -> None:
    """
    Write measurements in as few lines as CloudWatch takes.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for start in range(0, len(measured), _MOST_METRICS):
        _write(_embedded({**dimensions, "service": _service()}, measured[start:][:_MOST_METRICS]))


def _embedded(dimensions: Mapping[str, str], measured: Sequence[Metric]) -> dict[str, Any]:
    units = {name: unit for name, unit, _ in measured}
    values = defaultdict(list)
    for name, _, value in measured:
        values[name].append(value)
    described = {
        "Namespace": os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "LivePersonConnector"),
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    about = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [described]}
    return {"_aws": about, **dimensions, **values}


def _service() -> str:
    return os.environ.get("POWERTOOLS_SERVICE_NAME", "liveperson-connector")


def _write(line: Mapping[str, Any]) -> None:
    # In ASCII, so that half a character in an id does not break the line; and at once.
    sys.stdout.write(json.dumps(line, default=str) + "\n")
    sys.stdout.flush()
