"""The manifest that is written breaks no rule, and every rule is explained where it is broken."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connector_cli.main import cli
from connector_cli.manifest.drift import differences
from connector_cli.manifest.fields import (
    CHAT_STATE,
    CONTENT,
    CONVERSATION,
    EVENT_TYPES,
    RICH_CONTENT,
    manifest,
)
from connector_cli.manifest.rules import ERROR, WARNING, faults

URL = "https://abc.execute-api.eu-west-1.amazonaws.com/v1/webhooks/liveperson"


RUBBISH: tuple[Any, ...] = (None, 7, [], {}, "x", [None], [[]], [{}], {"x": None})


def good() -> dict[str, Any]:
    """Write the manifest as `connector manifest` does."""
    return manifest(URL, client_name="My channel", description="Ours")


def spoilt(spoil: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Write it, and spoil one part."""
    made = copy.deepcopy(good())
    spoil(made)
    return made


def webhooks(made: dict[str, Any]) -> Any:
    """Give the part that is about webhooks."""
    return made["capabilities"]["webhooks"]


def engagement(made: dict[str, Any]) -> Any:
    """Give the part that is about campaigns."""
    return made["capabilities"]["engagement"]


def test_what_is_written_breaks_no_rule() -> None:
    """Nor is anything in it unwise."""
    assert [] == faults(good(), webhook_url=URL)


def test_every_event_type_goes_to_the_stack() -> None:
    """All five are subscribed; the conversation's key is the one that works."""
    assert 5 == len(EVENT_TYPES)
    assert {URL} == {webhooks(good())[kind]["endpoint"] for kind in EVENT_TYPES}
    assert "cqm.ExConversationChangeNotification" in webhooks(good())


def test_typing_cannot_hold_back_the_rest() -> None:
    """It alone has no retries; all others are tried for three days."""
    assert {CHAT_STATE} == {kind for kind in EVENT_TYPES if "max_retries" in webhooks(good())[kind]}
    assert 0 == webhooks(good())[CHAT_STATE]["max_retries"]
    assert {"retention_time": 259_200} == webhooks(good())["retry"]


@pytest.mark.parametrize(
    ("spoil", "severity", "path", "word"),
    [
        (lambda it: it.pop("client_name"), ERROR, "client_name", "missing"),
        (lambda it: it.update(client_name="n" * 129), ERROR, "client_name", "129 characters"),
        (lambda it: it.update(description="d" * 257), ERROR, "description", "257 characters"),
        (lambda it: it.update(logo_uri="u" * 1025), ERROR, "logo_uri", "1025"),
        (lambda it: it.update(scope=7), ERROR, "scope", "not a string"),
        (lambda it: it.update(scope="other"), ERROR, "scope", "send as a consumer"),
        (lambda it: it.update(grant_types=["implicit"]), ERROR, "grant_types", "unknown"),
        (lambda it: it.update(grant_types=[]), ERROR, "grant_types", "no AppJWT"),
        (lambda it: it.update(response_types=["all"]), ERROR, "response_types", "unknown"),
        (lambda it: it.update(response_types="code"), ERROR, "response_types", "not a list"),
        (lambda it: it.update(redirect_uris=["u" * 129]), ERROR, "redirect_uris.0", "128"),
        (lambda it: it.update(enabled="yes"), ERROR, "enabled", "neither true nor false"),
        (lambda it: it.update(enabled=False), ERROR, "enabled", "switched off"),
        (
            lambda it: it.update(enabled_for_profiles=["a"]),
            ERROR,
            "enabled_for_profiles.0",
            "an integer",
        ),
        (lambda it: it["capabilities"].pop("webhooks"), ERROR, "capabilities.webhooks", "missing"),
        (
            lambda it: webhooks(it).pop(CONVERSATION),
            ERROR,
            f"capabilities.webhooks.{CONVERSATION}",
            "who owns a conversation",
        ),
        (
            lambda it: webhooks(it).pop(RICH_CONTENT),
            WARNING,
            f"capabilities.webhooks.{RICH_CONTENT}",
            "reach the channel",
        ),
        (
            lambda it: webhooks(it)[CONTENT].update(endpoint="http://example.com"),
            ERROR,
            f"capabilities.webhooks.{CONTENT}.endpoint",
            "https://",
        ),
        (
            lambda it: webhooks(it)[CONTENT].update(endpoint="https://example.com/hook"),
            ERROR,
            f"capabilities.webhooks.{CONTENT}.endpoint",
            "not this stack's",
        ),
        (
            lambda it: webhooks(it)[CONTENT].update(max_retries=6),
            ERROR,
            f"capabilities.webhooks.{CONTENT}.max_retries",
            "from 0 to 5",
        ),
        (
            lambda it: webhooks(it)[CONTENT].update(max_retries=0),
            ERROR,
            f"capabilities.webhooks.{CONTENT}.max_retries",
            "drops a failed webhook",
        ),
        (
            lambda it: webhooks(it)[CONTENT].update(max_retries=3),
            WARNING,
            f"capabilities.webhooks.{CONTENT}.max_retries",
            "deprecated",
        ),
        (
            lambda it: webhooks(it)[CHAT_STATE].pop("max_retries"),
            WARNING,
            f"capabilities.webhooks.{CHAT_STATE}.max_retries",
            "holds back",
        ),
        (
            lambda it: webhooks(it)[CONTENT].update(headers=[{"name": "a"}]),
            ERROR,
            f"capabilities.webhooks.{CONTENT}.headers.0",
            "not a header",
        ),
        (
            lambda it: webhooks(it).pop("retry"),
            ERROR,
            "capabilities.webhooks.retry.retention_time",
            "first failure",
        ),
        (
            lambda it: webhooks(it)["retry"].update(retention_time=1),
            ERROR,
            "capabilities.webhooks.retry.retention_time",
            "from 2 to 259200",
        ),
        (
            lambda it: webhooks(it)["retry"].update(retention_time=259_201),
            ERROR,
            "capabilities.webhooks.retry.retention_time",
            "from 2 to 259200",
        ),
        (
            lambda it: webhooks(it)["retry"].update(retention_time=60),
            WARNING,
            "capabilities.webhooks.retry.retention_time",
            "loses webhooks",
        ),
        (
            lambda it: it["capabilities"].pop("engagement"),
            WARNING,
            "capabilities.engagement",
            "campaign",
        ),
        (
            lambda it: engagement(it).pop("goal"),
            ERROR,
            "capabilities.engagement.goal",
            "all fields of engagement are required",
        ),
        (
            lambda it: engagement(it).update(consumer_identity=["unauth"]),
            ERROR,
            "capabilities.engagement.consumer_identity",
            "exactly this",
        ),
        (
            lambda it: engagement(it).update(goal=["money"]),
            ERROR,
            "capabilities.engagement.goal",
            "unknown",
        ),
        (
            lambda it: engagement(it).update(design_window="no"),
            ERROR,
            "capabilities.engagement.design_window",
            "neither true nor false",
        ),
    ],
)
def test_a_broken_rule_is_explained(
    spoil: Callable[[dict[str, Any]], Any], severity: str, path: str, word: str
) -> None:
    """Where it is broken, and what is wrong there."""
    found = faults(spoilt(spoil), webhook_url=URL)

    assert any(
        (severity, path) == (each.severity, each.path) and word in each.problem for each in found
    ), found


