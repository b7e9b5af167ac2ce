"""Imports point as the picture says, and a function loads no more than it uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from functools import cache
from pathlib import Path

import pytest

from tools.template import PROJECT, functions

ENVIRON = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "layers" / "connector")]),
}


@cache
def loaded_by(function: str) -> frozenset[str]:
    """Start a function as Lambda does, build what it needs, and give the modules it loaded."""
    variables = dict.fromkeys(functions()[function]["Environment"]["Variables"], "https://x/y")
    program = f"""
        import json, sys
        from functions.{function} import handler
        from liveperson_connector.entrypoints.container import container
        container().{function}
        print(json.dumps(sorted(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**ENVIRON, **variables, "LIVEPERSON_DOMAIN_API_URL": "https://api.liveperson.net"},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(json.loads(done.stdout))


def test_the_picture_is_true() -> None:
    """The contracts in pyproject.toml hold: who imports whom, and who imports what."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        env=ENVIRON,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("function", "heavy"),
    [
        ("webhook_intake", {"requests", "jwt"}),
        ("message_intake", {"requests", "jwt"}),
        ("provider_intake", {"requests", "jwt"}),
        ("dead_letter_redrive", {"requests", "jwt"}),
    ],
)
def test_a_function_loads_only_what_it_uses(function: str, heavy: set[str]) -> None:
    """LivePerson waits for a cold start too: no HTTP client, no tokens, no table for an intake."""
    loaded = loaded_by(function)

    assert f"liveperson_connector.flows.{function}" in loaded
    assert set() == heavy & loaded


@pytest.mark.parametrize("function", sorted(functions()))
def test_no_function_loads_boto3(function: str) -> None:
    """Its clients are botocore's: boto3 would add resources and transfers that nothing uses."""
    assert "boto3" not in loaded_by(function)


@pytest.mark.parametrize("function", ["webhook_intake", "provider_intake"])
def test_an_intake_of_webhooks_loads_no_validator(function: str) -> None:
    """Schemas are for the channel's events."""
    loaded = {name.partition(".")[0] for name in loaded_by(function)}

    assert set() == {"jsonschema", "fastjsonschema", "pydantic"} & loaded


@pytest.mark.parametrize(
    ("function", "seldom"),
    [
        ("outbound_messaging", {"support.graphemes", "support.grapheme_classes"}),
        ("channel_delivery", {"support.graphemes", "channel.fallback_text", "channel.markup"}),
    ],
)
def test_what_few_messages_need_is_loaded_with_the_first_that_does(
    function: str, seldom: set[str]
) -> None:
    """Long texts and structured content cost no other message's cold start anything."""
    assert set() == {f"liveperson_connector.{each}" for each in seldom} & loaded_by(function)


@pytest.mark.parametrize("function", sorted(functions()))
def test_nothing_is_read_or_built_when_a_handler_is_imported(function: str) -> None:
    """Without any setting a handler can be imported, wherever that is not Lambda."""
    done = subprocess.run(
        [sys.executable, "-c", f"from functions.{function}.handler import handler"],
        env={"PATH": os.defpath, "PYTHONPATH": ENVIRON["PYTHONPATH"]},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stderr


def test_a_provider_is_loaded_when_it_is_met() -> None:
    """Five kinds slow nobody down who has one."""
    loaded = {
        name.rpartition(".")[2] for name in loaded_by("provider_intake") if ".adapters." in name
    }

    assert {"interface"} == loaded
