"""
Where the emulator differs from AWS in what the template asks for, and what makes up for it.

Its CloudFormation drops a table's time to live, and takes a parameter's value for a text where a
queue's mapping needs a number: then no queue is read. It checks `ssm:GetParametersByPath` against
the resource `*`, where AWS takes the path, and a batch of messages by an action of its own, where
on AWS the action for one message covers it. Its APIs have other addresses than on AWS, so functions
that tell the API's address are told the local one.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.aws import Aws
from sandbox.errors import SandboxError

API_ADDRESS = re.compile(r"https://([^.]+)\.execute-api\.[^/]+(/.*)")
LIST_PARAMETERS = "ssm:GetParametersByPath"
BATCHED = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")


def make_up_for_the_emulator(aws: Aws, stack_name: str) -> None:
    """Set through the API what a deployment should have set."""
    template = aws.client("cloudformation").get_template(
        StackName=stack_name, TemplateStage="Processed"
    )["TemplateBody"]
    _expire_records(aws, stack_name, template["Resources"])
    _cap_in_numbers(aws, stack_name)
    _let_list_parameters(aws, stack_name, template["Resources"])
    _let_handle_batches(aws, stack_name)
    _tell_local_addresses(aws, stack_name)


def local_address(endpoint_url: str, api_url: str) -> str:
    """
    Turn the address an API has on AWS into the one it has here.

    The emulator also knows its APIs by host names below `localhost`, but not every resolver
    does, so the form with the API's id in the path is used.
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


def _expire_records(aws: Aws, stack_name: str, template: Mapping[str, Any]) -> None:
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


def _cap_in_numbers(aws: Aws, stack_name: str) -> None:
    """Write the mappings' concurrency again: a parameter's value comes to them as a text."""
    for _, mapping in resources(aws, stack_name, "AWS::Lambda::EventSourceMapping"):
        limits = aws.functions.get_event_source_mapping(UUID=mapping).get("ScalingConfig", {})
        if "MaximumConcurrency" in limits:
            aws.functions.update_event_source_mapping(UUID=mapping, ScalingConfig=limits)


def _let_list_parameters(aws: Aws, stack_name: str, template: Mapping[str, Any]) -> None:
    """Widen this one permission, and only for a role that has it on some path."""
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": LIST_PARAMETERS, "Resource": "*"}],
    }
    for logical, role in resources(aws, stack_name, "AWS::IAM::Role"):
        if LIST_PARAMETERS in json.dumps(template[logical]["Properties"].get("Policies", [])):
            aws.client("iam").put_role_policy(
                RoleName=role,
                PolicyName="EmulatorListsParameters",
                PolicyDocument=json.dumps(document),
            )


def _let_handle_batches(aws: Aws, stack_name: str) -> None:
    """Let a role do with batches of messages what it may do with one."""
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


def _tell_local_addresses(aws: Aws, stack_name: str) -> None:
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
