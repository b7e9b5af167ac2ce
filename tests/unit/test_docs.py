"""The documents that operators trust are complete, and say what is true of the template."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.webhook_intake.handler import SLOW
from liveperson_connector.domain import accounts, intake_settings
from liveperson_connector.entrypoints import settings
from liveperson_connector.telemetry.outcomes import Measurement, Outcome
from tools import cost, load, measure
from tools.template import PROJECT, functions, resources, template

DOCS = PROJECT / "docs"
PACKAGE = PROJECT / "layers" / "connector" / "liveperson_connector"
FUNCTIONS = functions()
ALARMS = {  # those that notify; the windows of composite ones do not
    name: alarm
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    for name, alarm in resources(kind).items()
    if "AlarmActions" in alarm
}
WORKERS = {"outbound_messaging", "channel_delivery"}

# What holds data of its own; the rest of the template computes, permits or watches.
STORES = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::Logs::LogGroup")


def document(name: str) -> str:
    """Read a page."""
    return (DOCS / name).read_text()


def section(page: str, title: str) -> str:
    """Give what stands under a heading, up to the next one of its level or above."""
    level, rest = re.split(rf"^(#+) {re.escape(title)}$", page, maxsplit=1, flags=re.MULTILINE)[1:]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> Iterator[list[str]]:
    """Give the rows of the tables in a text, without heads and rules."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        is_head = number + 1 < len(lines) and lines[number + 1].startswith("|---")
        if line.startswith("|") and not line.startswith("|---") and not is_head:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def code(cell: str) -> list[str]:
    """Give what a cell shows as code."""
    return re.findall(r"`([^`]+)`", cell)


# ── The runbook ──


def alarm_sections() -> list[str]:
    """Name the runbook's sections of alarms, in order."""
    return re.findall(r"^### (\w+Alarm)$", document("runbook.md"), re.MULTILINE)


