"""The webhook with Powertools: event handler, logger, parameters, idempotency on DynamoDB."""

import base64
import hmac
import json
import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.exceptions import UnauthorizedError
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.parameters import SSMProvider

from .clients import CONFIG, client

app = APIGatewayRestResolver()
logger = Logger()
sqs = client("sqs")
parameters = SSMProvider(boto_config=CONFIG)
once = IdempotencyConfig(
    event_key_jmespath="[change.dialogId, change.sequence]",
    raise_on_no_idempotency_key=True,
    expires_after_seconds=5 * 24 * 3600,
)
table = DynamoDBPersistenceLayer(table_name="idempotency", boto_config=CONFIG)


@app.post("/webhooks/liveperson")
def webhook():
    """Prove, read, queue, answer."""
    headers, body = app.current_event.headers, app.current_event.decoded_body or ""
    account_id = headers["x-liveperson-account-id"]
    prove(account_id, headers["x-liveperson-signature"], body.encode())
    notification = json.loads(body)
    for change in notification["body"]["changes"]:
        queued = {"account_id": account_id, "type": notification["type"], "change": change}
        queue(queued=queued)
    logger.info("accepted", account_id=account_id, type=notification["type"])
    return {"status": "accepted"}


def prove(account_id, signature, body):
    """Refuse what LivePerson has not signed."""
    algorithm, _, text = signature.partition("=")
    if algorithm not in {"sha1", "sha256"}:
        raise UnauthorizedError("not signed")
    name = f"{os.environ['PARAMETER_PREFIX']}/accounts/{account_id}/credentials"
    credentials = parameters.get(name, max_age=300, decrypt=True, transform="json")
    expected = hmac.digest(credentials["client_secret"].encode(), body, algorithm)
    if not hmac.compare_digest(base64.b64encode(expected), text.encode()):
        raise UnauthorizedError("not signed")


@idempotent_function(data_keyword_argument="queued", persistence_store=table, config=once)
def queue(queued):
    """Send one change, in the order of its conversation, once."""
    change = queued["change"]
    sqs.send_message(
        QueueUrl=os.environ["NOTIFICATIONS_QUEUE_URL"],
        MessageBody=json.dumps(queued),
        MessageGroupId=change["conversationId"],
        MessageDeduplicationId=f"{change['dialogId']}:{change['sequence']}",
    )


@logger.inject_lambda_context
def handler(event, context):
    """Let the event handler find the route."""
    once.register_lambda_context(context)
    return app.resolve(event, context)
