"""The least that is honest: prove the bytes, read them, send one message."""

import base64
import hmac
import json
import os

from .clients import client

sqs, ssm = client("sqs"), client("ssm")
credentials = {}


def handler(event, context):
    """Answer 200 for what is signed and queued, otherwise 401."""
    headers, body = event["headers"], event["body"].encode()
    secret = client_secret(headers["x-liveperson-account-id"])
    algorithm, _, signature = headers["x-liveperson-signature"].partition("=")
    expected = hmac.digest(secret.encode(), body, algorithm)
    if not hmac.compare_digest(base64.b64decode(signature, validate=True), expected):
        return {"statusCode": 401, "body": ""}
    (change,) = json.loads(body)["body"]["changes"]
    sqs.send_message(
        QueueUrl=os.environ["NOTIFICATIONS_QUEUE_URL"],
        MessageBody=event["body"],
        MessageGroupId=change["conversationId"],
        MessageDeduplicationId=f"{change['dialogId']}:{change['sequence']}",
    )
    return {"statusCode": 200, "body": ""}


def client_secret(account_id):
    """Read an account's secret once."""
    if account_id not in credentials:
        name = f"{os.environ['PARAMETER_PREFIX']}/accounts/{account_id}/credentials"
        answer = ssm.get_parameter(Name=name, WithDecryption=True)
        credentials[account_id] = json.loads(answer["Parameter"]["Value"])["client_secret"]
    return credentials[account_id]
