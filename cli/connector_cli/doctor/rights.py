"""
Check that the functions' roles still have the rights that the template gives them.

The check uses IAM's policy simulator, so that it also detects a removed policy, a permissions
boundary or an explicit denial.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..stack import Resource, Stack
from .finding import CheckContext, Finding, ok, wrong

_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")

# How to make a resource's ARN of its physical id.
_ARNS = {
    "AWS::SQS::Queue": "arn:{partition}:sqs:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    "AWS::Lambda::Function": "arn:{partition}:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "arn:{partition}:s3:::{name}",
}


def rights(context: CheckContext) -> Iterator[Finding]:
    """Check that every role may do what its function needs."""
    stack = context.stack
    iam = stack.client("iam")
    names = Names(stack)
    missing, roles = 0, 0
    for logical, statements in _policies(stack):
        role = iam.get_role(RoleName=stack.physical(logical))["Role"]["Arn"]
        roles += 1
        for statement in statements:
            denied = sorted(set(_denied(iam, role, statement, names)))
            if denied:
                missing += 1
                yield wrong("rights", _told(logical, statement, denied), _fix(stack, logical))
    if not missing:
        yield ok("rights", f"{roles} roles may do what they need")


class Names:
    """Resolves a template's references to resources into ARNs."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        _, self.partition, _, self.region, self.account, _ = stack.description["StackId"].split(
            ":", 5
        )

    def arns(self, said: object) -> list[str]:
        """Return the ARNs of a statement's ``Resource``, with an example for each wildcard."""
        found = [self._arn(each) for each in (said if isinstance(said, list) else [said])]
        return [each for each in found if each]

    def _arn(self, said: object) -> str:
        if isinstance(said, str):
            return _concrete(said)
        if isinstance(said, Mapping) and "Fn::GetAtt" in said:
            return self.of(said["Fn::GetAtt"][0])
        if isinstance(said, Mapping) and "Fn::Sub" in said and isinstance(said["Fn::Sub"], str):
            return _concrete(_VARIABLE.sub(self._value, said["Fn::Sub"]))
        return ""

    def of(self, logical: str) -> str:
        """Return the ARN of a resource; empty for a type that no policy names."""
        resource = self._stack.resources.get(logical, Resource(logical, "", ""))
        return _ARNS.get(resource.type, "").format(
            partition=self.partition,
            region=self.region,
            account=self.account,
            name=resource.physical.rpartition("/")[2]
            if resource.type == "AWS::SQS::Queue"
            else resource.physical,
        )

    def _value(self, variable: re.Match[str]) -> str:
        known = {
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::AccountId": self.account,
            "AWS::StackName": self._stack.name,
        }
        name = variable[1]
        return known.get(name) or self.of(name.removesuffix(".Arn"))


def _concrete(arn: str) -> str:
    """Replace wildcards by example names: the simulator takes one resource at a time."""
    head, tail = arn[:-1], arn[-1:]
    return head.replace("*", "12345678") + ("any" if tail == "*" and arn.endswith("/*") else tail)


def _policies(stack: Stack) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    answer = stack.client("cloudformation").get_template(
        StackName=stack.name, TemplateStage="Processed"
    )
    body = answer["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    for logical, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role" or logical not in stack.resources:
            continue
        policies = resource["Properties"].get("Policies", [])
        statements = [
            statement
            for policy in policies
            for statement in policy["PolicyDocument"]["Statement"]
            if statement.get("Effect") == "Allow"  # a conditional statement has no Effect
        ]
        if statements:
            yield logical, statements


def _denied(iam: Any, role: str, statement: Mapping[str, Any], names: Names) -> Iterator[str]:
    arns = names.arns(statement["Resource"])
    actions = statement["Action"]
    if not arns:
        return
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=actions if isinstance(actions, list) else [actions],
        ResourceArns=arns,
        ContextEntries=_context(statement.get("Condition", {})),
    )
    for each in answer["EvaluationResults"]:
        if each["EvalDecision"] != "allowed":
            yield f"{each['EvalActionName']} on {each.get('EvalResourceName', arns[0])}"


def _context(condition: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return context entries that satisfy a statement's condition."""
    return [
        {
            "ContextKeyName": key,
            "ContextKeyValues": [
                value.replace("*", "x") for value in (given if isinstance(given, list) else [given])
            ],
            "ContextKeyType": "stringList" if operator.startswith("ForA") else "string",
        }
        for operator, keys in condition.items()
        for key, given in keys.items()
    ]


def _told(logical: str, statement: Mapping[str, Any], denied: list[str]) -> str:
    return f"{logical} may not {statement.get('Sid', 'do all of this')}: {', '.join(denied)}"


def _fix(stack: Stack, logical: str) -> str:
    return (
        f"find what denies it: aws iam list-role-policies --role-name "
        f"{stack.physical(logical)}; deploying a changed template restores the policy"
    )
