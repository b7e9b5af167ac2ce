"""``template.yaml`` as values; a tag like ``!Ref X`` is ``{"Ref": "X"}``, as its long form is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's tags."""


def _tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    raise TypeError(f"{node.tag} is no scalar, sequence or mapping")


_Loader.add_multi_constructor("!", _tag)


@cache
def template() -> dict[str, Any]:
    """Read the template."""
    text = (PROJECT / "template.yaml").read_text()
    loaded: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - it is a safe loader
    return loaded


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Give the properties of every resource of a kind, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def functions() -> dict[str, dict[str, Any]]:
    """Give every function's properties by the name of its folder."""
    found = resources("AWS::Serverless::Function").values()
    return {Path(each["CodeUri"]).name: each for each in found}


def statements(function: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give everything a function may do, whether its policies stand with it or in its role."""
    policies = list(function.get("Policies", []))
    if "Role" in function:
        role = resources("AWS::IAM::Role")[logical_id(function["Role"])]
        policies += [each["PolicyDocument"] for each in role["Policies"]]
    for policy in policies:
        yield from policy["Statement"]


def actions(statement: Mapping[str, Any]) -> list[str]:
    """Give a statement's actions."""
    found = statement["Action"]
    return [found] if isinstance(found, str) else list(found)


def targets(statement: Mapping[str, Any]) -> list[Any]:
    """Give a statement's resources."""
    found = statement["Resource"]
    return list(found) if isinstance(found, list) else [found]


def logical_id(reference: Any) -> str:
    """Give the resource that ``!Ref X`` or ``!GetAtt X.Arn`` names."""
    name = reference.get("Ref") or reference["Fn::GetAtt"]
    return str(name[0] if isinstance(name, list) else name).partition(".")[0]
