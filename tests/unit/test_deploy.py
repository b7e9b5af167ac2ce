"""``make deploy``: where it goes, what it refuses, and that everything it sets is in service."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

from tests.support.servers import Answer, HttpServer, Request, json_answer, serving
from tools.deploy import main, publish_anew
from tools.guard_stack import main as guard
from tools.stages import LONGEST_NAME, Stage, WrongStage
from tools.template import PROJECT, resources

NOWHERE: dict[str, str] = {}
SOMEWHERE = {"AWS_REGION": "eu-west-1"}


@pytest.fixture(autouse=True)
def _nobodys_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let there be no region and no profile but those of the test."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[default]\n[profile brand]\nregion = eu-south-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))


@pytest.fixture(name="project")
def _project(tmp_path: Path) -> Path:
    """Make a project with the stages and the template of this one."""
    for name in ("samconfig.toml", "template.yaml"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


# ── Where to ──


@pytest.mark.parametrize(
    ("options", "environ", "expected"),
    [
        ([], {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-west-2"}, "eu-west-1"),
        ([], {"AWS_DEFAULT_REGION": "us-west-2"}, "us-west-2"),
        (["--region", "me-central-1"], {"AWS_REGION": "eu-west-1"}, "me-central-1"),
        (["--region=me-central-1"], {"AWS_REGION": "eu-west-1"}, "me-central-1"),
        (["--profile", "brand"], NOWHERE, "eu-south-1"),
    ],
)
def test_a_deployment_goes_to_the_region_that_is_meant(
    options: list[str], environ: dict[str, str], expected: str
) -> None:
    """An option, then the stage's, then the environment's, then the profile's."""
    assert expected == Stage.read("staging", options, environ).session().region_name


def test_a_stages_own_region_comes_before_the_environments(project: Path) -> None:
    """A stage for a second region goes there, whatever is set."""
    with (project / "samconfig.toml").open("a") as config:
        config.write('\n[east.global.parameters]\nregion = "us-east-2"\n')
        config.write('\n[east.deploy.parameters]\nstack_name = "connector-east"\n')

    stage = Stage.read("east", [], SOMEWHERE, project)

    assert ("connector-east", "us-east-2") == (stage.stack_name, stage.region)


@pytest.mark.parametrize("name", ["", "nope", "version", "default"])
def test_a_stage_that_does_not_exist_is_refused(name: str) -> None:
    """The message names those that there are."""
    with pytest.raises(WrongStage, match="there are local, staging, production"):
        Stage.read(name, [], SOMEWHERE)


@pytest.mark.parametrize(
    "name",
    [
        "a" * (LONGEST_NAME + 1),
        "aws-connector",
        "AWSconnector",
        "ssm-connector",
        "1connector",
        "my_connector",
        "-x",
    ],
)
def test_a_stack_name_that_cannot_work_is_refused(name: str) -> None:
    """Queues or parameters could not have their names, which AWS says minutes later."""
    with pytest.raises(WrongStage, match=r"stack's name|parameters"):
        Stage.read("staging", [f"--stack-name={name}"], SOMEWHERE)


def test_the_longest_stack_name_leaves_room_for_every_queue() -> None:
    """SQS takes 80 characters; the limit is no shorter than it has to be."""
    queues = [each["QueueName"]["Fn::Sub"] for each in resources("AWS::SQS::Queue").values()]
    added = max(len(each.removeprefix("${AWS::StackName}")) for each in queues)

    assert 80 == LONGEST_NAME + added
    assert Stage.read("staging", ["--stack-name", "a" * LONGEST_NAME], SOMEWHERE).stack_name


def test_a_deployment_without_a_region_is_refused() -> None:
    """``sam deploy`` would say so after it has built everything."""
    with pytest.raises(WrongStage, match="set AWS_REGION"):
        Stage.read("staging", [], NOWHERE)


# ── What is done ──

SAM = """#!/bin/sh
echo "$AWS_DEFAULT_REGION: sam $*" >> "{log}"
[ "$1" != "{fails}" ] || exit 3
[ "$1" != build ] || {{ mkdir -p .aws-sam/build && cp template.yaml .aws-sam/build; }}
"""


