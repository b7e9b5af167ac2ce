"""
Every function, with the role it is deployed with, tries everything: what it needs, and the rest.

A probe runs as each function's role on the emulator, which enforces roles, and makes every call
of ``CALLS``. ``MAY`` says which of them succeed; whatever it does not name must be denied. Where
the emulator and AWS decide differently (``ONLY_HERE``; logs and X-Ray), the policy's own text is
checked instead. That the functions work with their roles is shown by every other test here.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest

from sandbox.aws import REGION, Aws
from sandbox.emulator_workarounds import resources as deployed
from tests.e2e.conftest import World
from tools.template import actions, functions, logical_id, resources, statements, targets

PROBED = "least-privilege"
"""Names what the probe reads and writes: nothing that anybody else looks at."""

ANOTHER_BUCKET = "another-stack-files"

QUEUES = (
    "consumer-events.fifo",
    "consumer-events-dlq.fifo",
    "notifications.fifo",
    "notifications-dlq.fifo",
    "token-refresh-dlq",
    "typing-timers",
)
FUNCTIONS = tuple(sorted(functions()))


def take(queue: str) -> set[str]:
    """Name what Lambda does with a function's role to feed it from a queue."""
    return {f"receive from {queue}", f"remove from {queue}", f"look at {queue}"}


REMEMBER = {
    "read a record",
    "read many records",
    "write a record",
    "change a record",
    "delete a record",
    "write a lease",
    "count a try",
    "hold a group",
}

MAY: Mapping[str, set[str]] = {
    "webhook_intake": {
        "read credentials",
        "list parameters",
        "send to notifications.fifo",
        "send to notifications-dlq.fifo",
    },
    "message_intake": {
        "read channel settings",
        "list parameters",
        "send to consumer-events.fifo",
        "read a file",
    },
    "outbound_messaging": {
        "read app-jwt",
        "read channel settings",
        "invoke token_refresh",
        *REMEMBER,
        *take("consumer-events.fifo"),
        "hide in consumer-events.fifo",
        "send to consumer-events-dlq.fifo",
        "send to notifications.fifo",
        *take("typing-timers"),
        "hide in typing-timers",
        "send to typing-timers",
    },
    "channel_delivery": {
        "read app-jwt",
        "read channel settings",
        "invoke token_refresh",
        *REMEMBER,
        "write a file",
        *take("notifications.fifo"),
        "hide in notifications.fifo",
        "send to notifications-dlq.fifo",
        "send to consumer-events.fifo",
    },
    "token_refresh": {
        "read credentials",
        "read app-jwt",
        "write app-jwt",
        "list parameters",
        "write a lease",
        "count a try",
        *take("token-refresh-dlq"),
        "hide in token-refresh-dlq",
        "send to token-refresh-dlq",
    },
    "dead_letter_redrive": {
        "hold a group",
        *(
            f"{verb} {queue}"
            for queue in ("consumer-events-dlq.fifo", "notifications-dlq.fifo")
            for verb in ("receive from", "remove from", "hide in", "send to", "look at")
        ),
        "send to consumer-events.fifo",
        "send to notifications.fifo",
    },
}
"""What each function may do with what. Everything else in ``CALLS`` it may not."""

ONLY_HERE: Mapping[str, set[str]] = {
    # The emulator asks for this action on "*", so the sandbox widens it; AWS knows the path.
    "webhook_intake": {"list another stack's parameters"},
    "message_intake": {"list another stack's parameters"},
    "token_refresh": {
        "list another stack's parameters",
        # It does not know which record a call is about; AWS does (dynamodb:LeadingKeys).
        "write a record",
        "change a record",
        "hold a group",
    },
    "dead_letter_redrive": {
        *("change a record", "count a try"),
        *("read a record", "read many records"),  # on AWS those of conversations alone
    },
}
"""What the emulator lets happen and AWS does not."""

TRACING = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
"""What every function may do with X-Ray, which the emulator does not have."""

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "403"}

