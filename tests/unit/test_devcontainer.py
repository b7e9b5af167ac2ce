"""The development container does what can be done here: its commands are the project's own."""

from __future__ import annotations

import json
import re
import shlex

from sandbox.commands import options
from tools.template import PROJECT, template

CONTAINER = json.loads((PROJECT / ".devcontainer/devcontainer.json").read_text())


def test_it_opens_the_console_and_forwards_nothing_else() -> None:
    """With the same port outside, since the console answers to its own address alone."""
    target, arguments = shlex.split(CONTAINER["postAttachCommand"])[1:]
    (port,) = CONTAINER["portsAttributes"]

    assert "sandbox" == target
    assert int(port) == options(["up", *shlex.split(arguments.removeprefix("ARGS="))]).console_port
    assert "openBrowser" == CONTAINER["portsAttributes"][port]["onAutoForward"]
    assert CONTAINER["portsAttributes"][port]["requireLocalPort"]
    assert {"onAutoForward": "ignore"} == CONTAINER["otherPortsAttributes"]


def test_it_has_what_the_functions_run_on() -> None:
    """`sam build` needs their version of Python; `make setup` is a target."""
    runtime = template()["Globals"]["Function"]["Runtime"]
    (version,) = re.findall(r":(3\.\d+)-", CONTAINER["image"])

    assert f"python{version}" == runtime
    assert "make setup" == CONTAINER["postCreateCommand"]
