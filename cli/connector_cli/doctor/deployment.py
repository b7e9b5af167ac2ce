"""Check that every part of the stack exists and is switched on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import output
from ..dead_letters.queues import DeadLetter, DeadLetters
from ..salt import kept_salt
from .finding import CheckContext, Finding, ok, warning, wrong

_DEPLOY = "make deploy STAGE=…, with this stack's stage of samconfig.toml"
_RUNBOOK = "see this alarm in docs/runbook.md"

# A new alarm has no data until what it watches has run for the first time.
_NEW_ALARM = timedelta(hours=1)


def stack(context: CheckContext) -> Iterator[Finding]:
    """Check that the last deployment succeeded."""
    status = context.stack.description["StackStatus"]
    if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        yield ok("stack", f"{context.stack.name}: {status}")
    elif status.endswith("_IN_PROGRESS"):
        yield warning(
            "stack", f"{context.stack.name}: {status}", "wait until the deployment has ended"
        )
    else:
        yield wrong("stack", f"{context.stack.name}: {status}", _DEPLOY)


def salt(context: CheckContext) -> Iterator[Finding]:
    """Check that the salt of consumers' ids survives the stack."""
    kept = kept_salt(context.stack.client("ssm"), context.stack.name)
    if kept is None:
        found = "what consumers' ids depend on would be lost with the stack"
        yield warning("salt", found, "connector salt keep")
    elif kept != context.stack.consumer_id_salt:
        found = "the stack uses another salt than the kept one: consumers are strangers to it"
        yield wrong("salt", found, "see docs/recipes/restore-a-lost-stack.md")
    else:
        yield ok("salt", "kept outside of the stack")


def functions(context: CheckContext) -> Iterator[Finding]:
    """Check that every function can run."""
    client = context.stack.client("lambda")
    found = context.stack.of_type("AWS::Lambda::Function")
    well = 0
    for function in found:
        state = client.get_function_configuration(FunctionName=function.physical)
        reserved = client.get_function_concurrency(FunctionName=function.physical)
        if state.get("State", "Active") not in {"Active", "Inactive"}:
            yield wrong("functions", f"{function.logical} is {state['State']}", _DEPLOY)
        elif reserved.get("ReservedConcurrentExecutions") == 0:
            fix = f"aws lambda delete-function-concurrency --function-name {function.physical}"
            yield wrong("functions", f"{function.logical} may not run: its concurrency is 0", fix)
        else:
            well += 1
    if well == len(found):
        yield ok("functions", f"all {well} are active")


def mappings(context: CheckContext) -> Iterator[Finding]:
    """Check that every queue is read by its function."""
    client = context.stack.client("lambda")
    found = context.stack.of_type("AWS::Lambda::EventSourceMapping")
    well = 0
    for mapping in found:
        try:
            state = client.get_event_source_mapping(UUID=mapping.physical)["State"]
        except client.exceptions.ResourceNotFoundException:
            yield wrong("mappings", f"{mapping.logical} is gone: its queue is not read", _DEPLOY)
            continue
        if state in {"Enabled", "Enabling", "Updating", "Creating"}:
            well += 1
            continue
        fix = f"aws lambda update-event-source-mapping --uuid {mapping.physical} --enabled"
        yield wrong("mappings", f"{mapping.logical} is {state}: its queue is not read", fix)
    if well == len(found):
        yield ok("mappings", f"all {well} queues are read")


def schedules(context: CheckContext) -> Iterator[Finding]:
    """Check that the schedules of token refresh and redrive are enabled."""
    client = context.stack.client("scheduler")
    found = context.stack.of_type("AWS::Scheduler::Schedule")
    well = 0
    for schedule in found:
        name = schedule.physical.rpartition("|")[2]
        try:
            state = client.get_schedule(Name=name)["State"]
        except client.exceptions.ResourceNotFoundException:
            yield wrong("schedules", f"{schedule.logical} is gone", _DEPLOY)
            continue
        if state == "ENABLED":
            well += 1
        else:
            fix = "enable it in the console (EventBridge, Schedules), or deploy again"
            yield wrong("schedules", f"{schedule.logical} is {state}", fix)
    if well == len(found):
        yield ok("schedules", f"all {well} are enabled")


