"""
The objectives' alarms, on minutes made up: they sound when a budget burns, and only then.

The expressions of the template are evaluated here as CloudWatch does
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html), on the
statistics of its own words (…/Statistics-definitions.html): ``TC(2000:)`` counts what is above.
"""

from __future__ import annotations

import ast
import json
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tools.template import PROJECT, resources, template

ALARMS = resources("AWS::CloudWatch::Alarm")
COMPOSITES = resources("AWS::CloudWatch::CompositeAlarm")
PAGE = (PROJECT / "docs/objectives.md").read_text()

Minute = dict[str, list[float]]
"""What was measured in a minute: values by the name of their metric."""

_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
}


@dataclass(frozen=True)
class Objective:
    """An objective: its names, its target, what counts as bad, and how many are good a minute."""

    name: str
    budget: float
    total: str
    good: float
    bad: dict[str, float]
    a_minute: int = 1000

    def minute(self, share: float, kind: str, count: int | None = None) -> Minute:
        """Give a minute in which ``share`` of all is bad, in one way."""
        count = self.a_minute if count is None else count
        bad = round(count * share)
        good = [self.good] * (count - bad)
        if kind == self.total:
            return {kind: good + [self.bad[kind]] * bad}
        if kind == "not_queued":  # a 503 is an answer, and its time is measured
            good = [self.good] * count
        return {self.total: good, kind: [1.0] * bad}


OBJECTIVES = [
    Objective(
        "Webhooks",
        0.001,
        "answer_time",
        2000.0,
        {"answer_time": 2001.0, "not_queued": 1, "Errors": 1},
    ),
    *(
        Objective(
            name, 0.01, "end_to_end_time", 30000.0, {"end_to_end_time": 30001.0, "dead_lettered": 1}
        )
        for name in ("Events", "Notifications")
    ),
]
KINDS = [(each, kind) for each in OBJECTIVES for kind in each.bad]
every_way = pytest.mark.parametrize(("objective", "kind"), KINDS, ids=str)


def statistic(stat: str, values: Sequence[float]) -> float | None:
    """Give a statistic of CloudWatch; None where there is no data."""
    if not values:
        return None
    if above := re.fullmatch(r"TC\((\d+):\)", stat):
        return float(sum(each > float(above[1]) for each in values))
    return {"Sum": sum(values), "SampleCount": float(len(values))}[stat]


