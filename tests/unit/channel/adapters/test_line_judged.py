"""LINE's adapter before LINE's own Python library."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from linebot.v3 import SignatureValidator, WebhookParser  # type: ignore[import-untyped]
from linebot.v3.exceptions import InvalidSignatureError  # type: ignore[import-untyped]
from linebot.v3.messaging import (  # type: ignore[import-untyped]
    MarkMessagesAsReadByTokenRequest,
    PushMessageRequest,
    SetWebhookEndpointRequest,
    ShowLoadingAnimationRequest,
)

from liveperson_connector.channel.adapters.interface import (
    Call,
    NotProven,
    Recipient,
)
from liveperson_connector.channel.adapters.line import ADAPTER
from tests.support.adapters import ADDRESS, Sent, Webhook
from tests.support.adapters.line import PERSON, SAMPLES, SETTINGS, sign

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
every_webhook = pytest.mark.parametrize(
    "webhook",
    [pytest.param(each, id=each.name) for each in (*SAMPLES.webhooks, *SAMPLES.ignored)],
)
every_piece = pytest.mark.parametrize(
    "sent", [pytest.param(each, id=each.name) for each in SAMPLES.sent]
)


def call_for(sent: Sent) -> Call:
    return ADAPTER.request(sent.piece, Recipient(PERSON, KEY), SETTINGS)


@every_webhook
def test_library_believes_and_reads_every_sample(webhook: Webhook) -> None:
    """The same signature, the same events, the same ids."""
    request = sign(webhook.body, SETTINGS)
    parser = WebhookParser(SETTINGS["channel_secret"])
    events = parser.parse(webhook.body.decode(), request.headers["x-line-signature"])

    by_id = {each.webhook_event_id: each for each in events}
    for read in webhook.read:
        event = by_id[read.event["id"]]
        assert type(event).__name__ != "UnknownEvent"
        assert event.source.user_id == read.person


def test_library_refuses_what_we_refuse() -> None:
    """A signature of another secret, or of another body."""
    request = sign(SAMPLES.webhooks[0].body, SAMPLES.foreign)
    signature = request.headers["x-line-signature"]

    with pytest.raises(NotProven):
        ADAPTER.prove(request, SETTINGS)
    with pytest.raises(InvalidSignatureError):
        WebhookParser(SETTINGS["channel_secret"]).parse(request.body.decode(), signature)
    assert SignatureValidator(SAMPLES.foreign["channel_secret"]).validate(
        request.body.decode(), signature
    )


MODELS: dict[str, Any] = {
    "/v2/bot/message/push": PushMessageRequest,
    "/v2/bot/chat/loading/start": ShowLoadingAnimationRequest,
    "/v2/bot/chat/markAsRead": MarkMessagesAsReadByTokenRequest,
    "/v2/bot/channel/webhook/endpoint": SetWebhookEndpointRequest,
}


def kept(model: Any, said: Any) -> Any:
    """Return what a model of the library keeps of a body; it drops what it does not know."""
    return json.loads(model.from_dict(said).to_json())


def without_defaults(value: Any) -> Any:
    """Remove what the library adds by itself."""
    if isinstance(value, dict):
        added = {("notificationDisabled", False), ("type", "action")}
        return {
            name: without_defaults(each)
            for name, each in value.items()
            if not isinstance(each, bool | str) or (name, each) not in added
        }
    return [without_defaults(each) for each in value] if isinstance(value, list) else value


@every_piece
def test_library_understands_every_request_whole(sent: Sent) -> None:
    """Its models take each body, and lose no field of it."""
    call = call_for(sent)
    said = json.loads(call.body or b"")

    assert without_defaults(said) == without_defaults(kept(MODELS[urlsplit(call.url).path], said))


def test_library_understands_the_registration() -> None:
    """The body that sets the webhook's address."""
    (call,) = ADAPTER.register(ADDRESS, SETTINGS)

    assert kept(SetWebhookEndpointRequest, json.loads(call.body or b"")) == {"endpoint": ADDRESS}
