"""What the command line promises."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from liveperson_connector.liveperson import signatures
from sandbox.account import EVENTS_ACCOUNT
from sandbox.commands import options
from sandbox.folders import PROJECT, SHARED
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


def test_a_demo_never_takes_the_usual_port() -> None:
    """It can be shown while a sandbox is running."""
    assert options(["demo"]).port == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["up", "--port", "70000"],
        ["up", "--signing-secret", "secret"],
        ["up", "--signing-secret", "whsec_AA=="],
        ["stand"],
        [],
    ],
)
def test_a_mistake_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit):
        options(arguments)

    assert "usage:" in capsys.readouterr().err


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
