"""
Twilio's adapter before Twilio's own Python library and Twilio's own description of its API.

The description is not part of this project: where it is not found, its tests are skipped. Set
``PROVIDER_DESCRIPTIONS`` to a folder with ``twilio/twilio_api_v2010.messages.json`` and
``twilio/twilio_messaging_v2.json``, from https://github.com/twilio/twilio-oai.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator
from twilio.request_validator import RequestValidator, get_signature_algorithm

from liveperson_connector.channel.adapters.interface import (
    Call,
    File,
    NotProven,
    Recipient,
    Text,
    Unreadable,
    WebhookRequest,
)
from liveperson_connector.channel.adapters.twilio import ADAPTER
from tests.support.adapters import ADDRESS, FILE_URL, Sent, Webhook
from tests.support.adapters.twilio import ADA, SAMPLES, SETTINGS, message, read, sign

DESCRIPTIONS = Path(
    os.environ.get("PROVIDER_DESCRIPTIONS", Path(__file__).parents[5] / "shared" / "providers")
)
described = pytest.mark.skipif(
    not (DESCRIPTIONS / "twilio").is_dir(),
    reason="Twilio's OpenAPI description is not here; see PROVIDER_DESCRIPTIONS above",
)
every_webhook = pytest.mark.parametrize(
    "webhook",
    [pytest.param(each, id=each.name) for each in (*SAMPLES.webhooks, *SAMPLES.ignored)],
)
SMS = {**SETTINGS, "number": "+4930555010", "sender_sid": "PN" + "5" * 32}
KEY = "4f3c2b1a-0000-4000-8000-123456789abc"


def judged(request: WebhookRequest, secret: str) -> bool:
    """Have the library judge a request."""
    algorithm = get_signature_algorithm(request.headers.get("x-twilio-webhooks-signature-settings"))
    body: Any = request.body.decode()
    if "json" not in request.headers["content-type"]:
        body = read(request.body)
    signature = request.headers["x-twilio-signature"]
    return bool(RequestValidator(secret).validate(request.url, body, signature, algorithm))


# ── The library: proofs ──


@every_webhook
def test_library_believes_every_sample_in_both_forms(webhook: Webhook) -> None:
    """Signed with the Auth Token, and with a SharedKey."""
    for algorithm, secret in (("sha1", "auth_token"), ("sha256", "shared_key")):
        request = sign(webhook.body, SETTINGS, algorithm=algorithm)

        assert judged(request, SETTINGS[secret])
        ADAPTER.prove(request, SETTINGS)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
@pytest.mark.parametrize(
    "url", [ADDRESS, ADDRESS.replace("/prod", ":443/prod"), f"{ADDRESS}?a=1&b=%2B"]
)
def test_address_is_believed_with_its_port_and_without(url: str, algorithm: str) -> None:
    """Twilio signs one or the other; a query belongs to what is signed."""
    request = sign(message(Body="Hi"), SETTINGS, url, algorithm)

    for address in {url, url.replace(":443/", "/")}:
        as_called = WebhookRequest("POST", address, {}, request.headers, request.body)
        assert judged(as_called, SETTINGS["auth_token" if algorithm == "sha1" else "shared_key"])
        ADAPTER.prove(as_called, SETTINGS)


def in_json(body: bytes, digest: str) -> WebhookRequest:
    """Sign a JSON body as Twilio does: its hash stands in the address."""
    url = f"{ADDRESS}?bodySHA256={digest}"
    signature = RequestValidator(SETTINGS["auth_token"]).compute_signature(url, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    return WebhookRequest("POST", url, {}, headers, body)


def test_json_body_is_proven_by_its_hash() -> None:
    """The library and we believe the same one, and no other body behind the same address."""
    body = b'{"MessageSid": "SM1"}'
    digest = hashlib.sha256(body).hexdigest()

    assert judged(in_json(body, digest), SETTINGS["auth_token"])
    ADAPTER.prove(in_json(body, digest), SETTINGS)
    assert not judged(in_json(b"{}", digest), SETTINGS["auth_token"])
    with pytest.raises(NotProven, match="hash of the body"):
        ADAPTER.prove(in_json(b"{}", digest), SETTINGS)


def test_json_body_without_a_hash_is_not_proven() -> None:
    """A signature of the address alone says nothing of the body."""
    signature = RequestValidator(SETTINGS["auth_token"]).compute_signature(ADDRESS, {})
    headers = {"content-type": "application/json", "x-twilio-signature": signature}

    with pytest.raises(NotProven):
        ADAPTER.prove(WebhookRequest("POST", ADDRESS, {}, headers, b'{"a": 1}'), SETTINGS)


@pytest.mark.parametrize(
    ("announced", "settings", "words"),
    [
        ("key=k,algorithm=HMAC_MD5", SETTINGS, "algorithm that is not known"),
        ("key=k,algorithm=HMAC_SHA256", {**SETTINGS, "shared_key": ""}, "does not know"),
        ("key=k,algorithm=HMAC_SHA256", SETTINGS, "signature is wrong"),
        ("", {**SETTINGS, "auth_token": "0" * 32}, "signature is wrong"),
    ],
)
def test_announcement_proves_nothing(
    announced: str, settings: Mapping[str, str], words: str
) -> None:
    """The header only says which of our secrets has to fit."""
    good = sign(message(Body="Hi"), SETTINGS)
    headers = {**good.headers, "x-twilio-webhooks-signature-settings": announced}

    with pytest.raises(NotProven, match=words):
        ADAPTER.prove(WebhookRequest("POST", ADDRESS, {}, headers, good.body), settings)


def test_message_for_another_number_is_a_mistake_of_set_up() -> None:
    """It would be answered from a number that the person did not write to."""
    for wrong in ({"To": "+4930555011"}, {"AccountSid": "AC" + "9" * 32}):
        request = sign(message(Body="Hi", **wrong), SETTINGS)
        with pytest.raises(Unreadable, match="another account or number"):
            ADAPTER.read(request, SETTINGS)


def test_file_elsewhere_gets_no_credentials() -> None:
    """An address that is not below our account's messages is not asked at all."""
    for url in ("https://elsewhere.example/a", "https://api.twilio.com/2010-04-01/Accounts/AC1/"):
        with pytest.raises(Unreadable):
            ADAPTER.file_request({"url": url}, (), SETTINGS)


