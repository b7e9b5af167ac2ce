"""API Gateway's events as requests, and answers as it wants them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.domain.errors import (
    InvalidEvent,
    NoSuchRoute,
    NotQueued,
    Problem,
    Refused,
)
from liveperson_connector.entrypoints.api_gateway import (
    HttpRequest,
    answer,
    plain_answer,
    refusal,
)


def event(proxy: str = "c-1/events", account_id: str = "12345678", **spoilt: Any) -> dict[str, Any]:
    """Give the event of a posted consumer event."""
    good = {
        "headers": {"X-Api-Key": "key"},
        "pathParameters": {"account_id": account_id, "proxy": proxy},
        "body": "{}",
        "isBase64Encoded": False,
    }
    return {**good, **spoilt}


@pytest.mark.parametrize(
    ("encoded", "consumer_id"),
    [
        ("%2B4915112345678", "+4915112345678"),
        ("+4915112345678", "+4915112345678"),
        ("anna%40example.com", "anna@example.com"),
        ("anna@example.com", "anna@example.com"),
        ("a%2Fb", "a/b"),
        ("a/b", "a/b"),
        ("events", "events"),
        ("a%2Fevents", "a/events"),
        ("%F0%9F%91%8B", "👋"),
        ("J%C3%BCrgen%20M", "Jürgen M"),
        ("100%25", "100%"),
        ("%252B", "%2B"),
        ("%3F%23", "?#"),
        ("..%2F..%2Fother", "../../other"),
    ],
)
def test_a_consumer_may_have_any_id(encoded: str, consumer_id: str) -> None:
    """Phone numbers, e-mail addresses, slashes and emoji come percent-encoded, and once only."""
    request = HttpRequest.from_event(event(f"{encoded}/events"))

    assert ("12345678", consumer_id) == request.consumer()


@pytest.mark.parametrize(
    "proxy", ["", "c-1", "c-1/", "c-1/event", "c-1/events/", "events", "c-1%2Fevents"]
)
def test_another_path_is_no_route(proxy: str) -> None:
    """Only ``…/events`` is served below a consumer."""
    with pytest.raises(NoSuchRoute):
        HttpRequest.from_event(event(proxy)).consumer()


def test_an_event_without_path_parameters_is_no_route() -> None:
    """API Gateway sends null where there are none."""
    with pytest.raises(NoSuchRoute):
        HttpRequest.from_event(event(pathParameters=None)).consumer()


def test_an_id_that_is_no_utf_8_is_still_told_apart() -> None:
    """It arrives with the sign for a broken character, which the contract then refuses."""
    _, consumer_id = HttpRequest.from_event(event("%FF/events")).consumer()

    assert "\N{REPLACEMENT CHARACTER}" == consumer_id


def test_header_names_are_in_lower_case() -> None:
    """HTTP does not care for their letters, and so do we."""
    assert {"x-api-key": "key"} == HttpRequest.from_event(event()).headers


@pytest.mark.parametrize("headers", [None, {}])
def test_a_request_may_have_no_headers(headers: object) -> None:
    """API Gateway sends null then."""
    assert {} == HttpRequest.from_event(event(headers=headers)).headers


@given(st.text(st.characters(codec="utf-8")))
def test_a_text_body_is_the_bytes_that_were_sent(text: str) -> None:
    """A signature over them must hold."""
    assert text.encode() == HttpRequest.from_event(event(body=text)).body


@given(st.binary())
def test_a_base64_body_is_the_bytes_that_were_sent(body: bytes) -> None:
    """API Gateway encodes what it takes for binary."""
    encoded = base64.b64encode(body).decode()

    assert body == HttpRequest.from_event(event(body=encoded, isBase64Encoded=True)).body


@pytest.mark.parametrize("body", [None, ""])
def test_a_request_may_have_no_body(body: object) -> None:
    """Nothing is no bytes."""
    assert b"" == HttpRequest.from_event(event(body=body)).body


@pytest.mark.parametrize("body", ["***", "abc", "ü"])
def test_a_body_that_is_not_base64_as_announced_is_refused(body: str) -> None:
    """It is the caller's fault and not ours."""
    with pytest.raises(InvalidEvent):
        HttpRequest.from_event(event(body=body, isBase64Encoded=True))


