"""
What must hold for every input, however it was made.

Who is authentic is decided here a second time, from LivePerson's pages and with the standard
library alone, so that a mistake in the connector does not hide in the test.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from liveperson_connector.channel.queued_events import read_queued
from liveperson_connector.flows.webhook_intake import MAX_BODY_BYTES
from liveperson_connector.liveperson.notifications import (
    CLAIM_ATTRIBUTE,
    read_change,
    read_queued_change,
)
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET

from .functions import (
    CONSUMER_EVENTS,
    NOTIFICATIONS,
    NOTIFICATIONS_DEAD_LETTERS,
    PREVIOUS_SECRET,
    Functions,
    Queued,
)
from .inputs import Input
from .values import MARK

# Lambda gives no more than 6 MB back; a small part of that is enough for every problem.
MOST_ANSWER_BYTES = 256 * 1024

# CloudWatch cuts a log line that is longer.
MOST_LOG_BYTES = 256 * 1024

MOST_SECONDS = 1.5
_TRIES = 3

_REFUSALS = {
    400: {"invalid_event"},
    401: {"untrusted_webhook"},
    404: {"unknown_account", "no_such_route", "no_such_file"},
    413: {"too_large"},
}
_SECRETS = (CLIENT_SECRET, PREVIOUS_SECRET, SIGNING_SECRET, MARK)
_INSIDE = ("Traceback", "Error", "boto", ".py", "arn:aws", "sqs.us-east-1", "/fuzz/accounts")


class Broken(AssertionError):
    """A promise that an input broke."""


class Late(Broken):
    """An answer that took too long, perhaps because the machine was busy."""


def _must(holds: bool, promise: str, shown: object = "") -> None:
    if not holds:
        raise Broken(f"{promise}: {str(shown)[:600]}" if shown != "" else promise)


def in_time(functions: Functions, check: Callable[[], str]) -> str:
    """
    Run a check that has to end soon, and return what it found.

    LivePerson waits 2.5 s, and our own deadline is before that. Processor time is measured, since
    on a busy machine the wall clock tells of others. For the same reason an answer that was late by
    the wall clock, and so became a 503, is tried again.
    """
    for tries_left in reversed(range(_TRIES)):
        began = time.process_time()
        try:
            outcome = check()
            _must(time.process_time() - began < MOST_SECONDS, "an answer comes in time")
            return outcome
        except Late:
            functions.settle()
            functions.since()
            if not tries_left:
                raise
    raise AssertionError("unreachable")


def check_webhook(functions: Functions, given: Input) -> str:
    """Let the webhook intake answer, check everything, and say what came of it."""
    answer = functions.webhook(given.event)
    queued, refused, log = functions.since()
    status = _check_answer(answer, refused, log)
    body = proved(given.event)
    if body is None or len(body) > MAX_BODY_BYTES:
        _must(status in {400, 401, 413}, "only what LivePerson signed passes", answer)
        _must(not queued, "what is refused is not queued", queued)
        return f"refused {status}"
    _must(status == 200, "what LivePerson signed is answered 200", answer)
    if given.changes is not None:
        told = [
            json.loads(each.body)["change"]
            for each in queued
            if CLAIM_ATTRIBUTE not in each.attributes
        ]
        _must(told == given.changes, "every change is queued as it came, in order", queued)
        claims = [json.loads(each.body)["change"] for each in queued[: -len(told)]]
        _must(all(each in told for each in claims), "a claim is made of a change", claims)
    return _check_webhook_queued(queued, body)


def _check_webhook_queued(queued: list[Queued], body: bytes) -> str:
    dead = [each for each in queued if each.queue == NOTIFICATIONS_DEAD_LETTERS]
    for each in dead:
        _must(each.attributes.get("reason") == "unreadable", "a dead letter says why")
        kept = json.loads(each.body)
        if "body_base64" in kept:
            _must(len(queued) == 1, "a body that can't be read is one dead letter", queued)
            _must(base64.b64decode(kept["body_base64"]) == body, "it has the bytes", kept)
        else:
            change = read_change(kept["account_id"], kept["type"], kept["change"])
            _must(not change.conversation_id, "only what can't be read is a dead letter", kept)
    for each in queued:
        if each not in dead:
            _must(each.queue == NOTIFICATIONS, "notifications go to their queue", each)
            told = read_queued_change(json.loads(each.body))
            _must(told.account_id == ACCOUNT, "an account's changes are its own", each)
    return "kept as unreadable" if dead else "queued"


def check_channel(functions: Functions, given: Input) -> str:
    """Let the channel API answer, check everything, and say what came of it."""
    answer = functions.channel(given.event)
    queued, refused, log = functions.since()
    status = _check_answer(answer, refused, log)
    if status != 202:
        _must(status in {400, 404, 413}, "what is not taken is refused", answer)
        _must(given.raw is None, "what the contract allows is taken", answer)
        _must(not queued, "what is refused is not queued", queued)
        return f"refused {status}"
    _must(len(queued) == 1, "an event that is taken is queued once", queued)
    _must(queued[0].queue == CONSUMER_EVENTS, "events go to their queue", queued)
    event = read_queued(queued[0].body)
    _must(event.account_id == ACCOUNT, "an event is its account's", event)
    said = {"id": event.id, "status": "accepted"}
    _must(json.loads(answer["body"]) == said, "a 202 names the event", answer)
    event.consumer_id.encode()  # what is taken can be sent on
    json.dumps(event.raw, ensure_ascii=False).encode()
    if given.raw is not None:
        _must(event.raw == given.raw, "an event is queued as it came", queued)
        _must(event.consumer_id == given.consumer_id, "an event is its consumer's", event)
    return "queued"


def _check_answer(answer: Mapping[str, Any], refused: list[str], log: str) -> int:
    status: int = answer["statusCode"]
    _must(not refused, "SQS takes what is sent to it", refused)
    if status == 503:
        raise Late(f"no 5xx: {answer} {log[:800]}")
    _must(status < 500, "no 5xx", f"{answer} {log[:800]}")
    text = answer["body"]
    _must(len(text) <= MOST_ANSWER_BYTES, "an answer is small", f"{len(text)} bytes")
    document = json.loads(text)
    json.dumps(answer).encode()
    if status >= 400:
        _must(document["error"] in _REFUSALS[status], "a refusal says one word", document)
        _must(set(document) <= {"error", "problems"}, "a refusal says no more", document)
        for word in _INSIDE:
            _must(word not in text, "an answer shows nothing of the inside", text)
    if status == 202 and MARK in document["id"]:
        log, text = (each.replace(document["id"], "") for each in (log, text))
    for secret in _SECRETS:
        _must(secret not in text, "an answer repeats nothing private", text)
        _must(secret not in log, "a log line has nothing private", log)
    for line in log.splitlines():
        _must(len(line) <= MOST_LOG_BYTES, "a log line is whole", f"{len(line)} bytes")
        json.loads(line)
    return status


# ── Who is LivePerson ──


def proved(event: Mapping[str, Any]) -> bytes | None:
    """Return the body if the account's own signature stands on it, else none."""
    body = _body(event)
    headers = {
        name.lower(): value
        for name, value in (event.get("headers") or {}).items()
        if isinstance(value, str)
    }
    if body is None or headers.get("x-liveperson-account-id") != ACCOUNT:
        return None
    if headers.get("x-liveperson-client-id") != CLIENT_ID:
        return None
    algorithm, _, text = headers.get("x-liveperson-signature", "").strip().partition("=")
    known: dict[str, Callable[..., Any]] = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
    make = known.get(algorithm)
    if make is None:
        return None
    digests = [
        hmac.new(secret.encode(), body, make).digest()
        for secret in (CLIENT_SECRET, PREVIOUS_SECRET)
    ]
    return body if any(_spells(text, digest) for digest in digests) else None


def _spells(text: str, digest: bytes) -> bool:
    """Whether a text is a digest: in hexadecimal, or in Base64, whose last bits may be anything."""
    if text.lower() == digest.hex():
        return True
    try:
        return base64.b64decode(text, validate=True) == digest
    except (binascii.Error, ValueError):
        return False


def _body(event: Mapping[str, Any]) -> bytes | None:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None
