"""Strangers invent account ids; accounts that exist are served all the same, by each intake."""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.message_intake import handler as message_intake
from functions.provider_intake import handler as provider_intake
from functions.webhook_intake import handler as webhook_intake
from liveperson_connector.aws.known_accounts import LOOK_UPS
from liveperson_connector.entrypoints.container import container
from tests.support.accounts import CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET
from tests.support.containers import begin_anew
from tests.support.servers import Answer, HttpServer, Request, json_answer, serving
from tests.support.webhooks import signed_webhook
from tools.template import functions

ACCOUNTS = [f"{number:08}" for number in range(1, 31)]
_A_PAGE = 10

APP_SECRET = "0123456789abcdef" * 2
PHONE = {
    "kind": "whatsapp",
    "phone_number_id": "1234567890",
    "business_account_id": "1234567890",
    "token": "a-token-that-was-never-one",
    "app_secret": APP_SECRET,
    "verify_token": "0123456789abcdef",
}


class Aws:
    """Parameter Store with many accounts, and a queue that takes everything."""

    def __init__(self) -> None:
        self.accounts = list(ACCOUNTS)
        self.asked: Counter[str] = Counter()

    def answer(self, request: Request) -> Answer:
        """Answer a call."""
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        self.asked[operation] += 1
        asked = request.json()
        if operation == "GetParameter":
            return self._parameter(asked["Name"])
        if operation == "GetParametersByPath":
            return self._page(int(asked.get("NextToken", 0)))
        return json_answer({"MessageId": "m", "MD5OfMessageBody": ""})

    def _parameter(self, name: str) -> Answer:
        _, _, account_id, kind = name.strip("/").split("/", 3)
        if account_id not in self.accounts:
            return json_answer({"__type": "ParameterNotFound"}, 400)
        values = {
            "credentials": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            "channel": {"callback_url": "https://a.example", "signing_secret": SIGNING_SECRET},
            "channels/phone": PHONE,
        }
        return json_answer({"Parameter": {"Name": name, "Value": json.dumps(values[kind])}})

    def _page(self, start: int) -> Answer:
        names = [
            {"Name": f"/connector/accounts/{each}/{kind}", "Value": "encrypted"}
            for each in self.accounts
            for kind in ("app-jwt", "channel", "channels/phone", "credentials")
        ]
        more = {"NextToken": str(start + _A_PAGE)} if start + _A_PAGE < len(names) else {}
        return json_answer({"Parameters": names[start : start + _A_PAGE], **more})


@pytest.fixture(name="aws")
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    aws = Aws()
    with serving(aws.answer) as server:
        _settings(monkeypatch, server)
        begin_anew()
        for each in ("webhook_intake", "message_intake", "provider_intake"):
            getattr(container(), each)  # as Lambda does, before the time of an answer begins
        yield aws
        begin_anew()


def _settings(monkeypatch: pytest.MonkeyPatch, server: HttpServer) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for function in functions().values():
        for name in function["Environment"]["Variables"]:
            monkeypatch.setenv(name, f"{server.url}/000000000000/queue.fifo")
    monkeypatch.setenv("PARAMETER_PREFIX", "/connector")


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
    assert LOOK_UPS + len(ACCOUNTS) == aws.asked["GetParameter"]
    assert 12 == aws.asked["GetParametersByPath"]


@pytest.mark.parametrize(("call", "refused", "accepted"), INTAKES)
def test_without_a_flood_an_account_costs_one_read(
    aws: Aws, call: Callable[[str], int], refused: int, accepted: int
) -> None:
    """Nothing is listed; a request of a known account reads nothing."""
    assert [accepted] * 3 == [call(ACCOUNTS[0]) for _ in range(3)]
    assert refused == call("999")
    assert (2, 0) == (aws.asked["GetParameter"], aws.asked["GetParametersByPath"])