PROBE = """
from functools import cache

import boto3
from botocore.exceptions import ClientError

client = cache(boto3.client)

def handler(calls, context):
    return [_try(*call) for call in calls]

def _try(service, operation, parameters):
    try:
        getattr(client(service), operation)(**parameters)
    except ClientError as failure:
        return failure.response["Error"]["Code"]
    return "done"
"""


@dataclass(frozen=True)
class Call:
    """A call of boto3."""

    service: str
    operation: str
    parameters: dict[str, Any]

    @property
    def action(self) -> str:
        """Name it as policies do."""
        known = {"s3:HeadObject": "s3:GetObject", "lambda:Invoke": "lambda:InvokeFunction"}
        api = _operations(self.service)[self.operation]
        return known.get(f"{self.service}:{api}", f"{self.service}:{api}")


@cache
def _operations(service: str) -> Mapping[str, str]:
    make: Any = boto3.client
    found: Mapping[str, str] = make(service, region_name=REGION).meta.method_to_api_mapping
    return found


# ── Every call there is to try ──


def calls(world: World, bucket: str) -> dict[str, Call]:
    """
    Name every call.

    One that is allowed does nothing that another test could see: what it would change does not
    exist or is nobody's, and what it sends lacks something that is asked for after the permission.
    """
    return {
        **_parameters(world),
        **_queues(world),
        **_records(world),
        **_functions(world),
        **_files(bucket),
        **_logs(world),
        **_secrets_of_others(),
        **_powers_over_the_account(),
    }


def _parameters(world: World) -> dict[str, Call]:
    prefix = f"/{world.endpoints.stack_name}/accounts"

    def read(name: str) -> Call:
        return Call("ssm", "get_parameter", {"Name": name, "WithDecryption": True})

    def write(name: str) -> Call:
        what = {"Name": name, "Value": "nothing", "Type": "SecureString", "Overwrite": True}
        return Call("ssm", "put_parameter", what)

    here, elsewhere = f"{prefix}/{PROBED}", f"/another-stack/accounts/{PROBED}"
    return {
        "read credentials": read(f"{prefix}/{world.account_id}/credentials"),
        "read channel settings": read(f"{prefix}/{world.account_id}/channel"),
        "read app-jwt": read(f"{prefix}/{world.account_id}/app-jwt"),
        "read something else of an account": read(f"{here}/else"),
        "read another stack's credentials": read(f"{elsewhere}/credentials"),
        "read another stack's channel settings": read(f"{elsewhere}/channel"),
        "read another stack's app-jwt": read(f"{elsewhere}/app-jwt"),
        "write credentials": write(f"{here}/credentials"),
        "write channel settings": write(f"{here}/channel"),
        "write app-jwt": write(f"{here}/app-jwt"),
        "write another stack's app-jwt": write(f"{elsewhere}/app-jwt"),
        "delete app-jwt": Call("ssm", "delete_parameter", {"Name": f"{here}/app-jwt"}),
        "read many parameters": Call("ssm", "get_parameters", {"Names": [f"{here}/app-jwt"]}),
        "read old credentials": Call("ssm", "get_parameter_history", {"Name": f"{here}/x"}),
        "list parameters": Call("ssm", "get_parameters_by_path", {"Path": prefix}),
        "list another stack's parameters": Call(
            "ssm", "get_parameters_by_path", {"Path": "/another-stack/accounts"}
        ),
        "describe parameters": Call("ssm", "describe_parameters", {}),
    }


def _queues(world: World) -> dict[str, Call]:
    urls = {name: world.endpoints.queues[name] for name in QUEUES}
    urls["another stack's queue"] = urls["consumer-events.fifo"].replace(
        world.endpoints.stack_name, "another-stack"
    )
    return {
        f"{verb} {name}": call for name, url in urls.items() for verb, call in _queue(url).items()
    }


def _queue(url: str) -> dict[str, Call]:
    def call(operation: str, **parameters: Any) -> Call:
        return Call("sqs", operation, {"QueueUrl": url, **parameters})

    return {
        "send to": call("send_message", MessageBody="\x01"),  # a character that SQS does not take
        "receive from": call("receive_message", VisibilityTimeout=0),
        "remove from": call("delete_message", ReceiptHandle=PROBED),
        "hide in": call("change_message_visibility", ReceiptHandle=PROBED, VisibilityTimeout=0),
        "look at": call("get_queue_attributes", AttributeNames=["QueueArn"]),
        "purge": call("purge_queue"),
        "change": call("set_queue_attributes", Attributes={"VisibilityTimeout": "180"}),
        "open to others": call(
            "add_permission", Label="l", AWSAccountIds=["111122223333"], Actions=["SendMessage"]
        ),
    }