def test_a_slip_of_the_pen_is_guessed() -> None:
    """LivePerson's own page has some of these: the right key is named."""
    slip = "ms.MessagingEventNotification.AccpetStatusEvent"
    found = faults(spoilt(lambda it: webhooks(it).update({slip: {"endpoint": URL}})))

    assert ["write ms.MessagingEventNotification.AcceptStatusEvent"] == [each.fix for each in found]


def test_what_is_no_manifest_is_said() -> None:
    """Any JSON may be given."""
    others: tuple[object, ...] = (None, 7, [], "text")
    for other in others:
        assert ["it is not a JSON object"] == [each.problem for each in faults(other)]


def test_rubbish_inside_breaks_nothing() -> None:
    """A field of the wrong type is a fault, and not the end of the check."""
    for name in good():
        for rubbish in RUBBISH:
            assert isinstance(faults({**good(), name: rubbish}, webhook_url=URL), list)
    for kind in (*EVENT_TYPES, "retry"):
        for rubbish in RUBBISH:
            made = good()
            webhooks(made)[kind] = rubbish
            assert faults(made), (kind, rubbish)


# ── Drift ──


def test_a_record_as_wanted_has_no_drift() -> None:
    """What LivePerson adds, names, and an endpoint's own parameters are none."""
    record = {**good(), "client_id": "c", "client_secret": "s", "deleted": False, "id": "1"}
    record["client_name"] = "Another name"
    webhooks(record)[CONTENT] = {"endpoint": f"{URL}?brand=1", "headers": []}
    record["capabilities"]["broadcast"] = {"enabled": False}
    del record["enabled"]

    assert [] == differences(good(), record)


def test_drift_is_told_field_by_field() -> None:
    """What is wanted, what is installed, and whether it matters."""
    record = spoilt(lambda it: webhooks(it)["retry"].update(retention_time=3600))
    webhooks(record)[RICH_CONTENT]["max_retries"] = 2
    engagement(record)["goal"] = ["url"]

    found = {each.path.rpartition("webhooks.")[2]: each for each in differences(good(), record)}

    assert (259_200, 3600) == (
        found["retry.retention_time"].wanted,
        found["retry.retention_time"].installed,
    )
    assert found[f"{RICH_CONTENT}.max_retries"].matters
    assert not found["capabilities.engagement.goal"].matters
    assert 3 == len(found)


# ── The command ──


def test_check_says_by_its_exit_code(tmp_path: Path) -> None:
    """0 for a good one, 1 for a bad one, 2 for none at all."""
    right, wrong = tmp_path / "right.json", tmp_path / "wrong.json"
    right.write_text(json.dumps(good()))
    wrong.write_text(json.dumps({**good(), "scope": ""}))

    def code(*arguments: str) -> int:
        return CliRunner(mix_stderr=False).invoke(cli, ["manifest", "check", *arguments]).exit_code

    assert [0, 1, 2] == [code(str(right)), code(str(wrong)), code(str(tmp_path / "no.json"))]


def test_check_is_for_programs_too(tmp_path: Path) -> None:
    """With --json nothing but JSON is on standard output."""
    file = tmp_path / "wrong.json"
    file.write_text("[]")

    said = CliRunner(mix_stderr=False).invoke(cli, ["manifest", "check", str(file), "--json"])

    assert "it is not a JSON object" == json.loads(said.stdout)[0]["problem"]


def test_what_is_not_json_is_said(tmp_path: Path) -> None:
    """With what to do, and without a traceback."""
    file = tmp_path / "no.json"
    file.write_text("{")

    said = CliRunner(mix_stderr=False).invoke(cli, ["manifest", "check", str(file)])

    assert 1 == said.exit_code
    assert "is not JSON" in said.stderr
    assert "do: " in said.stderr
