"""
Check that webhooks get an execution environment even when the queues use all they may.

An AWS account may run 1,000 functions at a time in a region, or 10 if it is new
(https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

from __future__ import annotations

from collections.abc import Iterator

from .finding import CheckContext, Finding, ok, warning

# The smallest MaximumConcurrency that an event source mapping accepts.
_LEAST_CAP = 2


def executions(context: CheckContext) -> Iterator[Finding]:
    """Compare the account's quota with what the stack's queues may use of it."""
    client = context.stack.client("lambda")
    limit = client.get_account_settings()["AccountLimit"]
    queues = [
        client.get_event_source_mapping(UUID=each.physical)
        for each in context.stack.of_type("AWS::Lambda::EventSourceMapping")
    ]
    free = int(limit["UnreservedConcurrentExecutions"])
    caps = [each.get("ScalingConfig", {}).get("MaximumConcurrency", free) for each in queues]
    webhooks = context.stack.physical("WebhookIntake")
    reserved = client.get_function_concurrency(FunctionName=webhooks)
    kept = int(reserved.get("ReservedConcurrentExecutions", 0))
    if kept or sum(caps) < free:
        room = f"{kept} are reserved for webhooks" if kept else f"queues use {sum(caps)} at most"
        yield ok("executions", f"{limit['ConcurrentExecutions']} at a time, and {room}")
        return
    yield warning(
        "executions",
        f"the AWS account runs {free} functions at a time, and the queues alone may use "
        f"{sum(caps)}: then webhooks are throttled",
        _fix(len(queues), free),
    )


def _fix(queues: int, free: int) -> str:
    """Return which quota to ask for, and what to set until it is granted."""
    ask = "ask AWS for more (Service Quotas, AWS Lambda, Concurrent executions)"
    cap = (free - 1) // queues
    if cap < _LEAST_CAP:
        return ask
    return (
        f"{ask}; until then, WorkerConcurrency={cap} or less in parameter_overrides of this "
        "stack's stage in samconfig.toml, then deploy (docs/settings.md)"
    )
