"""The template keeps what the architecture promises, before anything is deployed."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from typing import Any

import pytest
import yaml
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from functions.webhook_intake.handler import SLOW
from liveperson_connector.aws.table import TTL_ATTRIBUTE
from liveperson_connector.entrypoints import settings
from tools.template import (
    PROJECT,
    functions,
    logical_id,
    resources,
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


@pytest.mark.parametrize("name", sorted(dead_letter_queues() - {"TokenRefreshDeadLetters"}))
def test_dead_letters_sound_an_alarm(name: str) -> None:
    """An operator learns of the first one."""
    alarms = [
        alarm
        for alarm in ALARMS.values()
        if any(
            isinstance(dimension["Value"], dict) and logical_id(dimension["Value"]) == name
            for dimension in alarm.get("Dimensions", [])
        )
    ]

    assert alarms
    assert all("AlarmActions" in each and each["AlarmDescription"] for each in alarms)


def test_refreshes_that_fail_again_sound_an_alarm() -> None:
    """Not those that a run had no time for, which stand in the same queue."""
    alarm = ALARMS["TokenRefreshDeadLettersAlarm"]

    assert ("LivePersonConnector", "retry_later") == (alarm["Namespace"], alarm["MetricName"])
    assert {"Name": "function", "Value": "token_refresh"} in alarm["Dimensions"]
    assert (1200, 2) == (alarm["Period"], alarm["EvaluationPeriods"])


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


@pytest.mark.parametrize(("folder", "event"), [(each[0], each[2]) for each in queue_events()])
def test_workers_are_capped_at_their_queue(folder: str, event: dict[str, Any]) -> None:
    """Reserved concurrency would throw messages back; the mapping takes fewer."""
    assert {"Ref": "WorkerConcurrency"} == event["ScalingConfig"]["MaximumConcurrency"]
    assert "ReservedConcurrentExecutions" not in FUNCTIONS[folder]


def test_in_a_new_aws_account_the_queues_can_leave_room_for_webhooks() -> None:
    """It may have 10 executions; all queues together need no more than eight of them."""
    least = template()["Parameters"]["WorkerConcurrency"]["MinValue"]

    assert len(queue_events()) * least <= 8


def test_the_webhooks_share_can_be_reserved() -> None:
    """Not unless asked for: a new AWS account has too few executions to reserve any."""
    reserved = FUNCTIONS["webhook_intake"]["ReservedConcurrentExecutions"]

    assert "HasReservedConcurrency" == reserved["Fn::If"][0]
    assert 0 == template()["Parameters"]["WebhookReservedConcurrency"]["Default"]
    assert {"webhook_intake"} == {f for f in FUNCTIONS if "ReservedConcurrent" in str(FUNCTIONS[f])}


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
    expected = {name.upper() for name in settings_of(folder).__annotations__}

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
    assert table["DeletionProtectionEnabled"] is True
    # A protected table cannot be deleted when the making of a stack is rolled back either.
    assert {"Retain"} == {resource["DeletionPolicy"], resource["UpdateReplacePolicy"]}


def test_the_channel_needs_a_key_and_who_signs_does_not() -> None:
    """The webhooks of LivePerson and of providers prove themselves."""
    needs = {
        event["Properties"]["Path"]: event["Properties"].get("Auth", {}).get("ApiKeyRequired")
        for function in FUNCTIONS.values()
        for event in function["Events"].values()
        if event["Type"] == "Api"
    }

    assert not needs.pop("/webhooks/liveperson")
    assert not needs.pop("/accounts/{account_id}/channels/{name}")
    assert not needs.pop("/health")
    assert needs
    assert all(needs.values())


def test_bodies_reach_the_functions_as_they_were_sent() -> None:
    """
    Every media type is binary, in the API and in its definition.

    The definition's hash names the deployment, so a stack that is updated gets the new one too.
    """
    made = deployed()
    (api,) = of_kind(made, "AWS::ApiGateway::RestApi").values()

    assert ["*/*"] == api["Properties"]["BinaryMediaTypes"]
    assert ["*/*"] == api["Properties"]["Body"]["x-amazon-apigateway-binary-media-types"]


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


# ── Operating ──


ALARMS = {
    name: alarm
    for name, alarm in resources("AWS::CloudWatch::Alarm").items()
    if "Metrics" not in alarm
}
OBJECTIVES = {  # test_objectives.py is about what they compute
    name: alarm
    for kind in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    for name, alarm in resources(kind).items()
    if name.endswith("BurnAlarm")
}
OWN = "LivePersonConnector"


@cache
def metrics_of_our_own() -> set[str]:
    """Name everything that the code counts or measures: the words in its own texts."""
    package = PROJECT / "layers" / "connector" / "liveperson_connector"
    words: set[str] = set()
    for source in [*package.rglob("*.py"), *PROJECT.glob("functions/*/*.py")]:
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
    secrets, reasons = ("current", "previous"), ("echo", "not_for_consumers", "unknown_kind")
    words |= {f"accepted_{each}_secret" for each in secrets}
    return words | {f"withheld_{each}" for each in reasons if each in words}


def dimensions(alarm: dict[str, Any]) -> dict[str, Any]:
    """Give an alarm's dimensions by name."""
    return {each["Name"]: each["Value"] for each in alarm["Dimensions"]}


