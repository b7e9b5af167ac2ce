"""
WhatsApp's adapter before pywa, a library of its own for the Cloud API.

It proves and reads every webhook, and its client sends what the adapter sends. Meta publishes no
description that a test could use.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import pywa
from pywa import types
from pywa.utils import webhook_updates_validator

from liveperson_connector.channel.adapters.interface import (
    NotProven,
    ProviderAnswer,
    Recipient,
    WebhookRequest,
)
from liveperson_connector.channel.adapters.whatsapp import ADAPTER
from tests.support.adapters import ADDRESS, FILE_URL, Webhook
from tests.support.adapters.whatsapp import ADA, ADAS_NUMBER, MESSAGE, SAMPLES, SETTINGS, sign

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
_READ_BY_PYWA = [each for each in SAMPLES.webhooks if each.name != "before_scoped_ids"]


class Wire:
    """What pywa's client sends; each request is answered as if it was taken."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.client = pywa.WhatsApp(
            phone_id=SETTINGS["phone_number_id"],
            token=SETTINGS["token"],
            api_version="25.0",
            session=httpx.Client(transport=httpx.MockTransport(self._answer)),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        taken = {"contacts": [{"input": ADA, "user_id": ADA}], "messages": [{"id": "wamid.1"}]}
        return httpx.Response(200, json={"messaging_product": "whatsapp", "success": True, **taken})

    def said(self) -> Any:
        return json.loads(self.requests[-1].content)


@pytest.mark.parametrize("webhook", [pytest.param(each, id=each.name) for each in SAMPLES.webhooks])
def test_pywa_believes_every_sample(webhook: Webhook) -> None:
    """And not with one byte more."""
    signature = sign(webhook.body, SETTINGS).headers["x-hub-signature-256"]

    assert webhook_updates_validator(SETTINGS["app_secret"], webhook.body, signature)
    assert not webhook_updates_validator(SETTINGS["app_secret"], webhook.body + b" ", signature)


_TYPES: dict[str, Any] = {
    "interactive-button_reply": types.CallbackButton,
    "interactive-list_reply": types.CallbackSelection,
    "button": types.CallbackButton,
    "edit": types.EditedMessage,
    "revoke": types.DeletedMessage,
}


@pytest.mark.parametrize("webhook", [pytest.param(each, id=each.name) for each in _READ_BY_PYWA])
def test_pywa_reads_every_sample(webhook: Webhook) -> None:
    """The same person, the same message; the same words, data and place where there are some."""
    update = json.loads(webhook.body)
    value = update["entry"][0]["changes"][0]["value"]
    if not (value.get("contacts") and webhook.name != "of_two_people"):
        return  # a report of failure has no contacts, which pywa requires
    found = _pywas_reading(Wire().client, update, value)
    (read,) = webhook.read

    assert read.person == found.from_user.bsuid
    assert read.event.get("message", read.event.get("mark")) == found.id
    assert read.display_name in (found.from_user.name, "")
    for ours, theirs in (("text", "text"), ("data", "data")):
        if read.event["type"] in ("text", "choice") and ours in read.event:
            assert read.event[ours] in (getattr(found, theirs, None), getattr(found, "title", None))


def _pywas_reading(client: pywa.WhatsApp, update: Any, value: Any) -> Any:
    if "statuses" in value:
        return types.MessageStatus.from_update(client, update)
    message = value["messages"][0]
    inner = message.get("interactive", {}).get("type")
    kind = f"interactive-{inner}" if inner else message["type"]
    if kind == "interactive-nfm_reply":
        return types.FlowCompletion.from_update(client, update)
    return _TYPES.get(kind, types.Message).from_update(client, update)


