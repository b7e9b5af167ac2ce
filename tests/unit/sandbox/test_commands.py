"""What the command line promises."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from liveperson_connector.flows.webhook_intake import OLDEST_SECONDS
from liveperson_connector.liveperson import signatures
from liveperson_connector.liveperson.notifications import read_webhook
from sandbox.account import EVENTS_ACCOUNT
from sandbox.commands import options
from sandbox.state_dir import PROJECT, SHARED
from tests.support.accounts import SIGNING_SECRET


def test_without_options_everything_is_ours() -> None:
    """The usual port if it is free, the usual folder, and made-up names and secrets."""
    chosen = options(["up"])

    assert (chosen.port, chosen.state_dir, chosen.liveperson_url) == (None, SHARED, "")
    assert chosen.account.account_id
    assert chosen.account.signing_secret.startswith("whsec_")
    assert not chosen.account.callback_url


def test_functions_are_held_to_their_roles_unless_told_otherwise() -> None:
    """Least privilege is what a sandbox should show."""
    assert options(["up"]).least_privilege
    assert not options(["up", "--no-auth"]).least_privilege


def test_parts_can_be_replaced(tmp_path: Path) -> None:
    """By another LivePerson, another account and another channel."""
    chosen = options(
        [
            *("up", "--port", "4600", "--state-dir", str(tmp_path)),
            *("--liveperson-url", "http://127.0.0.1:1/", "--account-id", "7"),
            *("--client-id", "c", "--client-secret", "s"),
            *("--callback-url", "http://127.0.0.1:2/in", "--signing-secret", SIGNING_SECRET),
        ]
    )

    account = chosen.account
    assert (chosen.port, chosen.state_dir) == (4600, tmp_path)
    assert chosen.liveperson_url == "http://127.0.0.1:1"
    assert (account.account_id, account.client_id, account.client_secret) == ("7", "c", "s")
    assert account.callback_url == "http://127.0.0.1:2/in"
    assert account.signing_secret == SIGNING_SECRET


def test_for_sam_local_it_plays_the_account_of_the_event_files() -> None:
    """So each of them does something real; whoever names another account gets that one."""
    assert options(["up", "--sam-local"]).account == EVENTS_ACCOUNT
    assert options(["up", "--sam-local", "--account-id", "7"]).account.account_id == "7"
    assert not options(["up"]).sam_local


def test_the_account_of_the_event_files_is_theirs() -> None:
    """Their webhook names it, and is signed with its secret."""
    webhook = json.loads((PROJECT / "events" / "webhook_intake.json").read_text())
    headers, body = webhook["headers"], webhook["body"].encode()

    assert EVENTS_ACCOUNT.account_id == headers[signatures.ACCOUNT_HEADER]
    assert EVENTS_ACCOUNT.client_id == headers[signatures.CLIENT_HEADER]
    assert headers[signatures.SIGNATURE_HEADER] == signatures.sign(
        EVENTS_ACCOUNT.client_secret, body
    )


def test_the_webhook_of_the_event_files_is_never_too_old() -> None:
    """A replay is not queued, and the file is to show what is."""
    webhook = json.loads((PROJECT / "events" / "webhook_intake.json").read_text())
    (change,) = read_webhook(EVENTS_ACCOUNT.account_id, webhook["body"].encode()).changes

    assert change.happened_at
    assert change.happened_at > time.time() + OLDEST_SECONDS


def test_a_demo_never_takes_the_usual_port() -> None:
    """It can be shown while a sandbox is running."""
    assert options(["demo"]).port == 0


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Type a command line that is wrong; give what is said, before anything is started."""
    with pytest.raises(SystemExit) as ended:
        options(arguments)

    assert 2 == ended.value.code
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "text", "must"),
    [
        ("--port", "70000", "from 0 to 65535"),
        ("--port", "-1", "from 0 to 65535"),
        ("--port", "http", "a whole number"),
        ("--callback-url", "foo", "an address such as http"),
        ("--callback-url", "/callbacks", "an address such as http"),
        ("--callback-url", "ftp://127.0.0.1/", "an address such as http"),
        ("--callback-url", "http://", "an address such as http"),
        ("--callback-url", "http://127.0.0.1:99999/", "an address such as http"),
        ("--callback-url", "http://127.0.0.1/a b", "an address such as http"),
        ("--liveperson-url", "127.0.0.1:8080", "https address, or an http address on 127.0.0.1"),
        ("--liveperson-url", "http://page.example", "https address, or an http address on"),
        ("--account-id", "1/2", "characters A-Z"),
        ("--signing-secret", "secret", "whsec_ and the base64 of 24 to 64 bytes"),
        ("--signing-secret", "whsec_AA==", "whsec_ and the base64 of 24 to 64 bytes"),
        ("--stack-name", "aws-connector", "not with aws or ssm"),
        ("--stack-name", "c" * 56, "up to 55"),
        ("--stack-name", "my connector", "letters, digits and hyphens"),
        ("--state-dir", __file__, "a folder"),
    ],
)
def test_nonsense_is_refused(
    option: str, text: str, must: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option is named, and what it must be."""
    said = refusal(["up", f"{option}={text}"], capsys)

    assert f"error: argument {option}" in said
    assert must in said


@pytest.mark.parametrize("option", ["--signing-secret", "--callback-url", "--liveperson-url"])
def test_what_was_typed_is_not_repeated(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It may be a secret, or have one in it."""
    assert "mistyped" not in refusal(["up", f"{option}=mistyped"], capsys)


@pytest.mark.parametrize(
    ("option", "text", "must"),
    [
        ("--minutes", "-5", "above 0"),
        ("--minutes", "nan", "above 0"),
        ("--minutes", "inf", "above 0"),
        ("--minutes", "some", "a number"),
        ("--consumers", "0", "1 or more"),
        ("--faults", "1.5", "from 0 to 1"),
        ("--faults", "-0.1", "from 0 to 1"),
        ("--settle", "0", "above 0"),
        ("--hidden-for", "-1", "0 or more"),
        ("--seed", "x", "a whole number"),
    ],
)
def test_a_nonsensical_soak_is_refused(
    option: str, text: str, must: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Minutes before it would fail, or the other way round: it would hold everything."""
    said = refusal(["soak", option, text], capsys)

    assert f"error: argument {option}: must be" in said
    assert must in said


@pytest.mark.parametrize("command", ["up", "demo", "soak"])
def test_no_option_takes_whatever_is_typed(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each that takes a value says of an empty one what it must be; none was forgotten."""
    with pytest.raises(SystemExit):
        options([command, "--help"])
    takes_value = set(re.findall(r"(--[a-z-]+) [A-Z]", capsys.readouterr().out))

    assert {"--port", "--state-dir", "--stack-name"} <= takes_value
    for option in takes_value:
        assert f"argument {option}" in refusal([command, f"{option}="], capsys).replace("/-p", "")


@pytest.mark.parametrize("arguments", [["stand"], []])
def test_a_command_that_is_none_is_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With those that there are."""
    assert "usage:" in refusal(arguments, capsys)


def test_it_starts_with_any_python_of_this_machine() -> None:
    """Whoever runs `python -m sandbox` ends up in the project's own environment."""
    bare = Path(sys.base_prefix) / "bin" / "python3"

    said = subprocess.run(
        [bare, "-m", "sandbox", "up", "--help"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert "--liveperson-url" in said


def test_ready_channels_are_added_by_kind() -> None:
    """The option can be repeated; a kind without a stand-in is not known."""
    assert () == options(["up"]).channels
    wanted = ["up", "--channel", "telegram", "--channel", "line"]
    assert ("telegram", "line") == options(wanted).channels
    with pytest.raises(SystemExit):
        options(["up", "--channel", "pigeon"])
