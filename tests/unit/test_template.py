"""The template keeps what the architecture promises, before anything is deployed."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from typing import Any

import pytest

from liveperson_connector import settings
from liveperson_connector.aws.table import TTL_ATTRIBUTE
from tests.support.template import (
    PROJECT,
    actions,
    functions,
    logical_id,
    resources,
    statements,
    targets,
    template,
)

QUEUES = resources("AWS::SQS::Queue")
FUNCTIONS = functions()
GLOBALS = template()["Globals"]["Function"]

# Timers of typing indicators are worth nothing a moment later: what fails of them is let go.
WITHOUT_DEAD_LETTERS = {"TypingTimersQueue"}


def queue_events() -> list[tuple[str, str, dict[str, Any]]]:
    """Give function, queue and event of every mapping from a queue."""
    return [
        (folder, logical_id(event["Properties"]["Queue"]), event["Properties"])
        for folder, function in FUNCTIONS.items()
        for event in function["Events"].values()
        if event["Type"] == "SQS"
    ]


def read_by_functions() -> set[str]:
    """Name every queue that a function is woken by."""
    return {queue for _, queue, _ in queue_events()}


def dead_letter_queues() -> set[str]:
    """Name every queue that dead letters go to."""
    redriven = {
        logical_id(queue["RedrivePolicy"]["deadLetterTargetArn"])
        for queue in QUEUES.values()
        if "RedrivePolicy" in queue
    }
    return {*redriven, "TokenRefreshDeadLetters"}


def settings_of(folder: str) -> type[Any]:
    """Give the settings of a function, which are named as its folder is."""
    name = "".join(word.capitalize() for word in folder.split("_"))
    found: type[Any] = getattr(settings, f"{name}Settings")
    return found


# ── Queues ──


@pytest.mark.parametrize("name", sorted(read_by_functions() - dead_letter_queues()))
def test_a_queue_has_dead_letters(name: str) -> None:
    """Nothing is lost: what can't be handled stands somewhere."""
    if name in WITHOUT_DEAD_LETTERS:
        assert "RedrivePolicy" not in QUEUES[name]
        return
    policy = QUEUES[name]["RedrivePolicy"]
    dead_letters = QUEUES[logical_id(policy["deadLetterTargetArn"])]

    assert QUEUES[name].get("FifoQueue") == dead_letters.get("FifoQueue")
    assert policy["maxReceiveCount"] >= 500  # the worker decides; a day of tries must fit


@pytest.mark.parametrize("name", sorted(dead_letter_queues()))
def test_dead_letters_sound_an_alarm(name: str) -> None:
    """An operator learns of the first one."""
    alarms = [
        alarm
        for alarm in resources("AWS::CloudWatch::Alarm").values()
        if any(
            isinstance(dimension["Value"], dict) and logical_id(dimension["Value"]) == name
            for dimension in alarm.get("Dimensions", [])
        )
    ]

    assert alarms
    assert all("AlarmActions" in each and each["AlarmDescription"] for each in alarms)


@pytest.mark.parametrize("name", sorted(n for n in QUEUES if QUEUES[n].get("FifoQueue")))
def test_order_does_not_cost_speed(name: str) -> None:
    """FIFO queues run in high-throughput mode, which needs both settings."""
    assert ("messageGroup", "perMessageGroupId") == (
        QUEUES[name]["DeduplicationScope"],
        QUEUES[name]["FifoThroughputLimit"],
    )


