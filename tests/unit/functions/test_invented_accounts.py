"""Strangers invent account ids; accounts that exist are served all the same, by each intake."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.message_intake import handler as message_intake
from functions.provider_intake import handler as provider_intake
from functions.webhook_intake import handler as webhook_intake
from liveperson_connector.aws.known_accounts import LOOK_UPS
from tests.support.webhooks import signed_webhook

from .conftest import APP_SECRET, Aws

ACCOUNTS = [f"{number:08}" for number in range(1, 31)]


@pytest.fixture(name="aws")
def _aws(aws: Aws) -> Aws:
    """Let these accounts exist and no others."""
    aws.accounts = list(ACCOUNTS)
    return aws


def webhook(account_id: str) -> int:
    """Let LivePerson, or who plays it, call; return the status."""
    answer = webhook_intake.handler(signed_webhook(account_id=account_id).event(), None)
    return int(str(answer["statusCode"]))


def event(account_id: str) -> int:
    """Let a channel call; return the status."""
    request: dict[str, Any] = {
        "pathParameters": {"account_id": account_id, "proxy": "consumer/events"},
        "body": json.dumps({"id": "m-1", "type": "text", "text": "Hello"}),
    }
    return int(str(message_intake.handler(request, None)["statusCode"]))


def provider(account_id: str) -> int:
    """Let a provider, or who plays it, call; return the status."""
    told = b'{"entry": []}'
    signature = hmac.digest(APP_SECRET.encode(), told, "sha256").hex()
    request: dict[str, Any] = {
        "pathParameters": {"account_id": account_id, "name": "phone"},
        "headers": {"X-Hub-Signature-256": f"sha256={signature}"},
        "body": told.decode(),
    }
    return int(str(provider_intake.handler(request, None)["statusCode"]))


INTAKES = [
    pytest.param(webhook, 401, 200, id="webhook"),
    pytest.param(event, 404, 202, id="event"),
    pytest.param(provider, 404, 200, id="provider"),
]


@pytest.mark.parametrize(("call", "refused", "accepted"), INTAKES)
def test_invented_accounts_take_nothing_from_those_that_exist(
    aws: Aws, call: Callable[[str], int], refused: int, accepted: int
) -> None:
    """A container that was just started serves every account while it is flooded."""
    strangers = [call(f"9{number}") for number in range(100)]
    genuine = [call(account_id) for account_id in ACCOUNTS]
    strangers += [call(f"8{number}") for number in range(100)]

    assert {refused} == set(strangers)
    assert {accepted} == set(genuine)
    assert LOOK_UPS + len(ACCOUNTS) == aws.reads
    assert 12 == aws.asked["GetParametersByPath"]


@pytest.mark.parametrize(("call", "refused", "accepted"), INTAKES)
def test_without_a_flood_an_account_costs_one_read(
    aws: Aws, call: Callable[[str], int], refused: int, accepted: int
) -> None:
    """Nothing is listed; a request of a known account reads nothing."""
    assert [accepted] * 3 == [call(ACCOUNTS[0]) for _ in range(3)]
    assert refused == call("999")
    assert (2, 0) == (aws.reads, aws.asked["GetParametersByPath"])