def fake_sam(project: Path, fails: str = "") -> dict[str, str]:
    """Put a ``sam`` on the path that writes down how it is called; give the environment."""
    program = project / "bin" / "sam"
    program.parent.mkdir()
    program.write_text(SAM.format(log=project / "log", fails=fails))
    program.chmod(0o755)
    return {**SOMEWHERE, "PATH": f"{program.parent}{os.pathsep}{os.defpath}"}


def called(project: Path) -> list[str]:
    """Give how ``sam`` was called."""
    log = project / "log"
    return log.read_text().splitlines() if log.exists() else []


SALT_NAME = "/liveperson-connector-staging/consumer-id-salt"


class Aws:
    """Answers as CloudFormation, Lambda and Parameter Store do; a test says what is there."""

    def __init__(self, *, kept: str = "", exists: bool = True) -> None:
        self.kept, self.exists = kept, exists
        self.written: list[dict[str, Any]] = []

    def __call__(self, request: Request) -> Answer:
        """Answer one call."""
        if "x-amz-target" in request.headers:
            return self._parameters(request)
        if request.method == "GET":
            variables = {"CONSUMER_ID_SALT": "the salt in use"}
            return json_answer({"Environment": {"Variables": variables}})
        return self._cloudformation(parse_qs(request.body.decode())["Action"][0])

    def _parameters(self, request: Request) -> Answer:
        if request.headers["x-amz-target"].endswith(".PutParameter"):
            self.written.append(json.loads(request.body))
            return json_answer({"Version": 1})
        if self.kept:
            return json_answer({"Parameter": {"Value": self.kept}})
        return json_answer({"__type": "ParameterNotFound"}, 400)

    def _cloudformation(self, action: str) -> Answer:
        if action == "DescribeStacks" and not self.exists:
            said = "<Code>ValidationError</Code><Message>Stack does not exist</Message>"
            return Answer(400, f"<ErrorResponse><Error>{said}</Error></ErrorResponse>".encode())
        resource = "<LogicalResourceId>MessageIntake</LogicalResourceId>"
        resource += "<PhysicalResourceId>intake</PhysicalResourceId>"
        resource += "<ResourceType>AWS::Lambda::Function</ResourceType>"
        status = "<StackStatus>UPDATE_COMPLETE</StackStatus>"
        results = {
            "DescribeStacks": ("Stacks", status),
            "ListStackResources": ("StackResourceSummaries", resource),
        }
        name, member = results.get(action, ("Nothing", ""))
        result = f"<{name}><member>{member}</member></{name}>"
        whole = f"<{action}Result>{result}</{action}Result>"
        return Answer(200, f"<{action}Response>{whole}</{action}Response>".encode())


def asked(aws: HttpServer) -> list[tuple[str, str, str]]:
    """Give region, action and stack of every change that CloudFormation was asked for."""
    found = []
    for request in aws.requests:
        form = parse_qs(request.body.decode()) if request.method == "POST" else {}
        region = request.headers["authorization"].split("/")[2]
        if "Action" in form and not form["Action"][0].startswith(("Describe", "List")):
            found.append((region, form["Action"][0], form["StackName"][0]))
    return found


