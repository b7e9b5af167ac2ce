"""
Webhooks of every ready channel's provider, good and spoilt, and structured content on its way out.

Good webhooks are the samples of the adapters' conformance suite, whose signatures are the tests'
own. What is sent out is judged by the strict stand-ins of the sandbox.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from functions.provider_intake.handler import handler as provider_intake
from liveperson_connector.channel.adapters import READY_KINDS, adapter_of
from liveperson_connector.channel.adapters.interface import Recipient, Settings
from liveperson_connector.channel.fallback_text import fallback_text
from liveperson_connector.channel.provider_pieces import say
from liveperson_connector.channel.queued_events import read_queued
from liveperson_connector.domain.ready_channels import Offer
from sandbox.providers import stand_in
from sandbox.providers.stand_in import StandIn
from simulator.http_server import Request
from tests.support.accounts import ACCOUNT
from tests.support.adapters import ADDRESS, Samples, samples

from .functions import CONSUMER_EVENTS, Functions
from .inputs import change
from .promises import Broken
from .values import MARK, Draw

OFFER = Offer("0123456789ab", "conversation", "dialog", 7, 1_700_000_000.0, ())
_WORDS = {400: "unreadable_webhook", 401: "untrusted_webhook", 413: "too_large"}


# ── In ──


def check_provider_webhook(functions: Functions, chance: Random) -> str:
    """Let the provider's intake answer a webhook, check everything, and say what came of it."""
    draw, known = Draw(chance), samples(chance.choice(READY_KINDS))
    body, is_forged = _body(draw, known), draw.odds(4)
    event = _event(draw, known, body, is_forged=is_forged)
    answer: Mapping[str, Any] = provider_intake(event, None)
    queued, refused, log = functions.since()
    status, text = int(answer["statusCode"]), str(answer["body"])
    shown = f"{known.kind} {body!r:.300} {answer} {log:.400}"
    _must(status < 500 and not refused, "no 5xx, and SQS takes what it is sent", shown)
    for private in (*known.secrets, MARK):
        _must(private not in log + text, "nothing private shows", shown)
    if status in _WORDS:
        _must(_WORDS[status] == json.loads(text)["error"], "a refusal is clear", shown)
    if status != 200:
        _must(not queued, "what is refused is not queued", shown)
        _must(is_forged or status != 401, "what the provider signed is believed", shown)
        return f"refused {status}"
    _must(not is_forged, "what is forged is refused", shown)
    for each in queued:
        told = read_queued(each.body)
        _must(each.queue == CONSUMER_EVENTS, "events go to their queue", shown)
        _must(
            (told.account_id, told.channel) == (ACCOUNT, known.kind), "events are their own", shown
        )
        told.key("salt")  # what is queued has a pseudonym, and can be sent on
        json.dumps(told.raw, ensure_ascii=False, allow_nan=False).encode()
    return "queued" if queued else "nothing to tell"


def _body(draw: Draw, known: Samples) -> bytes:
    good = draw.chance.choice([*known.webhooks, *known.ignored]).body
    kind = draw.chance.randrange(10)
    if kind < 2:
        return good
    if kind < 7:
        return _written(draw, known, draw.spoilt(_read(known, good)))
    return draw.torn(good) if kind < 9 else draw.noise(300)


def _read(known: Samples, body: bytes) -> Any:
    return dict(known.read_body(body)) if known.write_body else json.loads(body)


def _written(draw: Draw, known: Samples, value: Any) -> bytes:
    if known.write_body is None:
        return draw.json(value)
    form = value if isinstance(value, dict) else {"Body": value}
    return urlencode(form, errors="surrogatepass").encode()


def _event(draw: Draw, known: Samples, body: bytes, *, is_forged: bool) -> dict[str, Any]:
    """Write what API Gateway hands over; a forged one has no proof, another's, or a torn one."""
    signed = known.sign(body, known.foreign if is_forged else known.settings)
    headers = dict(signed.headers)
    if is_forged and draw.odds(3):
        headers[known.proof] = draw.chance.choice(["", "x", headers[known.proof][:-1], "é" * 9])
    return {
        "httpMethod": "POST",
        "headers": headers,
        "pathParameters": {"account_id": ACCOUNT, "name": known.kind},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


# ── Out ──


@cache
def _provider(kind: str) -> tuple[StandIn, Settings]:
    provider = stand_in(kind, port=None)
    settings = {k: v for k, v in provider.settings.items() if k != "api_url"}
    adapter = adapter_of(kind)
    settings |= {"api_url": "", "address": ADDRESS}
    asked = adapter.token_request(settings)
    if asked:
        answer = provider.answer(_request(asked))
        settings["access_token"] = answer.body["access_token"]
    return provider, settings


def check_rendering(chance: Random) -> str:
    """Write any structured content to a person of each kind, and see that it is taken."""
    draw = Draw(chance)
    event = change(draw).get("event", {})
    content = draw.spoilt(event.get("content")) if draw.odds(2) else event.get("content")
    replies = event.get("quickReplies")
    told: dict[str, Any] = {"type": "rich", "content": content}
    if draw.odds(3):
        told = {"type": "text", "text": draw.text(most=9000)}
    told |= {"quick_replies": replies} if replies else {}
    told |= {"fallback_text": fallback_text(content, replies)}
    for kind in READY_KINDS:
        _check_taken(kind, told)
    return str(told["type"])


def _check_taken(kind: str, told: Mapping[str, Any]) -> None:
    (provider, settings), adapter = _provider(kind), adapter_of(kind)
    for piece in say(told, adapter.capabilities(settings), OFFER).pieces:
        person = Recipient(provider.person("Ada"), str(uuid4()))
        answer = provider.answer(_request(adapter.request(piece, person, settings)))
        shown = f"{kind} {answer.body} {json.dumps(told):.500}"
        _must(200 <= answer.status < 300, "a provider takes it", shown)


def _request(call: Any) -> Request:
    parts = urlsplit(call.url)
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Request(call.method, parts.path, headers, call.body or b"")


def _must(holds: bool, promise: str, shown: str) -> None:
    if not holds:
        raise Broken(f"{promise}: {shown}")