@pytest.mark.parametrize("name", sorted(ALARMS | OBJECTIVES))
def test_an_alarm_tells_what_it_means_and_when_it_is_over(name: str) -> None:
    """Its name is a section of the runbook; its words are read at night."""
    alarm = (ALARMS | OBJECTIVES)[name]

    assert name.endswith("Alarm")
    assert 60 < len(alarm["AlarmDescription"]) < 400
    assert alarm["AlarmActions"] == alarm["OKActions"]
    assert "AlarmTopicArn" in json.dumps(alarm["AlarmActions"])
    if name in OBJECTIVES and "AlarmRule" in alarm:
        return
    if alarm["TreatMissingData"] == "missing":
        assert alarm["InsufficientDataActions"] == alarm["AlarmActions"]
    else:
        assert "notBreaching" == alarm["TreatMissingData"]


def test_no_alarm_sounds_because_a_stack_is_new() -> None:
    """Before the first event there is no data, and none of them takes that for a breach."""
    assert not [name for name, each in ALARMS.items() if each["TreatMissingData"] == "breaching"]


def test_an_hour_without_a_refresh_is_noticed() -> None:
    """Three periods without data, of a schedule that runs in each: the state says so."""
    alarm = ALARMS["TokenRefreshSilentAlarm"]

    assert ("Invocations", 1200) == (alarm["MetricName"], alarm["Period"])
    assert "missing" == alarm["TreatMissingData"]


@pytest.mark.parametrize("name", sorted(n for n in ALARMS if ALARMS[n]["Namespace"] == OWN))
def test_an_alarm_of_our_own_watches_what_the_code_counts(name: str) -> None:
    """A word changed in the code would silence it."""
    found = dimensions(ALARMS[name])

    assert ALARMS[name]["MetricName"] in metrics_of_our_own()
    assert {"Ref": "AWS::StackName"} == found.pop("service")
    assert set(found.values()) <= set(FUNCTIONS)


def test_what_the_code_counts_is_told_apart_by_stack() -> None:
    """Two stacks in one account do not sound each other's alarms."""
    variables = GLOBALS["Environment"]["Variables"]

    assert {"Ref": "AWS::StackName"} == variables["POWERTOOLS_SERVICE_NAME"]
    assert OWN == variables["POWERTOOLS_METRICS_NAMESPACE"]


def test_webhooks_that_are_answered_slowly_sound_before_livepersons_limit() -> None:
    """It is 2.5 s for two minutes; an alarm needs one minute at most."""
    slow = [each for each in ALARMS.values() if each["MetricName"] in SLOW]

    assert 2 == len(slow)
    assert max(SLOW.values()) < 2500
    for alarm in slow:
        assert (60, 1) == (alarm["Period"], alarm["EvaluationPeriods"])
        assert "2.5 s" in alarm["AlarmDescription"]
        assert "two minutes" in alarm["AlarmDescription"]


def test_one_slow_answer_wakes_nobody() -> None:
    """Slow answers are counted; of a minute with a few webhooks any percentile is the slowest."""
    assert not [name for name, each in ALARMS.items() if "ExtendedStatistic" in each]
    for alarm in (each for each in ALARMS.values() if each["MetricName"] in SLOW):
        assert ("Sum", "GreaterThanOrEqualToThreshold") == (
            alarm["Statistic"],
            alarm["ComparisonOperator"],
        )
        assert {"Ref": "SlowAnswersPerMinute"} == alarm["Threshold"]
    assert template()["Parameters"]["SlowAnswersPerMinute"]["Default"] > 1


