"""Twilio's adapter before Twilio's own Python library."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from twilio.request_validator import RequestValidator, get_signature_algorithm

from liveperson_connector.channel.adapters.interface import (
    NotProven,
    Unreadable,
    WebhookRequest,
)
from liveperson_connector.channel.adapters.twilio import ADAPTER
from tests.support.adapters import ADDRESS, Webhook
from tests.support.adapters.twilio import SAMPLES, SETTINGS, message, read, sign

every_webhook = pytest.mark.parametrize(
    "webhook",
    [pytest.param(each, id=each.name) for each in (*SAMPLES.webhooks, *SAMPLES.ignored)],
)
SMS = {**SETTINGS, "number": "+4930555010", "sender_sid": "PN" + "5" * 32}


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
