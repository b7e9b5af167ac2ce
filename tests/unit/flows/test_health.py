"""What a monitor outside is told."""

from __future__ import annotations

from dataclasses import dataclass, field

from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.flows.health import CACHE_SECONDS, UNWELL, Health
from tests.support.clocks import Clock
from tools.template import resources


@dataclass
class CloudWatch:
    """The alarms that are in alarm, and how often they were asked for."""

    alarms: set[str] = field(default_factory=set)
    fails: bool = False
    asked: int = 0

    def __call__(self) -> frozenset[str]:
        """Give them."""
        self.asked += 1
        if self.fails:
            raise AwsUnavailable("down")
        return frozenset(self.alarms)


def status(cloudwatch: CloudWatch) -> tuple[str, int]:
    """Give what a monitor would be told now."""
    report = Health(cloudwatch).report()
    return report.status, report.http_status


def test_alarms_of_the_functions_decide() -> None:
    """Of what strangers or a brand's partner cause, a monitor is told nothing."""
    assert ("ok", 200) == status(CloudWatch())
    assert ("ok", 200) == status(CloudWatch({"UntrustedWebhooksAlarm", "WaitingForChannelAlarm"}))
    assert ("failing", 503) == status(CloudWatch({"MessageIntakeErrorsAlarm"}))
    assert ("unknown", 503) == status(CloudWatch(fails=True))


def test_alarms_that_decide_exist() -> None:
    """By the names that the template gives them."""
    assert set(resources("AWS::CloudWatch::Alarm")) >= UNWELL


def test_cloudwatch_is_asked_no_oftener_however_many_monitors_there_are(clock: Clock) -> None:
    """An answer counts for half a minute."""
    cloudwatch = CloudWatch()
    health = Health(cloudwatch, clock=clock)
    health.report()
    cloudwatch.alarms.add("UnexpectedErrorsAlarm")
    clock.pass_seconds(CACHE_SECONDS - 1)
    assert ("ok", 1) == (health.report().status, cloudwatch.asked)

    clock.pass_seconds(1)
    assert ("failing", 2) == (health.report().status, cloudwatch.asked)