def test_the_age_of_app_jwts_sounds_while_there_is_time_left() -> None:
    """After the second failure in a row, and before the third run of the schedule."""
    assert 2 * 1200 > ALARMS["AppJwtAgeAlarm"]["Threshold"] > 1200


def dashboard() -> dict[str, Any]:
    """Read the dashboard; what CloudFormation fills in stays as it is written."""
    body, filled = resources("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"]["Fn::Sub"]
    condition, objectives, nothing = filled["ObjectiveAlarms"]["Fn::If"]
    assert ("OnAws", "") == (condition, nothing)
    loaded: dict[str, Any] = json.loads(body.replace("${ObjectiveAlarms}", objectives["Fn::Sub"]))
    return loaded


def test_the_dashboard_shows_every_alarm() -> None:
    """One look tells whether all is well."""
    (shown,) = [
        each["properties"]["alarms"] for each in dashboard()["widgets"] if each["type"] == "alarm"
    ]

    assert [f"${{{name}.Arn}}" for name in ALARMS] == shown[: len(ALARMS)]
    assert {f"${{{name}.Arn}}" for name in OBJECTIVES} == set(shown[len(ALARMS) :])


def test_the_dashboard_draws_what_there_is() -> None:
    """Every metric of ours is counted by the code, everything else is a resource's."""
    for widget in dashboard()["widgets"]:
        drawn = widget["properties"].get("metrics", [])
        for namespace, metric, *rest in (each for each in drawn if len(each) > 1):
            words = [each for each in rest if isinstance(each, str)]
            names = dict(zip(words[::2], words[1::2], strict=True))
            if namespace == OWN:
                assert metric in metrics_of_our_own()
                assert names["function"] in FUNCTIONS
                assert "${AWS::StackName}" == names["service"]
            else:
                (named,) = names.values()
                assert re.sub(r"[${}]|\.\w+", "", named) in template()["Resources"]


def test_the_dashboard_has_no_gaps_and_nothing_lies_on_anything() -> None:
    """Twenty-four columns, all of them used."""
    taken = [
        (each["x"] + dx, each["y"] + dy)
        for each in dashboard()["widgets"]
        for dx in range(each["width"])
        for dy in range(each["height"])
    ]
    height = max(y for _, y in taken) + 1

    assert len(taken) == len(set(taken)) == 24 * height


def test_every_function_is_traced() -> None:
    """Lambda writes the traces with the function's own role (``test_permissions.py``)."""
    assert "Active" == GLOBALS["Tracing"]


# ── Deploying ──

INTAKES = ("webhook_intake", "message_intake")
STATEFUL = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue"}


def deployed(**parameters: str) -> dict[str, Any]:
    """Give the resources that AWS makes of the template, with ``parameters`` given."""
    whole = yaml_parse((PROJECT / "template.yaml").read_text())
    for resource in whole["Resources"].values():
        for place in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            resource["Properties"][place] = "s3://bucket-of-code/key"
    made: dict[str, Any] = transform(whole, parameters, ManagedPolicyLoader(None))["Resources"]
    return made


def of_kind(made: dict[str, Any], kind: str) -> dict[str, Any]:
    """Give the resources of a kind."""
    return {name: each for name, each in made.items() if each["Type"] == kind}


@pytest.mark.parametrize("folder", INTAKES)
def test_a_new_version_of_an_intake_is_taken_back_if_an_alarm_sounds(folder: str) -> None:
    """Behind a parameter; by its errors, and by what its callers were answered."""
    function = FUNCTIONS[folder]
    preference = function["DeploymentPreference"]

    assert {"Ref": "GradualDeployment"} == preference["Enabled"]
    assert "false" == template()["Parameters"]["GradualDeployment"]["Default"]
    assert len(preference["Alarms"]) > 1
    assert {logical_id(each) for each in preference["Alarms"]} <= set(ALARMS)


def test_what_is_new_in_the_layer_is_a_new_version_of_the_intakes() -> None:
    """Their own code is ten lines; without these two an old layer would stay in service."""
    assert resources("AWS::Serverless::LayerVersion")["ConnectorLayer"]["PublishLambdaVersion"]
    assert all(FUNCTIONS[each]["AutoPublishAliasAllProperties"] for each in INTAKES)


def test_a_plain_deployment_needs_no_codedeploy() -> None:
    """Nor a role for it."""
    assert not [each for each in deployed().values() if "CodeDeploy" in each["Type"]]


