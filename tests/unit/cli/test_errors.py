"""Every error names what was wrong and, after ``do:``, what to do; in one style."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from connector_cli.main import cli
from tests.support.fake_aws import FakeAws, aws, endpoints
from tests.support.fake_credentials import credentials
from tests.support.interrupts import hear_interrupts
from tests.support.operators import CONNECTOR
from tests.support.servers import Request, serving

SECRET = "whsec_bm90IGEgc2VjcmV0LCBvbmx5IGZvciB0ZXN0cyE="
SECRETS = f"not-a-client-secret\n{SECRET}\n"

ADD = ("account", "add", "12345678", "--client-id", "an-app", "--yes")
URL = ("--callback-url", "https://channel.example.com/callbacks")

# Every command about a stack, called rightly.
CALLS = [
    ("manifest",),
    ("manifest", "diff", "record.json"),
    (*ADD, *URL),
    ("account", "show", "12345678"),
    ("account", "list"),
    ("account", "remove", "12345678", "--yes"),
    ("handover",),
    ("try", "12345678"),
    ("doctor",),
    ("doctor", "12345678"),
    ("status",),
    ("trace", "a-consumer"),
    ("dead-letters", "list"),
    ("dead-letters", "show", "a-letter"),
    ("dead-letters", "redrive", "--yes"),
    ("dead-letters", "discard", "a-letter", "--yes"),
    ("secrets", "rotate", "12345678", "--yes"),
    ("secrets", "status", "12345678"),
    ("consumer", "erase", "a-consumer", "--account", "12345678", "--yes"),
]


def run(*arguments: str, typed: str = SECRETS) -> Result:
    """Run ``connector`` in this process."""
    return CliRunner(mix_stderr=False).invoke(cli, list(arguments), input=typed)


def told(said: Result | subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """Return what was wrong and what to do; nothing else may be said."""
    found = re.fullmatch(r"connector[a-z -]*: (.+)\n  do: (.+)\n", said.stderr)
    assert found, said.stderr
    return found[1], found[2]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("record.json").write_text("{}")


@pytest.fixture(name="no_stack")
def _no_stack(tmp_path: Path) -> Iterator[str]:
    with aws(tmp_path, FakeAws()) as (file, _):
        yield str(file)


# ── Wherever the stack is looked for ──


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_stack_that_is_not_there_is_told(call: tuple[str, ...], no_stack: str) -> None:
    """By every command, before anything is asked or written."""
    said = run(*call, "--endpoints", no_stack, "--stack", "other")

    assert 1 == said.exit_code
    assert (
        "the sandbox has no stack other",
        "leave out --stack: the sandbox's stack is connector",
    ) == told(said)


def test_a_stack_that_is_not_there_on_aws_is_told_with_what_chooses_it() -> None:
    """Another name, region or account is what is wrong most often."""
    with serving(FakeAws()) as server:
        variables = {**credentials(), "AWS_ENDPOINT_URL": server.url}
        problem, fix = told(shell("status", "--stack", "other", **variables))

    assert "there is no stack other in this account and region" == problem
    assert "--stack, AWS_REGION or AWS_PROFILE" in fix


@pytest.mark.parametrize("call", CALLS[:3], ids=" ".join)
def test_a_sandbox_that_has_stopped_is_told(call: tuple[str, ...], tmp_path: Path) -> None:
    """Its file is still there, and nothing answers where it points."""
    file = tmp_path / "endpoints.json"
    file.write_text(json.dumps(endpoints("http://127.0.0.1:9")))

    said = run(*call, "--endpoints", str(file))

    problem, fix = told(said)
    assert 1 == said.exit_code
    assert "127.0.0.1:9" in problem
    assert f"start the sandbox of {file} again if it has stopped" in fix


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "no sandbox is running: {file} does not exist"),
        ("{", "{file} is not JSON, so no sandbox wrote it"),
        ("[]", "{file} has no aws_endpoint_url, .+, so no sandbox wrote it"),
        ('{"stack_name": "connector"}', "{file} has no aws_endpoint_url, .+"),
    ],
)
def test_what_is_wrong_with_the_file_of_a_sandbox_is_told(
    text: str | None, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not there, not JSON, not a sandbox's: each is another mistake."""
    file = tmp_path / "given.json"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("CONNECTOR_ENDPOINTS", str(file))

    said, fix = told(run("status"))

    assert re.fullmatch(problem.replace("{file}", re.escape(str(file))), said)
    assert "make sandbox" in fix
    assert "--endpoints" in fix


