"""The channel of docs/channel-guide.md ends politely; what it does when it talks is tested e2e."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from connector_cli.main import cli
from sandbox.ports import free_port
from tests.support.listening import wait_until_open
from tests.support.servers import Answer, serving
from tools.template import PROJECT

GUIDE = (PROJECT / "docs" / "channel-guide.md").read_text()
(PROGRAM,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
SETTINGS = {
    "API": "http://127.0.0.1:9",
    "KEY": "a-key",
    "ACCOUNT": "12345678",
    "SECRET": "whsec_bm90IGEgc2VjcmV0LCBvbmx5IGZvciB0ZXN0cyE=",
    "PORT": "0",
}


def run(settings: dict[str, str], typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the channel until it ends; the end of what is typed is Ctrl-D."""
    clean = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**clean, **settings},
    )


def test_ctrl_d_ends_it() -> None:
    """Without a word."""
    said = run(SETTINGS)

    assert (0, "", "") == (said.returncode, said.stdout, said.stderr)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_variable_that_is_not_set_is_named(name: str) -> None:
    """After a new terminal or a restart it is forgotten easily."""
    said = run({**SETTINGS, name: ""})

    assert 1 == said.returncode
    assert f"{name} not set: run the export lines in this terminal first\n" == said.stderr


def test_a_taken_port_is_named() -> None:
    """With what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = run({**SETTINGS, "PORT": port})

    assert 1 == said.returncode
    assert said.stderr.startswith(f"port {port}: ")
    assert said.stderr.endswith("end what listens there, or set PORT\n")


def test_a_refusal_is_told_with_its_status() -> None:
    """A wrong key is not tried again and again."""
    with serving(Answer(403, b'{"message": "Forbidden"}')) as api:
        said = run({**SETTINGS, "API": api.url}, typed="Hello\n")

    assert 1 == said.returncode
    assert 'refused with 403: {"message": "Forbidden"}\n' == said.stderr


def test_it_needs_no_package_and_nothing_of_the_project(tmp_path: Path) -> None:
    """Python alone, in an empty folder, with nothing installed."""
    file = tmp_path / "channel.py"
    file.write_text(PROGRAM)

    said = subprocess.run(
        [sys.executable, "-I", "-S", file],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env=SETTINGS,
    )

    assert (0, "") == (said.returncode, said.stderr)


def test_it_keeps_to_the_contract() -> None:
    """The command that checks channels finds nothing to fix."""
    port = free_port()
    environ = {**os.environ, **SETTINGS, "PORT": str(port)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env=environ,
    ) as channel:
        wait_until_open(port)
        found = CliRunner().invoke(
            cli,
            ["channel", "test", f"http://127.0.0.1:{port}/"],
            input=f"{SETTINGS['SECRET']}\n",
        )
        channel.terminate()

    assert 0 == found.exit_code, found.output


def test_the_guide_says_what_is_needed() -> None:
    """Three terminals, and what a restart changes."""
    assert "**three terminals**" in GUIDE
    assert "started again has other addresses" in GUIDE
