"""
Events of API Gateway: good ones, good ones with one thing spoilt, and what strangers send.

Each comes with what is known of it because of how it was made; the rest is for ``promises``.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from liveperson_connector.channel.queued_events import TYPES
from liveperson_connector.domain.accounts import is_account_id
from liveperson_connector.liveperson.notifications import CONVERSATION_CHANGE, MESSAGING_EVENT
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET

from .functions import PREVIOUS_SECRET
from .values import MARK, NASTY, Draw

_ACCOUNT_HEADER = "X-LivePerson-Account-Id"
_CLIENT_HEADER = "X-LivePerson-Client-Id"
_SIGNATURE_HEADER = "X-LivePerson-Signature"

# An intake looks up at most twenty accounts that it does not know within half a minute, and turns
# others away until then. That is tested elsewhere; here strangers use these few.
STRANGERS = tuple(f"stranger{number}" for number in range(8))
NO_ACCOUNTS = (
    "",
    " ",
    "a b",
    "../42257269",
    "42257269/",
    "４２２５７２６９",
    "x" * 65,
    "\x00",
    "\ud800",
)

_EVENT_TYPES = ("ContentEvent", "RichContentEvent", "ChatStateEvent", "AcceptStatusEvent", "New")
_CONTENT_TYPES = ("text/plain", "hosted/file", "forms/secure-invitation", "new/kind")
_ROLES = ("ASSIGNED_AGENT", "MANAGER", "CONTROLLER", "CONSUMER", "READER", "NEW_ROLE")
# Far in the future: what is too old is not queued, whatever the day on which a test runs.
_TIMES = (4 * 10**12, 5 * 10**12)
_AUDIENCES = ("ALL", "AGENTS_AND_MANAGERS", "NEW_AUDIENCE")


@dataclass(frozen=True)
class Input:
    """An event, and what must come of it: ``changes`` of a good webhook, a good ``raw`` event."""

    event: Mapping[str, Any]
    changes: list[dict[str, Any]] | None = None
    raw: Mapping[str, Any] | None = None
    consumer_id: str = ""


# ── LivePerson's webhooks ──


def webhook(chance: Random) -> Input:
    """Draw a request to the webhook."""
    draw = Draw(chance)
    kind = chance.randrange(20)
    if kind < 6:
        changes, body = _notification(draw)
        return Input(_webhook_event(draw, body, _signed(draw, body)), changes=changes)
    if kind < 13:
        return Input(_spoilt_webhook(draw))
    if kind < 17:
        body = _strange_body(draw)
        return Input(_webhook_event(draw, body, _signed(draw, body)))
    body = _strange_body(draw) if draw.odds(2) else _notification(draw)[1]
    return Input(_odd(draw, _webhook_event(draw, body, _strangers_headers(draw, body))))


def change(draw: Draw) -> dict[str, Any]:
    """Draw a change of a messaging event as LivePerson tells it."""
    conversation = draw.word(12)
    event = {
        "type": draw.chance.choice(_EVENT_TYPES),
        "contentType": draw.chance.choice(_CONTENT_TYPES),
        "message": draw.chance.choice([draw.text(), _file(draw), None]),
        "content": _card(draw, 0),
        "quickReplies": draw.chance.choice([None, _card(draw, 1)]),
        "chatState": draw.chance.choice(["COMPOSING", "PAUSE", "NEW"]),
        "status": draw.chance.choice(["ACCEPT", "READ"]),
        "sequenceList": [0, draw.chance.randrange(99)],
    }
    told = {
        "sequence": draw.chance.randrange(10**6),
        "originatorId": draw.word(9),
        "originatorMetadata": {"id": draw.word(9), "role": draw.chance.choice(_ROLES)},
        "serverTimestamp": draw.chance.randrange(*_TIMES),
        "event": {name: value for name, value in event.items() if not draw.odds(4)},
        "conversationId": conversation,
        "dialogId": conversation if draw.odds(2) else draw.word(9),
        "messageAudience": draw.chance.choice(_AUDIENCES),
        "metadata": [{"type": "BotResponse"}],
    }
    kept = {"conversationId"}
    return {name: value for name, value in told.items() if name in kept or not draw.odds(9)}


def conversation_change(draw: Draw) -> dict[str, Any]:
    """Draw a change of a conversation."""
    details = {
        "participants": [{"id": draw.word(9), "role": draw.chance.choice(_ROLES)}],
        "state": draw.chance.choice(["OPEN", "CLOSE"]),
        "stage": draw.chance.choice(["OPEN", "CLOSE"]),
        "metaDataLastUpdateTs": draw.chance.randrange(*_TIMES),
        "skillId": draw.chance.choice([-1, "7", 12]),
        "closeReason": "AGENT",
        "dialogs": [
            {
                "dialogId": draw.word(9),
                "dialogType": draw.chance.choice(["MAIN", "POST_SURVEY", "OTHER"]),
                "state": draw.chance.choice(["OPEN", "CLOSE"]),
                "participantsDetails": [{"id": "a", "role": "ASSIGNED_AGENT", "state": "ACTIVE"}],
            }
        ],
    }
    kept = {name: value for name, value in details.items() if not draw.odds(6)}
    return {
        "type": draw.chance.choice(["UPSERT", "DELETE"]),
        "result": {"convId": draw.word(12), "conversationDetails": kept},
    }


def _file(draw: Draw) -> dict[str, Any]:
    return {"caption": draw.text(), "relativePath": f"/{draw.word(9)}.png", "fileType": "PNG"}


def _card(draw: Draw, depth: int) -> dict[str, Any]:
    kinds = ("vertical", "carousel", "text", "button", "image", "map", "datePicker", "checklist")
    inside = [_card(draw, depth + 1) for _ in range(draw.chance.randrange(3))] if depth < 3 else []
    return {
        "type": draw.chance.choice(kinds),
        "title": draw.text(most=40),
        "url": f"https://img.example/{draw.word(5)}",
        "elements": inside,
        "click": {"actions": [{"type": "publishText", "text": draw.text(most=20)}]},
        "minDate": draw.chance.choice([0, 1_700_000_000, 10**18, "soon"]),
    }


def _notification(draw: Draw) -> tuple[list[dict[str, Any]], bytes]:
    count = draw.chance.choice([1, 1, 1, 2, 3, 10, 11, 25]) if draw.odds(5) else 1
    about_conversations = draw.odds(3)
    changes = [
        conversation_change(draw) if about_conversations else change(draw) for _ in range(count)
    ]
    kind = CONVERSATION_CHANGE if about_conversations else MESSAGING_EVENT
    body = {"kind": "notification", "body": {"changes": changes}, "type": kind}
    return changes, draw.json(body)


def _strange_body(draw: Draw) -> bytes:
    changes, body = _notification(draw)
    act = draw.chance.randrange(6)
    if act == 0:
        return draw.noise(300)
    if act == 1:
        return draw.json(draw.chance.choice(NASTY))
    if act == 2:
        spoilt = {"type": MESSAGING_EVENT, "body": {"changes": draw.spoilt(changes)}}
        return draw.json(spoilt)
    if act == 3:
        kind = draw.chance.choice(NASTY)
        return draw.json({"type": kind, "body": draw.spoilt({"changes": changes})})
    if act == 4 and draw.odds(100):
        return body + b" " * draw.chance.choice([256 * 1024 - len(body), 256 * 1024 + 1, 10**6])
    return draw.torn(body)


def signature(secret: str, body: bytes, algorithm: str, encoding: str) -> str:
    """Sign a body as LivePerson's page says; written apart from the connector's own."""
    digest = hmac.new(secret.encode(), body, algorithm).digest()
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()
    return f"{algorithm}={text}"


def _signed(draw: Draw, body: bytes) -> dict[str, Any]:
    choose = draw.chance.choice
    secret = choose([CLIENT_SECRET, CLIENT_SECRET, PREVIOUS_SECRET])
    signed = signature(secret, body, choose(["sha1", "sha256"]), choose(["base64", "hex"]))
    headers = {
        _ACCOUNT_HEADER: ACCOUNT,
        _CLIENT_HEADER: CLIENT_ID,
        _SIGNATURE_HEADER: signed,
        "Content-Type": "application/json",
    }
    cases: list[Callable[[str], str]] = [str, str.lower, str.upper]
    case = draw.chance.choice(cases)
    return {case(name): value for name, value in headers.items()}


def _webhook_event(draw: Draw, body: bytes, headers: Mapping[str, Any]) -> dict[str, Any]:
    text, encoded = _as_gateway_text(draw, body)
    return {
        "resource": "/webhooks/liveperson",
        "path": "/webhooks/liveperson",
        "httpMethod": "POST",
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "pathParameters": None,
        "queryStringParameters": None,
        "body": text,
        "isBase64Encoded": encoded,
    }


def _as_gateway_text(draw: Draw, body: bytes) -> tuple[str, bool]:
    """Hand bytes over as API Gateway does: as text, or in Base64 where they are none."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
    return (base64.b64encode(body).decode(), True) if draw.odds(4) else (text, False)


