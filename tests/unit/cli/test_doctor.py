"""What ``connector doctor`` says of a deployed stack, by what AWS answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from connector_cli.doctor.deployment import alarms, without_data
from connector_cli.doctor.executions import executions
from connector_cli.doctor.finding import Check, CheckContext, Finding
from connector_cli.doctor.versions import versions
from connector_cli.parameters import Parameters
from connector_cli.partners import LivePerson
from connector_cli.stack import Resource, Stack
from tests.support.servers import Answer, Request, json_answer, serving

ALIAS = "arn:aws:lambda:us-east-1:111122223333:function:s-MessageIntake:live"
RESOURCES = {
    "WebhookIntake": ("AWS::Lambda::Function", "s-WebhookIntake"),
    "MessageIntakeAliaslive": ("AWS::Lambda::Alias", ALIAS),
    **{
        f"Mapping{each}": (
            "AWS::Lambda::EventSourceMapping",
            f"{each:08}-0000-4000-8000-000000000000",
        )
        for each in range(4)
    },
}


def settings(salt: str = "one", **others: Any) -> dict[str, Any]:
    """Give a function's configuration as Lambda does."""
    layers = [{"Arn": "arn:aws:lambda:us-east-1:111122223333:layer:s-connector:7", "CodeSize": 1}]
    variables = {"CONSUMER_ID_SALT": salt, "PARAMETER_PREFIX": "/s"}
    return {
        "CodeSha256": "abc",
        "Description": others.pop("description", "Deployed"),
        "MemorySize": 512,
        "Layers": layers,
        "Environment": {"Variables": variables},
        **others,
    }


class Lambda:
    """Answers as CloudFormation and Lambda do; a test says what is there."""

    def __init__(self, **facts: Any) -> None:
        self.live = facts.get("live", settings())
        self.newest = facts.get("newest", settings())
        self.weights = facts.get("weights", {})
        self.quota = facts.get("quota", 1000)
        self.cap = facts.get("cap", 50)
        self.reserved = facts.get("reserved", 0)

    def __call__(self, request: Request) -> Answer:
        """Answer one call."""
        if request.method == "POST":
            return _resources()
        asked = urlsplit(request.target)
        return json_answer(self._lambda(asked.path, parse_qs(asked.query)))

    def _lambda(self, path: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        if path.endswith("/account-settings"):
            free = self.quota - self.reserved
            limit = {"ConcurrentExecutions": self.quota, "UnreservedConcurrentExecutions": free}
            return {"AccountLimit": limit}
        if path.endswith("/concurrency"):
            return {"ReservedConcurrentExecutions": self.reserved} if self.reserved else {}
        if "/event-source-mappings/" in path:
            return {"ScalingConfig": {"MaximumConcurrency": self.cap}}
        if "/aliases/" in path:
            return {
                "FunctionVersion": "7",
                "RoutingConfig": {"AdditionalVersionWeights": self.weights},
            }
        return dict(self.live if query.get("Qualifier") == ["live"] else self.newest)


def _resources() -> Answer:
    members = "".join(
        f"<member><LogicalResourceId>{logical}</LogicalResourceId>"
        f"<ResourceType>{kind}</ResourceType>"
        f"<PhysicalResourceId>{physical}</PhysicalResourceId></member>"
        for logical, (kind, physical) in RESOURCES.items()
    )
    body = (
        "<ListStackResourcesResponse><ListStackResourcesResult><StackResourceSummaries>"
        f"{members}</StackResourceSummaries></ListStackResourcesResult></ListStackResourcesResponse>"
    )
    return Answer(200, body.encode())


@contextmanager
def looked_at(monkeypatch: pytest.MonkeyPatch, aws: Lambda) -> Iterator[CheckContext]:
    """Give a stack on an AWS that answers so."""
    with serving(aws) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        stack = Stack("s")
        yield CheckContext(stack, Parameters(stack), LivePerson(stack), [])


def said(monkeypatch: pytest.MonkeyPatch, check: Check, **facts: Any) -> Finding:
    """Give the one finding of a check."""
    with looked_at(monkeypatch, Lambda(**facts)) as context:
        (finding,) = check(context)
    return finding


# ── Versions ──


def test_what_was_deployed_last_is_what_callers_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version's description is its own, and says nothing about it."""
    finding = said(monkeypatch, versions, newest=settings(description="Deployed later"))

    assert ("ok", "1 intakes run what was deployed last") == (finding.level, finding.detail)


@pytest.mark.parametrize(
    ("newest", "named"),
    [
        (settings("another-salt"), "CONSUMER_ID_SALT"),
        (settings(CodeSha256="def"), "CodeSha256"),
        (settings(MemorySize=256), "MemorySize"),
        (settings(Layers=[]), "Layers"),
        (settings(Environment={"Variables": {}}), "CONSUMER_ID_SALT, PARAMETER_PREFIX"),
    ],
)
def test_a_setting_that_callers_do_not_reach_is_named(
    monkeypatch: pytest.MonkeyPatch, newest: dict[str, Any], named: str
) -> None:
    """Its name, the version, and how to bring it into service; never its value."""
    finding = said(monkeypatch, versions, newest=newest)

    assert "wrong" == finding.level
    assert "s-MessageIntake: callers reach version 7" in finding.detail
    assert finding.detail.endswith(f"they differ in {named}")
    assert "make deploy" in finding.fix
    assert "another-salt" not in f"{finding.detail} {finding.fix}"


def test_a_gradual_deployment_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """For some minutes most callers still reach the version before: that is its point."""
    finding = said(monkeypatch, versions, newest=settings("another"), weights={"8": 0.1})

    assert ("warning", "wait until the deployment has ended") == (finding.level, finding.fix)


# ── Executions ──


def test_a_usual_account_has_room_for_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 at a time, of which the queues take 200 at most."""
    finding = said(monkeypatch, executions)

    assert "ok" == finding.level
    assert "1000 at a time, and queues use 200 at most" == finding.detail


def test_a_new_account_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has 10: whoever operates it asks for more, and caps the queues until then."""
    finding = said(monkeypatch, executions, quota=10)

    assert "warning" == finding.level
    assert "runs 10 functions at a time, and the queues alone may use 200" in finding.detail
    assert "Service Quotas" in finding.fix
    assert "WorkerConcurrency=2 " in finding.fix


@pytest.mark.parametrize("facts", [{"quota": 10, "cap": 2}, {"quota": 120, "reserved": 20}])
def test_a_share_that_is_protected_is_enough(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, int]
) -> None:
    """By what is advised, or by executions that are reserved for webhooks."""
    assert "ok" == said(monkeypatch, executions, **facts).level