def test_neither_body_nor_headers_are_shown() -> None:
    """A request may be printed."""
    shown = repr(HttpRequest.from_event(event(body="secret words")))

    assert "secret words" not in shown
    assert "key" not in shown


def test_an_answer_is_json() -> None:
    """Status, headers and body as a proxy integration wants them."""
    expected = {
        "statusCode": 202,
        "headers": {"Content-Type": "application/json"},
        "body": '{"status": "accepted"}',
    }

    assert expected == answer(202, {"status": "accepted"})


def test_every_problem_is_told() -> None:
    """The channel's engineer mends an event in one go."""
    problems = [Problem("id", "is missing"), Problem("text", "is empty")]
    refused = refusal(InvalidEvent(problems))

    assert 400 == refused["statusCode"]
    assert {
        "error": "invalid_event",
        "problems": [
            {"path": "id", "problem": "is missing"},
            {"path": "text", "problem": "is empty"},
        ],
    } == json.loads(str(refused["body"]))


@pytest.mark.parametrize(
    "kind", [each for each in Refused.__subclasses__() if each != InvalidEvent]
)
def test_a_refusal_is_a_word_and_nothing_of_the_inside(kind: type[Refused]) -> None:
    """What the error says is for the log."""
    refused = refusal(kind("the inside"))

    assert (kind.status, {"error": kind.reason}) == (
        refused["statusCode"],
        json.loads(str(refused["body"])),
    )


def test_who_is_not_served_now_is_asked_to_come_back() -> None:
    """503 says when."""
    assert "2" == refusal(NotQueued("busy"))["headers"]["Retry-After"]  # type: ignore[index]


# ── Of ready channels ──


def webhook(**spoilt: Any) -> HttpRequest:
    """Read the event of a provider's webhook."""
    return HttpRequest.from_event(
        {
            "httpMethod": "POST",
            "headers": {"Host": "a.example"},
            "pathParameters": {"account_id": "12345678", "name": "loft"},
            "requestContext": {
                "domainName": "a.example",
                "path": "/v1/accounts/12345678/channels/loft",
            },
            "body": "{}",
            **spoilt,
        }
    )


def test_a_ready_channel_is_named_in_the_path() -> None:
    """Its account, and its own name."""
    assert ("12345678", "loft") == webhook().ready_channel()
    assert ("", "") == webhook(pathParameters=None).ready_channel()


@pytest.mark.parametrize(
    ("spoilt", "url"),
    [
        ({}, "https://a.example/v1/accounts/12345678/channels/loft"),
        (
            {"queryStringParameters": {"a b": "1", "bodySHA256": "c0ffee"}},
            "https://a.example/v1/accounts/12345678/channels/loft?a+b=1&bodySHA256=c0ffee",
        ),
        (
            {"requestContext": {}, "path": "/accounts/12345678/channels/loft"},
            "https://a.example/accounts/12345678/channels/loft",
        ),
        (
            {"headers": {"X-Forwarded-Proto": "http"}},
            "http://a.example/v1/accounts/12345678/channels/loft",
        ),
    ],
)
def test_a_provider_signs_the_address_that_it_called(spoilt: dict[str, Any], url: str) -> None:
    """With the stage's name and the query, as API Gateway tells them."""
    assert url == webhook(**spoilt).url()


def test_an_answer_has_the_providers_own_form() -> None:
    """Not all of them take JSON."""
    assert {
        "statusCode": 200,
        "headers": {"Content-Type": "text/xml"},
        "body": "<Response/>",
    } == plain_answer(200, "<Response/>", "text/xml")
