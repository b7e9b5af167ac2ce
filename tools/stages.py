"""
The stages of ``samconfig.toml``: which stack, region and profile a deployment goes to.

``sam deploy`` takes them from its options, then from the stage's section, then from the environment
(https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/serverless-sam-cli-config.html).
Whatever acts on the deployed stack asks here, so that it acts on the same one.
"""

from __future__ import annotations

import argparse
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ProfileNotFound

from connector_cli.region import region_name

PROJECT = Path(__file__).parents[1]

# SQS takes 80 characters, and the longest of the queues' names adds 25 to the stack's
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html).
LONGEST_NAME = 55

_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

# Parameter Store keeps these beginnings of a path for AWS itself
# (https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-parameter-name-constraints.html).
_RESERVED = ("aws", "ssm")


class WrongStage(Exception):
    """Nothing can be deployed to this stage; the message says what to change."""


@dataclass(frozen=True)
class Stage:
    """A section of ``samconfig.toml``, with what the options of ``sam deploy`` change of it."""

    name: str
    stack_name: str
    region: str | None
    profile: str | None
    overrides: tuple[str, ...] = ()
    """The template's parameters, each as ``Name=value``."""

    @classmethod
    def read(
        cls,
        name: str,
        options: Sequence[str],
        environ: Mapping[str, str],
        project: Path = PROJECT,
    ) -> Stage:
        """
        Return the stage ``name`` as ``sam deploy --config-env name *options`` takes it.

        Raises :class:`WrongStage` if there is none, or if its stack could not be made.
        """
        written = _parameters(name, tomllib.loads((project / "samconfig.toml").read_text()))
        given = vars(_OPTIONS.parse_known_args(list(options))[0])
        chosen = {**written, **{key: value for key, value in given.items() if value}}
        stage = cls(
            name,
            stack_name=str(chosen.get("stack_name", "")),
            region=chosen.get("region") or region_name(environ),
            profile=chosen.get("profile"),
            overrides=_overrides(chosen.get("parameter_overrides", ())),
        )
        stage._check()
        return stage

    def session(self) -> boto3.Session:
        """Return a session with this stage's region and profile."""
        try:
            return boto3.Session(profile_name=self.profile, region_name=self.region)
        except ProfileNotFound as failure:
            raise WrongStage(str(failure)) from None

    def _check(self) -> None:
        """Raise if the stack could not be made, before minutes are spent on finding out."""
        name = self.stack_name
        if len(name) > LONGEST_NAME:
            raise WrongStage(f"the stack's name has {len(name)} characters; at most {LONGEST_NAME}")
        if not _STACK_NAME.fullmatch(name):
            raise WrongStage(f"{name!r} is not a stack's name: a letter, then letters, digits, -")
        if name.lower().startswith(_RESERVED):
            raise WrongStage(f"{name!r} cannot have parameters: AWS keeps names with aws and ssm")
        if self.session().region_name is None:
            raise WrongStage("no region is set; set AWS_REGION, or region in samconfig.toml")


def _parameters(name: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
    stages = [each for each, section in config.items() if "deploy" in _table(section)]
    if name not in stages:
        which = f"samconfig.toml has no stage {name!r}" if name else "name a stage: STAGE=…"
        raise WrongStage(f"{which} (there are {', '.join(stages)})")
    section = config[name]
    return {
        **_table(_table(section.get("global")).get("parameters")),
        **_table(section["deploy"].get("parameters")),
    }


def _overrides(value: object) -> tuple[str, ...]:
    """Read what SAM takes: one string, a list of strings, or a table."""
    if isinstance(value, Mapping):
        return tuple(f"{name}={each}" for name, each in value.items())
    return tuple(shlex.split(value) if isinstance(value, str) else map(str, value))  # type: ignore[call-overload]


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_OPTIONS = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
for _option in ("--stack-name", "--region", "--profile"):
    _OPTIONS.add_argument(_option)
_OPTIONS.add_argument("--parameter-overrides", nargs="*", action="extend")