def test_a_gradual_deployment_rolls_back_by_itself() -> None:
    """The intakes, on their own alarms."""
    groups = of_kind(deployed(GradualDeployment="true"), "AWS::CodeDeploy::DeploymentGroup")

    assert 3 == len(groups)
    for group in groups.values():
        assert (
            "DEPLOYMENT_STOP_ON_ALARM"
            in (group["Properties"]["AutoRollbackConfiguration"]["Events"])
        )


def test_warm_containers_cost_nothing_unless_asked_for() -> None:
    """They are paid by the hour."""
    assert 0 == template()["Parameters"]["WebhookProvisionedConcurrency"]["Default"]
    alias = deployed()["WebhookIntakeAliaslive"]["Properties"]
    assert "HasWarmContainers" == alias["ProvisionedConcurrencyConfig"]["Fn::If"][0]


@pytest.mark.parametrize("name", ["CustomDomain", "CustomDomainMapping"])
def test_a_custom_domain_is_made_only_if_there_is_one(name: str) -> None:
    """The rest of the stack does not depend on it."""
    assert "HasCustomDomain" == template()["Resources"][name]["Condition"]


def test_there_is_no_way_around_mutual_tls() -> None:
    """The address at AWS, which asks for no certificate, is closed."""
    api = resources("AWS::Serverless::Api")["ConnectorApi"]

    assert ["HasTrustStore", True, False] == api["DisableExecuteApiEndpoint"]["Fn::If"]


def test_the_deployment_that_sets_a_trust_store_closes_the_other_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """API Gateway heeds it with the next deployment of the API, so each of ours makes one."""
    names: list[str] = []
    for moment in (1_790_000_000, 1_790_000_060):
        monkeypatch.setattr("time.time", lambda now=moment: now)
        names += of_kind(deployed(), "AWS::ApiGateway::Deployment")

    assert 2 == len(set(names))


def test_a_new_version_of_the_trust_store_can_be_named() -> None:
    """API Gateway does not look at the file again while its address is the same."""
    trust = resources("AWS::ApiGateway::DomainName")["CustomDomain"]["MutualTlsAuthentication"]
    has_store, store, _ = trust["Fn::If"]

    assert "HasTrustStore" == has_store
    assert ["HasTrustStoreVersion", {"Ref": "TrustStoreVersion"}] == (
        store["TruststoreVersion"]["Fn::If"][:2]
    )


# A name that need only be the only one within something else of the stack, or is not ours.
SCOPED = {
    "AWS::ApiGateway::Stage": "StageName",
    "AWS::Lambda::Alias": "Name",
    "AWS::CodeDeploy::DeploymentGroup": "DeploymentConfigName",
    "AWS::ApiGateway::DomainName": "DomainName",
}

# What has no region: one name for the whole AWS account, or for all of AWS.
GLOBAL = re.compile(r"AWS::(CloudWatch::Dashboard|IAM::\w+|S3::Bucket)")


def chosen_names() -> list[tuple[str, str, str]]:
    """Give kind, logical id and value of every name that the template chooses for a resource."""
    made = deployed(GradualDeployment="true", AccessLogs="logs-and-account-role")
    return [
        (each["Type"], logical, json.dumps(value))
        for logical, each in made.items()
        for name, value in each.get("Properties", {}).items()
        if re.fullmatch(r"\w*Name", name)
        and name not in {"MetricName", SCOPED.get(each["Type"])}
        and not (isinstance(value, dict) and set(made) & {value.get("Ref")})
    ]


def test_no_name_collides_with_another_stacks_or_another_regions() -> None:
    """The same template stands twice in an account, and in two regions under one stack name."""
    assert len(chosen_names()) > 10
    for kind, logical, value in chosen_names():
        assert "AWS::StackName" in value, f"{logical}: another stack may have {value}"
        if GLOBAL.fullmatch(kind):
            assert "AWS::Region" in value, f"{logical}: another region may have {value}"


# ── Strangers ──