def _spoilt_webhook(draw: Draw) -> dict[str, Any]:
    """Take a good webhook and change one thing of what is signed, or of what says who signed."""
    _, body = _notification(draw)
    headers = _signed(draw, body)
    name = draw.chance.choice([each for each in headers if "liveperson" in each.lower()])
    act = draw.chance.randrange(10)
    if act < 4:
        return _webhook_event(draw, _one_byte_changed(draw, body), headers)
    if act < 7:
        value = _one_character_changed(draw, headers[name])
        if name.lower() == _ACCOUNT_HEADER.lower() and is_account_id(value):
            value = draw.chance.choice(STRANGERS)
        return _webhook_event(draw, body, {**headers, name: value})
    if act == 7:
        rest = {each: value for each, value in headers.items() if each != name}
        return _webhook_event(draw, body, rest)
    if act == 8:
        _, other = _notification(draw)
        return _webhook_event(draw, body, {**_signed(draw, other)})
    wrong = signature(draw.chance.choice([ACCOUNT, "", "guess"]), body, "sha256", "base64")
    places = {each: wrong for each in headers if each.lower() == _SIGNATURE_HEADER.lower()}
    return _webhook_event(draw, body, {**headers, **places})


def _one_byte_changed(draw: Draw, body: bytes) -> bytes:
    place = draw.chance.randrange(len(body))
    flipped = bytes([body[place] ^ 1 << draw.chance.randrange(8)])
    changes: list[Callable[[], bytes]] = [
        lambda: body[:place] + flipped + body[place + 1 :],
        lambda: body[:place] + body[place + 1 :],
        lambda: body[:place] + b" " + body[place:],
        lambda: body + draw.chance.choice([b"\n", b" ", b"\x00"]),
        lambda: b"\xef\xbb\xbf" + body,
    ]
    return draw.chance.choice(changes)()


