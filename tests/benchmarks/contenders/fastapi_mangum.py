"""The webhook as a FastAPI application behind Mangum."""

import base64
import hmac
import json
import logging
import os
import sys
from functools import cache
from typing import Annotated

from fastapi import FastAPI, Header, HTTPException, Request
from mangum import Mangum
from pydantic import BaseModel, ValidationError

from .clients import client

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s", force=True)
log = logging.getLogger("webhook")
sqs, ssm = client("sqs"), client("ssm")


class Change(BaseModel, extra="allow"):
    """A change, of which only what is needed here is checked."""

    conversationId: str  # noqa: N815
    dialogId: str  # noqa: N815
    sequence: int


class Changes(BaseModel):
    """What happened."""

    changes: list[Change]


class Notification(BaseModel):
    """What LivePerson posts."""

    type: str
    body: Changes


app = FastAPI()


@app.post("/webhooks/liveperson")
async def webhook(
    request: Request,
    account_id: Annotated[str, Header(alias="x-liveperson-account-id")],
    signature: Annotated[str, Header(alias="x-liveperson-signature")],
) -> dict[str, str]:
    """Prove, read, queue, answer."""
    body = await request.body()
    prove(account_id, signature, body)
    try:
        notification = Notification.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(400, "not a notification") from error
    for change in notification.body.changes:
        queue(account_id, notification.type, change)
    log.info(
        json.dumps({"message": "accepted", "account_id": account_id, "type": notification.type})
    )
    return {"status": "accepted"}


def prove(account_id: str, signature: str, body: bytes) -> None:
    """Refuse what LivePerson has not signed."""
    algorithm, _, text = signature.partition("=")
    if algorithm not in {"sha1", "sha256"}:
        raise HTTPException(401)
    expected = hmac.digest(client_secret(account_id).encode(), body, algorithm)
    if not hmac.compare_digest(base64.b64encode(expected), text.encode()):
        raise HTTPException(401)


@cache
def client_secret(account_id: str) -> str:
    """Read an account's secret once."""
    name = f"{os.environ['PARAMETER_PREFIX']}/accounts/{account_id}/credentials"
    answer = ssm.get_parameter(Name=name, WithDecryption=True)
    return str(json.loads(answer["Parameter"]["Value"])["client_secret"])


def queue(account_id: str, kind: str, change: Change) -> None:
    """Send one change, in the order of its conversation, once."""
    sqs.send_message(
        QueueUrl=os.environ["NOTIFICATIONS_QUEUE_URL"],
        MessageBody=json.dumps(
            {"account_id": account_id, "type": kind, "change": change.model_dump()}
        ),
        MessageGroupId=change.conversationId,
        MessageDeduplicationId=f"{change.dialogId}:{change.sequence}",
    )


handler = Mangum(app, lifespan="off")