def _records(world: World) -> dict[str, Call]:
    def key(name: str) -> dict[str, Any]:
        return {"pk": {"S": f"{name}#{PROBED}"}}

    def call(operation: str, **parameters: Any) -> Call:
        return Call("dynamodb", operation, {"TableName": world.endpoints.table_name, **parameters})

    over = {"expires_at": {"N": "1"}}
    change: dict[str, Any] = {
        "UpdateExpression": "SET expires_at = :over",
        "ExpressionAttributeValues": {":over": {"N": "1"}},
    }
    table = world.endpoints.table_name
    return {
        "read a record": call("get_item", Key=key("probe")),
        "read many records": Call(
            "dynamodb", "batch_get_item", {"RequestItems": {table: {"Keys": [key("probe")]}}}
        ),
        "write a record": call("put_item", Item={**key("probe"), **over}),
        "write a lease": call("put_item", Item={**key("lease"), **over}),
        "change a record": call("update_item", Key=key("probe"), **change),
        "count a try": call("update_item", Key=key("tries"), **change),
        "hold a group": call("update_item", Key=key("hold"), **change),
        "delete a record": call("delete_item", Key=key("probe")),
        "read all records": call("scan"),
        "search records": call(
            "query",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": PROBED}},
        ),
        "delete the table": call("delete_table", TableName=f"{table}-{PROBED}"),
        "describe the table": call("describe_table"),
    }


def _functions(world: World) -> dict[str, Call]:
    where = world.endpoints.functions
    dry = {"InvocationType": "DryRun"}
    return {
        **{
            f"invoke {name}": Call("lambda", "invoke", {"FunctionName": where[name], **dry})
            for name in FUNCTIONS
        },
        "read a function's settings": Call(
            "lambda", "get_function_configuration", {"FunctionName": where["message_intake"]}
        ),
        "change a function": Call(
            "lambda",
            "update_function_configuration",
            {"FunctionName": where["message_intake"], "Description": "changed"},
        ),
        "replace a function": Call(
            "lambda", "update_function_code", {"FunctionName": PROBED, "ZipFile": ""}
        ),
    }


def _files(bucket: str) -> dict[str, Call]:
    place = {"Bucket": bucket, "Key": f"{PROBED}/file"}
    elsewhere = {"Bucket": ANOTHER_BUCKET, "Key": f"{PROBED}/file"}
    return {
        "read a file": Call("s3", "get_object", place),
        "write a file": Call("s3", "put_object", place),
        "delete a file": Call("s3", "delete_object", place),
        "list files": Call("s3", "list_objects_v2", {"Bucket": bucket}),
        "list buckets": Call("s3", "list_buckets", {}),
        "read another bucket's file": Call("s3", "get_object", elsewhere),
        "write another bucket's file": Call("s3", "put_object", elsewhere),
    }


def _logs(world: World) -> dict[str, Call]:
    def group(name: str) -> dict[str, str]:
        stack = world.endpoints.stack_name
        return {"logGroupName": f"/aws/lambda/{stack}-{name.replace('_', '-')}"}

    return {
        **{
            f"write the log of {name}": Call(
                "logs", "create_log_stream", {**group(name), "logStreamName": PROBED}
            )
            for name in FUNCTIONS
        },
        "read a log": Call("logs", "filter_log_events", group("message_intake")),
        "delete a log": Call("logs", "delete_log_group", {"logGroupName": PROBED}),
        "list logs": Call("logs", "describe_log_groups", {}),
    }


