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
