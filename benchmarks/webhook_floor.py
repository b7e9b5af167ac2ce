"""The least that is honest of the webhook intake: prove the bytes, read them, send one message."""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

# It waits no longer and tries no oftener than our own clients.
_CONFIG = Config(
    connect_timeout=0.5, read_timeout=1.5, retries={"mode": "standard", "total_max_attempts": 1}
)

# What our own clients leave out.
_LEAN = Config(user_agent="floor", parameter_validation=False)


def webhook_floor(*, lean: bool) -> Callable[[Mapping[str, Any]], int]:
    """
    Return a handler with clients of its own: it takes an event and returns the status.

    Its clients are as boto3 makes them, or ``lean``, as ours are.
    """
    config = _CONFIG.merge(_LEAN) if lean else _CONFIG
    sqs: Any = boto3.client("sqs", config=config)
    ssm: Any = boto3.client("ssm", config=config)
    secrets: dict[str, str] = {}

    def client_secret(account_id: str) -> str:
        if account_id not in secrets:
            name = f"{os.environ['PARAMETER_PREFIX']}/accounts/{account_id}/credentials"
            answer = ssm.get_parameter(Name=name, WithDecryption=True)
            secrets[account_id] = json.loads(answer["Parameter"]["Value"])["client_secret"]
        return secrets[account_id]

    def handle(event: Mapping[str, Any]) -> int:
        headers, body = event["headers"], event["body"].encode()
        secret = client_secret(headers["x-liveperson-account-id"])
        algorithm, _, signature = headers["x-liveperson-signature"].partition("=")
        expected = hmac.digest(secret.encode(), body, algorithm)
        if not hmac.compare_digest(base64.b64decode(signature, validate=True), expected):
            return 401
        (change,) = json.loads(body)["body"]["changes"]
        sqs.send_message(
            QueueUrl=os.environ["NOTIFICATIONS_QUEUE_URL"],
            MessageBody=event["body"],
            MessageGroupId=change["conversationId"],
            MessageDeduplicationId=f"{change['dialogId']}:{change['sequence']}",
        )
        return 200

    return handle