_SENDS: dict[str, Callable[[pywa.WhatsApp], object]] = {
    "text": lambda client: client.send_text(ADA, "Grüße 👋"),
    "buttons": lambda client: client.send_text(
        ADA,
        "Which?",
        buttons=[types.Button("Red", "7.1"), types.Button("Blue", "7.2")],
    ),
    "list": lambda client: client.send_text(
        ADA,
        "Which?",
        buttons=types.SectionList(
            "Auswahl",
            [types.Section("", [types.SectionRow("Red", "7.1"), types.SectionRow("Blue", "7.2")])],
        ),
    ),
    "picture": lambda client: client.send_image(ADA, FILE_URL, caption="Look"),
    "document": lambda client: client.send_document(ADA, FILE_URL, filename="a.pdf"),
    "location": lambda client: client.send_location(ADA, 52.5163, 13.3777),
    "place": lambda client: client.send_location(ADA, 52.5163, 13.3777, name="Gate"),
    "read": lambda client: client.mark_message_as_read(MESSAGE),
    "typing": lambda client: client.indicate_typing("mark-1"),
}


@pytest.mark.parametrize("name", list(_SENDS))
def test_pywa_sends_what_the_adapter_sends(name: str) -> None:
    """The same address, the same credentials, the same body."""
    wire = Wire()
    _SENDS[name](wire.client)
    (piece,) = (each.piece for each in SAMPLES.sent if each.name == name)
    call = ADAPTER.request(piece, Recipient(ADA, KEY, "mark-1"), SETTINGS)

    assert wire.requests[-1].headers["Authorization"] == call.headers["Authorization"]
    assert str(wire.requests[-1].url) == call.url
    assert call.body is not None
    assert _without_empty(wire.said()) == json.loads(call.body)


def _without_empty(value: Any) -> Any:
    """Leave out what pywa sends as null, as an empty text or as its default."""
    if isinstance(value, list):
        return [_without_empty(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _without_empty(each) for name, each in value.items()}
    return {name: each for name, each in kept.items() if each not in (None, "", False)}


def test_pywa_and_the_adapter_configure_the_same_address() -> None:
    """Of the number, set and removed."""
    wire = Wire()
    _, configured = ADAPTER.register(ADDRESS, SETTINGS)
    removed = ADAPTER.deregister(ADDRESS, SETTINGS, None)
    wire.client.api.set_phone_alternate_callback_url(
        ADDRESS, SETTINGS["verify_token"], SETTINGS["phone_number_id"]
    )
    assert configured.body is not None
    assert wire.said() == json.loads(configured.body)

    wire.client.api.delete_phone_alternate_callback_url(SETTINGS["phone_number_id"])
    assert removed is not None
    assert removed.body is not None
    assert wire.said() == json.loads(removed.body)


def test_number_is_written_to_as_a_number() -> None:
    """A person known before scoped ids keeps the telephone number as id."""
    text = SAMPLES.sent[0].piece
    call = ADAPTER.request(text, Recipient(ADAS_NUMBER, KEY), SETTINGS)

    said = json.loads(call.body or b"")
    assert ADAS_NUMBER == said["to"]
    assert "recipient" not in said


@pytest.mark.parametrize(("token", "proven"), [(SETTINGS["verify_token"], True), ("", False)])
def test_challenge_is_repeated_to_whoever_knows_the_token(token: str, *, proven: bool) -> None:
    """https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification."""
    query = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    request = WebhookRequest("GET", ADDRESS, query, {}, b"")
    if not proven:
        with pytest.raises(NotProven):
            ADAPTER.challenge(request, SETTINGS)
        return
    reply = ADAPTER.challenge(request, SETTINGS)
    assert reply is not None
    assert (200, "1158201444", "text/plain") == (reply.status, reply.body, reply.content_type)


def test_webhooks_go_to_the_numbers_address_first() -> None:
    """Before the account's, and that before the app's."""
    configuration = {"application": "https://a.example/", "phone_number": ADDRESS}
    found = {"webhook_configuration": configuration, "id": SETTINGS["phone_number_id"]}

    answer = ProviderAnswer(200, {}, json.dumps(found).encode())
    assert (ADDRESS,) == ADAPTER.registered(answer)