# ── Alarms ──

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def alarm(state: str, missing: str, minutes: int) -> dict[str, Any]:
    """Give CloudWatch's record of an alarm that was written some minutes ago."""
    return {
        "StateValue": state,
        "TreatMissingData": missing,
        "AlarmConfigurationUpdatedTimestamp": NOW - timedelta(minutes=minutes),
    }


@pytest.mark.parametrize(
    ("record", "is_silent"),
    [
        (alarm("INSUFFICIENT_DATA", "missing", 61), True),
        (alarm("INSUFFICIENT_DATA", "missing", 59), False),
        (alarm("INSUFFICIENT_DATA", "notBreaching", 61), False),
        (alarm("OK", "missing", 61), False),
    ],
)
def test_a_function_that_does_not_run_is_noticed(record: dict[str, Any], is_silent: bool) -> None:
    """By having no data, but not in a stack that is minutes old."""
    assert is_silent == bool(without_data([record], NOW))


class Alarms:
    """A stack with one composite alarm of two windows, and CloudWatch as it answers of them."""

    is_local = True
    windows = ("WebhooksBurnInAnHour", "WebhooksBurnInFiveMinutes")

    def __init__(self, *in_alarm: str) -> None:
        self.in_alarm = in_alarm

    def client(self, _service: str) -> Alarms:
        return self

    def of_type(self, kind: str) -> list[Resource]:
        """Give the alarms of a kind."""
        composite = kind == "AWS::CloudWatch::CompositeAlarm"
        names = ("WebhooksFastBurnAlarm",) if composite else self.windows
        return [Resource(name, kind, name) for name in names]

    def describe_alarms(self, **asked: Any) -> dict[str, Any]:
        """Answer as CloudWatch does, which leaves composite alarms out unless asked for them."""
        kinds = {"MetricAlarm": self.windows, "CompositeAlarm": ("WebhooksFastBurnAlarm",)}
        return {
            f"{kind}s": [
                {
                    "AlarmName": name,
                    "AlarmDescription": "Too late.",
                    "StateValue": "ALARM" if name in self.in_alarm else "OK",
                    "ActionsEnabled": True,
                    "AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:night"],
                }
                for name in set(names) & set(asked["AlarmNames"])
            ]
            for kind, names in kinds.items()
            if kind in asked.get("AlarmTypes", ["MetricAlarm"])
        }

    @property
    def told(self) -> list[str]:
        """Give what doctor says of them."""
        context = CheckContext(cast("Any", self), cast("Any", None), cast("Any", None), [])
        return [each.detail for each in alarms(context)]


def test_a_window_is_no_alarm_and_a_composite_alarm_is_one() -> None:
    """A fast alarm has two windows; one of them alone wakes no person."""
    assert ["none of 1 is in ALARM"] == Alarms("WebhooksBurnInAnHour").told
    assert ["WebhooksFastBurnAlarm is in ALARM: Too late."] == Alarms("WebhooksFastBurnAlarm").told
