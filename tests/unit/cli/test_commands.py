"""What all commands have in common: help, exit codes, errors that say what to do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connector_cli import output
from connector_cli.errors import Problem
from connector_cli.main import cli
from connector_cli.secrets import Usage


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
        if isinstance(option, click.Option) and option.name not in {"consumer_id", "text"}:
            assert option.help, f"{path} {option.name}"


def test_no_secret_is_an_option() -> None:
    """An argument would stand in the shell's history and in the list of processes."""
    for path, command in commands():
        for option in command.params:
            assert "secret" not in str(option.name), path


def test_every_command_about_a_stack_may_be_pointed_at_one() -> None:
    """`--stack`, `--sandbox` and `--endpoints` stand on all but pure groups and the check."""
    without = {
        path
        for path, command in commands()
        if not any(option.name == "stack" for option in command.params)
    }

    groups = {("account",), ("secrets",), ("dead-letters",), ("consumer",)}
    assert groups | {("manifest", "check")} == without


def test_a_sandbox_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Which file was looked for, and how to start one."""
    said = CliRunner(mix_stderr=False).invoke(
        cli, ["status", "--endpoints", str(tmp_path / "endpoints.json")]
    )

    assert 1 == said.exit_code
    assert "no sandbox is running" in said.stderr
    assert "make sandbox" in said.stderr


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
    assert f"{file} is not the endpoints.json of a sandbox" in said.stderr
    assert "do: start one with `make sandbox`, or name its file with --endpoints" in said.stderr


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A folder, for example, and why."""
    said = CliRunner(mix_stderr=False).invoke(cli, ["status", "--endpoints", str(tmp_path)])

    assert 1 == said.exit_code
    assert f"{tmp_path} cannot be read: Is a directory" in said.stderr


def test_a_wrong_command_line_is_two() -> None:
    """As everywhere; 1 is kept for what is wrong with the system."""
    assert 2 == CliRunner(mix_stderr=False).invoke(cli, ["no-such-command"]).exit_code
    assert 2 == CliRunner(mix_stderr=False).invoke(cli, ["dead-letters", "show"]).exit_code


def test_an_unreachable_aws_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed, and what to check, in two lines."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    said = CliRunner(mix_stderr=False).invoke(cli, ["account", "list", "--stack", "nowhere"])

    assert 1 == said.exit_code
    assert "127.0.0.1:9" in said.stderr
    assert "do: check AWS_REGION" in said.stderr


def test_secrets_are_lines_of_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody types; an empty line is no secret."""
    monkeypatch.setattr("sys.stdin", io.StringIO("one\ntwo \n\n"))

    assert ["one", "two"] == [output.ask_secret("Client secret"), output.ask_secret("Other")]
    with pytest.raises(Problem, match="no client secret was given"):
        output.ask_secret("Client secret")


def test_durations_are_read_at_a_glance() -> None:
    """One unit, the largest that says enough."""
    told = {seconds: output.duration(seconds) for seconds in (5, 119, 121, 3600, 7200, 200_000)}

    assert ["5 s", "119 s", "2 min", "60 min", "2 h", "2 d"] == list(told.values())


# ── When a previous secret may go ──

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)


def reason(current: datetime | None, previous: datetime | None) -> str | None:
    """Ask whether the previous secret must stay, after a change an hour ago."""
    return Usage(True, NOW - HOUR, current, previous).reason_to_keep()


def test_a_secret_in_use_stays() -> None:
    """Whatever else is known."""
    assert "was signed with it" in str(reason(NOW, NOW))


def test_a_secret_stays_until_the_new_one_is_seen() -> None:
    """Silence proves nothing, nor does a webhook that a container of before may have believed."""
    for current in (None, NOW - 2 * HOUR, NOW - HOUR + timedelta(minutes=4)):
        assert "no webhook is known" in str(reason(current, None))


def test_a_secret_out_of_use_may_go() -> None:
    """The new one signs, the old one does not any more."""
    assert reason(NOW, None) is None