def test_sms_can_do_less_than_whatsapp() -> None:
    """No typing, no window, no read marks; without our address no reports."""
    can = ADAPTER.capabilities(SMS)

    assert not any((can.typing_out, can.window_seconds, can.location_out, can.quotes))
    assert {"delivered", "failed"} == can.reports
    assert not ADAPTER.capabilities({**SMS, "address": ""}).reports


# ── Twilio's own description ──


@cache
def description(name: str) -> Any:
    return json.loads((DESCRIPTIONS / "twilio" / name).read_text())


def operation(call: Call) -> tuple[Any, Any]:
    """Return the description, and the operation that ``call`` asks for."""
    address = urlsplit(call.url)
    files = {
        "api.twilio.com": "twilio_api_v2010.messages.json",
        "messaging.twilio.com": "twilio_messaging_v2.json",
    }
    known = description(files[address.hostname or ""])
    for template, operations in known["paths"].items():
        names = re.findall(r"\{(\w+)\}", template)
        pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(template))
        found = re.fullmatch(pattern, address.path)
        if found and call.method.lower() in operations:
            asked = operations[call.method.lower()]
            schemas = {each["name"]: each["schema"] for each in asked.get("parameters", [])}
            for name, value in zip(names, found.groups(), strict=True):
                Draft202012Validator(schemas[name]).validate(value)
            return known, asked
    raise AssertionError(f"{call.method} {address.path} is not described")


def validated(call: Call) -> None:
    """Check a request against the description: path, parameters, no unknown field, each value."""
    known, asked = operation(call)
    if call.body is None:
        assert "requestBody" not in asked
        return
    content = asked["requestBody"]["content"]
    schema = content[call.headers["Content-Type"]]["schema"]
    given = json.loads(call.body) if "json" in call.headers["Content-Type"] else read(call.body)
    name = schema.get("$ref", "").rpartition("/")[2]
    properties = (known["components"]["schemas"][name] if name else schema)["properties"]
    assert set(given) <= set(properties), set(given) - set(properties)
    as_sent = {
        name: [value] if properties[name].get("type") == "array" else value
        for name, value in given.items()
    }
    Draft202012Validator(
        {**_nullable(schema), "components": _nullable(known["components"])}
    ).validate(as_sent)


def _nullable(schema: Any) -> Any:
    """Write OpenAPI 3.0's ``nullable`` as JSON Schema does."""
    if isinstance(schema, list):
        return [_nullable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    written = {name: _nullable(value) for name, value in schema.items()}
    if written.get("nullable") is True and isinstance(written.get("type"), str):
        written["type"] = [written["type"], "null"]
    return written


@described
@pytest.mark.parametrize("sent", [pytest.param(each, id=each.name) for each in SAMPLES.sent])
def test_every_request_is_as_twilio_describes_it(sent: Sent) -> None:
    """Path, parameters and every field."""
    mark = "SM" + "1" * 32
    validated(ADAPTER.request(sent.piece, Recipient(ADA, KEY, mark), SETTINGS))


@described
@pytest.mark.parametrize("settings", [SETTINGS, SMS], ids=["whatsapp", "sms"])
def test_set_up_is_as_twilio_describes_it(settings: Mapping[str, str]) -> None:
    """The account, the number's or the sender's address, and its removal."""
    calls = [
        ADAPTER.probe(settings),
        *ADAPTER.register(ADDRESS, settings),
        ADAPTER.registration(settings),
        ADAPTER.deregister(ADDRESS, settings, None),
    ]

    assert len(calls) == 4
    for call in calls:
        assert call is not None
        validated(call)


@described
def test_sms_is_as_twilio_describes_it() -> None:
    """A text, and a picture with words."""
    for piece in (Text("Hello"), File(FILE_URL, "PNG", "Look")):
        validated(ADAPTER.request(piece, Recipient("+4915550100001", KEY), SMS))
