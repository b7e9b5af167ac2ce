"""
The template for `sam local`: the real one, resolved for a running sandbox.

`sam local` passes only the variables that a template declares, and leaves some references in them
unresolved. Here each function declares the values of the deployed one, and the emulator's address.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandbox.deployment import ARCHITECTURE
from sandbox.sam_local import loopback
from sandbox.state_dir import PROJECT
from sandbox.system import System

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"

# Under `sam local` the cold start counts towards a function's timeout; on AWS it does not.
LEAST_SECONDS = 60

Environments = Mapping[str, Mapping[str, str]]
"""The functions' environment variables, by the folder of their code."""


def write_layer(folder: Path, settings: Mapping[str, Any]) -> Path:
    """Write the layer that lets a container reach the sandbox."""
    program = folder / "extensions" / "loopback"
    program.parent.mkdir(parents=True)
    shutil.copyfile(loopback.__file__, program)
    program.chmod(0o755)
    (folder / loopback.SETTINGS.name).write_text(json.dumps(settings))
    return folder


def environments(system: System) -> Environments:
    """Return each function's deployed variables, with the emulator's address and keys added."""
    where, get = system.endpoints, system.aws.functions.get_function_configuration
    emulator = {
        "AWS_ENDPOINT_URL": where.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": where.aws_access_key_id,
        "AWS_SECRET_ACCESS_KEY": where.aws_secret_access_key,
    }
    return {
        folder: {**get(FunctionName=name)["Environment"]["Variables"], **emulator}
        for folder, name in where.functions.items()
    }


def write_template(
    file: Path, variables: Environments, connector_layer: Path, loopback_layer: Path
) -> Path:
    """Write the template: the functions' code from the sources, the layers as they were built."""
    template = _template()
    template["Parameters"]["Architecture"]["Default"] = ARCHITECTURE
    template["Resources"]["ConnectorLayer"] = _layer(connector_layer)
    template["Resources"]["LoopbackLayer"] = _layer(loopback_layer)
    template["Globals"]["Function"]["Layers"] += [{"Ref": "LoopbackLayer"}]
    for properties in _functions(template):
        code = PROJECT / properties["CodeUri"]
        properties["CodeUri"] = str(code)
        properties["Environment"] = {"Variables": dict(variables[code.name])}
        properties["Timeout"] = max(properties["Timeout"], LEAST_SECONDS)
    file.write_text(json.dumps(template, indent=2))
    return file


def _template() -> dict[str, Any]:
    from samcli.yamlhelper import yaml_parse  # type: ignore[import-untyped]  # noqa: PLC0415 (slow)

    template: dict[str, Any] = yaml_parse((PROJECT / "template.yaml").read_text())
    return template


def _layer(folder: Path) -> dict[str, Any]:
    return {"Type": LAYER, "Properties": {"ContentUri": str(folder)}}


def _functions(template: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == FUNCTION:
            yield resource["Properties"]
