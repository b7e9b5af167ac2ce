"""
Whether webhooks find room to run in, whatever else runs.

An AWS account may run so many functions at a time in a region: 1,000, or 10 in a new one
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from .finding import CheckContext, Finding, ok, warning

# With fewer the queues can't be capped: 2 is the least that a mapping takes.
_LEAST_CAP = 2


def executions(patient: CheckContext) -> Iterator[Finding]:
    """Compare the account's quota with what the stack's queues alone may take of it."""
    client = patient.stack.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]
    queues = [
        client.get_event_source_mapping(UUID=each.physical)
        for each in patient.stack.of_type("AWS::Lambda::EventSourceMapping")
    ]
    free = int(limit["UnreservedConcurrentExecutions"])
    caps = [each.get("ScalingConfig", {}).get("MaximumConcurrency", free) for each in queues]
    webhooks = patient.stack.physical("WebhookIntake")
    reserved = client.get_function_concurrency(FunctionName=webhooks)
    kept = int(reserved.get("ReservedConcurrentExecutions", 0))
    if kept or sum(caps) < free:
        room = f"{kept} are kept for webhooks" if kept else f"queues take {sum(caps)} at most"
        yield ok("executions", f"{limit['ConcurrentExecutions']} at a time, and {room}")
        return
    yield warning(
        "executions",
        f"the AWS account runs {free} functions at a time, and the queues alone may take "
        f"{sum(caps)}: then webhooks are refused",
        _mend(len(queues), free),
    )


def _mend(queues: int, free: int) -> str:
    """Say what to set where the quota is small, and what to ask for in any case."""
    ask = "ask AWS for more (Service Quotas, AWS Lambda, Concurrent executions)"
    cap = (free - 1) // queues
    if cap < _LEAST_CAP:
        return ask
    return (
        f"{ask}; until then, WorkerConcurrency={cap} or less in parameter_overrides of this "
        "stack's stage in samconfig.toml, then deploy (docs/settings.md)"
    )
