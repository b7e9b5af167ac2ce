"""
LINE's adapter before LINE's own Python library and LINE's own description of its API.

The description is not part of this project: where it is not found, its tests are skipped. Set
``PROVIDER_DESCRIPTIONS`` to a folder with ``line/messaging-api.yml`` and ``line/webhook.yml`` of
https://github.com/line/line-openapi.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from jsonschema import Draft202012Validator
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
    Choice,
    NotProven,
    Recipient,
    Text,
)
from liveperson_connector.channel.adapters.line import ADAPTER
from tests.support.adapters import ADDRESS, Sent, Webhook
from tests.support.adapters.line import PERSON, SAMPLES, SETTINGS, sign

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
DESCRIPTIONS = Path(
    os.environ.get("PROVIDER_DESCRIPTIONS", Path(__file__).parents[5] / "shared" / "providers")
)
described = pytest.mark.skipif(
    not (DESCRIPTIONS / "line").is_dir(),
    reason="LINE's OpenAPI description is not here; see PROVIDER_DESCRIPTIONS above",
)
every_webhook = pytest.mark.parametrize(
    "webhook",
    [pytest.param(each, id=each.name) for each in (*SAMPLES.webhooks, *SAMPLES.ignored)],
)
every_piece = pytest.mark.parametrize(
    "sent", [pytest.param(each, id=each.name) for each in SAMPLES.sent]
)


def call_for(sent: Sent) -> Call:
    return ADAPTER.request(sent.piece, Recipient(PERSON, KEY), SETTINGS)


# ── The library ──


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


# ── The description ──


@cache
def document(name: str) -> Any:
    """Read a description, prepared for a validator of JSON Schema."""
    return prepared(yaml.safe_load((DESCRIPTIONS / "line" / name).read_text()))


def prepared(node: Any, *, base: bool = False, of: Any = None) -> Any:
    """
    Write OpenAPI's ``discriminator`` as conditions, which a validator of JSON Schema understands.

    A schema that others extend (``allOf``) stays as it is there, or it would lead to itself.
    """
    of = of or node
    if isinstance(node, list):
        return [prepared(each, base=base, of=of) for each in node]
    if not isinstance(node, dict):
        return node
    found = {
        name: prepared(each, base=name == "allOf", of=of)
        for name, each in node.items()
        if name != "example"
    }
    kinds = target(node, of).get("discriminator", {}).get("mapping") if "$ref" in node else None
    if not kinds or base:
        return found
    chosen = [
        {"if": {"properties": {"type": {"const": kind}}}, "then": {"$ref": ref}}
        for kind, ref in kinds.items()
    ]
    return {"allOf": [found, *chosen], "properties": {"type": {"enum": list(kinds)}}}


def target(node: Any, of: Any) -> Any:
    for step in node.get("$ref", "#").split("/")[1:]:
        of = of[step]
    return of


def problems(description: str, schema: Any, value: Any) -> list[str]:
    whole = {**document(description), **schema}
    return [each.message for each in Draft202012Validator(whole).iter_errors(value)]


def operation(call: Call) -> Any:
    path = urlsplit(call.url).path
    return document("messaging-api.yml")["paths"][path][call.method.lower()]


def body_schema(call: Call) -> Any:
    return operation(call)["requestBody"]["content"]["application/json"]["schema"]


@described
@every_piece
def test_every_request_is_as_described(sent: Sent) -> None:
    """Path, method, body and the retry key's header."""
    call = call_for(sent)

    assert [] == problems("messaging-api.yml", body_schema(call), json.loads(call.body or b""))
    known = {each["name"] for each in operation(call).get("parameters", [])}
    assert set(call.headers) - {"Authorization", "Content-Type"} <= known


@described
def test_set_up_is_as_described() -> None:
    """The webhook's address is set and asked for where the description says."""
    (register,) = ADAPTER.register(ADDRESS, SETTINGS)

    said = json.loads(register.body or b"")
    assert [] == problems("messaging-api.yml", body_schema(register), said)
    assert operation(ADAPTER.registration(SETTINGS))
    assert operation(ADAPTER.probe(SETTINGS))


@described
def test_description_judges() -> None:
    """Spoil one thing of each: a kind that there is not, no text, data that is too long."""
    call = ADAPTER.request(
        Text("Which?", (Choice("Red", "x" * 301),)), Recipient(PERSON, KEY), SETTINGS
    )
    too_long = json.loads(call.body or b"")
    unknown = {"to": PERSON, "messages": [{"type": "speech", "text": "Hello"}]}
    no_text = {"to": PERSON, "messages": [{"type": "text"}]}

    for said in (too_long, unknown, no_text, {"to": PERSON, "messages": []}):
        assert problems("messaging-api.yml", body_schema(call), said)


@described
@every_webhook
def test_every_sample_is_as_described(webhook: Webhook) -> None:
    """Our samples are webhooks that LINE may send; the unknown one alone is not."""
    schema = {"$ref": "#/components/schemas/CallbackRequest"}
    found = problems("webhook.yml", schema, json.loads(webhook.body))

    assert bool(found) == (webhook.name == "unknown_event"), found