@pytest.mark.parametrize("kind", ["AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"])
def test_buckets_and_queues_are_reached_over_tls_alone(kind: str) -> None:
    """Whoever asks, and for whatever; every bucket and every queue has the policy."""
    policies = resources(kind)
    covered: set[str] = set()
    for policy in policies.values():
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert ("Deny", "*") == (statement["Effect"], statement["Principal"])
        assert statement["Action"] in {"s3:*", "sqs:*"}
        assert {"Bool": {"aws:SecureTransport": "false"}} == statement["Condition"]
        covered |= {logical_id(each) for each in policy.get("Queues", [policy.get("Bucket")])}

    conditions = {template()["Resources"][name]["Condition"] for name in policies}
    assert conditions <= {"SpeaksTls", "HasFaultInjection"}
    assert covered == set(
        QUEUES if kind == "AWS::SQS::QueuePolicy" else resources("AWS::S3::Bucket")
    )


def test_a_flood_of_webhooks_leaves_room_for_the_channel() -> None:
    """Their route has a throttle of its own, beside the usage plan's for the channel."""
    throttles = resources("AWS::Serverless::Api")["ConnectorApi"]["MethodSettings"]
    most = {"webhook_intake": "WebhookRequestsPerSecond"}
    most["provider_intake"] = "ProviderRequestsPerSecond"

    for folder, throttle in zip(most, throttles[:2], strict=True):
        (path,) = {each["Properties"]["Path"] for each in FUNCTIONS[folder]["Events"].values()}
        assert "/" + path.replace("/", "~1") == throttle["ResourcePath"]
        assert "POST" == throttle["HttpMethod"]
        assert {"Ref": most[folder]} == throttle["ThrottlingRateLimit"]
        assert {"Ref": most[folder]} == throttle["ThrottlingBurstLimit"]
    health = {each["HttpMethod"]: each["ThrottlingRateLimit"] for each in throttles[2:]}
    assert {"GET": 5, "HEAD": 5} == health
    assert {"/~1health"} == {each["ResourcePath"] for each in throttles[2:]}


def test_access_logs_say_who_and_when_and_no_words() -> None:
    """JSON of ids and numbers: no query, no body, no path with a consumer's id, no key."""
    condition, setting, _ = resources("AWS::Serverless::Api")["ConnectorApi"]["AccessLogSetting"][
        "Fn::If"
    ]
    line = json.loads(setting["Format"])

    assert "HasAccessLogs" == condition
    assert "none" == template()["Parameters"]["AccessLogs"]["Default"]
    assert {
        "$context.requestTime",
        "$context.identity.sourceIp",
        "$context.status",
        "$context.identity.apiKeyId",
        "$context.extendedRequestId",
    } <= set(line.values())
    assert not {
        "$context.path",
        "$context.requestId",
        "$context.identity.apiKey",
        "$context.identity.userAgent",
    } & set(line.values())


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("AccessLogsGroup", "HasAccessLogs"),
        ("ApiGatewayAccount", "SetsTheAccountsLogRole"),
        ("ApiGatewayLogsRole", "SetsTheAccountsLogRole"),
        ("WebAclAssociation", "HasWebAcl"),
    ],
)
def test_what_is_asked_for_is_made_only_then(name: str, condition: str) -> None:
    """Each costs something, or changes what belongs to the whole account."""
    assert condition == template()["Resources"][name]["Condition"]


def test_the_accounts_role_for_logs_outlives_the_stack() -> None:
    """Other APIs of the account log by it from then on."""
    for name in ("ApiGatewayAccount", "ApiGatewayLogsRole"):
        assert template()["Resources"][name]["DeletionPolicy"].startswith("Retain")


def test_what_would_lose_messages_is_guarded_by_the_stack_policy() -> None:
    """No update deletes or replaces a queue, the table or the files."""
    policy = json.loads((PROJECT / "stack-policy.json").read_text())
    allow, deny = policy["Statement"]
    stateful = {n for n, each in template()["Resources"].items() if each["Type"] in STATEFUL}
    stateful.remove("FaultInjectionBucket")  # has the settings of a running experiment

    assert ("Allow", "Update:*", "*") == (allow["Effect"], allow["Action"], allow["Resource"])
    assert ("Deny", ["Update:Replace", "Update:Delete"]) == (deny["Effect"], deny["Action"])
    assert stateful == {each.removeprefix("LogicalResourceId/") for each in deny["Resource"]}


# ── Continuous integration ──


WORKFLOWS = {file.stem: file for file in (PROJECT / ".github" / "workflows").glob("*.yml")}


def jobs() -> dict[str, dict[str, Any]]:
    """Give the jobs of all workflows by their names."""
    read = [yaml.safe_load(file.read_text()) for file in WORKFLOWS.values()]
    return {name: job for each in read for name, job in each["jobs"].items()}


