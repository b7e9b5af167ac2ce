"""One event of each kind, as Lambda hands it to its function; none is like another."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any

from liveperson_connector.domain.queue_messages import stable_id
from liveperson_connector.liveperson.notifications import MESSAGING_EVENT, Change, to_queue
from tests.support.accounts import ACCOUNT
from tests.support.messages import queued_event, text_event
from tests.support.webhooks import message_change, notification, signed_webhook

from .world import READY_CHANNEL, WEBHOOK_SECRET, consumer_id, conversation_id, key_of

TEXT = "Where is my parcel? It was to come on Tuesday, and the neighbours know nothing of it."

_numbers = itertools.count(1)
"""A repeat would be ignored, and cost less."""


def posted(consumer: int) -> dict[str, Any]:
    """Let the channel post what a consumer wrote."""
    return {
        "headers": {"x-api-key": "the gateway has checked it"},
        "httpMethod": "POST",
        "pathParameters": {"account_id": ACCOUNT, "proxy": f"{consumer_id(consumer)}/events"},
        "body": json.dumps(_text_event()),
        "isBase64Encoded": False,
        "requestContext": {"extendedRequestId": "1", "requestTimeEpoch": int(time.time() * 1000)},
    }


def provided(number: int) -> dict[str, Any]:
    """Let Telegram tell what a person wrote to a bot."""
    person = {"id": number, "is_bot": False, "first_name": "Ann"}
    message = {
        "message_id": number,
        "from": person,
        "chat": {"id": number, "type": "private"},
        "date": int(time.time()),
        "text": TEXT,
    }
    return {
        "headers": {"X-Telegram-Bot-Api-Secret-Token": WEBHOOK_SECRET},
        "httpMethod": "POST",
        "pathParameters": {"account_id": ACCOUNT, "name": READY_CHANNEL},
        "body": json.dumps({"update_id": number, "message": message}),
        "isBase64Encoded": False,
        "requestContext": {"extendedRequestId": "1", "requestTimeEpoch": int(time.time() * 1000)},
    }


def webhook(consumer: int) -> dict[str, Any]:
    """Let LivePerson tell what an agent wrote."""
    return signed_webhook(notification(_agents_change(consumer))).event()


def queued_text(consumer: int) -> dict[str, Any]:
    """Give what a consumer wrote, from its queue."""
    return _records(queued_event(_text_event(), consumer_id(consumer)), key_of(consumer))


def queued_change(consumer: int) -> dict[str, Any]:
    """Give what an agent wrote, from its queue."""
    change = Change(ACCOUNT, MESSAGING_EVENT, _agents_change(consumer))
    return _records(to_queue(change), conversation_id(consumer))


def _records(body: str, whose: str) -> dict[str, Any]:
    now = str(int(time.time() * 1000))
    record = {
        "messageId": f"message-{next(_numbers)}",
        "receiptHandle": "receipt",
        "body": body,
        "attributes": {
            "MessageGroupId": stable_id(ACCOUNT, whose),
            "ApproximateReceiveCount": "1",
            "SentTimestamp": now,
            "ApproximateFirstReceiveTimestamp": now,
        },
        "messageAttributes": {},
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:measured.fifo",
    }
    return {"Records": [record]}


def _text_event() -> dict[str, Any]:
    return text_event(f"m-{next(_numbers)}", TEXT)


def _agents_change(consumer: int) -> dict[str, Any]:
    return message_change(
        TEXT,
        sequence=10 + next(_numbers),
        conversation_id=conversation_id(consumer),
        serverTimestamp=int(time.time() * 1000),
    )
