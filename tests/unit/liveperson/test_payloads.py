"""What the Send API is asked, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest

from liveperson_connector.channel.consumer_events import read_event
from liveperson_connector.channel.contract import schemas
from liveperson_connector.liveperson import payloads
from liveperson_connector.liveperson.payloads import Place, Request
from liveperson_connector.liveperson.send_api import envelope

HERE = Place("conversation-1", "dialog-1")
DAY = {"day": 1, "month": 4, "year": 1980}
CUSTOMER = {
    "socialId": "1234567890",
    "ctype": "vip",
    "cstatus": "cancelled",
    "balance": -400.99,
    "currency": "USD",
    "customerId": "138766AC",
    "imei": "3543546543545688",
    "userName": "user000",
    "companySize": 500,
    "companyBranch": "office",
    "accountName": "bank corp",
    "role": "broker",
    "lastPaymentDate": DAY,
    "registrationDate": DAY,
    "loginStatus": "loggedin",
    "storeZipCode": "20505",
    "storeNumber": "123865",
}
PERSONAL = {
    "firstname": "Jane",
    "lastname": "Doe",
    "age": {"age": 46, **DAY},
    "contacts": [
        {
            "email": "jane@example.com",
            "phone": "+1 212-555-0187",
            "phoneType": "mobile",
            "address": {"country": "United Kingdom", "region": "London"},
        }
    ],
    "gender": "FEMALE",
    "company": "company",
    "language": "en-US",
}


def sent(request: Request) -> dict[str, Any]:
    """Give a request as it is sent, without its id."""
    written = envelope(request)
    del written["id"]
    return written


def test_every_attribute_goes_out_under_its_own_name() -> None:
    """Whatever LivePerson's page names, a channel may say, and LivePerson gets it as it is."""
    given = {"id": "p-1", "type": "profile", "customer": CUSTOMER, "personal": PERSONAL}
    event = read_event("12345678", "consumer", json.dumps(given).encode())

    assert {
        "kind": "req",
        "type": "userprofile.SetUserProfile",
        "body": {
            "authenticatedData": {
                "lp_sdes": [
                    {"type": "ctmrinfo", "info": CUSTOMER},
                    {"type": "personal", "personal": PERSONAL},
                ]
            }
        },
    } == sent(payloads.profile(event.raw))


def test_no_attribute_of_the_contract_is_forgotten_here() -> None:
    """What the contract names, the test before shows."""
    described = schemas()

    assert described["Customer"]["properties"].keys() == CUSTOMER.keys()
    assert described["Personal"]["properties"].keys() == PERSONAL.keys()


@pytest.mark.parametrize("urgency", ["NORMAL", "URGENT", "PRIORITIZED"])
def test_each_urgency_goes_out_as_it_is(urgency: str) -> None:
    """The channel uses LivePerson's words for it."""
    assert urgency in schemas()["Routing"]["properties"]["urgency"]["enum"]
    assert {"brandId": "12345678", "channelType": "MESSAGING", "ttrDefName": urgency} == (
        payloads.conversation("12345678", {"urgency": urgency}).body
    )


@pytest.mark.parametrize("feature", schemas()["Feature"]["enum"])
def test_every_feature_of_the_contract_is_told(feature: str) -> None:
    """In the one line of JSON that the header holds."""
    header = payloads.client_properties([feature])

    assert "\n" not in header
    assert {"type": ".ClientProperties", "features": [feature]} == json.loads(header)


def test_every_request_has_an_id_of_its_own() -> None:
    """LivePerson answers by it; a try that is made again is another request."""
    request = payloads.text(HERE, "Hello")
    ids = {envelope(request)["id"] for _ in range(100)}

    assert 100 == len(ids)
    assert all(1 <= len(each) <= 64 for each in ids)


def test_event_names_conversation_and_dialog() -> None:
    """Once a survey's dialog exists, LivePerson needs both."""
    events = [
        payloads.text(HERE, "Hello"),
        payloads.hosted_file(HERE, "/path", "PNG", ""),
        payloads.chat_state(HERE, "COMPOSING"),
        payloads.accept_status(HERE, "READ", [1]),
    ]

    assert [("conversation-1", "dialog-1")] * 4 == [
        (each.body["conversationId"], each.body["dialogId"]) for each in events
    ]


