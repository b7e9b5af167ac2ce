"""The real template on the emulator: build it, deploy it, and find what was deployed."""

import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.aws import ACCESS_KEY, REGION, Aws
from sandbox.certificates import trust
from sandbox.emulator_workarounds import (
    apply_workarounds,
    local_address,
    resources,
)
from sandbox.environment import ENVIRONMENT, NAME
from sandbox.processes import run
from sandbox.state_dir import PROJECT, locked

STACK_NAME = "connector"
ARCHITECTURE = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
TOOLS = "run `make setup`; it installs .venv/bin/sam"


@dataclass(frozen=True)
class Deployment:
    """What a deployment created on the emulator."""

    stack_name: str
    webhook_url: str
    channel_api_url: str
    channel_api_key: str
    table_name: str
    queues: Mapping[str, str]
    """Queue URLs by the name without the stack's: `consumer-events.fifo` and so on."""
    functions: Mapping[str, str]
    """Function names by the folder they come from: `webhook_intake` and so on."""


def build(into: Path, certificate: Path) -> Path:
    """
    Build the layer, which trusts a certificate, and the functions; return the template.

    What has not changed since the last build is taken from there. The cache is within the
    environment that compiles the layer, so that another Python begins with an empty one.
    """
    cache = ENVIRONMENT / "sam-cache"
    with locked(cache.with_name("sam-cache.lock")):
        _sam("build", "--cached", "--cache-dir", cache, "--build-dir", into, what="sam build")
    trust(certificate, into)
    return into / "template.yaml"


def deploy(
    aws: Aws, template: Path, stack_name: str, liveperson_url: str, **others: str
) -> Deployment:
    """Deploy the built template with these parameters; return what was created."""
    parameters = {
        "LivePersonDomainApiUrl": liveperson_url,
        "Architecture": ARCHITECTURE,
        "CallbackNetwork": "loopback",
        **others,
    }
    _sam(
        "deploy",
        *("--template-file", template),
        *("--config-file", PROJECT / "samconfig.toml", "--config-env", "local"),
        *("--stack-name", stack_name),
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in parameters.items()),
        what="sam deploy",
        endpoint_url=aws.endpoint_url,
    )
    apply_workarounds(aws, stack_name)
    return describe(aws, stack_name)


def describe(aws: Aws, stack_name: str) -> Deployment:
    """Return what the emulator has of a deployed stack."""
    outputs = _outputs(aws, stack_name)
    return Deployment(
        stack_name=stack_name,
        webhook_url=local_address(aws.endpoint_url, outputs["WebhookUrl"]),
        channel_api_url=local_address(aws.endpoint_url, outputs["ChannelApiUrl"]),
        channel_api_key=_api_key(aws, outputs["ChannelApiKeyId"]),
        table_name=outputs["TableName"],
        queues=dict(_queues(aws, stack_name)),
        functions=dict(_functions(aws, stack_name)),
    )


def _sam(*arguments: str | Path, what: str, endpoint_url: str = "") -> None:
    sam = Path(sys.executable).with_name("sam")
    environ = _environ(endpoint_url)
    run([sam, *arguments], what=what, environ=environ, folder=PROJECT, hint=TOOLS)


def _environ(endpoint_url: str) -> dict[str, str]:
    """Return sam's environment: the emulator's address and key, no AWS setting of the caller."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    tools = str(Path(sys.executable).parent)
    return {
        **kept,
        "PATH": os.pathsep.join([tools, kept.get("PATH", os.defpath)]),
        "LAMBDA_PYTHON": str(
            ENVIRONMENT / "bin" / NAME
        ),  # the Python that runs the layer also compiles it
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # sam polls every five seconds by default
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": ",".join(filter(None, [kept.get("NO_PROXY"), "127.0.0.1"])),
    }


def _outputs(aws: Aws, stack_name: str) -> dict[str, str]:
    stacks = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}


def _api_key(aws: Aws, key_id: str) -> str:
    key = aws.client("apigateway").get_api_key(apiKey=key_id, includeValue=True)
    return str(key["value"])


def _queues(aws: Aws, stack_name: str) -> Iterator[tuple[str, str]]:
    for _, url in resources(aws, stack_name, "AWS::SQS::Queue"):
        name = url.rpartition("/")[2]
        yield name.removeprefix(f"{stack_name}-"), f"{aws.endpoint_url}/000000000000/{name}"


def _functions(aws: Aws, stack_name: str) -> Iterator[tuple[str, str]]:
    for logical, physical in resources(aws, stack_name, "AWS::Lambda::Function"):
        yield _snake_case(logical), physical


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
