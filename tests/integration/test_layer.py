"""
The layer as it is built, in what a container is: every function starts in it, and loads no more.

Modules are counted, not seconds: a count is the same on every machine, and a cold start is mostly
imports. Whoever needs more of them raises the number here, and knows what it costs
(docs/decisions/0029-cold-starts.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache

import pytest

from benchmarks.container import Container, container
from benchmarks.environment import settings, variables
from benchmarks.layer import MOST_MB, MOST_ZIPPED_MB, weight
from sandbox.environment import LAMBDA_PYTHON, find_python
from tools.template import PROJECT, functions

NOWHERE = "http://127.0.0.1:9"

# Modules loaded until a function is ready for its first event, Python's own included.
BUDGETS = {
    "webhook_intake": 380,
    "message_intake": 390,
    "provider_intake": 385,
    "dead_letter_redrive": 435,
    "token_refresh": 555,
    "outbound_messaging": 590,
    "channel_delivery": 590,
}

_READY = """
import sys
before = set(sys.modules)
sys.path.insert(0, {folder!r})
import handler
from liveperson_connector.entrypoints.container import container
container().{function}
import json
print(json.dumps(sorted(set(sys.modules) - before)))
"""


@pytest.fixture(name="built", scope="module")
def _built() -> Iterator[Container]:
    with container() as built:
        yield built


@cache
def loaded(built: Container, function: str) -> list[str]:
    """Start a function as Lambda does, build what it needs, and list the modules it loaded."""
    folder = str(PROJECT / "functions" / function)
    environment = {**variables(NOWHERE), **settings(NOWHERE, "table")}
    run = built.run(_READY.format(folder=folder, function=function), environment)
    names: list[str] = json.loads(run.said)
    return names


def test_every_function_has_a_budget() -> None:
    assert functions().keys() == BUDGETS.keys()


@pytest.mark.parametrize("function", sorted(BUDGETS))
def test_a_function_starts_with_few_modules(built: Container, function: str) -> None:
    """It starts with nothing but the layer and boto3 around it, within its budget."""
    names = loaded(built, function)

    assert f"liveperson_connector.flows.{function}" in names
    assert BUDGETS[function] >= len(names), f"{len(names)} modules"


@pytest.mark.parametrize("function", ["webhook_intake", "message_intake", "provider_intake"])
def test_an_intake_loads_no_more_of_boto3_than_its_clients(built: Container, function: str) -> None:
    """Resources and S3 transfers would be a tenth of a cold start."""
    assert set() == {"boto3", "s3transfer", "multiprocessing"} & set(loaded(built, function))


def test_the_layer_is_small(built: Container) -> None:
    """Lambda fetches and unpacks it at every cold start."""
    unzipped, zipped = weight(built)

    assert unzipped <= MOST_MB
    assert zipped <= MOST_ZIPPED_MB


def test_the_layer_is_compiled(built: Container) -> None:
    """A container cannot keep what it compiles: it would do so at each cold start."""
    if find_python().name != f"python{LAMBDA_PYTHON[0]}.{LAMBDA_PYTHON[1]}":
        pytest.skip("there is no Python of Lambda's version to compile with")
    python = built.layer / "python"

    assert [] == [each for each in python.rglob("*.py") if "liveperson_connector" not in each.parts]
    assert (python / "requests" / "__init__.pyc").exists()
    assert list(
        (python / "liveperson_connector" / "entrypoints" / "__pycache__").glob("container.*.pyc")
    )


def test_our_own_sources_are_in_the_layer(built: Container) -> None:
    """A traceback shows the line it is about."""
    assert (
        built.layer / "python" / "liveperson_connector" / "entrypoints" / "container.py"
    ).exists()
