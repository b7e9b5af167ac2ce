"""A webhook of another house: Slack's own framework, with its own signatures, on Lambda."""

import json
import logging
import os
import sys

from slack_bolt import App
from slack_bolt.adapter.aws_lambda import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult

from .clients import client

SlackRequestHandler.clear_all_log_handlers()
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
log = logging.getLogger("webhook")
sqs, ssm = client("sqs"), client("ssm")


def signing_secret():
    """Read the app's secret while the container starts, as Bolt wants it then."""
    name = f"{os.environ['PARAMETER_PREFIX']}/accounts/{os.environ['ACCOUNT_ID']}/credentials"
    answer = ssm.get_parameter(Name=name, WithDecryption=True)
    return json.loads(answer["Parameter"]["Value"])["client_secret"]


def authorize(team_id, **_):
    """Know the one workspace without asking Slack."""
    return AuthorizeResult(
        enterprise_id=None, team_id=team_id, bot_token="none", bot_id="B1", bot_user_id="U0"
    )


app = App(signing_secret=signing_secret(), authorize=authorize, process_before_response=True)


@app.event("message")
def message(body, event):
    """Queue what was said, in the order of its channel, once."""
    sqs.send_message(
        QueueUrl=os.environ["NOTIFICATIONS_QUEUE_URL"],
        MessageBody=json.dumps(body),
        MessageGroupId=event["channel"],
        MessageDeduplicationId=body["event_id"],
    )
    log.info(json.dumps({"message": "accepted", "team_id": body["team_id"]}))


requests = SlackRequestHandler(app)


def handler(event, context):
    """Let Bolt prove and dispatch it."""
    return requests.handle(event, context)
