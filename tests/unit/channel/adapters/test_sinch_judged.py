"""Sinch's adapter before Sinch's own Python library, and what differs between its channels."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sinch.domains.conversation.models.v1.messages.internal.request import SendMessageRequest
from sinch.domains.conversation.models.v1.sinch_events import (
    ConversationSinchEventBase,
    MessageDeliveryReceiptEvent,
    MessageInboundEvent,
)
from sinch.domains.conversation.sinch_events.v1 import ConversationSinchEvent

from liveperson_connector.channel.adapters.interface import (
    Choice,
    ProviderAnswer,
    Recipient,
    Text,
    Token,
    Unreadable,
)
from liveperson_connector.channel.adapters.sinch import ADAPTER
from tests.support.adapters import ADDRESS, Sent, Webhook
from tests.support.adapters.sinch import ADA, SAMPLES, SETTINGS, sign

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
LIBRARY = ConversationSinchEvent(SETTINGS["webhook_secret"])
every_webhook = pytest.mark.parametrize(
    "webhook",
    [pytest.param(each, id=each.name) for each in (*SAMPLES.webhooks, *SAMPLES.ignored)],
)


def said(call: Any) -> Any:
    return json.loads(call.body)


@every_webhook
def test_library_believes_every_sample(webhook: Webhook) -> None:
    """And not with one byte more."""
    request = sign(webhook.body, SETTINGS)

    assert LIBRARY.validate_authentication_header(dict(request.headers), request.body)
    assert not LIBRARY.validate_authentication_header(dict(request.headers), request.body + b" ")


@every_webhook
def test_library_reads_every_sample(webhook: Webhook) -> None:
    """The same kind of event, of the same person, about the same message."""
    found = LIBRARY.parse_event(webhook.body.decode())

    for read in webhook.read:
        if read.event["type"] == "report":
            assert isinstance(found, MessageDeliveryReceiptEvent)
            assert read.event["message"] == found.message_delivery_report.message_id
        elif read.event["type"] == "typing":  # which the library leaves as it is
            assert isinstance(found, ConversationSinchEventBase)
        else:
            assert isinstance(found, MessageInboundEvent)
            assert read.event["id"] == found.message.id
            assert found.message.channel_identity is not None
            assert read.person == found.message.channel_identity.identity


@pytest.mark.parametrize(
    "sent", [pytest.param(each, id=each.name) for each in SAMPLES.sent if "message" in each.said]
)
def test_every_message_fits_the_librarys_model(sent: Sent) -> None:
    """Nothing is added, left out or of another type."""
    given = said(ADAPTER.request(sent.piece, Recipient(ADA, KEY), SETTINGS))
    model = SendMessageRequest(**given)

    assert given == model.model_dump(exclude_none=True, by_alias=True)


def test_link_is_a_button_of_rcs() -> None:
    """Which the library's model takes, too."""
    settings = {**SETTINGS, "transport": "RCS"}
    piece = Text("See", (Choice("Site", url="https://shop.example/"),))
    given = said(ADAPTER.request(piece, Recipient(ADA, KEY), settings))

    link = {"url_message": {"title": "Site", "url": "https://shop.example/"}}
    assert [link] == given["message"]["choice_message"]["choices"]
    assert given == SendMessageRequest(**given).model_dump(exclude_none=True, by_alias=True)


def test_sms_come_from_the_number_that_is_set() -> None:
    """A channel of its own, without buttons, typing or a window."""
    settings = {**SETTINGS, "transport": "SMS", "sms_sender": "+4930555010"}
    given = said(ADAPTER.request(Text("Hi"), Recipient(ADA, KEY), settings))
    can = ADAPTER.capabilities(settings)

    assert {"SMS_SENDER": "+4930555010"} == given["channel_properties"]
    assert "SMS" == given["recipient"]["identified_by"]["channel_identities"][0]["channel"]
    assert not any((can.buttons, can.typing_out, can.window_seconds))


def test_requests_carry_a_token_of_an_hour() -> None:
    """It is asked for with the key, and is told from an answer that holds none."""
    asked = ADAPTER.token_request(SETTINGS)
    token = ADAPTER.token(ProviderAnswer(200, {}, b'{"access_token": "t-1", "expires_in": 3600}'))
    call = ADAPTER.request(Text("Hi"), Recipient(ADA, KEY), {**SETTINGS, "access_token": "t-1"})

    assert "https://auth.sinch.com/oauth2/token" == asked.url
    assert asked.headers["Authorization"].startswith("Basic ")
    assert Token("t-1", 3600) == token
    assert "Bearer t-1" == call.headers["Authorization"]
    assert ADAPTER.token(ProviderAnswer(401, {}, b'{"error": "invalid_client"}')) is None


def test_only_our_webhook_of_an_app_is_removed() -> None:
    """An app may have five."""
    webhooks = [
        {"id": "01A", "target": "https://elsewhere.example/"},
        {"id": "01B", "target": ADDRESS},
    ]
    found = ProviderAnswer(200, {}, json.dumps({"webhooks": webhooks}).encode())

    assert ("https://elsewhere.example/", ADDRESS) == ADAPTER.registered(found)
    removed = ADAPTER.deregister(ADDRESS, SETTINGS, found)
    assert removed is not None
    assert removed.url.endswith("/webhooks/01B")
    assert ADAPTER.deregister("https://third.example/", SETTINGS, found) is None


def test_file_is_fetched_by_https_alone() -> None:
    """Its address is whatever the webhook says."""
    with pytest.raises(Unreadable, match="not https"):
        ADAPTER.file_request({"url": "http://127.0.0.1/secret"}, (), SETTINGS)
