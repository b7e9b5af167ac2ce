"""
Build, deploy and guard a stack: ``python -m tools.deploy STAGE [OPTIONS OF SAM DEPLOY]``.

STAGE names a section of ``samconfig.toml``. What cannot work is refused before anything is built.

Between building and deploying, the time is written into the descriptions of the two intakes. Their
callers reach a *version* of theirs, and SAM publishes one only when the text of the template or the
code has changed: a parameter's new value, to which the text only refers, would not be in service
(docs/decisions/0039-a-deployment-publishes-the-intakes.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from samcli.yamlhelper import yaml_dump, yaml_parse  # type: ignore[import-untyped]

from tools.guard_stack import guard
from tools.kept_salt import keep, salt_of_the_lost
from tools.stages import PROJECT, Stage, WrongStage

BUILT = Path(".aws-sam/build/template.yaml")


def publish_anew(template: Path, now: datetime) -> None:
    """Change the built ``template`` so that every function with an alias gets a new version."""
    loaded = yaml_parse(template.read_text())
    for resource in loaded["Resources"].values():
        properties = resource.get("Properties", {})
        if "AutoPublishAlias" in properties:
            properties["Description"] += f" Deployed {now:%Y-%m-%d %H:%M:%S} UTC."
    template.write_text(yaml_dump(loaded))


def deploy(
    stage: Stage, options: Sequence[str], environ: Mapping[str, str], project: Path = PROJECT
) -> None:
    """Build ``project`` and put it on AWS; raise CalledProcessError if ``sam`` fails."""
    region = {"AWS_DEFAULT_REGION": stage.region} if stage.region else {}

    def sam(*arguments: str) -> None:
        command = ["sam", *arguments]
        subprocess.run(command, cwd=project, env={**environ, **region}, check=True)

    sam("build")
    publish_anew(project / BUILT, datetime.now(UTC))
    sam("deploy", "--config-env", stage.name, *options, *salt_of_the_lost(stage))


def main(
    arguments: Sequence[str], environ: Mapping[str, str] = os.environ, project: Path = PROJECT
) -> int:
    """Deploy to the stage that is named; return the exit code."""
    name, *options = arguments or [""]
    try:
        stage = Stage.read(name, options, environ, project)
        deploy(stage, options, environ, project)
        keep(stage)
        guard(stage)
    except WrongStage as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as failure:
        return failure.returncode
    except (BotoCoreError, ClientError) as failure:
        print(f"deployed, but the stack is not guarded: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