def _secrets_of_others() -> dict[str, Call]:
    key = {"KeyId": "alias/another-stack"}
    return {
        "decrypt with a key": Call("kms", "decrypt", {**key, "CiphertextBlob": "AAAA"}),
        "encrypt with a key": Call("kms", "encrypt", {**key, "Plaintext": "AAAA"}),
        "list keys": Call("kms", "list_keys", {}),
        "read a secret": Call("secretsmanager", "get_secret_value", {"SecretId": PROBED}),
        "read API keys": Call("apigateway", "get_api_keys", {"includeValues": True}),
    }


def _powers_over_the_account() -> dict[str, Call]:
    role = f"arn:aws:iam::000000000000:role/{PROBED}"
    return {
        "become another role": Call(
            "sts", "assume_role", {"RoleArn": role, "RoleSessionName": PROBED}
        ),
        "list roles": Call("iam", "list_roles", {}),
        "give itself permissions": Call(
            "iam",
            "put_role_policy",
            {"RoleName": PROBED, "PolicyName": PROBED, "PolicyDocument": "{}"},
        ),
        "describe stacks": Call("cloudformation", "describe_stacks", {}),
        "list topics": Call("sns", "list_topics", {}),
        "write a metric": Call(
            "cloudwatch", "put_metric_data", {"Namespace": PROBED, "MetricData": []}
        ),
        "list schedules": Call("scheduler", "list_schedules", {}),
    }


# ── Trying them ──


@dataclass(frozen=True)
class Stack:
    """The deployed stack, and every call that could be made in it."""

    aws: Aws
    calls: Mapping[str, Call]
    functions: Mapping[str, str]

    def tried_by(self, function: str) -> dict[str, str]:
        """Make every call with a function's role; return what each came to."""
        with_its_role = self.aws.functions.get_function_configuration(
            FunctionName=self.functions[function]
        )["Role"]
        name = f"{PROBED}-{function.replace('_', '-')}"
        self.aws.functions.create_function(
            FunctionName=name,
            Role=with_its_role,
            Runtime="python3.13",
            Handler="probe.handler",
            Code={"ZipFile": _packed(PROBE)},
            Timeout=120,
        )
        try:
            return self._invoke(name)
        finally:
            self.aws.functions.delete_function(FunctionName=name)

    def _invoke(self, probe: str) -> dict[str, str]:
        asked = [[each.service, each.operation, each.parameters] for each in self.calls.values()]
        answer = self.aws.functions.invoke(
            FunctionName=probe, Payload=json.dumps(asked, ensure_ascii=False).encode()
        )
        came_to = json.loads(answer["Payload"].read())
        assert isinstance(came_to, list), came_to
        return dict(zip(self.calls, came_to, strict=True))


@pytest.fixture(name="stack", scope="module")
def _stack(world: World) -> Iterator[Stack]:
    aws = Aws(world.endpoints.aws_endpoint_url)
    ((_, bucket),) = deployed(aws, world.endpoints.stack_name, "AWS::S3::Bucket")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=ANOTHER_BUCKET)
    yield Stack(aws, calls(world, bucket), world.endpoints.functions)
    s3.delete_object(Bucket=bucket, Key=f"{PROBED}/file")
    s3.delete_bucket(Bucket=ANOTHER_BUCKET)
    aws.ssm.delete_parameters(Names=[f"/{world.endpoints.stack_name}/accounts/{PROBED}/app-jwt"])


