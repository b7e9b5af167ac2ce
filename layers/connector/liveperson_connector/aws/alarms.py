"""The stack's CloudWatch alarms, as far as they are in alarm."""

from __future__ import annotations

import re
from typing import Any

from .clients import aws_errors

_IN_ALARM = "ALARM"


def in_alarm(client: Any, stack_name: str) -> frozenset[str]:
    """
    Return the logical ids of the stack's metric alarms in state ``ALARM``, with one call.

    ``client`` is boto3's of CloudWatch.

    CloudFormation names an alarm after its stack and its logical id, which has no hyphen; so the
    alarms of a stack whose name only begins alike are told apart
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html).
    Raises :class:`AwsUnavailable`.
    """
    with aws_errors("reading the alarms"):
        answer = client.describe_alarms(
            AlarmNamePrefix=f"{stack_name}-",
            StateValue=_IN_ALARM,
            AlarmTypes=["MetricAlarm"],
            MaxRecords=100,
        )
    ours = re.compile(rf"{re.escape(stack_name)}-([A-Za-z0-9]+)-[A-Za-z0-9]+")
    return frozenset(
        found[1]
        for each in answer["MetricAlarms"]
        if each["StateValue"] == _IN_ALARM and (found := ours.fullmatch(each["AlarmName"]))
    )