def steps() -> list[tuple[str, dict[str, Any]]]:
    """Give the workflows' steps with the names of their jobs."""
    return [(name, step) for name, job in jobs().items() for step in job["steps"]]


def test_actions_are_pinned_to_a_commit() -> None:
    """A tag can be moved to other code overnight; the comment behind says which version it is."""
    text = "".join(file.read_text() for file in WORKFLOWS.values())
    used = [step["uses"] for _, step in steps() if "uses" in step]

    assert used
    for each in used:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", each)
        assert re.search(rf"{each} +# v\d+\.\d+\.\d+$", text, re.MULTILINE)


def test_the_workflow_runs_the_commands_of_the_makefile() -> None:
    """What passes on a developer's machine passes there."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    made = [
        word for _, step in steps() for word in re.findall(r"\bmake ([a-z-]+)", step.get("run", ""))
    ]

    assert {"check", "build", "deploy", "audit", "requirements"} <= set(made) <= targets


def test_only_the_deployment_may_ask_aws_for_a_role() -> None:
    """By OpenID Connect, so no key of AWS is kept anywhere; in an environment with its rules."""
    may = {name for name, job in jobs().items() if "id-token" in job.get("permissions", {})}

    assert {"deploy"} == may
    assert jobs()["deploy"]["environment"]
    for file in WORKFLOWS.values():
        assert "aws-secret-access-key" not in file.read_text()


def test_a_workflow_may_read_and_no_more() -> None:
    """What a job needs beyond, it says itself."""
    for file in WORKFLOWS.values():
        assert {"contents": "read"} == yaml.safe_load(file.read_text())["permissions"]
    writing = {
        name for name, job in jobs().items() if "write" in job.get("permissions", {}).values()
    }
    assert {"deploy", "renew"} == writing


def test_pins_are_looked_after_every_week() -> None:
    """Known vulnerabilities are looked for, newer versions of pins and of actions are proposed."""
    weekly = yaml.safe_load(WORKFLOWS["dependencies"].read_text())
    dependabot = yaml.safe_load((PROJECT / ".github" / "dependabot.yml").read_text())
    (update,) = dependabot["updates"]

    assert weekly[True]["schedule"]  # "on" is a truth value in YAML
    assert {"audit", "renew"} == set(weekly["jobs"])
    assert ("github-actions", "weekly") == (
        update["package-ecosystem"],
        update["schedule"]["interval"],
    )


def test_every_pin_is_audited_but_the_auditors_own() -> None:
    """What the product, its tests and its sandbox run with; checkov fixes what it stands on."""
    makefile = (PROJECT / "Makefile").read_text()
    (audited,) = re.findall(r"^PINS := (.*)$", makefile, re.MULTILINE)
    resolved = re.findall(
        r"^compile \S+ (\S+)$", (PROJECT / "requirements" / "compile.sh").read_text(), re.MULTILINE
    )
    names = {(PROJECT / "requirements" / each).resolve() for each in resolved}

    assert names - {PROJECT / "requirements" / "security.txt"} == {
        PROJECT / each for each in audited.split()
    }


# ── Checkov, a judge from outside ──


def test_every_exception_of_checkov_has_its_reason() -> None:
    """Those of a kind in its settings, below a comment; those of one resource in its metadata."""
    lines = (PROJECT / "tools" / "checkov.yaml").read_text().splitlines()
    kinds = [number for number, line in enumerate(lines) if line.startswith("  - CKV")]
    single = [
        each
        for resource in template()["Resources"].values()
        for each in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]

    assert kinds
    assert all(re.match(r"  # .{20}", lines[number - 1]) for number in kinds)
    assert single
    assert all(len(each["comment"]) > 40 for each in single)


def test_checkov_judges_the_template_with_every_test() -> None:
    """``make test`` runs it; it is quiet while there is nothing to say."""
    makefile = (PROJECT / "Makefile").read_text()
    judged = yaml.safe_load((PROJECT / "tools" / "checkov.yaml").read_text())["file"]

    assert re.search(r"^test: .*\bsecurity\b", makefile, re.MULTILINE)
    assert "checkov --config-file tools/checkov.yaml" in makefile
    assert {PROJECT / each for each in judged} == {PROJECT / "template.yaml", *WORKFLOWS.values()}


def test_nothing_that_strangers_write_becomes_a_command() -> None:
    """A title of a pull request is not put into a shell."""
    for _, step in steps():
        assert "${{" not in step.get("run", "")
