"""An operator at a terminal: runs ``connector`` against a sandbox, and reads what it says."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from connector_cli.main import cli
from sandbox.aws import Aws
from sandbox.endpoints import Endpoints

CONNECTOR = Path(sys.executable).with_name("connector")


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Read what a program would."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Operator:
    """Somebody with a shell, and the sandbox whose ``endpoints.json`` is named."""

    endpoints_file: Path

    def connector(self, *arguments: str, typed: str = "") -> Said:
        """Run ``connector`` in this process; ``typed`` is what stands on standard input."""
        ran = CliRunner(mix_stderr=False).invoke(
            cli, arguments, input=typed, env=self._pointing_there, catch_exceptions=False
        )
        return Said(ran.exit_code, ran.stdout, ran.stderr)

    def doctor(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Run ``connector doctor``; return what is wrong, by check."""
        said = self.connector("doctor", "--json", *arguments)
        wrong = {each["check"]: each for each in said.json() if each["level"] == "wrong"}
        assert said.code == (1 if wrong else 0), said.err
        return wrong

    @property
    def environ(self) -> dict[str, str]:
        """The shell's environment."""
        return {**os.environ, **self._pointing_there}

    @property
    def _pointing_there(self) -> dict[str, str]:
        return {"CONNECTOR_ENDPOINTS": str(self.endpoints_file)}


@dataclass(frozen=True)
class Stack:
    """The deployed stack, for a test to spoil."""

    endpoints: Endpoints

    def client(self, service: str) -> Any:
        """Make a client that may do anything."""
        return Aws(self.endpoints.aws_endpoint_url).client(service)

    def physical(self, logical: str) -> str:
        """Return what AWS calls a resource."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=self.endpoints.stack_name, LogicalResourceId=logical
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def parameter(self, account_id: str, kind: str) -> str:
        """Return a parameter's name."""
        return f"/{self.endpoints.stack_name}/accounts/{account_id}/{kind}"
