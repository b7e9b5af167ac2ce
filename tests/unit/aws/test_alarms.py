"""The stack's alarms, read from moto."""

from __future__ import annotations

from typing import Any

import pytest

from liveperson_connector.aws.alarms import in_alarm
from liveperson_connector.aws.clients import fail_fast


@pytest.mark.usefixtures("aws")
def test_only_the_stacks_own_alarms_that_are_in_alarm_count() -> None:
    """Another stack's name may begin alike, and an alarm may be over, or not have begun."""
    client: Any = fail_fast("cloudwatch")
    for name, state in [
        ("stack-WebhookIntakeErrorsAlarm-1AB2CD3EF4G5", "ALARM"),
        ("stack-MessageIntakeErrorsAlarm-1AB2CD3EF4G5", "OK"),
        ("stack-AppJwtAgeAlarm-1AB2CD3EF4G5", "INSUFFICIENT_DATA"),
        ("stack-two-UnexpectedErrorsAlarm-1AB2CD3EF4G5", "ALARM"),
        ("stackUnexpectedErrorsAlarm", "ALARM"),
    ]:
        client.put_metric_alarm(
            AlarmName=name,
            Namespace="n",
            MetricName="m",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")

    assert {"WebhookIntakeErrorsAlarm"} == in_alarm(client, "stack")