def evaluate(node: ast.expr, known: dict[str, float | None]) -> float | None:
    """Evaluate an expression of metric math; None, missing data, spreads."""
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name):
        return known[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        given = [evaluate(each, known) for each in node.args]
        if node.func.id == "FILL":
            return given[1] if given[0] is None else given[0]
        assert "IF" == node.func.id
        return None if given[0] is None else given[1 if given[0] else 2]
    if isinstance(node, ast.Compare):
        sides, sign = (node.left, node.comparators[0]), node.ops[0]
    else:
        assert isinstance(node, ast.BinOp)
        sides, sign = (node.left, node.right), node.op  # type: ignore[assignment]
    left, right = (evaluate(each, known) for each in sides)
    if left is None or right is None or (isinstance(sign, ast.Div) and not right):
        return None
    return float(_OPERATORS[type(sign)](left, right))


def burn(name: str, minutes: Sequence[Minute]) -> float | None:
    """Give the value that an alarm watches after ``minutes``."""
    queries = ALARMS[name]["Metrics"]
    known: dict[str, float | None] = {}
    for query in (each for each in queries if "MetricStat" in each):
        stat = query["MetricStat"]
        window = minutes[-stat["Period"] // 60 :]
        values = [v for each in window for v in each.get(stat["Metric"]["MetricName"], [])]
        known[query["Id"]] = statistic(stat["Stat"], values)
    for query in (each for each in queries if "Expression" in each):
        parsed = ast.parse(query["Expression"], mode="eval").body
        known[query["Id"]] = evaluate(parsed, known)
    (watched,) = [each["Id"] for each in queries if each.get("ReturnData", True)]
    return known[watched]


def is_on(name: str, minutes: Sequence[Minute]) -> bool:
    """Say whether a metric alarm is in ALARM; missing data does not breach."""
    assert "notBreaching" == ALARMS[name]["TreatMissingData"]
    value = burn(name, minutes)
    return value is not None and value >= ALARMS[name]["Threshold"]


def alarms(objective: Objective, minutes: Sequence[Minute]) -> str:
    """Name which of the two alarms of an objective are on."""
    rule = COMPOSITES[f"{objective.name}FastBurnAlarm"]["AlarmRule"]["Fn::Sub"]
    parts = re.findall(r'ALARM\("\$\{(\w+)\}"\)', rule)
    assert 'ALARM("${' + '}") AND ALARM("${'.join(parts) + '}")' == rule
    fast = all(is_on(each, minutes) for each in parts)
    slow = is_on(f"{objective.name}SlowBurnAlarm", minutes)
    return " ".join(name for name, on in (("fast", fast), ("slow", slow)) if on)


@every_way
def test_alarms_are_silent_while_the_budget_lasts(objective: Objective, kind: str) -> None:
    """Without traffic, without failures, and when exactly what is allowed fails."""
    for share in (0.0, objective.budget, 5 * objective.budget):
        assert "" == alarms(objective, [objective.minute(share, kind)] * 360)
    assert "" == alarms(objective, [])
    assert "" == alarms(objective, [{}] * 360)


@every_way
def test_fast_alarm_sounds_when_an_hour_spends_a_fiftieth(objective: Objective, kind: str) -> None:
    """Of 30 days' budget; and soon after the cause is over it is over too."""
    good, bad = objective.minute(0, kind), objective.minute(20 * objective.budget, kind)
    burning = [good] * 300 + [bad] * 60

    assert "fast" == alarms(objective, burning)
    assert "" == alarms(objective, burning + [good] * 5)


@every_way
def test_slow_alarm_sounds_when_six_hours_spend_a_twentieth(
    objective: Objective, kind: str
) -> None:
    """A leak that no hour makes alarming."""
    leaking = [objective.minute(7 * objective.budget, kind)] * 360

    assert "slow" == alarms(objective, leaking)
    assert "" == alarms(objective, leaking[:240] + [objective.minute(0, kind)] * 120)


@every_way
def test_one_or_two_failures_of_a_quiet_night_are_no_alarm(objective: Objective, kind: str) -> None:
    """Of three messages two are most of them, and say nothing yet; all of six do."""
    quiet: list[Minute] = [{}] * 357

    assert "" == alarms(objective, [*quiet, {}, *[objective.minute(1, kind, count=1)] * 2])
    assert "fast slow" == alarms(objective, [*quiet, *[objective.minute(1, kind, count=2)] * 3])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_all_failing_sounds_within_minutes(objective: Objective) -> None:
    """However good the hour before was."""
    kind = objective.total
    hour = [objective.minute(0, kind)] * 360
    needed = next(
        number
        for number in range(1, 60)
        if "fast" in alarms(objective, hour + [objective.minute(1, kind)] * number)
    )

    assert needed <= {0.001: 1, 0.01: 9}[objective.budget]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_page_names_the_target_that_the_alarms_have(objective: Objective) -> None:
    """As do the words of the alarms, and the widgets of the dashboard."""
    target = f"{100 * (1 - objective.budget):g} %"
    names = [f"{objective.name}FastBurnAlarm", f"{objective.name}SlowBurnAlarm"]

    assert re.search(rf"^\| .*{target}.*{names[0]}.*{names[1]}", PAGE, re.MULTILINE)
    for each in (COMPOSITES[names[0]], ALARMS[names[1]]):
        assert f"({target} of" in each["AlarmDescription"]
    expressions = re.findall(r"/ ([\d.]+), 0\)", json.dumps(ALARMS[names[1]]))
    assert [objective.budget] == [float(each) for each in expressions]


def test_what_the_emulator_does_not_know_is_made_on_aws_alone() -> None:
    """Metric math and composite alarms, and what shows them."""
    conditional = {
        name for name, each in template()["Resources"].items() if each.get("Condition") == "OnAws"
    }

    assert conditional == {*COMPOSITES, *(name for name in ALARMS if "Metrics" in ALARMS[name])}
