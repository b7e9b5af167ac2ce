"""
AWS over HTTP, as far as ``connector`` asks it before it can say what is wrong.

There is no stack in it unless ``outputs`` are given, and no parameter unless one is written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from tests.support.servers import Answer, HttpServer, Request, json_answer, serving

NOW = 1_800_000_000


@dataclass
class FakeAws:
    """One account: at most one stack, and what Parameter Store has."""

    outputs: Mapping[str, str] | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    api_key: str = ""

    def __call__(self, request: Request) -> Answer:
        """Answer a call of CloudFormation, Parameter Store or any other service."""
        target = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if target.endswith(("Parameter", "ParametersByPath")):
            return self._parameter_store(target, request.json())
        if request.path.startswith("/apikeys/"):
            return json_answer({"value": self.api_key})
        return self._cloudformation(parse_qs(request.body.decode()).get("Action", [target])[0])

    def _cloudformation(self, action: str) -> Answer:
        if self.outputs is None:
            return _error("ValidationError", "Stack with id other does not exist")
        if action == "DescribeStacks":
            return _stack(self.outputs)
        return _error("AccessDenied", f"not allowed to {action}")

    def _parameter_store(self, target: str, asked: Mapping[str, str]) -> Answer:
        if target == "GetParametersByPath":
            return json_answer({"Parameters": [self._seen(name) for name in self.parameters]})
        if target == "PutParameter":
            self.written[asked["Name"]] = asked["Value"]
            return json_answer({"Version": 1})
        return self._parameter(asked["Name"])

    def _seen(self, name: str) -> Mapping[str, object]:
        return {"Name": name, "Type": "SecureString", "LastModifiedDate": NOW, "Version": 1}

    def _parameter(self, name: str) -> Answer:
        if name not in self.parameters:
            return json_answer({"__type": "ParameterNotFound"}, 400)
        return json_answer({"Parameter": {**self._seen(name), "Value": self.parameters[name]}})


@contextmanager
def aws(folder: Path, world: FakeAws) -> Iterator[tuple[Path, HttpServer]]:
    """Serve it; give the ``endpoints.json`` that points there."""
    with serving(world) as server:
        file = folder / "endpoints.json"
        file.write_text(json.dumps(endpoints(server.url)))
        yield file, server


def endpoints(url: str) -> dict[str, str]:
    """Return what a sandbox writes of an AWS at ``url``."""
    return {
        "stack_name": "connector",
        "aws_endpoint_url": url,
        "region": "us-east-1",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }


def _error(code: str, message: str) -> Answer:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(400, f"{body}</ErrorResponse>".encode())


def _stack(outputs: Mapping[str, str]) -> Answer:
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for key, value in outputs.items()
    )
    return Answer(
        200,
        (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member>"
            "<StackId>arn:aws:cloudformation:us-east-1:111122223333:stack/connector/1</StackId>"
            "<StackName>connector</StackName><StackStatus>UPDATE_COMPLETE</StackStatus>"
            f"<CreationTime>2026-01-01T00:00:00Z</CreationTime><Outputs>{members}</Outputs>"
            "</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        ).encode(),
    )
