"""
Real callbacks, judged by the reference library of Standard Webhooks.

A channel may verify with any library of https://www.standardwebhooks.com. This is the Python one,
over HTTP as a channel has it: the headers and the bytes that `channel_delivery` posted.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from mypy_boto3_s3 import S3Client
from standardwebhooks import Webhook, WebhookVerificationError

from connector_cli.partners import ping
from liveperson_connector.channel import contract
from liveperson_connector.channel.ssrf import LOOPBACK
from tests.support.accounts import ACCOUNT, SIGNING_SECRET, channel_settings
from tests.support.harness import Bench
from tests.support.servers import Answer, Request, serving

BUCKET = "agents-files-of-the-signature-tests"
OTHER_SECRET = "whsec_" + base64.b64encode(b"another secret, made up as well!").decode()
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(92)).decode()
CARD = {
    "type": "RichContentEvent",
    "content": {"type": "vertical", "elements": [{"type": "text", "text": "Überschrift 🥨"}]},
}
CHOICES = {
    "type": "ContentEvent",
    "contentType": "text/plain",
    "message": "Which one?",
    "quickReplies": {
        "type": "quickReplies",
        "itemsPerRow": 8,
        "replies": [
            {
                "type": "button",
                "title": "Yes",
                "click": {"actions": [{"type": "publishText", "text": "Yes"}]},
            }
        ],
    },
}


@pytest.fixture(name="callbacks")
def _callbacks(
    bench: Bench, s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[Request]]:
    """Let everything happen that a channel is told of; give what it was posted."""
    s3.create_bucket(Bucket=BUCKET)
    monkeypatch.setenv("FILES_BUCKET", BUCKET)
    with serving(Answer()) as channel:
        bench.write("channel", {"callback_url": channel.url, "signing_secret": SIGNING_SECRET})
        bench.new_containers()
        everything_happens(bench)
        ping(channel_settings(channel.url), ACCOUNT, LOOPBACK)
        yield list(channel.requests)


def everything_happens(bench: Bench) -> None:
    """Play a conversation with every kind of message, state and failure."""
    liveperson = bench.liveperson
    bench.say("Hello")
    talk = bench.conversation_id
    liveperson.agent_joins(ACCOUNT, talk)
    liveperson.agent_typing(ACCOUNT, talk)
    liveperson.agent_text(ACCOUNT, talk, 'Grüß Gott 👋 "quoted" & <tagged> \\ \u2028 end')
    liveperson.agent_event(ACCOUNT, talk, CARD)
    liveperson.agent_event(ACCOUNT, talk, CHOICES)
    liveperson.agent_file(ACCOUNT, talk, PICTURE, caption="a picture")
    liveperson.agent_receipt(ACCOUNT, talk, [0])
    bench.run()
    refusal = {"code": "BAD_REQUEST", "body": {"msg": "no such thing"}}
    liveperson.add_fault(service="send", kind="status", status=400, body=refusal, match="never")
    bench.say("never")
    for _ in range(4):
        bench.pass_seconds(5)
    for skill in ("4711", "4712"):  # the first one is no transfer
        liveperson.transfer(ACCOUNT, talk, skill)
        bench.run()
    liveperson.close(ACCOUNT, talk)
    bench.run()


def kinds() -> set[str]:
    """List the types of callbacks that the contract has, messages by content, and the trial's."""
    schemas = json.loads(Path(contract.__file__).with_name("contract.json").read_text())
    types, contents = (
        set(schemas["components"]["schemas"][name]["discriminator"]["mapping"])
        for name in ("Callback", "Content")
    )
    return (types - {"message"}) | {f"message: {each}" for each in contents} | {"ping"}


def kind(callback: Mapping[str, Any]) -> str:
    content = callback.get("content", {})
    return f"message: {content['type']}" if content else str(callback["type"])


def test_every_kind_of_callback_is_verified(callbacks: list[Request]) -> None:
    """By the reference library, which is given what arrived and nothing else."""
    channel = Webhook(SIGNING_SECRET)

    verified = [channel.verify(each.body, dict(each.headers)) for each in callbacks]

    assert kinds() == {kind(each) for each in verified}
    assert {"opened", "agent_joined", "transferred", "closed"} == {
        each["event"] for each in verified if each["type"] == "conversation"
    }


def spoilt(request: Request, other: Request) -> Iterator[tuple[dict[str, str], bytes]]:
    """Spoil one thing at a time: what a stranger, or a line in between, could do."""
    headers = dict(request.headers)
    now = int(headers["webhook-timestamp"])
    for seconds in (-301, 301):
        yield {**headers, "webhook-timestamp": str(now + seconds)}, request.body
    yield {**headers, "webhook-timestamp": str(now + 1)}, request.body
    yield {**headers, "webhook-id": other.headers["webhook-id"]}, request.body
    yield headers, other.body
    yield headers, request.body + b" "
    yield headers, request.body[:-1]
    signature = headers["webhook-signature"].removeprefix("v1,")
    yield {**headers, "webhook-signature": f"v1a,{signature}"}, request.body
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        without = {key: value for key, value in headers.items() if key != name}
        yield without, request.body


def test_what_was_changed_on_the_way_is_refused(callbacks: list[Request]) -> None:
    """Whatever it was, the library says no; so what it said yes to was really signed."""
    channel = Webhook(SIGNING_SECRET)
    for one, other in itertools.pairwise(callbacks):
        for headers, body in spoilt(one, other):
            with pytest.raises(WebhookVerificationError):
                channel.verify(body, headers)


def test_another_channels_secret_verifies_nothing(callbacks: list[Request]) -> None:
    """Each brand's channel has its own."""
    stranger = Webhook(OTHER_SECRET)
    for each in callbacks:
        with pytest.raises(WebhookVerificationError):
            stranger.verify(each.body, dict(each.headers))
