"""Whether everything of the stack is there and switched on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from .. import output
from ..letters import DeadLetters, Letter
from .finding import CheckContext, Finding, ok, warning, wrong

_DEPLOY = "make deploy STAGE=…, with this stack's stage of samconfig.toml"
_RUNBOOK = "see this alarm's section of docs/runbook.md"

# A new alarm has no data before what it watches has run for the first time.
_NEW_ALARM = timedelta(hours=1)


def stack(patient: CheckContext) -> Iterator[Finding]:
    """Check that the last deployment succeeded."""
    status = patient.stack.description["StackStatus"]
    if status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        yield ok("stack", f"{patient.stack.name}: {status}")
    elif status.endswith("_IN_PROGRESS"):
        yield warning("stack", f"{patient.stack.name}: {status}", "wait until it is over")
    else:
        yield wrong("stack", f"{patient.stack.name}: {status}", _DEPLOY)


def functions(patient: CheckContext) -> Iterator[Finding]:
    """Check that every function can run."""
    client = patient.stack.client("lambda")
    found = patient.stack.of_type("AWS::Lambda::Function")
    well = 0
    for function in found:
        state = client.get_function_configuration(FunctionName=function.physical)
        reserved = client.get_function_concurrency(FunctionName=function.physical)
        if state.get("State", "Active") not in {"Active", "Inactive"}:
            yield wrong("functions", f"{function.logical} is {state['State']}", _DEPLOY)
        elif reserved.get("ReservedConcurrentExecutions") == 0:
            mend = f"aws lambda delete-function-concurrency --function-name {function.physical}"
            yield wrong("functions", f"{function.logical} may not run: its concurrency is 0", mend)
        else:
            well += 1
    if well == len(found):
        yield ok("functions", f"all {well} are active")


def mappings(patient: CheckContext) -> Iterator[Finding]:
    """Check that every queue is read by its function."""
    client = patient.stack.client("lambda")
    found = patient.stack.of_type("AWS::Lambda::EventSourceMapping")
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
        mend = f"aws lambda update-event-source-mapping --uuid {mapping.physical} --enabled"
        yield wrong("mappings", f"{mapping.logical} is {state}: its queue is not read", mend)
    if well == len(found):
        yield ok("mappings", f"all {well} queues are read")


def schedules(patient: CheckContext) -> Iterator[Finding]:
    """Check that tokens are renewed and dead letters come back by themselves."""
    client = patient.stack.client("scheduler")
    found = patient.stack.of_type("AWS::Scheduler::Schedule")
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
            mend = "switch it on in the console (EventBridge, Schedules), or deploy again"
            yield wrong("schedules", f"{schedule.logical} is {state}", mend)
    if well == len(found):
        yield ok("schedules", f"all {well} are enabled")


def queues(patient: CheckContext) -> Iterator[Finding]:
    """Check that nothing was given up, and that what fails has somewhere to go."""
    client = patient.stack.client("sqs")
    for logical in ("ConsumerEventsQueue", "NotificationsQueue"):
        url = patient.stack.physical(logical)
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        if "RedrivePolicy" not in found:
            yield wrong("queues", f"{logical} has no dead-letter queue", _DEPLOY)
    seen = DeadLetters(patient.stack).look()
    letters, hidden = seen.letters, seen.unseen
    if not patient.is_whole:
        hidden = 0
        letters = [each for each in letters if each.account_id in patient.account_ids]
    yield from _letters(letters, hidden)


def _letters(found: list[Letter], hidden: int) -> Iterator[Finding]:
    by_reason: dict[str, list[Letter]] = {}
    for letter in found:
        by_reason.setdefault(letter.reason, []).append(letter)
    if not found:
        yield ok("queues", "no dead letters")
    for reason, letters in by_reason.items():
        problem = letters[0].received.attributes.get("problem", "")
        behind = f" (and {hidden} behind such ones)" if hidden else ""
        count = f"{output.counted(len(letters), 'dead letter')}{behind}:"
        mend = (
            f"connector dead-letters list --reason {reason}; when the cause is mended: "
            f"connector dead-letters redrive --reason {reason}"
        )
        yield wrong("queues", f"{count} {reason}: {problem}".rstrip(": "), mend)


def alarms(patient: CheckContext) -> Iterator[Finding]:
    """Check that no alarm sounds, and that it would reach a person."""
    client = patient.stack.client("cloudwatch")
    names = [each.physical for each in patient.stack.of_type("AWS::CloudWatch::Alarm")]
    found: list[dict[str, Any]] = []
    for start in range(0, len(names), 100):
        answer = client.describe_alarms(AlarmNames=names[start : start + 100])
        found += answer["MetricAlarms"]
    ringing = [each for each in found if each["StateValue"] == "ALARM"]
    for each in ringing:
        yield wrong("alarms", f"{each['AlarmName']} sounds: {each['AlarmDescription']}", _RUNBOOK)
    silent = [] if patient.stack.is_local else without_data(found, datetime.now(UTC))
    for each in silent:
        detail = f"{each['AlarmName']} has no data: {each['AlarmDescription']}"
        yield wrong("alarms", detail, _RUNBOOK)
    if len(found) < len(names):
        gone = output.counted(len(names) - len(found), "alarm is gone", "alarms are gone")
        yield wrong("alarms", gone, _DEPLOY)
    if not all(each["ActionsEnabled"] for each in found):
        mend = f"aws cloudwatch enable-alarm-actions --alarm-names {' '.join(names)}"
        yield wrong("alarms", "some would tell no one: their actions are disabled", mend)
    elif not any(each["AlarmActions"] for each in found):
        mend = (
            "write AlarmTopicArn=arn:aws:sns:… into parameter_overrides of this stack's stage "
            "in samconfig.toml, then deploy (docs/settings.md)"
        )
        yield warning("alarms", "they would tell no one: AlarmTopicArn is not set", mend)
    if not ringing and not silent:
        yield ok("alarms", f"none of {len(found)} sounds")


def without_data(alarms: list[dict[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Return those that sound by having no data, and are not just new (CloudWatch's records)."""
    return [
        each
        for each in alarms
        if each["StateValue"] == "INSUFFICIENT_DATA"
        and each.get("TreatMissingData") == "missing"
        and now - each["AlarmConfigurationUpdatedTimestamp"] > _NEW_ALARM
    ]
