"""``provider_intake``, from API Gateway's event to its answer in the provider's form."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest

from functions.provider_intake import handler as provider_intake
from tests.support.logs import Output

from .conftest import APP_SECRET, PHONE, Aws


def request(method: str, body: str = "", **more: Any) -> dict[str, Any]:
    """Give API Gateway's event."""
    path = {"account_id": "12345678", "name": "phone"}
    return {"httpMethod": method, "pathParameters": path, "body": body, **more}


def said(text: str) -> str:
    """Write a webhook in which a person says something."""
    value = {
        "metadata": {"phone_number_id": "1234567890"},
        "contacts": [{"user_id": "DE.1", "profile": {"name": "Ann"}}],
        "messages": [{"id": "wamid.1", "from": "15550100", "type": "text", "text": {"body": text}}],
    }
    return json.dumps({"entry": [{"changes": [{"value": value}]}]})


def signed(body: str) -> dict[str, Any]:
    """Sign a webhook as its provider does."""
    signature = hmac.digest(APP_SECRET.encode(), body.encode(), "sha256").hex()
    return request("POST", body, headers={"X-Hub-Signature-256": f"sha256={signature}"})


def test_a_webhook_is_answered_when_it_is_queued(aws: Aws) -> None:
    """One read of the parameter, which is kept, and one call of SQS: nobody else is asked."""
    answers = [provider_intake.handler(signed(said(text)), None) for text in ("one", "two")]

    assert [200, 200] == [each["statusCode"] for each in answers]
    assert ["one", "two"] == [json.loads(each)["event"]["text"] for each in aws.queued]
    assert [
        "GetParameter",
        "SendMessage",
        "SendMessage",
    ] == aws.calls


def test_a_challenge_is_answered_in_the_providers_form(aws: Aws) -> None:
    """Which is its own text, and no JSON."""
    asked = {"hub.verify_token": PHONE["verify_token"], "hub.challenge": "1158201444"}
    answer = provider_intake.handler(request("GET", queryStringParameters=asked), None)

    assert (200, "1158201444") == (answer["statusCode"], answer["body"])
    assert [] == aws.queued


@pytest.mark.parametrize(
    ("event", "status", "word"),
    [
        (request("POST", said("x")), 401, "untrusted_webhook"),
        (request("GET", queryStringParameters={"hub.verify_token": "x"}), 401, "untrusted_webhook"),
        (signed("["), 400, "unreadable_webhook"),
        ({**signed(said("x")), "pathParameters": {"account_id": "1"}}, 404, "unknown_channel"),
        (signed("x" * 300_000), 413, "too_large"),
    ],
)
def test_a_refusal_says_why_in_a_word(
    aws: Aws, output: Output, event: dict[str, Any], status: int, word: str
) -> None:
    """And nothing is queued."""
    answer = provider_intake.handler(event, None)

    assert (status, {"error": word}) == (answer["statusCode"], json.loads(str(answer["body"])))
    assert [] == aws.queued
    assert [word] == output.messages


def test_what_is_said_is_not_logged(aws: Aws, output: Output) -> None:
    """Neither the words, nor who said them, nor a secret."""
    provider_intake.handler(signed(said("my secret words")), None)
    provider_intake.handler(request("POST", said("my secret words")), None)

    assert ["accepted", "untrusted_webhook"] == output.messages
    for secret in ("my secret words", "15550100", "DE.1", "Ann", APP_SECRET, PHONE["token"]):
        assert secret not in output.text
