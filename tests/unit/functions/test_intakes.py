"""The intakes, from API Gateway's event to its answer, with an AWS that answers badly."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from functions.message_intake import handler as message_intake
from functions.webhook_intake import handler as webhook_intake
from liveperson_connector import __version__
from liveperson_connector.domain.intake_settings import BRAND_KEY_PREFIX
from tests.support.accounts import CLIENT_SECRET
from tests.support.logs import Output
from tests.support.servers import json_answer
from tests.support.webhooks import signed_webhook
from tools.template import PROJECT

from .conftest import Aws


def posted(**spoilt: Any) -> dict[str, Any]:
    """Give the event of a posted consumer event."""
    event: dict[str, Any] = json.loads((PROJECT / "events" / "message_intake.json").read_text())
    return {**event, **spoilt}


def webhook() -> dict[str, Any]:
    """Give the event of a signed webhook."""
    return signed_webhook().event()


def body(answer: dict[str, Any]) -> dict[str, Any]:
    """Read the JSON of an answer."""
    read: dict[str, Any] = json.loads(answer["body"])
    return read


def test_a_webhook_is_answered_200(aws: Aws) -> None:
    """LivePerson takes no 202; the change is queued by then."""
    answer = webhook_intake.handler(webhook(), None)

    assert (200, 1) == (answer["statusCode"], len(aws.queued))


def test_a_consumer_event_is_answered_202(aws: Aws) -> None:
    """With its id; it is queued by then."""
    answer = message_intake.handler(posted(), None)

    assert (202, 1) == (answer["statusCode"], len(aws.queued))
    assert {"id": "m-1", "status": "accepted"} == body(answer)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_monitor_is_told_a_word_and_the_version(aws: Aws, output: Output, method: str) -> None:
    """Here AWS does not tell how the alarms stand, and of that nothing is shown."""
    aws.sqs = lambda _request: json_answer({"message": "secret inside"}, status=400)
    asked = posted(resource="/health", path="/health", httpMethod=method, pathParameters=None)
    answer = message_intake.handler(asked, None)

    assert 503 == answer["statusCode"]
    assert {"status": "unknown", "version": __version__} == body(answer)
    assert "secret" not in output.text


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {
            "httpMethod": "GET",
            "resource": "/accounts/{account_id}/files/{file_id}",
            "pathParameters": {"account_id": "12345678", "file_id": "a-file"},
        },
    ],
    ids=["event", "file"],
)
def test_key_of_another_brand_is_answered_403(aws: Aws, asked: dict[str, Any]) -> None:
    """It neither acts for the account nor fetches its files."""
    headers = {"X-Api-Key": f"{BRAND_KEY_PREFIX}OfAnotherAccount"}
    answer = message_intake.handler(posted(headers=headers, **asked), None)

    assert (403, {"error": "wrong_key"}, []) == (answer["statusCode"], body(answer), aws.queued)


def test_a_forged_webhook_is_answered_401(aws: Aws) -> None:
    """And nothing is queued."""
    answer = webhook_intake.handler(signed_webhook(secret="wrong").event(), None)

    assert (401, []) == (answer["statusCode"], aws.queued)
    assert {"error": "untrusted_webhook"} == body(answer)


def test_an_invalid_event_is_answered_400(aws: Aws) -> None:
    """With every problem."""
    answer = message_intake.handler(posted(body='{"type": "text"}'), None)

    assert (400, []) == (answer["statusCode"], aws.queued)
    assert {"id", "text"} <= {each["path"] for each in body(answer)["problems"]}


@pytest.mark.parametrize(
    ("handler", "event"),
    [(webhook_intake.handler, webhook), (message_intake.handler, posted)],
    ids=["webhook_intake", "message_intake"],
)
def test_an_sqs_that_fails_is_answered_503(
    aws: Aws, handler: Callable[..., dict[str, Any]], event: Callable[[], dict[str, Any]]
) -> None:
    """The caller keeps what it has and comes back."""
    aws.sqs = lambda _request: json_answer({"__type": "ServiceUnavailable"}, status=503)
    answer = handler(event(), None)

    assert (503, {"error": "not_queued"}) == (answer["statusCode"], body(answer))
    assert "2" == answer["headers"]["Retry-After"]


def test_a_queue_that_hangs_is_answered_503_within_two_seconds(aws: Aws) -> None:
    """LivePerson disables apps that keep it waiting for longer than 2.5 s."""
    webhook_intake.handler(webhook(), None)  # a warm container
    aws.sqs = aws.server.hang
    started = time.monotonic()
    answer = webhook_intake.handler(webhook(), None)
    took = time.monotonic() - started

    assert 503 == answer["statusCode"]
    assert took < 2


def test_a_bug_is_answered_500_without_the_inside(aws: Aws, output: Output) -> None:
    """An event of a form that API Gateway never sends, for example."""
    answer = webhook_intake.handler({"headers": {"a": "secret inside"}, "body": "x", "": 1}, None)
    broken = webhook_intake.handler({"headers": ["secret inside"]}, None)

    assert (401, 500) == (answer["statusCode"], broken["statusCode"])
    assert {"error": "internal"} == body(broken)
    assert "secret inside" not in output.text


def test_what_is_said_is_not_logged(aws: Aws, output: Output) -> None:
    """Neither the words, nor who said them, nor a header."""
    message_intake.handler(posted(), None)
    webhook_intake.handler(webhook(), None)

    assert ["accepted", "accepted_current_secret"] == output.messages
    for secret in ("Hello", "4915112345678", CLIENT_SECRET, "sha1=", "the gateway has checked it"):
        assert secret not in output.text


def deep(levels: int) -> object:
    """Give lists in lists."""
    return [deep(levels - 1)] if levels else []


@pytest.mark.parametrize(
    "wrong",
    [
        {"customer": {"My PIN is 12": "\ud800"}},
        {"customer": {"socialId": "1", "deep": {"My PIN is 12": {"\ud800": 1}}}},
        {"My PIN is 12": ["\ud800"]},
        {"personal": {"My PIN is 12": deep(40)}},
    ],
)
def test_names_of_what_is_passed_on_are_not_logged(
    aws: Aws, output: Output, wrong: dict[str, object]
) -> None:
    """The channel is told where it is; a name of its own may be a consumer's word."""
    event = {"id": "p-1", "type": "profile", "customer": {"socialId": "1"}, **wrong}
    answer = message_intake.handler(posted(body=json.dumps(event), isBase64Encoded=False), None)

    assert 400 == answer["statusCode"]
    assert "My PIN is 12" in json.dumps(body(answer))
    assert ["invalid_event"] == output.messages
    assert "PIN" not in output.text