def field(change: dict[str, Any]) -> dict[str, Any]:
    """Give the body of a change of a conversation."""
    return {"conversationId": "c-1", "conversationField": change}


def rated(**change: Any) -> dict[str, Any]:
    """Give the body of a rating."""
    return field({"field": "CSATRate", **change})


CHOICE = [{"type": "ExternalId", "id": "42"}]
TEXT = {"type": "ContentEvent", "contentType": "text/plain", "message": "Hello"}
PICTURE = {"relativePath": "/path", "fileType": "PNG", "caption": "Look"}
CLOSED = {"dialogId": "c-1", "state": "CLOSE", "closedCause": "Closed by consumer"}


@pytest.mark.parametrize(
    ("request_", "event"),
    [
        (payloads.text(HERE, "Hello", CHOICE), TEXT),
        (
            payloads.hosted_file(HERE, "/path", "PNG", "Look"),
            {"type": "ContentEvent", "contentType": "hosted/file", "message": PICTURE},
        ),
        (
            payloads.chat_state(HERE, "COMPOSING"),
            {"type": "ChatStateEvent", "chatState": "COMPOSING"},
        ),
        (
            payloads.accept_status(HERE, "ACTION", [7], CHOICE),
            {"type": "AcceptStatusEvent", "status": "ACTION", "sequenceList": [7]},
        ),
    ],
    ids=["text", "file", "typing", "choice"],
)
def test_event_is_published_field_by_field(request_: Request, event: dict[str, Any]) -> None:
    """Metadata stands on top, beside the body: a bot looks for it there."""
    written = sent(request_)

    assert event == written["body"]["event"]
    assert list(request_.metadata) == written.get("metadata", [])
    assert {"kind": "req", "type": "ms.PublishEvent"}.items() <= written.items()


@pytest.mark.parametrize(
    ("request_", "type_", "body"),
    [
        (
            payloads.close_dialog("c-1"),
            "cm.UpdateConversationField",
            field({"field": "DialogChange", "type": "UPDATE", "dialog": CLOSED}),
        ),
        (
            payloads.close_conversation("c-1"),
            "cm.UpdateConversationField",
            field({"field": "Stage", "conversationState": "CLOSE"}),
        ),
        (
            payloads.rating("c-1", 4, False),
            "cm.UpdateConversationField",
            rated(csatRate=4, csatResolutionConfirmation=False, status="FILLED"),
        ),
        (
            payloads.rating("c-1", 1, None),
            "cm.UpdateConversationField",
            rated(csatRate=1, status="PARTIALLY_FILLED"),
        ),
        (
            payloads.rating("c-1", None, True),
            "cm.UpdateConversationField",
            rated(csatResolutionConfirmation=True, status="PARTIALLY_FILLED"),
        ),
        (
            payloads.rating("c-1", None, None, skipped=True),
            "cm.UpdateConversationField",
            rated(status="SKIPPED"),
        ),
        (
            payloads.upload_url(128, "PNG"),
            "ms.GenerateURLForUploadFile",
            {"fileSize": "128", "fileType": "PNG"},
        ),
        (
            payloads.download_url("/path"),
            "ms.GenerateURLForDownloadFile",
            {"relativePath": "/path"},
        ),
        (
            payloads.conversation(
                "12345678",
                {
                    "campaign_id": "880524023",
                    "engagement_id": "880524123",
                    "skill_id": "4711",
                    "visitor_id": "visitor-1",
                    "session_id": "session-1",
                    "context_id": "1",
                    "language": "de-DE",
                },
            ),
            "cm.ConsumerRequestConversation",
            {
                "brandId": "12345678",
                "channelType": "MESSAGING",
                "skillId": "4711",
                "campaignInfo": {"campaignId": "880524023", "engagementId": "880524123"},
                "conversationContext": {
                    "type": "SharkContext",
                    "visitorId": "visitor-1",
                    "sessionId": "session-1",
                    "interactionContextId": "1",
                    "lang": "de-DE",
                },
            },
        ),
    ],
    ids=lambda given: given.type if isinstance(given, Request) else "",
)
def test_request_is_sent_field_by_field(
    request_: Request, type_: str, body: dict[str, Any]
) -> None:
    """As LivePerson's pages name each field; a rating says nothing that was not said."""
    assert {"kind": "req", "type": type_, "body": body} == sent(request_)