@pytest.mark.parametrize("name", sorted(QUEUES))
def test_every_queue_is_encrypted(name: str) -> None:
    """What consumers say lies in it."""
    assert QUEUES[name]["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("name", sorted(n for n in QUEUES if QUEUES[n].get("FifoQueue")))
def test_messages_are_kept_as_long_as_can_be(name: str) -> None:
    """Waiting is never losing: fourteen days."""
    assert 14 * 86_400 == QUEUES[name]["MessageRetentionPeriod"]


@pytest.mark.parametrize(("folder", "queue"), [each[:2] for each in queue_events()])
def test_no_message_is_offered_while_it_is_being_handled(folder: str, queue: str) -> None:
    """Visibility is at least six times the time-out of the function that reads, as AWS advises."""
    assert QUEUES[queue]["VisibilityTimeout"] >= 6 * FUNCTIONS[folder]["Timeout"]


@pytest.mark.parametrize(("folder", "event"), [(each[0], each[2]) for each in queue_events()])
def test_a_worker_takes_one_message_at_a_time(folder: str, event: dict[str, Any]) -> None:
    """No neighbour suffers for another's failure, and a failure deletes nothing."""
    assert 1 == event["BatchSize"]
    assert ["ReportBatchItemFailures"] == event["FunctionResponseTypes"]


@pytest.mark.parametrize("folder", ["outbound_messaging", "channel_delivery"])
def test_workers_are_capped_at_their_queue(folder: str) -> None:
    """Reserved concurrency would throw messages back; the mapping takes fewer."""
    fifo = [e for f, q, e in queue_events() if f == folder and QUEUES[q].get("FifoQueue")]

    assert all(event["ScalingConfig"]["MaximumConcurrency"] for event in fifo)
    assert fifo
    assert "ReservedConcurrentExecutions" not in FUNCTIONS[folder]


@pytest.mark.parametrize(
    ("logical", "name"),
    [
        ("ConsumerEventsQueue", "consumer-events.fifo"),
        ("ConsumerEventsDeadLetters", "consumer-events-dlq.fifo"),
        ("NotificationsQueue", "notifications.fifo"),
        ("NotificationsDeadLetters", "notifications-dlq.fifo"),
    ],
)
def test_queues_have_the_names_that_operators_know(logical: str, name: str) -> None:
    """The stack's name, then a fixed spelling."""
    assert {"Fn::Sub": f"${{AWS::StackName}}-{name}"} == QUEUES[logical]["QueueName"]


# ── Functions ──


def test_every_function_folder_is_deployed() -> None:
    """And nothing else is."""
    folders = {each.parent.name for each in PROJECT.glob("functions/*/handler.py")}

    assert folders == set(FUNCTIONS)
    assert all(FUNCTIONS[each]["CodeUri"] == f"functions/{each}" for each in folders)


@pytest.mark.parametrize("folder", sorted(FUNCTIONS))
def test_a_functions_environment_is_what_its_settings_read(folder: str) -> None:
    """Nothing is missing at run time, and nothing is set that nobody reads."""
    expected = {each.name.upper() for each in fields(settings_of(folder))}

    assert expected == set(FUNCTIONS[folder]["Environment"]["Variables"])


def test_functions_run_on_one_runtime() -> None:
    """Python 3.13, with the handler where the folder has it."""
    assert ("python3.13", "handler.handler") == (GLOBALS["Runtime"], GLOBALS["Handler"])
    assert all("Runtime" not in each and "Handler" not in each for each in FUNCTIONS.values())
    layer = resources("AWS::Serverless::LayerVersion")["ConnectorLayer"]
    assert ["python3.13"] == layer["CompatibleRuntimes"]


@pytest.mark.parametrize("folder", sorted(FUNCTIONS))
def test_a_function_says_what_it_does(folder: str) -> None:
    """Where an operator meets it at night: on the console."""
    assert len(FUNCTIONS[folder]["Description"]) > 20


@pytest.mark.parametrize("folder", sorted(FUNCTIONS))
def test_a_functions_log_is_kept_for_a_while_and_not_for_ever(folder: str) -> None:
    """Each has a log group of its own with a retention."""
    group = resources("AWS::Logs::LogGroup")[
        logical_id(FUNCTIONS[folder]["LoggingConfig"]["LogGroup"])
    ]

    assert folder.replace("_", "-") in group["LogGroupName"]["Fn::Sub"]
    assert group["RetentionInDays"]


@pytest.mark.parametrize("folder", sorted(FUNCTIONS))
def test_there_is_a_real_event_of_every_function(folder: str) -> None:
    """For ``sam local invoke`` and for whoever wants to see one."""
    event = json.loads((PROJECT / "events" / f"{folder}.json").read_text())

    assert isinstance(event, dict)


# ── Who may do what ──


@pytest.mark.parametrize("folder", sorted(FUNCTIONS))
def test_no_function_may_touch_everything(folder: str) -> None:
    """Every statement names its resources and its actions, and says what for."""
    for statement in statements(FUNCTIONS[folder]):
        assert "*" not in targets(statement)
        assert not any("*" in action for action in actions(statement))
        assert re.fullmatch(r"[A-Z]\w+", statement["Sid"])


def who_may(action: str, parameter: str) -> set[str]:
    """Name the functions that may do something with a kind of parameter."""
    return {
        folder
        for folder, function in FUNCTIONS.items()
        for statement in statements(function)
        if action in actions(statement) and parameter in json.dumps(targets(statement))
    }


def test_only_those_who_prove_or_refresh_read_credentials() -> None:
    """The client secret opens the brand's account."""
    assert {"webhook_intake", "token_refresh"} == who_may("ssm:GetParameter", "/credentials")


def test_who_reads_parameters_says_of_which_kind() -> None:
    """No statement covers all that is written of an account."""
    read = [
        json.dumps(target)
        for function in FUNCTIONS.values()
        for statement in statements(function)
        if "ssm:GetParameter" in actions(statement)
        for target in targets(statement)
    ]

    assert read
    assert all(re.search(r"/accounts/\*/(credentials|channel|app-jwt)\"\}$", each) for each in read)


def test_only_token_refresh_writes_app_jwts() -> None:
    """And it writes no other parameter."""
    writers = {
        (folder, json.dumps(target).rstrip('"}').rpartition("/")[2])
        for folder, function in FUNCTIONS.items()
        for statement in statements(function)
        if "ssm:PutParameter" in actions(statement)
        for target in targets(statement)
    }

    assert {("token_refresh", "app-jwt")} == writers


def test_intakes_touch_no_table() -> None:
    """They prove, queue and answer."""
    for folder in ("webhook_intake", "message_intake"):
        allowed = {a for each in statements(FUNCTIONS[folder]) for a in actions(each)}

        assert not any(each.startswith(("dynamodb:", "lambda:")) for each in allowed)


def test_no_function_may_purge_or_read_what_is_not_its_own() -> None:
    """Nothing but the redrive takes dead letters."""
    takers = {
        folder
        for folder, function in FUNCTIONS.items()
        for statement in statements(function)
        if "sqs:ReceiveMessage" in actions(statement) and "DeadLetters" in json.dumps(statement)
    }

    assert takers <= {"dead_letter_redrive", "token_refresh"}


# ── The rest ──


def test_the_table_forgets_by_the_attribute_that_is_written() -> None:
    """Otherwise nothing would ever expire."""
    (table,) = resources("AWS::DynamoDB::Table").values()

    assert {"Enabled": True, "AttributeName": TTL_ATTRIBUTE} == table["TimeToLiveSpecification"]


def test_the_table_is_safe() -> None:
    """Encrypted, recoverable, and not deleted with the stack."""
    (table,) = resources("AWS::DynamoDB::Table").values()
    (resource,) = [
        each for each in template()["Resources"].values() if each.get("Properties") is table
    ]

    assert table["SSESpecification"]["SSEEnabled"]
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert "Delete" not in {resource["DeletionPolicy"], resource["UpdateReplacePolicy"]}


def test_the_channel_needs_a_key_and_liveperson_does_not() -> None:
    """Webhooks prove themselves by their signature."""
    needs = {
        event["Properties"]["Path"]: event["Properties"].get("Auth", {}).get("ApiKeyRequired")
        for function in FUNCTIONS.values()
        for event in function["Events"].values()
        if event["Type"] == "Api"
    }

    assert not needs.pop("/webhooks/liveperson")
    assert needs
    assert all(needs.values())


def test_tokens_are_refreshed_so_often_that_two_failures_are_survived() -> None:
    """An AppJWT lives an hour."""
    schedules = [
        event["Properties"]["ScheduleExpression"]
        for event in FUNCTIONS["token_refresh"]["Events"].values()
        if event["Type"].startswith("Schedule")
    ]

    assert ["rate(20 minutes)"] == schedules


@pytest.mark.parametrize("name", ["WebhookUrl", "ChannelApiUrl", "ChannelApiKeyId", "TableName"])
def test_the_outputs_of_the_contract_are_there(name: str) -> None:
    """What operators and other tools look for."""
    assert template()["Outputs"][name]["Value"]


@pytest.mark.parametrize(
    "name", sorted(n for n in QUEUES if QUEUES[n].get("FifoQueue") or n in dead_letter_queues())
)
def test_every_queue_can_be_found_by_its_name(name: str) -> None:
    """An output tells it."""
    values = [each["Value"] for each in template()["Outputs"].values()]

    assert any("Fn::GetAtt" in each and logical_id(each) == name for each in values)


@pytest.mark.parametrize(
    ("name", "default"),
    [("LivePersonDomainApiUrl", "https://api.liveperson.net"), ("Architecture", "arm64")],
)
def test_the_parameters_of_the_contract_are_there(name: str, default: str) -> None:
    """With the defaults that are promised."""
    assert default == template()["Parameters"][name]["Default"]


@pytest.mark.parametrize("name", sorted(template()["Parameters"]))
def test_every_parameter_is_described_and_optional(name: str) -> None:
    """A brand deploys without an answer to anything."""
    parameter = template()["Parameters"][name]

    assert len(parameter["Description"]) > 20
    assert "Default" in parameter


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("https://api.liveperson.net", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost", True),
        ("http://[::1]:8080", True),
        ("http://api.liveperson.net", False),
        ("http://127.0.0.1.evil.example", False),
        ("api.liveperson.net", False),
        ("", False),
    ],
)
def test_a_plain_http_address_is_accepted_on_loopback_alone(url: str, accepted: bool) -> None:
    """A slip is noticed before the stack is made."""
    pattern = template()["Parameters"]["LivePersonDomainApiUrl"]["AllowedPattern"]

    assert accepted == bool(re.fullmatch(pattern, url))
