"""What every test stands on: no real AWS within reach, and no deadline for slow machines."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import settings

from tests.support.fake_credentials import credentials

_NOWHERE = "http://127.0.0.1:9"  # nobody listens on the discard port
_SANDBOX = "the shared sandbox"
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}

_ENVIRONMENT = {
    **credentials(),
    "AWS_ENDPOINT_URL": _NOWHERE,
    "POWERTOOLS_SERVICE_NAME": "liveperson-connector",
    "POWERTOOLS_METRICS_NAMESPACE": "LivePersonConnector",
}

_REAL_ENDPOINTS = [
    f"{name}={url}"
    for name, url in os.environ.items()
    if name.startswith("AWS_ENDPOINT_URL") and urlsplit(url).hostname not in _LOOPBACK
]

for _name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[_name]
os.environ.update(_ENVIRONMENT)

settings.register_profile("tests", deadline=None, max_examples=60)
settings.register_profile("fuzz", deadline=None, max_examples=int(os.environ.get("INPUTS", "1000")))
settings.load_profile("tests")

# Only now the project's own modules, some of which look at the environment when imported.
from simulator import SimulatedLivePerson  # noqa: E402
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET  # noqa: E402
from tests.support.clocks import Clock  # noqa: E402
from tests.support.logs import Output, captured  # noqa: E402


def pytest_configure() -> None:
    """Refuse to run where boto3 was pointed at somebody real: it may be a slip."""
    if _REAL_ENDPOINTS:
        raise pytest.UsageError(
            f"{', '.join(_REAL_ENDPOINTS)} is not on this machine; unset it to run tests"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run all files that need the shared sandbox in one worker, so that it is started once."""
    from xdist.scheduler import (  # type: ignore[import-untyped]  # noqa: PLC0415
        LoadFileScheduling,
    )

    class ByFileOrSandbox(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return _SANDBOX if _needs_sandbox(config.rootpath / file) else file

    return ByFileOrSandbox(config, log) if config.getvalue("dist") == "loadfile" else None


@cache
def _needs_sandbox(file: Path) -> bool:
    return file.parent.name == "e2e" and "world: World" in file.read_text()


@pytest.fixture(name="liveperson")
def _liveperson() -> Iterator[SimulatedLivePerson]:
    """Run a LivePerson with one account, which sends no webhooks until it is told where."""
    with SimulatedLivePerson() as liveperson:
        liveperson.add_account(ACCOUNT, CLIENT_ID, CLIENT_SECRET, time_scale=0.01)
        yield liveperson


@pytest.fixture(name="clock")
def _clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture(name="output")
def _output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    """Read what an operator would see."""
    with captured(capsys) as output:
        yield output
