"""
The deployed stack: its outputs, parameters and resources, on AWS or in a sandbox.

The command line has no configuration of its own: it reads everything from CloudFormation. For a
sandbox it reads the ``endpoints.json`` that the sandbox writes, and uses the addresses and keys in
it.
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

# Longer than DeadLetterRedrive may run: `redrive` waits for its answer.
_READ_SECONDS = 330

# The fields of a sandbox's endpoints.json that a client needs.
_NEEDED = (
    *("aws_endpoint_url", "aws_access_key_id", "aws_secret_access_key"),
    *("region", "stack_name"),
)

_API_ADDRESS = re.compile(r"https://([^.]+)\.execute-api\.[^/]+(/.*)")


@dataclass(frozen=True)
class Resource:
    """A resource of the stack: its logical id, its type and its physical id."""

    logical: str
    type: str
    physical: str


@dataclass(frozen=True)
class Stack:
    """
    One deployed connector. ``endpoints`` is what a sandbox wrote; None on AWS.

    ``session`` decides region and credentials; without one the environment does.
    """

    name: str
    endpoints: Mapping[str, Any] | None = None
    session: boto3.Session | None = None

    @classmethod
    def find(cls, name: str | None, endpoints_file: Path | None) -> Stack:
        """Return the stack of that name on AWS, or the stack of a running sandbox."""
        if endpoints_file is None:
            return cls(name or DEFAULT_NAME)
        endpoints = _read(endpoints_file)
        return cls(name or endpoints["stack_name"], endpoints)

    def client(self, service: str, **settings: Any) -> Any:
        """Return a client of an AWS service; ``settings`` override ours (botocore Config)."""
        make: Any = (self.session or boto3).client
        config = Config(
            connect_timeout=5,
            read_timeout=_READ_SECONDS,
            # A sandbox that does not answer has stopped, so do not wait long.
            retries={"mode": "standard", "total_max_attempts": 2 if self.endpoints else 3},
            proxies={} if self.endpoints else None,
        ).merge(Config(**settings))
        return make(service, config=config, **self._place())

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """What CloudFormation answers to DescribeStacks."""
        with self._missing_stack_explained():
            answer = self.client("cloudformation").describe_stacks(StackName=self.name)
        found: Mapping[str, Any] = answer["Stacks"][0]
        return found

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The stack's outputs; empty while the stack is being created, or if that failed."""
        given = self.description.get("Outputs", [])
        return {each["OutputKey"]: each["OutputValue"] for each in given}

    @cached_property
    def parameters(self) -> Mapping[str, str]:
        """The stack's parameters; NoEcho ones read ``****``."""
        given = self.description.get("Parameters", [])
        return {each["ParameterKey"]: each["ParameterValue"] for each in given}

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """The stack's resources, by logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        with self._missing_stack_explained():
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
    def _missing_stack_explained(self) -> Iterator[None]:
        """Turn CloudFormation's answer for a missing stack into a :class:`Problem`."""
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
                f"leave out --stack: the sandbox's stack is {self.endpoints['stack_name']}",
            )
        return NotReached(
            f"there is no stack {self.name} in this account and region",
            "choose another with --stack, AWS_REGION or AWS_PROFILE; or deploy it "
            "(docs/onboarding.md)",
        )

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of a type, sorted by logical id."""
        return sorted(
            (each for each in self.resources.values() if each.type == kind),
            key=lambda each: each.logical,
        )

    def physical(self, logical: str) -> str:
        """Return the physical id of a resource."""
        if logical not in self.resources:
            raise self._without(logical)
        return self.resources[logical].physical

    def output(self, name: str) -> str:
        """Return an output; raise a :class:`Problem` if the deployed template has none."""
        if name not in self.outputs:
            raise self._without(f"output {name}")
        return self.outputs[name]

    @property
    def table(self) -> str:
        """The name of the table."""
        return self.output("TableName")

    @property
    def domain_api_url(self) -> str:
        """The base URL of the Domain API that the functions use."""
        return self.parameters.get("LivePersonDomainApiUrl", "https://api.liveperson.net")

    @property
    def callback_network(self) -> str:
        """The network that callbacks may reach: ``public``, or ``loopback`` in a sandbox."""
        return self.parameters.get("CallbackNetwork", "public")

    @property
    def webhook_url(self) -> str:
        """The webhook's URL, as this machine reaches it."""
        return self.reachable(self.output("WebhookUrl"))

    @property
    def channel_api_url(self) -> str:
        """The channel API's base URL, as this machine reaches it."""
        return self.reachable(self.output("ChannelApiUrl"))

    @property
    def is_local(self) -> bool:
        """Whether the stack runs on an emulator on this machine."""
        return is_loopback(urlsplit(self._endpoint).hostname or "")

    @cached_property
    def _endpoint(self) -> str:
        return str(self.client("cloudformation").meta.endpoint_url)

    def reachable(self, url: str) -> str:
        """Return the URL by which this machine reaches an API: an emulator has its own."""
        found = _API_ADDRESS.fullmatch(url)
        if found is None or not self.is_local:
            return url
        return f"{self._endpoint}/_aws/execute-api/{found[1]}{found[2]}"

    @cached_property
    def consumer_id_salt(self) -> str:
        """The salt of the consumer keys, read from a function's environment; never printed."""
        function = self.physical("MessageIntake")
        found = self.client("lambda").get_function_configuration(FunctionName=function)
        variables = found.get("Environment", {}).get("Variables", {})
        if "CONSUMER_ID_SALT" not in variables:
            raise self._without("variable CONSUMER_ID_SALT on its function MessageIntake")
        return str(variables["CONSUMER_ID_SALT"])

    def invoke(self, logical: str, event: Mapping[str, Any]) -> Any:
        """Invoke a function and return its answer; raise a :class:`Problem` if it failed."""
        answer = self.client("lambda").invoke(
            FunctionName=self.physical(logical), Payload=json.dumps(event).encode()
        )
        result = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError"):
            said = result.get("errorMessage", "") if isinstance(result, dict) else ""
            raise Problem(f"{logical} failed: {said}", f"read its log: {self.log_of(logical)}")
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
        if self.session is not None:
            return {}
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
    """Return the endpoints that a running sandbox wrote, or say what is wrong with the file."""
    start = "start one with `make sandbox`, or give its file with --endpoints"
    try:
        found = json.loads(file.read_text())
    except FileNotFoundError:
        raise Problem(f"no sandbox is running: {file} does not exist", start) from None
    except OSError as failure:
        raise Problem(f"{file} cannot be read: {failure.strerror}", start) from None
    except ValueError:
        raise Problem(f"{file} is not JSON, so no sandbox wrote it", start) from None
    missing = [each for each in _NEEDED if not (isinstance(found, dict) and found.get(each))]
    if missing:
        raise Problem(f"{file} has no {', '.join(missing)}, so no sandbox wrote it", start)
    endpoints: Mapping[str, Any] = found
    return endpoints