def _packed(code: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("probe.py", code)
    return packed.getvalue()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_the_table_says_and_nothing_else(
    stack: Stack, function: str
) -> None:
    """Every call of the table is made with its role; the others are denied, by name."""
    came_to = stack.tried_by(function)
    allowed = {name for name, code in came_to.items() if code not in DENIED}

    assert MAY[function] <= set(came_to), "the table names calls that are not tried"
    assert allowed == MAY[function] | ONLY_HERE.get(function, set())


def test_every_action_of_the_template_is_in_the_table(stack: Stack) -> None:
    """A permission that is new shows up here, and then in the table."""
    tried = {call.action for call in stack.calls.values()}
    written = {
        action
        for function in functions().values()
        for statement in statements(function)
        if statement["Effect"] == "Allow"
        for action in actions(statement)
    }

    assert written - tried == {"logs:PutLogEvents", *TRACING}, "add a call for it"
    assert set(MAY) == set(FUNCTIONS)


# ── What the emulator cannot show ──


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_its_own_log_and_no_other(function: str) -> None:
    """In the policy's words, since the emulator's log groups cover no streams."""
    logs = functions()[function]["LoggingConfig"]["LogGroup"]
    about_logs = [
        (each, target)
        for each in statements(functions()[function])
        if any(action.startswith("logs:") for action in actions(each))
        for target in targets(each)
    ]

    assert [logical_id(logs)] == [logical_id(target) for _, target in about_logs]
    assert {"logs:CreateLogStream", "logs:PutLogEvents"} == set(actions(about_logs[0][0]))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_traces_and_reads_none(function: str) -> None:
    """In the policy's words; X-Ray knows no resources, so these two may be done everywhere."""
    everywhere = [each for each in statements(functions()[function]) if "*" in targets(each)]

    assert TRACING == {action for each in everywhere for action in actions(each)}


@pytest.mark.parametrize(
    ("function", "reads", "writes"),
    [
        ("token_refresh", set(), {"lease#*", "tries#*"}),
        ("dead_letter_redrive", {"conversation#*"}, {"hold#*"}),
    ],
)
def test_who_needs_some_records_reads_and_writes_those_alone(
    function: str, reads: set[str], writes: set[str]
) -> None:
    """In the policy's words, since the emulator does not look at keys."""
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for each in statements(functions()[function]):
        if any(action.startswith("dynamodb:") for action in actions(each)):
            is_reading = all("Get" in action for action in actions(each))
            condition = each["Condition"]["ForAllValues:StringLike"]
            found[is_reading] |= set(condition["dynamodb:LeadingKeys"])

    assert {True: reads, False: writes} == found


@pytest.mark.parametrize("function", ["message_intake", "token_refresh", "webhook_intake"])
def test_a_function_lists_the_parameters_of_its_own_stack(function: str) -> None:
    """In the policy's words, since the emulator asks for the right to list all."""
    (listing,) = [
        each
        for each in statements(functions()[function])
        if "ssm:GetParametersByPath" in actions(each)
    ]

    (target,) = targets(listing)
    assert target["Fn::Sub"].endswith(":parameter/${AWS::StackName}/accounts")


@pytest.mark.parametrize(
    ("function", "kept"),
    [("message_intake", {"*"}), ("webhook_intake", {"*/app-jwt", "*/channel"})],
)
def test_who_lists_parameters_for_their_names_may_not_decrypt_them(
    function: str, kept: set[str]
) -> None:
    """
    Who may list below a path may read there, but for the key.

    In the policy's words: Parameter Store decrypts with its caller's permissions, and names the
    parameter
    (https://docs.aws.amazon.com/systems-manager/latest/userguide/secure-string-parameter-kms-encryption.html).
    """
    (denied,) = [each for each in statements(functions()[function]) if each["Effect"] == "Deny"]
    (context,) = denied["Condition"]["StringLike"].values()

    assert ["kms:Decrypt"] == actions(denied)
    assert kept == {each["Fn::Sub"].partition("/accounts/")[2] for each in context}


def test_no_role_may_use_a_key() -> None:
    """
    SecureStrings lie under AWS's own key for Parameter Store, whose use needs no permission.

    The emulator reads them without asking for a key; so the policies are asked.
    """
    written = {
        action
        for function in functions().values()
        for statement in statements(function)
        if statement["Effect"] == "Allow"
        for action in actions(statement)
    }

    assert not [action for action in written if action.startswith(("kms:", "iam:", "sts:"))]


def test_roles_are_lambdas_alone_and_one_for_each_function() -> None:
    """Nobody else can take one, and no permission is shared."""
    roles = dict(resources("AWS::IAM::Role"))
    del roles["ApiGatewayLogsRole"]  # no function's: API Gateway's own, and made only if asked for
    used = [logical_id(function["Role"]) for function in functions().values()]

    assert sorted(roles) == sorted(used)
    for role in roles.values():
        (trusted,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert {"Service": "lambda.amazonaws.com"} == trusted["Principal"]
        assert "ManagedPolicyArns" not in role