def test_a_name_that_no_stack_can_have_is_told() -> None:
    """Before AWS is asked, which would answer with its regular expression."""
    said = run("status", "--stack", "my stack")

    assert 2 == said.exit_code
    assert "'my stack' is not a stack name" in told(said)[0]


# ── Without AWS ──


def shell(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run ``connector`` in a shell that has these variables of AWS and no others."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [CONNECTOR, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**clean, "AWS_CONFIG_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"}
        | {"AWS_SHARED_CREDENTIALS_FILE": os.devnull, **variables},
    )


def test_a_region_is_asked_for_where_none_is_set() -> None:
    """And nothing else is."""
    assert ("no AWS region is set", "set AWS_REGION") == told(shell("status"))


def test_a_sandbox_that_runs_is_named_where_no_stack_is_reached() -> None:
    """Whoever forgot ``--sandbox`` reads of it."""
    Path(".sandbox").mkdir()
    Path(".sandbox/endpoints.json").write_text("{}")

    assert told(shell("status"))[1].endswith("add --sandbox")


def test_missing_credentials_are_told() -> None:
    """With the variable that chooses among several; a region that is set is not asked for."""
    region = {"AWS_REGION": "eu-central-1"}

    assert "AWS_PROFILE" in told(shell("status", **region))[1]
    assert "AWS_PROFILE" in told(shell("status", AWS_PROFILE="missing", **region))[1]


def test_an_unreachable_aws_is_told_with_what_decides_where_it_is() -> None:
    """Only variables that are set: others are not to blame."""
    variables = {**credentials(), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}

    problem, fix = told(shell("account", "list", **variables))

    assert "127.0.0.1:9" in problem
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:9" in fix
    assert "AWS_PROFILE" not in fix


# ── What was given ──


@pytest.fixture(name="stack")
def _stack(tmp_path: Path) -> Iterator[tuple[FakeAws, str]]:
    world = FakeAws(outputs={"WebhookUrl": "https://api.example.com/webhooks/liveperson"})
    with aws(tmp_path, world) as (file, _):
        yield world, str(file)


@pytest.mark.parametrize(
    ("options", "typed", "problem"),
    [
        (URL, "secret\nnot-a-secret\n", "'signing_secret' does not begin with whsec_"),
        (URL, "secret\nwhsec_%%%\n", "'signing_secret' is not Base64 after whsec_"),
        (URL, "\n\n", "no client secret was given"),
        (URL, "secret\n", "no signing secret was given"),
        (("--callback-url", "foo"), SECRETS, "callback_url cannot be called, "),
        (
            ("--callback-url", "http://channel.example.com/"),
            SECRETS,
            "callback_url cannot be called, it is not an https address",
        ),
        ((*URL, "--callbacks", "message,typo"), SECRETS, "'callbacks' names an unknown type"),
    ],
)
def test_a_malformed_setting_is_told_before_anything_is_asked(
    options: tuple[str, ...], typed: str, problem: str, stack: tuple[FakeAws, str]
) -> None:
    """Nothing is written, whether checks are skipped or not, and no secret is repeated."""
    world, file = stack

    said = run(*ADD, *options, "--skip-checks", "--endpoints", file, typed=typed)

    assert problem in told(said)[0]
    assert 1 == said.exit_code
    assert {} == world.written
    assert "not-a" not in said.stderr