def queues(context: CheckContext) -> Iterator[Finding]:
    """Check that there are no dead letters, and that every queue has a dead-letter queue."""
    client = context.stack.client("sqs")
    for logical in ("ConsumerEventsQueue", "NotificationsQueue"):
        url = context.stack.physical(logical)
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if "RedrivePolicy" not in found:
            yield wrong("queues", f"{logical} has no dead-letter queue", _DEPLOY)
    seen = DeadLetters(context.stack).read()
    letters, hidden = seen.letters, seen.unseen
    if not context.is_whole:
        hidden = 0
        letters = [each for each in letters if each.account_id in context.account_ids]
    yield from _letters(letters, hidden)


def _letters(found: list[DeadLetter], hidden: int) -> Iterator[Finding]:
    by_reason: dict[str, list[DeadLetter]] = {}
    for letter in found:
        by_reason.setdefault(letter.reason, []).append(letter)
    if not found:
        yield ok("queues", "no dead letters")
    for reason, letters in by_reason.items():
        problem = letters[0].received.attributes.get("problem", "")
        behind = f" (and {hidden} behind such ones)" if hidden else ""
        count = f"{output.counted(len(letters), 'dead letter')}{behind}:"
        fix = (
            f"connector dead-letters list --reason {reason}; when the cause is fixed: "
            f"connector dead-letters redrive --reason {reason}"
        )
        yield wrong("queues", f"{count} {reason}: {problem}".rstrip(": "), fix)


def alarms(context: CheckContext) -> Iterator[Finding]:
    """Check that no alarm is in state ALARM, and that alarms notify a person."""
    names = _alarm_names(context)
    found = _described(context, names)
    ringing = [each for each in found if each["StateValue"] == "ALARM"]
    for each in ringing:
        yield wrong(
            "alarms", f"{each['AlarmName']} is in ALARM: {each['AlarmDescription']}", _RUNBOOK
        )
    silent = [] if context.stack.is_local else without_data(found, datetime.now(UTC))
    for each in silent:
        detail = f"{each['AlarmName']} has no data: {each['AlarmDescription']}"
        yield wrong("alarms", detail, _RUNBOOK)
    if len(found) < len(names):
        gone = output.counted(len(names) - len(found), "alarm is gone", "alarms are gone")
        yield wrong("alarms", gone, _DEPLOY)
    if not all(each["ActionsEnabled"] for each in found):
        fix = f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(names)}"
        yield wrong("alarms", "some notify no one: their actions are disabled", fix)
    elif not any(each["AlarmActions"] for each in found):
        fix = (
            "write AlarmTopicArn=arn:aws:sns:… into parameter_overrides of this stack's stage "
            "in samconfig.toml, then deploy (docs/settings.md)"
        )
        yield warning("alarms", "they notify no one: AlarmTopicArn is not set", fix)
    if not ringing and not silent:
        yield ok("alarms", f"none of {len(found)} is in ALARM")


def _alarm_names(context: CheckContext) -> list[str]:
    """Name the alarms that notify; the windows of a composite one are only its parts."""
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    found = [each for kind in kinds for each in context.stack.of_type(kind)]
    return [each.physical for each in found if each.logical.endswith("Alarm")]


def _described(context: CheckContext, names: list[str]) -> list[dict[str, Any]]:
    client = context.stack.client("cloudwatch")
    found: list[dict[str, Any]] = []
    for start in range(0, len(names), 100):
        answer = client.describe_alarms(
            AlarmNames=names[start : start + 100], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        found += [*answer["MetricAlarms"], *answer["CompositeAlarms"]]
    return found


def without_data(alarms: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return the alarms that have no data although they should, except new ones."""
    return [
        each
        for each in alarms
        if each["StateValue"] == "INSUFFICIENT_DATA"
        and each.get("TreatMissingData") == "missing"
        and now - each["AlarmConfigurationUpdatedTimestamp"] > _NEW_ALARM
    ]
