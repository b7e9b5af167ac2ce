"""The template for `sam local`: the real one, with everything in it that a container needs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.sam_local import loopback
from sandbox.sam_local.template import LEAST_SECONDS, write_layer, write_template
from tools.template import functions

VARIABLES = {name: {"TABLE_NAME": f"the table of {name}"} for name in functions()}


@pytest.fixture(name="template")
def _template(tmp_path: Path) -> Mapping[str, Any]:
    file = tmp_path / "template.json"
    write_template(file, VARIABLES, tmp_path / "connector", tmp_path / "loopback")
    read: Mapping[str, Any] = json.loads(file.read_text())
    return read


def settled(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give its functions by their folders."""
    found = [
        each["Properties"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Serverless::Function"
    ]
    return {Path(each["CodeUri"]).name: each for each in found}


def test_it_has_every_function_where_its_source_is(template: Mapping[str, Any]) -> None:
    """From any folder, and a change of a handler is there at once."""
    found = settled(template)

    assert found.keys() == functions().keys()
    assert all((Path(each["CodeUri"]) / "handler.py").exists() for each in found.values())


def test_a_function_declares_what_the_deployed_one_has(template: Mapping[str, Any]) -> None:
    """`sam local` drops what is not declared, and leaves what is referred to unresolved."""
    for name, each in settled(template).items():
        assert VARIABLES[name] == each["Environment"]["Variables"]


def test_a_function_answers_the_same_events(template: Mapping[str, Any]) -> None:
    """So `start-api` knows the paths of the real API."""
    for name, each in settled(template).items():
        assert functions()[name]["Events"].keys() == each["Events"].keys()


def test_the_layers_are_those_that_were_built(template: Mapping[str, Any], tmp_path: Path) -> None:
    """The connector's own, and the one with the way to the sandbox."""
    layers = template["Globals"]["Function"]["Layers"]
    names = [each["Ref"] for each in layers if "Ref" in each]  # the other is for FIS, and off here
    places = [template["Resources"][name]["Properties"]["ContentUri"] for name in names]

    assert [str(tmp_path / "connector"), str(tmp_path / "loopback")] == places


def test_a_cold_start_has_time(template: Mapping[str, Any]) -> None:
    """On AWS it is not part of a function's time; here it is."""
    assert all(each["Timeout"] >= LEAST_SECONDS for each in settled(template).values())


def test_the_way_to_the_sandbox_is_an_extension_with_its_settings(tmp_path: Path) -> None:
    """Lambda runs what stands in /opt/extensions; it must be executable."""
    layer = write_layer(tmp_path / "loopback", {"ports": [4566]})
    program = layer / "extensions" / "loopback"

    assert program.stat().st_mode & 0o111 == 0o111
    assert program.read_text().startswith("#!/var/lang/bin/python3")
    assert {"ports": [4566]} == json.loads((layer / loopback.SETTINGS.name).read_text())