def test_an_account_that_is_not_set_up_is_told_with_those_that_are(
    stack: tuple[FakeAws, str],
) -> None:
    """A slip is seen at once."""
    world, file = stack
    world.parameters = {
        f"/connector/accounts/12345678/{kind}": "{}" for kind in ("credentials", "channel")
    }

    for call in (("account", "show"), ("secrets", "rotate"), ("try",)):
        problem, fix = told(run(*call, "12345679", "--endpoints", file))

        assert "account 12345679 is not set up (set up: 12345678)" == problem
        assert "connector account add 12345679" == fix


def test_an_account_id_that_can_be_none_is_told(stack: tuple[FakeAws, str]) -> None:
    """Before it becomes part of a parameter's name."""
    _, file = stack
    said = run("account", "add", "../x", "--client-id", "a", *URL, "--endpoints", file)

    assert "'../x' is not an account id" == told(said)[0]


def test_a_damaged_parameter_is_told_with_its_form(stack: tuple[FakeAws, str]) -> None:
    """In words an operator can follow, without our word for the kind of error."""
    world, file = stack
    world.parameters = {
        f"/connector/accounts/12345678/{kind}": "{}" for kind in ("credentials", "channel")
    }

    problem, fix = told(run("account", "show", "12345678", "--endpoints", file))

    assert (
        "parameter /connector/accounts/12345678/credentials: client_id and client_secret missing "
        "or not a text"
    ) == problem
    assert 'writes it again, as {"client_id": "…", "client_secret": "…"}' in fix


def test_a_right_that_is_missing_is_told(stack: tuple[FakeAws, str]) -> None:
    """Which call was refused, and where the rights are listed."""
    _, file = stack
    problem, fix = told(run("handover", "--endpoints", file, "--key-file", "key"))

    assert "has no output ChannelApiUrl" in problem
    assert "make deploy" in fix

    problem, fix = told(run("trace", "x", "--account", "1", "--endpoints", file))

    assert "AWS refused ListStackResources: AccessDenied" in problem
    assert "docs/troubleshooting.md" in fix


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{", "record.json is not JSON"), ("[1]", "record.json is not the record of one app")],
)
def test_a_file_that_is_not_what_it_should_be_is_told(
    content: str, problem: str, stack: tuple[FakeAws, str]
) -> None:
    """By its name, not by that of an argument."""
    Path("record.json").write_text(content)

    said = run("manifest", "diff", "record.json", "--endpoints", stack[1])

    assert problem in told(said)[0]


def test_a_key_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Whatever the operating system says of it."""
    world = FakeAws(
        outputs={
            **dict.fromkeys(("ChannelApiUrl", "WebhookUrl"), "https://api.example.com"),
            "ChannelApiKeyId": "key",
        }
    )
    with aws(tmp_path, world) as (file, _):
        world.api_key = "made-up"
        for name in ("no-such-folder/key", "record.json"):
            said = run("handover", "--endpoints", str(file), "--key-file", name)

            assert name in told(said)[0]
            assert "" == said.stdout


def test_nothing_is_changed_without_a_terminal_or_yes(stack: tuple[FakeAws, str]) -> None:
    """A script must say that it means it."""
    world, file = stack
    arguments = [each for each in (*ADD, *URL) if each != "--yes"]

    problem, fix = told(run(*arguments, "--skip-checks", "--endpoints", file))

    assert "no terminal to ask for confirmation" in problem
    assert "--yes" in fix
    assert {} == world.written


def test_a_command_that_is_stopped_says_so_and_nothing_else(tmp_path: Path) -> None:
    """Ctrl-C ends a call that hangs; exit code 130, as shells have it."""
    asked = threading.Event()

    def hang(_request: Request) -> None:
        asked.set()
        server.hang()

    with serving(hang) as server:
        file = tmp_path / "endpoints.json"
        file.write_text(json.dumps(endpoints(server.url)))
        running = subprocess.Popen(
            [CONNECTOR, "status", "--watch", "--endpoints", str(file)],
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_interrupts,  # noqa: PLW1509 - it does nothing else
        )
        assert asked.wait(60)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=60)

    assert (130, "connector: stopped") == (running.returncode, errors.strip())
