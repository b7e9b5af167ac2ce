"""
How log lines and metrics are written: as JSON on standard output, which is the function's log.

Lines go through the Logger of Powertools for AWS Lambda, whose settings hold, in a form of our own
with the fields that Powertools made common. Metrics are in CloudWatch's embedded format. Both are
put together here, since Powertools takes longer for it than the webhook intake has for everything
beside its one call (docs/decisions/0005-what-of-powertools-is-used.md).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from logging import LogRecord
from typing import Any

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

Metric = tuple[str, str, float]
"""A name, CloudWatch's word for the unit, and a value."""

MILLISECONDS, SECONDS, COUNT = "Milliseconds", "Seconds", "Count"

# CloudWatch takes as many metrics of a line, and as many values of a metric.
_MOST_METRICS = 100


class _Form(LambdaPowertoolsFormatter):
    """Writes a record's own fields between those that every line has."""

    def format(self, record: LogRecord) -> str:
        now = datetime.fromtimestamp(record.created, UTC)
        line = {
            "level": record.levelname,
            "message": record.msg,
            "timestamp": f"{now:%Y-%m-%d %H:%M:%S},{now.microsecond // 1000:03}+0000",
            "service": _logger.service,
            **record.__dict__["fields"],
        }
        if sampled := os.environ.get("_X_AMZN_TRACE_ID"):  # Root=…;Parent=…;Sampled=…
            line["xray_trace_id"] = sampled.partition(";")[0].removeprefix("Root=")
        return _json(line)


_logger = Logger(logger_formatter=_Form(), log_uncaught_exceptions=False)


def info(message: str, /, **fields: Any) -> None:
    """Log what happened."""
    _logger.info(message, extra={"fields": fields})


def warning(message: str, /, **fields: Any) -> None:
    """Log a problem that is handled."""
    _logger.warning(message, extra={"fields": fields})


def error(message: str, /, **fields: Any) -> None:
    """Log an unexpected error."""
    _logger.error(message, extra={"fields": fields})


def metrics(dimensions: Mapping[str, str], measured: Sequence[Metric]) -> None:
    """
    Write measurements in as few lines as CloudWatch takes.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for start in range(0, len(measured), _MOST_METRICS):
        _write(
            _embedded({**dimensions, "service": _logger.service}, measured[start:][:_MOST_METRICS])
        )


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


def _write(line: Mapping[str, Any]) -> None:
    sys.stdout.write(_json(line) + "\n")
    sys.stdout.flush()


# In ASCII, so that half a character in an id does not break the line.
_json = json.JSONEncoder(default=str).encode
