"""
Every request to Twilio and LINE before the provider's own description of its API, by Prism.

Skipped where there is no Node.js or no description (``tests/support/descriptions.py``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from liveperson_connector.channel.adapters.interface import (
    Call,
    File,
    Recipient,
    Text,
)
from tests.support.adapters import ADDRESS, FILE_URL, Samples, Webhook, samples
from tests.support.descriptions import Judge, judging, why_not

KEY = "4f3c2b1a-0000-4000-8000-123456789abc"
MARK = "SM" + "1" * 32
TWILIO, LINE = samples("twilio"), samples("line")
WEBHOOK = Call("POST", "https://example.com/callback", {"Content-Type": "application/json"})
SMS = {**TWILIO.settings, "number": "+4930555010", "sender_sid": "PN" + "5" * 32}


@pytest.fixture(name="judge", scope="module")
def _judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    if reason := why_not():
        pytest.skip(f"Prism: {reason}")
    calls = [*filter(None, REQUESTS.values()), WEBHOOK]
    with judging(tmp_path_factory.mktemp("descriptions"), calls) as judge:
        yield judge


def pieces(of: Samples) -> dict[str, Call]:
    """Write every piece of the samples."""
    to = Recipient(of.person, KEY, MARK)
    return {each.name: of.adapter.request(each.piece, to, of.settings) for each in of.sent}


def set_up(of: Samples, settings: Mapping[str, str]) -> dict[str, Call]:
    """Write what the command line asks for."""
    adapter = of.adapter
    calls = {
        "probe": adapter.probe(settings),
        "register": adapter.register(ADDRESS, settings)[0],
        "registration": adapter.registration(settings),
        "deregister": adapter.deregister(ADDRESS, settings, None),
    }
    return {name: call for name, call in calls.items() if call}


def by_sms(piece: Text | File) -> Call:
    return TWILIO.adapter.request(piece, Recipient("+4915550100001", KEY), SMS)


REQUESTS = {
    **{f"line {name}": call for name, call in pieces(LINE).items()},
    **{f"line {name}": call for name, call in set_up(LINE, LINE.settings).items()},
    "line file": LINE.adapter.file_request(LINE.fetched[0].reference, (), LINE.settings),
    **{f"twilio {name}": call for name, call in pieces(TWILIO).items()},
    **{f"whatsapp {name}": call for name, call in set_up(TWILIO, TWILIO.settings).items()},
    **{f"sms {name}": call for name, call in set_up(TWILIO, SMS).items()},
    "sms text": by_sms(Text("Hello")),
    "sms file": by_sms(File(FILE_URL, "PNG", "Look")),
}


# An empty address takes a number's away. Twilio's description says of all addresses that they are
# URIs, and nothing of how one is removed.
NOT_DESCRIBED = {"sms deregister": "SmsUrl must match format"}


@pytest.mark.parametrize("name", REQUESTS)
def test_request_is_as_described(judge: Judge, name: str) -> None:
    """Path, credentials, parameters and every field."""
    call = REQUESTS[name]

    assert call is not None
    found = judge.problems(call)
    if name in NOT_DESCRIBED:
        assert NOT_DESCRIBED[name] in found[0]
    else:
        assert [] == found


# ── Spoil one thing at a time ──


def form(**changes: str) -> Call:
    """Change fields of a message to Twilio; an empty one is left out."""
    good = by_sms(Text("Hello"))
    fields = dict(parse_qsl((good.body or b"").decode())) | changes
    given = {name: value for name, value in fields.items() if value}
    return replace(good, body=urlencode(given).encode())


def pushed(*messages: Any, **more: Any) -> Call:
    """Push other messages by LINE."""
    good = REQUESTS["line text"]
    assert good is not None
    body = {"to": LINE.person, "messages": messages, **more}
    return replace(good, body=json.dumps(body).encode())


def keyed(key: str) -> Call:
    return LINE.adapter.request(Text("Hello"), Recipient(LINE.person, key), LINE.settings)


def without_credentials(call: Call) -> Call:
    headers = {name: value for name, value in call.headers.items() if name != "Authorization"}
    return replace(call, headers=headers)


HELLO = {"type": "text", "text": "Hello"}
TOO_LONG = {"type": "postback", "label": "Red", "data": "x" * 301}
SPOILT = {
    "twilio: no recipient": (form(To=""), "'To'"),
    "twilio: an unknown parameter": (form(Text="Hello"), "additional properties"),
    "twilio: a template of another form": (form(ContentSid="HX1"), "ContentSid"),
    "twilio: no credentials": (without_credentials(form()), "security"),
    "line: no message": (pushed(), "messages"),
    "line: a type that there is not": (pushed({**HELLO, "type": "speech"}), "allowed values"),
    "line: a text without words": (pushed({"type": "text"}), "'text'"),
    "line: data that is too long": (
        pushed({**HELLO, "quickReply": {"items": [{"type": "action", "action": TOO_LONG}]}}),
        "300 characters",
    ),
    "line: an unknown field": (pushed(HELLO, notify=False), "additional properties"),
    "line: a key that is no UUID": (keyed("once"), "uuid"),
    "line: no credentials": (without_credentials(pushed(HELLO)), "security"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_mistake_is_noticed(judge: Judge, name: str) -> None:
    """The judge does not take everything."""
    call, words = SPOILT[name]

    assert words in " ".join(judge.problems(call))


@pytest.mark.parametrize("webhook", [*LINE.webhooks, *LINE.ignored], ids=lambda each: each.name)
def test_sample_is_a_webhook_that_line_may_send(judge: Judge, webhook: Webhook) -> None:
    """The one with an event of an unknown type alone is not described."""
    found = judge.problems(replace(WEBHOOK, body=webhook.body))

    assert bool(found) == (webhook.name == "unknown_event"), found