def _one_character_changed(draw: Draw, value: str) -> str:
    place = draw.chance.randrange(len(value))
    other = draw.chance.choice([*"aZ09+/=-_ \x00é\ud800", value[place].swapcase()])
    act = draw.chance.randrange(3)
    return value[:place] + ("" if act == 0 else other) + value[place + (act != 2) :]


def _strangers_headers(draw: Draw, body: bytes) -> dict[str, Any]:
    account = draw.chance.choice([ACCOUNT, *STRANGERS, *NO_ACCOUNTS])
    guesses = ("", "sha1=", "sha256=", "md5=AAAA", "sha1=" + "A" * 28, "sha1=" + "g" * 40, "=" * 30)
    signed = draw.chance.choice([*guesses, signature(draw.word(9), body, "sha1", "base64")])
    headers: dict[str, Any] = {
        _ACCOUNT_HEADER: account,
        _CLIENT_HEADER: draw.chance.choice([CLIENT_ID, "", "\ud800", draw.word(36)]),
        _SIGNATURE_HEADER: draw.chance.choice([signed, draw.text(), "sha256=" + "é" * 44]),
        "X-Forwarded-For": "127.0.0.1, ::1",
    }
    if draw.odds(3):
        headers[draw.chance.choice([*headers])] = None
    if draw.odds(5):
        headers[_SIGNATURE_HEADER.upper()] = draw.chance.choice(["", None, signed])
    return headers


def _odd(draw: Draw, event: dict[str, Any]) -> dict[str, Any]:
    """Let an event be as a proxy, a test tool or a stranger might make it."""
    oddities: dict[str, tuple[Any, ...]] = {
        "headers": (None, {}),
        "body": (None, "", "\ud800", "=", "QUJD", "QUJ", "é"),
        "isBase64Encoded": (True, False, None),
        "pathParameters": (None, {}, {"account_id": None}, {"proxy": ""}),
        "httpMethod": (None, "PUT", "OPTIONS", ""),
        "multiValueHeaders": (None, {"x": ["1", "2"]}),
    }
    for name, values in oddities.items():
        if draw.odds(6):
            event = {**event, name: draw.chance.choice(values)}
        elif draw.odds(30):
            event = {key: value for key, value in event.items() if key != name}
    return event


# ── The channel's consumer events ──


