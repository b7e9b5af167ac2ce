"""
Protect a deployed stack: no update may delete or replace what holds messages; no one may delete it.

    python -m tools.guard_stack STAGE [OPTIONS OF SAM DEPLOY]

Sets the stack policy and switches termination protection on. STAGE names a section of
``samconfig.toml``. docs/runbook.md says how to replace or delete on purpose.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from tools.stages import PROJECT, Stage, WrongStage

POLICY = PROJECT / "stack-policy.json"


def guard(stage: Stage) -> None:
    """Guard the stack of ``stage``; raise what AWS answers if that fails."""
    client = stage.session().client("cloudformation")
    client.set_stack_policy(StackName=stage.stack_name, StackPolicyBody=POLICY.read_text())
    client.update_termination_protection(
        StackName=stage.stack_name, EnableTerminationProtection=True
    )
    print(f"stack {stage.stack_name}: its queues, table and files are guarded, and it too")


def main(arguments: Sequence[str]) -> int:
    """Guard the stack of the stage that is named; return the exit code."""
    name, *options = arguments or [""]
    try:
        guard(Stage.read(name, options, os.environ))
    except WrongStage as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except (BotoCoreError, ClientError) as failure:
        print(f"the stack is not guarded: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