def test_what_was_deployed_is_guarded(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stack policy and termination protection, in the region and on the stack of the options."""
    with serving(Aws()) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        options = ["--stack-name", "other", "--region", "me-central-1", "--no-confirm-changeset"]
        code = main(["production", *options], fake_sam(project), project)

    assert 0 == code
    assert [
        "me-central-1: sam build",
        f"me-central-1: sam deploy --config-env production {' '.join(options)}",
    ] == called(project)
    assert [
        ("me-central-1", "SetStackPolicy", "other"),
        ("me-central-1", "UpdateTerminationProtection", "other"),
    ] == asked(aws)
    assert ["true"] == parse_qs(aws.requests[-1].body.decode())["EnableTerminationProtection"]


@pytest.mark.parametrize("fails", ["build", "deploy"])
def test_what_was_not_deployed_is_not_guarded(
    project: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    """The exit code is that of ``sam``, which has said what is wrong."""
    with serving(Aws()) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        code = main(["staging"], fake_sam(project, fails), project)

    assert (3, []) == (code, asked(aws))
    assert called(project)[-1].startswith(f"eu-west-1: sam {fails}")


@pytest.mark.parametrize("arguments", [[], [""], ["nope"], ["staging", "--stack-name", "ssm-x"]])
def test_what_cannot_work_is_refused_before_anything_is_built(
    project: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line that says why, and exit code 2."""
    assert 2 == main(arguments, fake_sam(project), project)
    assert [] == called(project)
    assert 1 == capsys.readouterr().err.count("\n")


def test_a_stack_that_cannot_be_guarded_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For example because there is none."""
    error = "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack [x] does not exist"
    error += "</Message></Error></ErrorResponse>"
    with serving(lambda _: Answer(400, error.encode())) as aws:
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
        monkeypatch.setenv("AWS_REGION", "eu-west-1")
        code = guard(["staging"])

    assert 1 == code
    assert "Stack [x] does not exist" in capsys.readouterr().err


# ── The salt of consumers' ids ──


def deploy_to(aws: Aws, project: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> str:
    """Deploy the staging stack with some options; return how ``sam deploy`` was called."""
    with serving(aws) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        assert 0 == main(["staging", *options], fake_sam(project), project)
    return called(project)[-1]


def test_a_stack_made_anew_gets_the_kept_salt(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the parameters of its stage, which SAM would forget otherwise."""
    aws = Aws(kept="the former stack's id", exists=False)

    said = deploy_to(aws, project, monkeypatch)

    overrides = "LogRetentionDays=7 ConsumerIdSalt=the former stack's id"
    assert said.endswith(f"sam deploy --config-env staging --parameter-overrides {overrides}")
    assert [] == aws.written


@pytest.mark.parametrize(
    ("aws", "options"),
    [
        (Aws(kept="kept", exists=True), []),
        (Aws(exists=False), []),
        (Aws(kept="kept", exists=False), ["--parameter-overrides", "ConsumerIdSalt=chosen"]),
    ],
)
def test_no_other_stack_gets_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, aws: Aws, options: list[str]
) -> None:
    """Neither one that exists, nor one without a predecessor, nor one whose operator chooses."""
    assert "kept" not in deploy_to(aws, project, monkeypatch, *options)


def test_the_salt_of_a_deployed_stack_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Encrypted, once, and shown to no one."""
    aws = Aws()

    deploy_to(aws, project, monkeypatch)

    (written,) = aws.written
    assert (SALT_NAME, "the salt in use") == (written["Name"], written["Value"])
    assert ("SecureString", False) == (written["Type"], written["Overwrite"])
    assert "the salt in use" not in "".join(capsys.readouterr())


# ── What is in service ──


def versions(template: Path, **parameters: str) -> set[str]:
    """Name the versions that SAM would publish of a built template."""
    whole = yaml_parse(template.read_text())
    for resource in whole["Resources"].values():
        for place in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):
            resource["Properties"][place] = "s3://bucket-of-code/key"
    made: dict[str, Any] = transform(whole, parameters, ManagedPolicyLoader(None))["Resources"]
    return {name for name, each in made.items() if each["Type"] == "AWS::Lambda::Version"}


def test_a_deployment_publishes_every_intake_anew(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SAM alone sees no difference when the template only refers to what has changed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    template = project / "template.yaml"
    before = versions(template, ConsumerIdSalt="one")
    assert before == versions(template, ConsumerIdSalt="another")

    publish_anew(template, datetime(2026, 11, 27, 10, 0, 0, tzinfo=UTC))
    after = versions(template, ConsumerIdSalt="another")

    assert 3 == len(before) == len(after)
    assert not before & after


def test_a_version_tells_when_it_was_deployed(project: Path) -> None:
    """In its description, which Lambda takes; nothing else of the template is changed."""
    template = project / "template.yaml"
    before = yaml_parse(template.read_text())
    publish_anew(template, datetime(2026, 11, 27, 10, 0, 5, tzinfo=UTC))
    after = yaml_parse(template.read_text())

    for name in ("MessageIntake", "ProviderIntake", "WebhookIntake"):
        said = after["Resources"][name]["Properties"].pop("Description")
        old = before["Resources"][name]["Properties"].pop("Description")
        assert f"{old} Deployed 2026-11-27 10:00:05 UTC." == said
        assert len(said) <= 256
    assert before == after