def channel(chance: Random) -> Input:
    """Draw a request to the channel API."""
    draw = Draw(chance)
    kind = chance.randrange(20)
    if kind < 6:
        raw, consumer_id = good_event(draw), consumer(draw)
        event = _channel_event(draw, draw.json(raw), ACCOUNT, consumer_id)
        return Input(event, raw=raw, consumer_id=consumer_id)
    consumer_id = consumer(draw)
    if kind < 13:
        body = draw.json(draw.spoilt(good_event(draw)))
        return Input(_channel_event(draw, body, ACCOUNT, consumer_id))
    if kind < 17:
        body = draw.torn(draw.json(good_event(draw)))
        return Input(_channel_event(draw, body, ACCOUNT, consumer_id))
    if kind < 19:
        account = draw.chance.choice([ACCOUNT, ACCOUNT, *STRANGERS, *NO_ACCOUNTS])
        body = draw.chance.choice([draw.noise(200), draw.json(good_event(draw)), _huge(draw)])
        return Input(_odd(draw, _strange_path(draw, _channel_event(draw, body, account, "+49"))))
    return Input(_odd(draw, _file_request(draw)))


def good_event(draw: Draw) -> dict[str, Any]:
    """Draw a consumer event that the contract accepts."""
    kind = draw.chance.choice(sorted(TYPES))
    raw: dict[str, Any] = draw.of_schema(f"ConsumerEvent{kind.capitalize()}")
    return raw


def consumer(draw: Draw) -> str:
    """Draw a channel's own id of a consumer."""
    known = ("+4915112345678", "a@example.com", "user/1?x=#y", "%2F", "😀", ".", "..", "/events")
    return draw.chance.choice([*known, MARK + draw.word(20)])


def _channel_event(draw: Draw, body: bytes, account: str, consumer_id: str) -> dict[str, Any]:
    text, encoded = _as_gateway_text(draw, body)
    place = quote(consumer_id.encode("utf-8", "surrogatepass"), safe="")
    owner = quote(account.encode("utf-8", "surrogatepass"), safe="")
    return {
        "resource": "/accounts/{account_id}/consumers/{proxy+}",
        "path": f"/accounts/{owner}/consumers/{place}/events",
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json", "x-api-key": "known to the gateway"},
        "pathParameters": {"account_id": owner, "proxy": f"{place}/events"},
        "body": text,
        "isBase64Encoded": encoded,
    }


def _strange_path(draw: Draw, event: dict[str, Any]) -> dict[str, Any]:
    proxies = (
        *("events", "/events", "//events", "a/events/", "a/event", "", "a/b/events", "%/events"),
        *("%ff/events", "%ED%A0%80/events", "\ud800/events", "%00/events", "a%2Fevents", None),
        *("é/events", "x" * 257 + "/events", "%F0%9F%98%80" * 100 + "/events", "a b/events"),
    )
    place = {**event["pathParameters"], "proxy": draw.chance.choice(proxies)}
    return {**event, "pathParameters": place}


def _file_request(draw: Draw) -> dict[str, Any]:
    ids = (
        "",
        "a" * 40,
        "../x",
        "%00",
        "%ff",
        "\ud800",
        "é",
        "x" * 2000,
        None,
        "a/b",
        draw.word(40),
    )
    owner = draw.chance.choice([ACCOUNT, *STRANGERS, *NO_ACCOUNTS, None])
    return {
        "httpMethod": "GET",
        "headers": None,
        "pathParameters": {"account_id": owner, "file_id": draw.chance.choice(ids)},
        "body": None,
        "isBase64Encoded": False,
    }


def _huge(draw: Draw) -> bytes:
    """Make something small that becomes something large, or something large; seldom."""
    if not draw.odds(40):
        return draw.json({"id": "a", "type": "text", "text": ["x"] * 40})
    count = draw.chance.choice([10_000, 100_000, 250_000])
    text = b'{"id":"a","type":"text","text":"a","x":['
    receipt = b'{"id":"a","type":"receipt","status":"read","sequences":['
    reply = b'{"id":"a","type":"reply","text":"a","to_sequence":1,"metadata":['
    long_name = b'{"id":"a","type":"text","text":"a","' + b"k" * 300_000 + b'":['
    bodies: list[Callable[[], bytes]] = [
        lambda: text + b'"\\ud800",' * (count // 3) + b"0]}",
        lambda: text + b"1e308," * (count // 3) + b"0]}",
        lambda: text + b"[]," * count + b"0]}",
        lambda: receipt + b'"",' * count + b"0]}",
        lambda: reply + b"{}," * count + b"0]}",
        lambda: long_name + b"0," * count + b"0]}",
        lambda: b'{"id":"a","type":"text","text":"' + "😀".encode() * (count // 2) + b'"}',
        lambda: b"x" * draw.chance.choice([800 * 1024, 800 * 1024 + 1, 3_000_000]),
        lambda: b'{"a":' * count,
    ]
    return draw.chance.choice(bodies)()
