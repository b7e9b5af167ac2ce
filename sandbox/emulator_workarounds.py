"""
Workarounds for differences between the emulator and AWS that matter to the template.

- Its CloudFormation drops a table's time to live.
- It passes a parameter's value as a text where a queue's mapping needs a number; then no queue is
  read.
- It checks `ssm:GetParametersByPath`, `ssm:GetParameters` and `cloudwatch:DescribeAlarms` against
  the resource `*`; AWS checks the path, each parameter, and the alarms.
- It checks a batch of messages by its own action; on AWS the action for one message covers it.
- Its APIs have other addresses than on AWS, so functions get the local address of the API.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws import Aws
from sandbox.errors import SandboxError

API_ADDRESS = re.compile(r"https://([^.]+)\.execute-api\.[^/]+(/.*)")
LISTS = ("ssm:GetParametersByPath", "ssm:GetParameters", "cloudwatch:DescribeAlarms")
BATCHED = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


def apply_workarounds(aws: Aws, stack_name: str) -> None:
    """Set by API calls what the deployment should have set."""
    template = aws.client("cloudformation").get_template(
        StackName=stack_name, TemplateStage="Processed"
    )["TemplateBody"]
    _set_time_to_live(aws, stack_name, template["Resources"])
    _set_concurrency(aws, stack_name)
    for action in LISTS:
        _allow_listing(aws, stack_name, template["Resources"], action)
    _allow_batches(aws, stack_name)
    _set_local_addresses(aws, stack_name)


def local_address(endpoint_url: str, api_url: str) -> str:
    """
    Return the emulator's URL for an API's URL on AWS.

    The emulator also has host names below `localhost` for its APIs, but not every resolver knows
    them, so the form with the API's id in the path is used.
    """
    found = API_ADDRESS.fullmatch(api_url)
    if found is None:
        raise SandboxError(f"this is not an API's address: {api_url}")
    return f"{endpoint_url}/_aws/execute-api/{found[1]}{found[2]}"


def resources(aws: Aws, stack_name: str, kind: str) -> Iterator[tuple[str, str]]:
    """List the stack's resources of a kind: their names in the template, and on the emulator."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=stack_name):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == kind:
                yield resource["LogicalResourceId"], resource["PhysicalResourceId"]


def _set_time_to_live(aws: Aws, stack_name: str, template: Mapping[str, Any]) -> None:
    for logical, table in resources(aws, stack_name, "AWS::DynamoDB::Table"):
        wanted = template[logical]["Properties"].get("TimeToLiveSpecification")
        if wanted:
            aws.dynamodb.update_time_to_live(
                TableName=table,
                TimeToLiveSpecification={
                    "Enabled": str(wanted["Enabled"]).lower() == "true",
                    "AttributeName": wanted["AttributeName"],
                },
            )


def _set_concurrency(aws: Aws, stack_name: str) -> None:
    """Set the mappings' concurrency again, as a number."""
    for _, mapping in resources(aws, stack_name, "AWS::Lambda::EventSourceMapping"):
        limits = aws.functions.get_event_source_mapping(UUID=mapping).get("ScalingConfig", {})
        if "MaximumConcurrency" in limits:
            aws.functions.update_event_source_mapping(UUID=mapping, ScalingConfig=limits)


def _allow_listing(aws: Aws, stack_name: str, template: Mapping[str, Any], action: str) -> None:
    """Widen this one permission, for roles that have it on some resource."""
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
    }
    for logical, role in resources(aws, stack_name, "AWS::IAM::Role"):
        if f'"{action}"' in json.dumps(template[logical]["Properties"].get("Policies", [])):
            aws.client("iam").put_role_policy(
                RoleName=role,
                PolicyName=f"Emulator-{action.partition(':')[2]}",
                PolicyDocument=json.dumps(document),
            )


def _allow_batches(aws: Aws, stack_name: str) -> None:
    """Allow a role for batches of messages what it may do with one."""
    iam = aws.client("iam")
    for _, role in resources(aws, stack_name, "AWS::IAM::Role"):
        documents = [
            iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        ]
        batches = [
            {"Effect": "Allow", "Action": f"{action}Batch", "Resource": statement["Resource"]}
            for document in documents
            for statement in document["Statement"]
            for action in BATCHED
            if action in statement["Action"] and statement["Effect"] == "Allow"
        ]
        if batches:
            iam.put_role_policy(
                RoleName=role,
                PolicyName="EmulatorHandlesBatches",
                PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": batches}),
            )


def _set_local_addresses(aws: Aws, stack_name: str) -> None:
    for _, function in resources(aws, stack_name, "AWS::Lambda::Function"):
        environment = aws.functions.get_function_configuration(FunctionName=function).get(
            "Environment", {}
        )
        variables = environment.get("Variables", {})
        local = {
            name: local_address(aws.endpoint_url, value)
            for name, value in variables.items()
            if API_ADDRESS.fullmatch(value)
        }
        if local:
            aws.functions.update_function_configuration(
                FunctionName=function, Environment={"Variables": {**variables, **local}}
            )