def test_every_alarm_has_a_section_and_every_section_an_alarm() -> None:
    """Whoever is woken finds the name of the alarm in the runbook."""
    found = alarm_sections()

    assert sorted(ALARMS) == sorted(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_a_section_says_what_it_means_where_to_look_and_what_to_do(name: str) -> None:
    """In this order, and nothing else."""
    said = re.findall(r"^\*\*(.+?)\.\*\*", section(document("runbook.md"), name), re.MULTILINE)

    assert ["Means", "Look at", "Do"] == said


def test_the_runbooks_list_of_alarms_is_complete() -> None:
    """The list is what one reads first."""
    listed = re.findall(r"^\| \[(\w+Alarm)\]\(#(\w+)\)", document("runbook.md"), re.MULTILINE)

    assert alarm_sections() == [name for name, _ in listed]
    assert all(name.lower() == anchor for name, anchor in listed)


def test_the_runbook_knows_every_alarm_by_its_threshold() -> None:
    """A threshold that was changed is changed in the text too."""
    page = document("runbook.md")
    for name, words in [
        ("WebhookAnswersSlowAlarm", "than\n1.5 s"),
        ("WebhookAnswersTooSlowAlarm", "than\n2 s"),
    ]:
        assert words in section(page, name)
        assert SLOW[ALARMS[name]["MetricName"]] == 1000 * float(words.split()[1])
    seconds = {
        "ConsumerEventsWaitAlarm": ("five minutes", 300),
        "NotificationsWaitAlarm": ("five minutes", 300),
        "AppJwtAgeAlarm": ("35\nminutes", 2100),
        "UntrustedWebhooksAlarm": ("Three webhooks in five minutes", 3),
    }
    for name, (words, threshold) in seconds.items():
        assert words in section(page, name)
        assert threshold == ALARMS[name]["Threshold"]


def test_the_runbook_explains_every_metric() -> None:
    """A word in the log or on the dashboard can be looked up."""
    explained = {
        word
        for cells in rows(section(document("runbook.md"), "Metrics"))
        for word in code(cells[1])
    }
    watched = {
        alarm["MetricName"]
        for alarm in ALARMS.values()
        if alarm.get("Namespace") == "LivePersonConnector"
    }

    counted = {*Outcome, *Measurement} - {Outcome.PUT_BACK}  # logged, not counted

    assert {str(each) for each in counted} | watched <= explained


def test_what_the_runbook_invokes_is_there() -> None:
    """Its commands name functions and resources of the template."""
    page = document("runbook.md")
    named = re.findall(
        r"--name (\w+)|invoke (\w+)|--logical-resource-id (\w+)", page.replace("\\\n", "")
    )

    assert {name for each in named for name in each if name} <= {
        *template()["Resources"],
        "live",  # an alias
    }


# ── Settings ──


def test_every_parameter_is_explained_with_its_default() -> None:
    """And none that is not there."""
    said = {
        code(cells[0])[0]: (code(cells[1]) or [""])[0]
        for cells in rows(section(document("settings.md"), "Parameters"))
    }
    real = {name: str(each["Default"]) for name, each in template()["Parameters"].items()}

    assert real == said


def test_every_environment_variable_is_explained_with_its_readers() -> None:
    """As the template sets it on each function."""
    expected: dict[str, set[str]] = {}
    for folder, function in FUNCTIONS.items():
        for name in function["Environment"]["Variables"]:
            expected.setdefault(name, set()).add(folder)
    for name in template()["Globals"]["Function"]["Environment"]["Variables"]:
        expected[name] = set(FUNCTIONS)
    said = {
        code(cells[0])[0]: readers(cells[1])
        for cells in rows(section(document("settings.md"), "Environment variables"))
    }

    assert expected == said


def readers(cell: str) -> set[str]:
    """Read ``both workers, `a` `` and ``all but `b` ``."""
    named = set(code(cell))
    if cell.startswith("all"):
        return set(FUNCTIONS) - named
    return named | (WORKERS if "both workers" in cell else set())


def test_every_field_of_the_settings_is_set_by_the_template() -> None:
    """The page is compared with the template, and the template with the code."""
    read = {
        name.upper()
        for kind in vars(settings).values()
        if isinstance(kind, type) and not issubclass(kind, Exception)
        for name in vars(kind).get("__annotations__", {})
    }
    said = {
        code(cells[0])[0]
        for cells in rows(section(document("settings.md"), "Environment variables"))
    }

    assert read == {each for each in said if not each.startswith(("POWERTOOLS_", "AWS_"))}


@pytest.mark.parametrize(
    ("parameter", "kind"),
    [("credentials", accounts.Credentials), ("channel", accounts.ChannelSettings)],
)
def test_every_field_of_an_accounts_parameters_is_explained(parameter: str, kind: Any) -> None:
    """What the code reads of the JSON, and what it can't do without."""
    source = Path(accounts.__file__).read_text()
    start = source.index(f"class {kind.__name__}:")
    body = source[start : source.index("\n\n\n", start)]
    if parameter == "channel":
        body += Path(intake_settings.__file__).read_text()
    read = set(re.findall(r"given(?:\.get\(|\[)\"(\w+)\"", body))
    (needed,) = re.findall(r"_require\(given, \(([^)]*)\)", body)
    heading = f"`/{{stack}}/accounts/{{account_id}}/{parameter}`"
    said = {code(c[0])[0]: c[1] for c in rows(section(document("settings.md"), heading))}

    assert read == set(said)
    assert set(re.findall(r"\"(\w+)\"", needed)) == {
        n for n, how in said.items() if how == "needed"
    }


def test_every_type_of_callback_is_named() -> None:
    """Where the channel chooses among them."""
    assert accounts.CALLBACKS <= set(code(section(document("settings.md"), "Parameter Store")))


def stages() -> dict[str, dict[str, Any]]:
    """Give the stages' parameters of deployment."""
    config = tomllib.loads((PROJECT / "samconfig.toml").read_text())
    return {
        name: each["deploy"]["parameters"]
        for name, each in config.items()
        if isinstance(each, dict) and "deploy" in each
    }


def test_every_stage_is_explained_with_its_stack() -> None:
    """What ``make deploy STAGE=…`` takes."""
    said = {
        code(cells[0])[0]: code(cells[1])[0]
        for cells in rows(section(document("settings.md"), "Stages"))
    }

    assert {name: each["stack_name"] for name, each in stages().items()} == said


@pytest.mark.parametrize("name", sorted(stages()))
def test_a_stage_gives_parameters_that_there_are(name: str) -> None:
    """A slip would be noticed at deployment only."""
    given = stages()[name].get("parameter_overrides", "").split()

    assert {each.partition("=")[0] for each in given} <= set(template()["Parameters"])


def test_stages_do_not_share_a_stack() -> None:
    """Whoever deploys to staging leaves production alone."""
    stacks = [each["stack_name"] for each in stages().values()]

    assert len(stacks) == len(set(stacks))


# ── The data map ──


def test_the_data_map_names_every_store() -> None:
    """Whatever of the template holds data."""
    said = {
        name
        for cells in rows(section(document("data-map.md"), "Stores"))
        for name in code(cells[0])[:1]
        if name[0].isupper()
    }

    assert {name for kind in STORES for name in resources(kind)} == said


def test_the_data_map_says_everything_of_every_store() -> None:
    """What, how personal, how long, how erased."""
    for cells in rows(section(document("data-map.md"), "Stores")):
        assert 6 == len(cells)
        assert all(cells[each] for each in (0, 1, 2, 4, 5))


def test_the_data_map_names_every_kind_of_item() -> None:
    """As the code writes their keys."""
    written = {
        kind
        for source in (PACKAGE / "aws").glob("*.py")
        for kind in re.findall(r"\"([a-z-]+)#\{", source.read_text())
    }
    said = {
        code(cells[0])[0] for cells in rows(section(document("data-map.md"), "Items of the table"))
    }

    assert written == said
    assert len(written) > 5


@pytest.mark.parametrize(
    ("kind", "constant", "words"),
    [
        ("consumer", "CONSUMER_SECONDS = 180 * _DAY", "180 days"),
        ("lp-consumer", "CONSUMER_SECONDS = 180 * _DAY", "180 days"),
        ("conversation", "FOREIGN_SECONDS = 7 * _DAY", "7 days"),
        ("event", "REPEAT_SECONDS = 5 * 86_400", "5 days"),
        ("notification", "REPEAT_SECONDS = 5 * 86_400", "5 days"),
        ("sought", "SOUGHT_SECONDS = 1800", "half an hour"),
        ("hold", "HOLD_SECONDS = 2 * 3600 + 600", "2 hours and 10 minutes"),
        ("tries", "expiry(14 * _DAY)", "14 days"),
    ],
)
def test_the_data_map_knows_how_long_items_stay(kind: str, constant: str, words: str) -> None:
    """A constant that is changed is changed in the page too."""
    modules = [*(PACKAGE / "aws").glob("*.py"), PACKAGE / "domain" / "queue_messages.py"]
    source = "".join(each.read_text() for each in modules)
    (row,) = [
        cells
        for cells in rows(section(document("data-map.md"), "Items of the table"))
        if code(cells[0])[0] == kind
    ]

    assert constant in source
    assert words in row[-1]


def test_the_data_map_knows_the_defaults() -> None:
    """Days of logs and files."""
    page = section(document("data-map.md"), "Stores")

    for name in ("LogRetentionDays", "FileRetentionDays"):
        assert f"`{name}` ({template()['Parameters'][name]['Default']})" in page


# ── Chaos experiments ──


def test_the_page_of_chaos_names_every_experiment_and_alarms_that_exist() -> None:
    """With what must hold."""
    table = list(rows(section(document("chaos.md"), "What must hold")))
    alarms = {name for cells in table for name in code(cells[3])}

    assert set(resources("AWS::FIS::ExperimentTemplate")) == {code(cells[0])[0] for cells in table}
    assert alarms
    assert alarms <= set(resources("AWS::CloudWatch::Alarm"))


# ── Cost ──


def test_the_page_of_costs_is_what_the_template_and_the_runs_say() -> None:
    """``make cost`` writes it again."""
    assert cost.render() == document("cost.md")


def test_the_cost_of_keys_is_counted() -> None:
    """Parameters and the table are encrypted by KMS, which is paid by the request."""
    month_of_five_minutes, refreshes = 30 * 24 * 12, 30 * 24 * 3
    (dollars,) = [dollars for what, _, dollars in cost.fixed() if "KMS" in what]
    at_least = 4 * month_of_five_minutes + 3 * refreshes  # four secrets, as many containers

    assert dollars >= at_least * 0.03 / 10_000


def test_a_part_of_the_cost_is_units_times_price() -> None:
    """The arithmetic that is shown is the one that was done."""
    by_name = {part.what: part for part in cost.parts()}
    requests = by_name["API Gateway, requests"]

    assert load.each("message_intake", "invocations") == 10
    assert requests.dollars == requests.units * cost.API_REQUEST
    assert requests.units == load.each("message_intake", "invocations") + load.each(
        "webhook_intake", "invocations"
    )


def test_calls_of_aws_are_counted_in_the_units_they_are_paid_by() -> None:
    """A transaction counts twice, a batch by its items."""
    batch = {"RequestItems": {"table": {"Keys": [1, 2, 3]}}}

    assert [("table_reads", 3)] == list(measure.units("BatchGetItem", batch))
    assert [("table_writes", 4)] == list(
        measure.units("TransactWriteItems", {"TransactItems": [1, 2]})
    )
    assert [] == list(measure.units("Invoke", {}))
