"""What the soak's channel promises: the plan's faults, each once, and a note of every try."""

import json
import time
from collections.abc import Iterator

import pytest
import requests

from sandbox.channel.signature import sign
from sandbox.soak.channel import SoakChannel
from sandbox.soak.plan import PlannedFault

SECRET = "whsec_dGhlIHRlc3RzJyBvd24gc2lnbmluZyBrZXksIDMyIGI="
PLANNED_FAULTS = [
    PlannedFault("channel", "a1-1", "status", status=429, retry_after=2),
    PlannedFault("channel", "a1-1", "reset_before"),
    PlannedFault("channel", "a1-2", "lost_answer"),
]


@pytest.fixture(name="channel")
def _channel() -> Iterator[SoakChannel]:
    channel = SoakChannel(SECRET, PLANNED_FAULTS)
    channel.start()
    yield channel
    channel.stop()


def test_each_fault_strikes_its_own_words_once(channel: SoakChannel) -> None:
    busy = post(channel, "[a1-1] one")
    assert (429, "2") == (busy.status_code, busy.headers["retry-after"])
    with pytest.raises(requests.ConnectionError):
        post(channel, "[a1-1] one")
    assert 200 == post(channel, "[a1-1] one").status_code

    assert ["status", "reset_before", "ok"] == [each.met for each in channel.calls()]
    assert [False, False, True] == [each.taken for each in channel.calls()]


def test_what_is_lost_after_it_was_taken_is_taken(channel: SoakChannel) -> None:
    with pytest.raises(requests.ConnectionError):
        post(channel, "[a1-2] two")

    [call] = channel.calls()
    assert call.taken
    assert not call.known_taken


def test_only_what_is_signed_is_believed(channel: SoakChannel) -> None:
    assert 401 == post(channel, "[a1-3] three", secret="whsec_Zm9yZ2Vk").status_code

    [call] = channel.calls()
    assert call.met == "bad_signature"
    assert not call.taken


def test_it_can_be_down_and_be_calm_again(channel: SoakChannel) -> None:
    channel.down = True
    assert 503 == post(channel, "[a1-3] three").status_code
    channel.end_faults()
    assert 200 == post(channel, "[a1-1] one").status_code


def post(channel: SoakChannel, text: str, secret: str = SECRET) -> requests.Response:
    body = json.dumps({"type": "message", "content": {"type": "text", "text": text}}).encode()
    now = int(time.time())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign(secret, "msg_1", now, body),
    }
    return requests.post(channel.callback_url, data=body, headers=headers, timeout=10)
