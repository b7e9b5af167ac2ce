"""
The deployed stack: its outputs, parameters and resources, on AWS or in a sandbox.

Nothing is configured twice: everything is asked of CloudFormation. A sandbox is found by the
``endpoints.json`` that it writes; then its address and its keys are used, and the addresses of
APIs are the local ones.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from liveperson_connector.liveperson.domains import is_loopback

from .errors import NotReached, Problem
from .region import region_name

DEFAULT_NAME = "liveperson-connector"

# Longer than DeadLetterRedrive may run: its answer is waited for.
_READ_SECONDS = 330

# What a client needs of a sandbox's endpoints.json.
_NEEDED = (
    *("aws_endpoint_url", "aws_access_key_id", "aws_secret_access_key"),
    *("region", "stack_name"),
)

_API_ADDRESS = re.compile(r"https://([^.]+)\.execute-api\.[^/]+(/.*)")


@dataclass(frozen=True)
class Resource:
    """A resource of the stack: its name in the template, its type, and what AWS calls it."""

    logical: str
    type: str
    physical: str


@dataclass(frozen=True)
class Stack:
    """One deployed connector. ``endpoints`` is what a sandbox wrote, none on AWS."""

    name: str
    endpoints: Mapping[str, Any] | None = None

    @classmethod
    def find(cls, name: str | None, endpoints_file: Path | None) -> Stack:
        """Point at a stack on AWS, or at the one of a running sandbox."""
        if endpoints_file is None:
            return cls(name or DEFAULT_NAME)
        endpoints = _read(endpoints_file)
        return cls(name or endpoints["stack_name"], endpoints)

    def client(self, service: str, **settings: Any) -> Any:
        """Make a client of an AWS service; ``settings`` are botocore's, in place of ours."""
        make: Any = boto3.client
        config = Config(
            connect_timeout=5,
            read_timeout=_READ_SECONDS,
            # A sandbox that does not answer has stopped: waiting does not help.
            retries={"mode": "standard", "total_max_attempts": 2 if self.endpoints else 3},
            proxies={} if self.endpoints else None,
        ).merge(Config(**settings))
        return make(service, config=config, **self._place())

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """What CloudFormation says of the stack."""
        with self._missing_told():
            answer = self.client("cloudformation").describe_stacks(StackName=self.name)
        found: Mapping[str, Any] = answer["Stacks"][0]
        return found

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs; none while it is being created, or where that failed."""
        given = self.description.get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in given}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters; those that are not shown are four stars."""
        given = self.description.get("Parameters", [])
        return {each["ParameterKey"]: each["ParameterValue"] for each in given}

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Everything in the stack, by its name in the template."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        with self._missing_told():
            found = [
                each
                for page in pages.paginate(StackName=self.name)
                for each in page["StackResourceSummaries"]
            ]
        return {
            each["LogicalResourceId"]: Resource(
                each["LogicalResourceId"], each["ResourceType"], each.get("PhysicalResourceId", "")
            )
            for each in found
        }

    def check_exists(self) -> None:
        """Raise :class:`NotReached` if there is no such stack."""
        _ = self.description

    @contextmanager
    def _missing_told(self) -> Iterator[None]:
        """Tell a stack that is not there from what else CloudFormation refuses."""
        try:
            yield
        except ClientError as failure:
            if failure.response.get("Error", {}).get("Code") != "ValidationError":
                raise
            raise self._missing() from None

    def _missing(self) -> Problem:
        if self.endpoints is not None:
            return Problem(
                f"the sandbox has no stack {self.name}",
                f"leave --stack out: its stack is {self.endpoints['stack_name']}",
            )
        return NotReached(
            f"there is no stack {self.name} in this account and region",
            "name another with --stack, AWS_REGION or AWS_PROFILE; or deploy it "
            "(docs/onboarding.md)",
        )

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of a type, in the order of their names."""
        return sorted(
            (each for each in self.resources.values() if each.type == kind),
            key=lambda each: each.logical,
        )

    def physical(self, logical: str) -> str:
        """Return what AWS calls a resource."""
        if logical not in self.resources:
            raise self._without(logical)
        return self.resources[logical].physical

    def output(self, name: str) -> str:
        """Return an output, or say that the deployed template is too old."""
        if name not in self.outputs:
            raise self._without(f"output {name}")
        return self.outputs[name]

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.output("TableName")

    @property
    def domain_api_url(self) -> str:
        """Where the functions ask for LivePerson's addresses."""
        return self.parameters.get("LivePersonDomainApiUrl", "https://api.liveperson.net")

    @property
    def callback_network(self) -> str:
        """Where callbacks may go: ``public``, or ``loopback`` in a sandbox."""
        return self.parameters.get("CallbackNetwork", "public")

    @property
    def webhook_url(self) -> str:
        """Where the webhook is reached from here."""
        return self.reachable(self.output("WebhookUrl"))

    @property
    def channel_api_url(self) -> str:
        """Where the channel API is reached from here."""
        return self.reachable(self.output("ChannelApiUrl"))

    @property
    def is_local(self) -> bool:
        """Whether it stands on an emulator on this machine."""
        return is_loopback(urlsplit(self._endpoint).hostname or "")

    @cached_property
    def _endpoint(self) -> str:
        return str(self.client("cloudformation").meta.endpoint_url)

    def reachable(self, url: str) -> str:
        """Return the address under which an API is reached: an emulator has its own."""
        found = _API_ADDRESS.fullmatch(url)
        if found is None or not self.is_local:
            return url
        return f"{self._endpoint}/_aws/execute-api/{found[1]}{found[2]}"

    @cached_property
    def consumer_id_salt(self) -> str:
        """What consumers' ids are hashed with: read where the functions have it, never shown."""
        function = self.physical("MessageIntake")
        found = self.client("lambda").get_function_configuration(FunctionName=function)
        variables = found.get("Environment", {}).get("Variables", {})
        if "CONSUMER_ID_SALT" not in variables:
            raise self._without("variable CONSUMER_ID_SALT on its function MessageIntake")
        return str(variables["CONSUMER_ID_SALT"])

    def invoke(self, logical: str, event: Mapping[str, Any]) -> Any:
        """Call a function and return its answer, or raise what it failed with."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical(logical), Payload=json.dumps(event).encode()
        )
        result = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            said = result.get("errorMessage", "") if isinstance(result, dict) else ""
            raise Problem(f"{logical} failed: {said}", f"look at its log: {self.log_of(logical)}")
        return result

    def log_of(self, logical: str) -> str:
        """Return the name of a function's log group."""
        return self.physical(f"{logical}Logs")

    def _without(self, what: str) -> Problem:
        status = self.description["StackStatus"]
        return Problem(
            f"the stack {self.name} ({status}) has no {what}",
            "deploy the current template: make deploy STAGE=…",
        )

    def _place(self) -> dict[str, str]:
        if self.endpoints is None:
            region = region_name(os.environ)
            return {"region_name": region} if region else {}
        return {
            "endpoint_url": self.endpoints["aws_endpoint_url"],
            "region_name": self.endpoints["region"],
            "aws_access_key_id": self.endpoints["aws_access_key_id"],
            "aws_secret_access_key": self.endpoints["aws_secret_access_key"],
        }


def _read(file: Path) -> Mapping[str, Any]:
    """Read what a running sandbox wrote, or say what is wrong with the file."""
    start = "start one with `make sandbox`, or name its file with --endpoints"
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        raise Problem(f"no sandbox is running: {file} is not there", start) from None
    except OSError as failure:
        raise Problem(f"{file} cannot be read: {failure.strerror}", start) from None
    except ValueError:
        raise Problem(f"{file} is not JSON, so no sandbox wrote it", start) from None
    missing = [each for each in _NEEDED if not (isinstance(found, dict) and found.get(each))]
    if missing:
        raise Problem(f"{file} has no {', '.join(missing)}, so no sandbox wrote it", start)
    endpoints: Mapping[str, Any] = found
    return endpoints
