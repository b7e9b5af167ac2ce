"""
Set the stack policy: no later update may delete or replace what holds messages.

    python tools/guard_stack.py STAGE

STAGE names a section of ``samconfig.toml``. To replace a guarded resource on purpose, set another
policy for that one update; docs/runbook.md says how.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import boto3

PROJECT = Path(__file__).parents[1]


def main(stage: str) -> int:
    """Guard the stack of ``stage``."""
    config = tomllib.loads((PROJECT / "samconfig.toml").read_text())
    if "deploy" not in config.get(stage, {}):
        stages = ", ".join(name for name, each in config.items() if "deploy" in dict_of(each))
        print(f"samconfig.toml has no stage {stage}; there are {stages}", file=sys.stderr)
        return 2
    deploy = config[stage]["deploy"]["parameters"]
    session = boto3.Session(
        profile_name=deploy.get("profile"), region_name=deploy.get("region") or None
    )
    session.client("cloudformation").set_stack_policy(
        StackName=deploy["stack_name"],
        StackPolicyBody=(PROJECT / "stack-policy.json").read_text(),
    )
    print(f"stack {deploy['stack_name']}: its queues, table and files are guarded")
    return 0


def dict_of(value: object) -> dict[str, object]:
    """Give a section of the file; its version is none."""
    return value if isinstance(value, dict) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
