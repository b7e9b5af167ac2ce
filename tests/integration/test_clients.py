"""
The programs of ``docs/clients`` that can run here: both halves of the contract with a channel.

Go, Java and C# need package registries of their own; their programs do the same, line for line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

from connector_cli.main import cli
from sandbox.ports import free_port
from tests.support.generated import compiled, why_no_typescript
from tests.support.listening import wait_until_open
from tests.support.servers import Answer, Request, serving
from tools.template import PROJECT

CLIENTS = PROJECT / "docs" / "clients"
SECRET = "whsec_bm90IGEgc2VjcmV0LCBvbmx5IGZvciB0ZXN0cyE="
CONSUMER = "+49 151/1"
PATH = "/v1/accounts/12345678/consumers/%2B49%20151%2F1/events"

Command = list[str]


def python(_: Path) -> Command:
    """Run the Python program as it stands."""
    return [sys.executable, str(CLIENTS / "python" / "channel.py")]


def typescript(folder: Path) -> Command:
    """Compile the TypeScript program in the strictest mode."""
    if reason := why_no_typescript():
        pytest.skip(reason)
    return ["node", str(compiled(CLIENTS / "typescript" / "channel.ts", folder))]


@pytest.fixture(scope="module", params=[python, typescript], ids=lambda make: make.__name__)
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Command:
    """Give the command that starts one of the programs."""
    make: Callable[[Path], Command] = request.param
    return make(tmp_path_factory.mktemp("client"))


@contextmanager
def running(
    command: Command, api: str, port: int, output: IO[str] | int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """Run a program with its settings, until its input ends."""
    settings = {
        "API": f"{api}/v1",
        "KEY": "a-key",
        "ACCOUNT": "12345678",
        "CONSUMER": CONSUMER,
        "SECRET": SECRET,
        "PORT": str(port),
    }
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **settings},
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def test_events_are_sent_until_they_are_accepted(command: Command) -> None:
    """In order, each with one id of its own, whatever the connector's answers were meanwhile."""
    answers = iter(
        [
            Answer(503, b"{}", {"Retry-After": "0"}),
            None,  # a broken connection
            Answer(429, b"{}", {"Retry-After": "0"}),
            Answer(202),
            Answer(202),
        ]
    )
    with (
        serving(lambda _request: next(answers)) as api,
        running(command, api.url, free_port()) as program,
    ):
        said, _ = program.communicate("Hello 👋\nBye\n", timeout=60)
        sent = [_event(each) for each in api.requests]

    assert 0 == program.returncode
    assert "sent\nsent\n" == said
    assert ["Hello 👋"] * 4 + ["Bye"] == [text for _, text in sent]
    assert 2 == len({event_id for event_id, _ in sent})


def _event(request: Request) -> tuple[str, str]:
    assert ("POST", PATH, "a-key") == (request.method, request.path, request.headers["x-api-key"])
    event = request.json()
    return event["id"], event["text"]


def test_a_refusal_ends_the_program_with_its_reason(command: Command) -> None:
    """It is a fault of the program; trying again would hide it."""
    refusal = json.dumps({"error": "invalid_event"}).encode()
    with (
        serving(Answer(400, refusal)) as api,
        running(command, api.url, free_port()) as program,
    ):
        _, said = program.communicate("Hello\n", timeout=60)

    assert 0 != program.returncode
    assert "invalid_event" in said
    assert 1 == len(api.requests)


def test_callbacks_are_taken_as_the_contract_says(command: Command, tmp_path: Path) -> None:
    """The command that checks channels finds nothing to fix, and a repeat is shown once."""
    port, out = free_port(), tmp_path / "shown.txt"
    with (
        out.open("w") as output,
        running(command, "http://127.0.0.1:9", port, output) as program,
    ):
        wait_until_open(port)
        result = CliRunner().invoke(
            cli, ["channel", "test", f"http://127.0.0.1:{port}/"], input=f"{SECRET}\n"
        )
        program.kill()

    shown = out.read_text(encoding="utf-8")
    assert 0 == result.exit_code, result.output
    assert 1 == shown.count("agent: This must be shown once\n")
    assert "agent: Grüße 👩‍👩‍👧 — שלום — 你好\n" in shown
    assert "(weather)\n" in shown


def test_every_program_has_the_same_settings() -> None:
    """They are those of the page beside them."""
    page = (CLIENTS / "README.md").read_text()
    programs = [each for each in CLIENTS.glob("*/*") if each.suffix != ".md"]

    assert 5 == len(programs)
    for program in programs:
        text = program.read_text()
        for name in ("API", "KEY", "ACCOUNT", "CONSUMER", "SECRET"):
            assert f'"{name}"' in text or f"'{name}'" in text, (program, name)
            assert f"`{name}`" in page


def test_the_programs_stand_in_the_contract() -> None:
    """A channel's engineer finds them from the page that they read first."""
    assert "(clients/README.md)" in (PROJECT / "docs" / "channel-api.md").read_text()
