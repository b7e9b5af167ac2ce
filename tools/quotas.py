"""
AWS's limits as its pages gave them in November 2026, and whether those were seen.

Defaults of a large region (N. Virginia), where regions differ. A limit that AWS changes is changed
here, and ``make scale`` writes the page again.
"""

from __future__ import annotations

from dataclasses import dataclass

_AWS = "https://docs.aws.amazon.com"
_LAMBDA = f"{_AWS}/lambda/latest/dg"
_SQS = f"{_AWS}/AWSSimpleQueueService/latest/SQSDeveloperGuide"
_TABLE = f"{_AWS}/amazondynamodb/latest/developerguide"

READ = "read there"
COPIED = "read in a copy of that page"
NOT_VERIFIED = "not verified: only told by others"


@dataclass(frozen=True)
class Quota:
    """A limit of AWS: its default, what it counts, where it stands, and whether that was seen."""

    what: str
    limit: float
    page: str
    seen: str
    note: str = ""


LAMBDA_CONCURRENCY = Quota(
    "Lambda: executions at a time, of an account and region",
    1_000,
    f"{_LAMBDA}/gettingstarted-limits.html",
    READ,
    "a new account may have 10; up to tens of thousands on request",
)
LAMBDA_REQUESTS = Quota(
    "Lambda: requests a second, of one execution environment",
    10,
    f"{_LAMBDA}/gettingstarted-limits.html#api-requests",
    COPIED,
    "so an account has 10 times its executions; here taken to hold for queues too",
)
LAMBDA_SCALING = Quota(
    "Lambda: new execution environments of a function in 10 s",
    1_000,
    f"{_LAMBDA}/scaling-behavior.html",
    READ,
    "or 10,000 requests a second more in 10 s; cannot be raised by us",
)
MAPPING_CONCURRENCY = Quota(
    "Lambda: largest `MaximumConcurrency` of a queue's mapping",
    1_000,
    f"{_LAMBDA}/services-sqs-scaling.html",
    COPIED,
    "1,250 without it; a FIFO queue also has at most one execution a group; "
    "how fast a FIFO mapping grows is not documented",
)
POLLER_CONCURRENCY = Quota(
    "Lambda: the same with `ProvisionedPollerConfig` instead",
    20_000,
    f"{_LAMBDA}/services-sqs-parameters.html",
    READ,
    "2,000 pollers, 10 executions each; excludes `MaximumConcurrency`",
)
API_REQUESTS = Quota(
    "API Gateway: requests a second, of an account and region",
    10_000,
    f"{_AWS}/apigateway/latest/developerguide/limits.html",
    READ,
    "and a bucket of 5,000; a quarter of both in the newest regions; the rate can be raised",
)
API_TIMEOUT = Quota(
    "API Gateway: seconds until it gives up on a function",
    29,
    f"{_AWS}/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html",
    READ,
    "our intakes answer within 2 s and 10 s, so it is never met",
)
QUEUE_CALLS = Quota(
    "SQS: calls a second of one kind on a FIFO queue, high throughput",
    70_000,
    f"{_SQS}/quotas-messages.html",
    COPIED,
    "19,000 in Ohio and Frankfurt, down to 2,400 in small regions",
)
PARTITION_CALLS = Quota(
    "SQS: the same of one partition of a FIFO queue",
    300,
    f"{_SQS}/quotas-messages.html",
    COPIED,
    "SQS adds partitions by itself; a group stays in one",
)
QUEUE_IN_FLIGHT = Quota(
    "SQS: messages of a FIFO queue in flight, and looked through for a free group",
    120_000,
    f"{_SQS}/avoid-backlog-with-the-same-message-group-id.html",
    READ,
    "20,000 until November 2024; more in flight on request; nothing is said of the look",
)
TABLE_READS = Quota(
    "DynamoDB: read units a second, of an on-demand table",
    40_000,
    f"{_TABLE}/ServiceQuotas.html",
    COPIED,
    "can be raised",
)
TABLE_WRITES = Quota(
    "DynamoDB: write units a second, of an on-demand table",
    40_000,
    f"{_TABLE}/ServiceQuotas.html",
    COPIED,
    "can be raised",
)
NEW_TABLE_READS = Quota(
    "DynamoDB: read units a second, of a table that has seen no traffic yet",
    12_000,
    f"{_TABLE}/warm-throughput-scenarios.html",
    READ,
    "grows by itself; more than twice the last peak within 30 minutes may be throttled",
)
NEW_TABLE_WRITES = Quota(
    "DynamoDB: write units a second, of a table that has seen no traffic yet",
    4_000,
    f"{_TABLE}/warm-throughput-scenarios.html",
    READ,
)
PARTITION_READS = Quota(
    "DynamoDB: read units a second, of one partition, so of one item",
    3_000,
    f"{_TABLE}/warm-throughput-scenarios.html",
    READ,
    "cannot be raised",
)
PARTITION_WRITES = Quota(
    "DynamoDB: write units a second, of one partition, so of one item",
    1_000,
    f"{_TABLE}/warm-throughput-scenarios.html",
    READ,
    "cannot be raised",
)
PARAMETER_READS = Quota(
    "Parameter Store: reads a second, of an account and region",
    40,
    f"{_AWS}/general/latest/gr/ssm.html",
    COPIED,
    "GetParameter, GetParameters and GetParametersByPath share it",
)
PARAMETER_READS_RAISED = Quota(
    "Parameter Store: GetParameter a second, with higher throughput",
    10_000,
    f"{_AWS}/systems-manager/latest/userguide/parameter-store-throughput.html",
    NOT_VERIFIED,
    "the page tells of the setting, not the figure; 3,000 in 2022",
)
KEY_CALLS = Quota(
    "KMS: symmetric operations a second, of an account and region",
    10_000,
    f"{_AWS}/kms/latest/developerguide/requests-per-second.html",
    READ,
    "the smallest; 20,000 and more in large regions",
)
LOG_CALLS = Quota(
    "CloudWatch Logs: PutLogEvents a second, of an account and region",
    5_000,
    f"{_AWS}/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html",
    NOT_VERIFIED,
    "whether what Lambda writes by itself counts is not documented",
)

ALL = [each for each in globals().values() if isinstance(each, Quota)]
