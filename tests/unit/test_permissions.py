"""
Least privilege: each function's role allows exactly what stands here, and nothing else.

That the functions work with these roles is shown by the demo and every end-to-end test, since the
sandbox enforces them. That nothing else is allowed is read from the policies: IAM denies what no
statement allows
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tools.template import (
    actions,
    functions,
    logical_id,
    resources,
    statements,
    targets,
    template,
)

FUNCTIONS = functions()

RECEIVE = "sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes"
"""What Lambda does with a function's role to feed it from a queue."""

STORE = "dynamodb:GetItem BatchGetItem PutItem UpdateItem DeleteItem"
ALARMS = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*"
ACCOUNTS = "accounts"  # list the parameters below this path
CREDENTIALS, CHANNEL, READY_CHANNELS, APP_JWT, COPY = (
    f"accounts/*/{kind}"
    for kind in ("credentials", "channel", "channels/*", "app-jwt", "intake_settings")
)

MAY: dict[str, dict[str, str]] = {
    "webhook_intake": {
        CREDENTIALS: "ssm:GetParameter",
        ACCOUNTS: "ssm:GetParametersByPath",
        "NotificationsQueue": "sqs:SendMessage",
        "NotificationsDeadLetters": "sqs:SendMessage",
    },
    "message_intake": {
        CHANNEL: "ssm:GetParameters",
        COPY: "ssm:GetParameters",
        "TokenRefresh": "lambda:InvokeFunction",
        ACCOUNTS: "ssm:GetParametersByPath",
        "ConsumerEventsQueue": "sqs:SendMessage",
        "FilesBucket/*": "s3:GetObject",
        ALARMS: "cloudwatch:DescribeAlarms",
    },
    "provider_intake": {
        READY_CHANNELS: "ssm:GetParameter",
        ACCOUNTS: "ssm:GetParametersByPath",
        "ConsumerEventsQueue": "sqs:SendMessage",
    },
    "outbound_messaging": {
        APP_JWT: "ssm:GetParameter",
        CHANNEL: "ssm:GetParameter",
        READY_CHANNELS: "ssm:GetParameter",
        "TokenRefresh": "lambda:InvokeFunction",
        "ConnectorTable": STORE,
        "ConsumerEventsQueue": f"{RECEIVE} ChangeMessageVisibility",
        "ConsumerEventsDeadLetters": "sqs:SendMessage",
        "NotificationsQueue": "sqs:SendMessage",
        "TypingTimersQueue": f"{RECEIVE} SendMessage ChangeMessageVisibility",
    },
    "channel_delivery": {
        APP_JWT: "ssm:GetParameter",
        CHANNEL: "ssm:GetParameter",
        READY_CHANNELS: "ssm:GetParameter",
        "TokenRefresh": "lambda:InvokeFunction",
        "ConnectorTable": STORE,
        "NotificationsQueue": f"{RECEIVE} ChangeMessageVisibility",
        "NotificationsDeadLetters": "sqs:SendMessage",
        "ConsumerEventsQueue": "sqs:SendMessage",
        "FilesBucket/*": "s3:PutObject GetObject",
    },
    "token_refresh": {
        CREDENTIALS: "ssm:GetParameter",
        APP_JWT: "ssm:GetParameter PutParameter",
        CHANNEL: "ssm:GetParameter",
        COPY: "ssm:PutParameter",
        ACCOUNTS: "ssm:GetParametersByPath",
        "ConnectorTable lease#* tries#*": "dynamodb:PutItem UpdateItem",
        "TokenRefreshDeadLetters": f"{RECEIVE} SendMessage ChangeMessageVisibility",
    },
    "dead_letter_redrive": {
        "ConnectorTable conversation#*": "dynamodb:GetItem BatchGetItem",
        "ConnectorTable hold#*": "dynamodb:UpdateItem",
        "ConsumerEventsDeadLetters": f"{RECEIVE} ChangeMessageVisibility SendMessage",
        "NotificationsDeadLetters": f"{RECEIVE} ChangeMessageVisibility SendMessage",
        "ConsumerEventsQueue": "sqs:SendMessage",
        "NotificationsQueue": "sqs:SendMessage",
    },
}
"""
What each function may do with what: a logical id, or a path below the stack's own parameters.

The keys of DynamoDB stand behind the table. Only those who prove or refresh read credentials, only
the refresh writes AppJWTs, the intakes touch no table, and only the redrive takes dead letters.
"""

TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""X-Ray takes segments for the whole account: its actions know no resource to name."""


def spelled_out(grant: str) -> set[str]:
    """Return the actions of a grant, whose words belong to the service named first."""
    service = grant.partition(":")[0]
    return {f"{service}:{word.rpartition(':')[2]}" for word in grant.split()}


def named(target: Any) -> str:
    """Return a resource of a statement as ``MAY`` names it, another stack's by its whole name."""
    if target == "*":
        return "*"
    if "Fn::Sub" not in target:
        return logical_id(target)
    text = str(target["Fn::Sub"])
    own = ":parameter/${AWS::StackName}/"
    return text.partition(own)[2] if own in text else re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)


def granted(function: str) -> dict[str, set[str]]:
    """Return what a function's policies allow, by resource."""
    found: dict[str, set[str]] = {}
    for statement in _allowing(function):
        condition = statement.get("Condition", {}).get("ForAllValues:StringLike", {})
        keys = condition.get("dynamodb:LeadingKeys", [])
        for target in targets(statement):
            name = " ".join([named(target), *keys])
            found.setdefault(name, set()).update(actions(statement))
    return found


def _allowing(function: str) -> Iterator[dict[str, Any]]:
    return (each for each in statements(FUNCTIONS[function]) if each["Effect"] == "Allow")


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_function_may_do_what_the_table_says_and_nothing_else(function: str) -> None:
    """Beyond it, write its own log and traces: no secret of another, no key, no role."""
    log = logical_id(FUNCTIONS[function]["LoggingConfig"]["LogGroup"])
    own = {log: {"logs:CreateLogStream", "logs:PutLogEvents"}, "*": TRACING}
    table = {name: spelled_out(grant) for name, grant in MAY[function].items()}

    assert {**table, **own} == granted(function)


def test_statements_are_named_and_conditions_are_known() -> None:
    """No condition but the keys of DynamoDB narrows a grant, so none is overlooked here."""
    for function in FUNCTIONS:
        for statement in statements(FUNCTIONS[function]):
            assert re.fullmatch(r"[A-Z]\w+", statement["Sid"])
        for statement in _allowing(function):
            keys = json.dumps(list(statement.get("Condition", {}).values()))
            assert keys == "[]" or re.fullmatch(r'\[\{"dynamodb:LeadingKeys": \[[^]]+\]\}\]', keys)


@pytest.mark.parametrize(
    ("function", "kept"),
    [
        ("message_intake", {"*"}),
        ("webhook_intake", {"*/app-jwt", "*/channel", "*/channels/*"}),
        ("provider_intake", {"*/app-jwt", "*/channel", "*/credentials"}),
    ],
)
def test_who_lists_parameters_for_their_names_may_not_decrypt_them(
    function: str, kept: set[str]
) -> None:
    """
    Who may list below a path may read there, but for the key.

    Parameter Store decrypts with its caller's permissions, and names the parameter
    (https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html).
    """
    (denied,) = [each for each in statements(FUNCTIONS[function]) if each["Effect"] == "Deny"]
    (context,) = denied["Condition"]["StringLike"].values()

    assert ["kms:Decrypt"] == actions(denied)
    assert kept == {each["Fn::Sub"].partition("/accounts/")[2] for each in context}


def test_roles_are_lambdas_alone_and_one_for_each_function() -> None:
    """No other service can take one, and no permission is shared."""
    roles = dict(resources("AWS::IAM::Role"))
    # no function's, and made only if asked for
    for other in ("ApiGatewayLogsRole", "FaultInjectionRole", "QueueOutageRole"):
        del roles[other]
    used = [logical_id(function["Role"]) for function in FUNCTIONS.values()]

    assert sorted(roles) == sorted(used)
    for role in roles.values():
        (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert {"Service": "lambda.amazonaws.com"} == trusted["Principal"]
        assert "ManagedPolicyArns" not in role


def test_for_an_experiment_functions_may_read_its_settings_and_nothing_else() -> None:
    """And so much only in a stack that was made for experiments."""
    policy = template()["Resources"]["FaultInjectionPolicy"]
    functions_roles = {logical_id(function["Role"]) for function in FUNCTIONS.values()}
    allowed = policy["Properties"]["PolicyDocument"]["Statement"]

    assert "HasFaultInjection" == policy["Condition"]
    assert functions_roles == {logical_id(each) for each in policy["Properties"]["Roles"]}
    assert ["s3:ListBucket", "s3:GetObject"] == [each["Action"] for each in allowed]
    assert all("FaultInjectionBucket" in str(each["Resource"]) for each in allowed)
