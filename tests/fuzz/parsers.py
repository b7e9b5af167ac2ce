"""
The parsers behind the queues and on the way back: whatever they are given, they read or refuse.

To refuse is to raise one of the connector's own errors; anything else would be taken for a bug,
and the message tried for a day.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

from liveperson_connector.channel.fallback_text import LONGEST, fallback_text
from liveperson_connector.channel.queued_events import read_queued
from liveperson_connector.channel.rendering import content_of
from liveperson_connector.domain.accounts import ChannelSettings, Credentials
from liveperson_connector.domain.errors import ConnectorError
from liveperson_connector.flows.channel_delivery.flow import (
    describe as describe_change,
)
from liveperson_connector.flows.failed_events import read_failed
from liveperson_connector.liveperson.app_jwt import AppJwt
from liveperson_connector.liveperson.consumer_jws import ConsumerJws
from liveperson_connector.liveperson.domains import base_uris, trusted
from liveperson_connector.liveperson.messaging_events import MessagingEvent
from liveperson_connector.liveperson.notifications import (
    read_change,
    read_queued_change,
    read_queued_webhook,
)
from liveperson_connector.liveperson.signatures import parse
from liveperson_connector.liveperson.text import is_blank, size, split_text
from tests.support.accounts import ACCOUNT, SIGNING_SECRET
from tests.support.messages import received

from .inputs import change, conversation_change, good_event
from .promises import Broken
from .values import NASTY, Draw


def check_parser(chance: Random) -> str:
    """Feed one parser, check what it read, and name it."""
    check = chance.choice(_CHECKS)
    with suppress(ConnectorError):
        check(Draw(chance))
    return check.__name__.removeprefix("_")


def _queued_notification(draw: Draw) -> None:
    kinds = ("ms.MessagingEventNotification", "cqm.ExConversationChangeNotification")
    make = draw.chance.choice([change, conversation_change])
    queued = {
        "account_id": ACCOUNT,
        "type": draw.chance.choice(kinds),
        "change": draw.spoilt(make(draw)) if draw.odds(2) else make(draw),
    }
    body = _text(draw, queued)
    describe_change(received(body))
    queued = received(body).json()
    for read in (read_failed, read_queued_webhook):
        with suppress(ConnectorError):
            read(queued)
    read_change(ACCOUNT, queued.get("type", ""), queued.get("change"))
    told = read_queued_change(queued)
    _is(all(isinstance(each, str) for each in told.identities), "an identity is a text")
    if isinstance(told, MessagingEvent):
        _can_be_sent(content_of(told))


def _queued_event(draw: Draw) -> None:
    event = good_event(draw)
    queued = {
        "account_id": ACCOUNT,
        "consumer_id": "+49",
        "accepted_at": draw.chance.choice([0.0, *NASTY]),
        "event": draw.spoilt(event) if draw.odds(2) else event,
    }
    read = read_queued(_text(draw, queued))
    _is(isinstance(read.id, str) and isinstance(read.type, str), "an event has an id and a type")


def _queued_failure(draw: Draw) -> None:
    failure = draw.spoilt({"consumer_id": "+49", "event_id": "m-1", "reason": "x", "message": "y"})
    told = {"account_id": ACCOUNT, "type": "connector.EventFailed", "failure": failure}
    read_failed(received(_text(draw, told)).json())


def _structured_content(draw: Draw) -> None:
    content = draw.spoilt(change(draw).get("event", {}).get("content"))
    text = fallback_text(content, draw.chance.choice([None, content, *NASTY]))
    _is(len(text) <= LONGEST, "a rendering is short")


def _long_text(draw: Draw) -> None:
    text = draw.text(most=3000) * draw.chance.choice([1, 1, 4])
    limit = draw.chance.choice([40, 300, 4000])
    parts = split_text(text, limit=limit)
    kept, whole = ([c for c in each if not is_blank(c)] for each in ("".join(parts), text))
    _is(kept == whole, "nothing that can be seen of a text is lost")
    _is(all(size(part) <= limit for part in parts), "no part is longer than LivePerson takes")
    _is(not any(map(is_blank, parts)), "no part is white space alone")


def _parameters(draw: Draw) -> None:
    text = _text(draw, {"client_id": "a", "client_secret": "b", "previous_client_secret": "c"})
    with suppress(ConnectorError):
        Credentials.parse(text, parameter="p")
    channel = {
        "callback_url": "https://channel.example",
        "signing_secret": SIGNING_SECRET,
        "callbacks": ["message"],
        "receipts": "automatic",
        "entry_point": ["https://a"],
    }
    ChannelSettings.parse(_text(draw, draw.spoilt(channel)), parameter="p")


def _tokens(draw: Draw) -> None:
    parts = (draw.word(9), "eyJhbGciOiJIUzI1NiJ9", "e30", "eyJhdWQiOltdfQ", "W10", "é", "")
    token = ".".join(draw.chance.choices(parts, k=draw.chance.randrange(5)))
    with suppress(ConnectorError):
        AppJwt.read(token, account_id=ACCOUNT)
    ConsumerJws.read(token)


def _addresses(draw: Draw) -> None:
    answer = draw.spoilt({"baseURIs": [{"service": "idp", "baseURI": "va.idp.liveperson.net"}]})
    for address in base_uris(answer).values():
        with suppress(ConnectorError):
            trusted(address)
    found = trusted(draw.chance.choice(["http://", "https://", ""]) + draw.text(most=30))
    _is(False, f"no secret is sent to {found}")


def _signatures(draw: Draw) -> None:
    algorithm, digest = parse(draw.chance.choice(["sha1=", "sha256=", ""]) + draw.text(most=70))
    _is(len(digest) == {"sha1": 20, "sha256": 32}[algorithm], "a digest has its length")


_CHECKS: tuple[Callable[[Draw], None], ...] = (
    _queued_notification,
    _queued_notification,
    _queued_event,
    _queued_failure,
    _structured_content,
    _long_text,
    _parameters,
    _tokens,
    _addresses,
    _signatures,
)


def _text(draw: Draw, value: Any) -> str:
    written = draw.json(value)
    whole = draw.torn(written) if draw.odds(3) else written
    return whole.decode("utf-8", "surrogateescape" if draw.odds(4) else "replace")


def _can_be_sent(content: object) -> None:
    json.dumps(content).encode()


def _is(holds: bool, promise: str) -> None:
    if not holds:
        raise Broken(promise)
