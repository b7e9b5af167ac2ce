"""What the doctor makes of what it sees: no false alarm, and one cause is told once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connector_cli.doctor.webhooks import WebhookTraffic, webhook_finding
from connector_cli.logs import Line
from connector_cli.main import cli
from tests.support.fake_aws import FakeAws, aws

ACCOUNT = "12345678"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SENT = NOW - timedelta(minutes=5)


def line(message: str, at: datetime, **fields: object) -> Line:
    """Return what a function logged."""
    return Line(at, "a_function", message, {"account_id": ACCOUNT, **fields}, "stream")


def sent(at: datetime = SENT, sequence: int = 1) -> Line:
    """Return the line of a text that LivePerson took."""
    return line("sent", at, event_type="text", conversation_id="c-1", sequence=sequence)


def webhook(at: datetime, changes: int = 1) -> Line:
    """Return the line of a webhook that was believed."""
    return line("accepted_current_secret", at, changes=changes)


def echo(at: datetime, sequence: int = 1) -> Line:
    """Return the line of what LivePerson reported of our own text."""
    return line("withheld_echo", at, conversation_id="c-1", sequence=sequence)


def said(*traffic: Line, refused: tuple[Line, ...] = ()) -> tuple[str, str]:
    """Return the level and the words of what is made of it."""
    finding = webhook_finding(ACCOUNT, WebhookTraffic.of(traffic, refused, NOW))
    return finding.level, finding.detail


@pytest.mark.parametrize("milliseconds", [-20_000, -9, 0, 300])
def test_a_webhook_around_its_text_is_its_webhook(milliseconds: int) -> None:
    """A webhook may be handled before the answer to the send is: then its line is first."""
    beside = SENT + timedelta(milliseconds=milliseconds)

    assert "ok" == said(sent(), webhook(beside), echo(beside))[0]


def test_a_text_without_an_echo_is_found() -> None:
    """Another endpoint in the manifest, or the app was disabled."""
    level, detail = said(sent())

    assert ("wrong", True) == (level, "do not arrive" in detail)


def test_an_older_webhook_is_no_sign_of_a_text() -> None:
    """Webhooks came until a minute before; then the endpoint was changed."""
    before = SENT - timedelta(minutes=1)

    assert "wrong" == said(sent(before), webhook(before), echo(before), sent(sequence=2))[0]


def test_a_text_of_this_moment_proves_nothing() -> None:
    """Its webhook, or the line about it, may still be on its way."""
    assert "ok" == said(sent(NOW - timedelta(seconds=10)))[0]


def test_webhooks_without_the_echo_are_another_trouble() -> None:
    """They get in, and what is behind the queue does not handle them."""
    level, detail = said(sent(), webhook(SENT))

    assert ("warning", True) == (level, "they arrive, but the text sent" in detail)


def test_the_echo_of_a_later_text_is_enough() -> None:
    """Of a text of several parts, the last one's line may be missing here and there."""
    later = SENT + timedelta(minutes=1)

    assert "ok" == said(sent(), webhook(later), echo(later, sequence=2))[0]


def test_refused_webhooks_are_told_as_such_and_the_doctors_own_are_not() -> None:
    """Another secret signs; what the doctor forged follows its own check within seconds."""
    forged = line("untrusted_webhook", SENT)

    assert "1 webhook was refused" in said(sent(), refused=(forged,))[1]
    assert "do not arrive" in said(sent(), webhook(SENT, changes=0), refused=(forged,))[1]


# ── An account that is not set up ──


def findings(world: FakeAws, folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Run the doctor on a stack of which nothing else can be looked at."""
    with aws(folder, world) as (file, _):
        ran = CliRunner(mix_stderr=False).invoke(
            cli, ["doctor", "--json", "--endpoints", str(file), *arguments]
        )
    found: list[dict[str, Any]] = json.loads(ran.stdout)
    assert 1 == ran.exit_code
    return found


@pytest.fixture(name="world")
def _world() -> FakeAws:
    return FakeAws(outputs={"WebhookUrl": "http://127.0.0.1:9/webhooks/liveperson"})


@pytest.mark.parametrize("written", [(), ("app-jwt",), ("credentials",), ("channel",)])
@pytest.mark.parametrize("only", [(), ("--only", "callback")])
def test_an_account_that_is_not_set_up_is_one_finding(
    written: tuple[str, ...], only: tuple[str, ...], world: FakeAws, tmp_path: Path
) -> None:
    """What is missing and the command that sets it up; nothing of what follows from it."""
    world.parameters = {f"/connector/accounts/{ACCOUNT}/{kind}": "{}" for kind in written}

    found = findings(world, tmp_path, ACCOUNT, *only)
    wrong = [each for each in found if each["level"] == "wrong"]
    missing = [each for each in ("credentials", "channel") if each not in written]

    assert [ACCOUNT] == [each["account_id"] for each in found if each["account_id"]]
    assert ["accounts"] == [each["check"] for each in wrong]
    verb = "is" if len(missing) == 1 else "are"
    assert f"not set up: {' and '.join(missing)} {verb} not written" == wrong[0]["detail"]
    assert ("connector account remove" in wrong[0]["fix"]) == bool(written)
    assert f"connector account add {ACCOUNT}" in wrong[0]["fix"]


def test_unreadable_credentials_are_told_once(world: FakeAws, tmp_path: Path) -> None:
    """What they are needed for is not tried, which is no finding of its own."""
    world.parameters = {
        f"/connector/accounts/{ACCOUNT}/{kind}": "{}" for kind in ("credentials", "channel")
    }

    found = findings(world, tmp_path, "--only", "parameters", "--only", "AppJWT")
    wrong = {each["check"] for each in found if each["level"] == "wrong"}

    assert {"parameters", "AppJWT"} == wrong  # none is stored either
    assert ["not checked: the credentials cannot be read"] == [
        each["detail"] for each in found if each["check"] == "Sentinel"
    ]
