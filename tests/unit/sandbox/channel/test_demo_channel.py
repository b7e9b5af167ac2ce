"""What the demo channel promises to the connector, and to whoever looks into it."""

import json
import time
from collections.abc import Iterator

import pytest
import requests

from sandbox.channel import ChannelControl, DemoChannel, Fault
from sandbox.channel.signature import sign

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = {"type": "message", "content": {"type": "text", "text": "Grüße 👋"}}


@pytest.fixture(name="channel")
def _channel() -> Iterator[DemoChannel]:
    channel = DemoChannel(SECRET)
    channel.start()
    yield channel
    channel.stop()


@pytest.fixture(name="control")
def _control(channel: DemoChannel) -> ChannelControl:
    return ChannelControl(channel.url)


def deliver(
    channel: DemoChannel, webhook_id: str = "w-1", *, secret: str = SECRET, body: object = MESSAGE
) -> requests.Response:
    """Deliver a callback as the connector does."""
    raw, now = json.dumps(body).encode(), int(time.time())
    headers = {
        "Webhook-Id": webhook_id,
        "Webhook-Timestamp": str(now),
        "Webhook-Signature": sign(secret, webhook_id, now, raw),
    }
    return requests.post(channel.callback_url, data=raw, headers=headers, timeout=5)


def test_a_signed_callback_is_accepted_and_kept(
    channel: DemoChannel, control: ChannelControl
) -> None:
    """It is answered 200 and can be seen, as it was sent."""
    assert deliver(channel).status_code == 200

    [seen] = control.callbacks()
    assert (seen.body, seen.webhook_id, seen.problem, seen.accepted) == (MESSAGE, "w-1", "", True)


def test_callbacks_are_kept_in_order_of_arrival(
    channel: DemoChannel, control: ChannelControl
) -> None:
    """The inspection API shows them numbered from one."""
    for name in ("first", "second", "third"):
        deliver(channel, name)

    assert [(each.number, each.webhook_id) for each in control.callbacks()] == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]


def test_a_forged_callback_is_refused_but_shown(
    channel: DemoChannel, control: ChannelControl
) -> None:
    """It is answered 401, and what was wrong with it can be seen."""
    assert deliver(channel, secret="whsec_b3RoZXI=").status_code == 401

    [seen] = control.callbacks()
    assert not seen.accepted
    assert "signature" in seen.problem


def test_a_signed_callback_that_is_no_json_object_is_refused(channel: DemoChannel) -> None:
    """It is answered 400."""
    assert deliver(channel, body=["a list"]).status_code == 400


def test_a_second_delivery_of_the_same_callback_is_noted(channel: DemoChannel) -> None:
    """The same webhook-id after it was accepted is a duplicate."""
    deliver(channel, "again")
    deliver(channel, "again")

    assert [each.duplicate for each in channel.callbacks()] == [False, True]


def test_a_retry_after_a_failure_is_no_duplicate(channel: DemoChannel) -> None:
    """What was refused and comes again comes for the first time."""
    channel.add_fault(Fault(status=503))

    assert [deliver(channel).status_code for _ in range(2)] == [503, 200]
    assert [each.duplicate for each in channel.callbacks()] == [False, False]


def test_a_fault_shows_as_often_as_asked(channel: DemoChannel, control: ChannelControl) -> None:
    """Faults set over HTTP take effect for so many callbacks, then the channel behaves."""
    control.add_fault(Fault(status=500, times=2))

    assert [deliver(channel, f"w-{n}").status_code for n in range(3)] == [500, 500, 200]


def test_faults_can_be_taken_back(channel: DemoChannel, control: ChannelControl) -> None:
    """After that the channel behaves."""
    control.add_fault(Fault(status=500, times=100))
    control.clear_faults()

    assert deliver(channel).status_code == 200


def test_a_cut_connection_gives_no_answer(channel: DemoChannel) -> None:
    """The caller cannot know whether the callback arrived; it did, and was not accepted."""
    channel.add_fault(Fault(reset=True))

    with pytest.raises(requests.ConnectionError):
        deliver(channel)
    assert [(each.status, each.accepted) for each in channel.callbacks()] == [(0, False)]


def test_a_late_answer_is_late(channel: DemoChannel) -> None:
    """The answer comes after the delay."""
    channel.add_fault(Fault(delay=0.2))

    assert deliver(channel).elapsed.total_seconds() >= 0.2


def test_what_arrived_can_be_forgotten(channel: DemoChannel, control: ChannelControl) -> None:
    """The list is empty afterwards; a repeat of what was accepted is still a duplicate."""
    deliver(channel, "once")
    control.clear_callbacks()
    deliver(channel, "once")

    assert [each.duplicate for each in control.callbacks()] == [True]


@pytest.mark.parametrize("fault", [{"colour": "red"}, ["list"], "text"])
def test_an_unknown_fault_is_refused(channel: DemoChannel, fault: object) -> None:
    """A misspelled fault is said to be one."""
    answer = requests.post(f"{channel.url}/channel/faults", json=fault, timeout=5)

    assert answer.status_code == 400


def test_a_body_beyond_reason_is_refused(channel: DemoChannel) -> None:
    """Nothing so large is read, let alone kept."""
    answer = requests.post(channel.callback_url, headers={"content-length": "9999999"}, timeout=5)

    assert answer.status_code == 413


def test_a_stopped_channel_answers_nobody() -> None:
    """Not even on a connection that is still open."""
    channel = DemoChannel(SECRET)
    channel.start()
    with requests.Session() as session:
        session.get(f"{channel.url}/channel/callbacks", timeout=5)
        channel.stop()

        with pytest.raises(requests.ConnectionError):
            session.get(f"{channel.url}/channel/callbacks", timeout=5)


def test_a_channel_that_never_started_can_be_stopped() -> None:
    """Stopping is always safe."""
    DemoChannel(SECRET).stop()
