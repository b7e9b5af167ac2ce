"""What all commands have in common: help, exit codes, what is meant by a slip."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from connector_cli.main import cli
from tests.support.operators import CONNECTOR
from tools.template import PROJECT


def commands(
    group: click.Group = cli, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give every command, with how it is called."""
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize(("path", "command"), list(commands()), ids=lambda each: str(each)[:60])
def test_every_command_explains_itself(path: tuple[str, ...], command: click.Command) -> None:
    """Its help says what it does, and each of its options what it means."""
    said = CliRunner(mix_stderr=False).invoke(cli, [*path, "--help"])

    assert 0 == said.exit_code
    assert command.help
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, f"{path} {option.name}"


def test_no_secret_is_an_option() -> None:
    """An argument would stand in the shell's history and in the list of processes."""
    for path, command in commands():
        for option in command.params:
            assert "secret" not in str(option.name), path


def test_every_command_about_a_stack_may_be_pointed_at_one() -> None:
    """`--stack`, `--sandbox` and `--endpoints` stand on all but pure groups and two checks."""
    without = {
        path
        for path, command in commands()
        if not any(option.name == "stack" for option in command.params)
    }

    groups = {("account",), ("channel",), ("key",), ("secrets",), ("dead-letters",), ("consumer",)}
    groups |= {("salt",)}
    assert groups | {("manifest", "check"), ("channel", "test")} == without


def run(*arguments: str) -> Result:
    """Run ``connector`` in this process."""
    return CliRunner(mix_stderr=False).invoke(cli, list(arguments))


@pytest.mark.parametrize(
    ("arguments", "problem", "fix"),
    [
        ("docter", "connector: there is no command docter", "connector doctor, or see: connector"),
        ("xyzzy", "connector: there is no command xyzzy", "connector --help"),
        (
            "dead-letters lst",
            "connector dead-letters: there is no command lst",
            "connector dead-letters list, or see: connector dead-letters --help",
        ),
        (
            "trace --minuts 3 x",
            "connector trace: there is no option --minuts",
            "connector trace --minutes, or see: connector trace --help",
        ),
        (
            "status --xyzzy",
            "connector status: there is no option --xyzzy",
            "connector status --help",
        ),
        ("trace", "connector trace: Missing argument 'WHAT'", "connector trace --help"),
    ],
)
def test_a_wrong_command_line_is_two_and_names_what_was_meant(
    arguments: str, problem: str, fix: str
) -> None:
    """As everywhere; 1 is kept for what is wrong with the system."""
    said = run(*arguments.split())
    first, second = said.stderr.splitlines()

    assert (2, "") == (said.exit_code, said.stdout)
    assert problem == first
    assert second.startswith(f"  do: {fix}")


@pytest.mark.parametrize("command", ["status", "trace"])
@pytest.mark.parametrize("minutes", ["-5", "0", "99999999999", "soon"])
def test_only_a_time_that_can_be_looked_back_on_is_taken(command: str, minutes: str) -> None:
    """At least a minute, at most as long as logs are kept."""
    said = run(command, *(["x"] if command == "trace" else []), "--minutes", minutes)

    assert 2 == said.exit_code
    assert "'--minutes'" in said.stderr


def test_it_tells_its_version() -> None:
    """The one of the project, so that a report can name it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]

    assert f"connector {project['version']}\n" == run("--version").stdout


@pytest.mark.parametrize(("columns", "widest"), [(80, 80), (240, 120)])
@pytest.mark.parametrize("command", ["", "doctor"])
def test_help_uses_the_terminals_width_and_is_never_cut(
    command: str, columns: int, widest: int
) -> None:
    """Every word of a summary is there; lines longer than 120 characters are hard to read."""
    said = subprocess.run(
        [CONNECTOR, *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": str(columns)},
    ).stdout
    longest = max(len(line) for line in said.splitlines())

    assert "..." not in re.sub(r"^Usage: .*$", "", said, flags=re.MULTILINE)
    assert widest - 20 < longest <= widest


def test_commands_can_be_completed() -> None:
    """As ``connector --help`` says: the shell is given the commands that begin so."""
    asked = {
        "_CONNECTOR_COMPLETE": "bash_complete",
        "COMP_WORDS": "connector dead-",
        "COMP_CWORD": "1",
    }
    said = subprocess.run(
        [CONNECTOR], capture_output=True, text=True, check=False, env={**os.environ, **asked}
    )

    assert "plain,dead-letters\n" == said.stdout
    assert "_CONNECTOR_COMPLETE=bash_source connector" in run("--help").stdout


@pytest.mark.parametrize(
    "content",
    [b"not JSON", b"\xff\xfe", b"", b"[]", b"null", b"{}", b'{"stack_name": "connector"}'],
    ids=str,
)
@pytest.mark.parametrize("way", ["option", "variable"])
def test_a_file_that_no_sandbox_wrote_is_said(tmp_path: Path, content: bytes, way: str) -> None:
    """It is there, so whoever named it is not told that it is not."""
    file = tmp_path / "named"
    file.write_bytes(content)
    option = ["--endpoints", str(file)] if way == "option" else []
    variable = {"CONNECTOR_ENDPOINTS": str(file)} if way == "variable" else {}

    said = CliRunner(mix_stderr=False).invoke(cli, ["status", *option], env=variable)

    assert 1 == said.exit_code
    assert str(file) in said.stderr
    assert "so no sandbox wrote it" in said.stderr
    assert "do: start one with `make sandbox`, or give its file with --endpoints" in said.stderr


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A folder, for example, and why."""
    said = CliRunner(mix_stderr=False).invoke(cli, ["status", "--endpoints", str(tmp_path)])

    assert 1 == said.exit_code
    assert f"{tmp_path} cannot be read: Is a directory" in said.stderr
