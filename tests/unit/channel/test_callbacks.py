"""What a channel is told, how it is signed, and where it may be told at all."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from liveperson_connector.channel.callbacks import Callbacks, sign
from liveperson_connector.domain.errors import (
    ChannelRefused,
    ChannelUnavailable,
    MisconfiguredAccount,
)
from tests.support.accounts import SIGNING_SECRET, channel_settings
from tests.support.clocks import Clock
from tests.support.servers import Answer, HttpServer, serving

CALLBACK = {"type": "message", "content": {"type": "text", "text": "Grüße 👋"}}
KEY = channel_settings("https://channel.example").signing_key


def callbacks(clock: Clock | None = None, *, seconds: float = 13) -> Callbacks:
    """Post to channels on this machine."""
    return Callbacks(network="loopback", clock=clock or Clock(), seconds=seconds)


def told(server: HttpServer) -> int:
    """Tell the channel at ``server`` something."""
    return callbacks().post(channel_settings(f"{server.url}/cb"), "msg_1", CALLBACK)


# ── Signed ──


def test_published_vector_is_signed_as_published() -> None:
    """Standard Webhooks' own vector: its secret, id, time and body give its signature."""
    assert "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" == SIGNING_SECRET
    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == sign(
        KEY, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )


@pytest.mark.parametrize(
    ("message_id", "timestamp", "body"),
    [("msg_2", 1, b"{}"), ("msg_1", 2, b"{}"), ("msg_1", 1, b"{ }"), ("msg_1.1", 1, b"{}")],
)
def test_id_time_and_body_are_all_signed(message_id: str, timestamp: int, body: bytes) -> None:
    """None of the three can be exchanged."""
    assert sign(KEY, "msg_1", 1, b"{}") != sign(KEY, message_id, timestamp, body)


def test_callback_carries_its_signature(clock: Clock) -> None:
    """The channel can prove the bytes it got, with the three headers of the specification."""
    with serving(Answer(204, b"")) as server:
        callbacks(clock).post(channel_settings(f"{server.url}/cb?a=b"), "msg_1", CALLBACK)

    (request,) = server.requests
    assert "/cb?a=b" == request.target
    assert "application/json" == request.headers["content-type"]
    assert CALLBACK == request.json()
    assert ("msg_1", str(int(clock.now))) == (
        request.headers["webhook-id"],
        request.headers["webhook-timestamp"],
    )
    assert sign(KEY, "msg_1", int(clock.now), request.body) == request.headers["webhook-signature"]


def test_retry_has_the_same_id_and_its_own_time(clock: Clock) -> None:
    """The channel knows a repeat by its id, and an old recording by its time."""
    with serving(Answer()) as server:
        settings = channel_settings(server.url)
        post = callbacks(clock).post
        post(settings, "msg_1", CALLBACK)
        clock.pass_seconds(5)
        post(settings, "msg_1", CALLBACK)

    one, two = (request.headers for request in server.requests)
    assert one["webhook-id"] == two["webhook-id"]
    assert int(one["webhook-timestamp"]) + 5 == int(two["webhook-timestamp"])
    assert one["webhook-signature"] != two["webhook-signature"]


# ── Answered ──


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    """The channel has taken it."""
    with serving(Answer(status, b"")) as server:
        assert status == told(server)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 422, 499])
def test_answer_that_says_never_is_permanent(status: int) -> None:
    """410 Gone and other 4xx are not a matter of time."""
    with serving(Answer(status)) as server, pytest.raises(ChannelRefused) as refused:
        told(server)

    assert status == refused.value.http_status


@pytest.mark.parametrize("status", [300, 301, 302, 307, 308, 408, 425, 429, 500, 502, 503, 504])
def test_answer_that_says_not_now_is_tried_again(status: int) -> None:
    """Everything that is neither success nor never is retried, as long as asked."""
    answer = Answer(status, headers={"Retry-After": "7", "Location": "https://elsewhere.example"})
    with serving(answer) as server, pytest.raises(ChannelUnavailable) as later:
        told(server)

    assert (status, 7.0) == (later.value.http_status, later.value.retry_after)
    assert 1 == len(server.requests)


def test_error_shows_neither_words_nor_address() -> None:
    """What an operator reads in the log is what kind of failure it was."""
    with serving(lambda _request: None) as server, pytest.raises(ChannelUnavailable) as lost:
        callbacks().post(channel_settings(f"{server.url}/secret-path"), "msg_1", CALLBACK)

    assert "secret-path" not in str(lost.value)
    assert "Grüße" not in str(lost.value)


def test_connection_is_used_again() -> None:
    """A container keeps its connection to a channel."""
    with serving(Answer()) as server:
        post = callbacks().post
        for number in range(3):
            post(channel_settings(server.url), f"msg_{number}", CALLBACK)

    assert 1 == server.connections


def test_callback_is_plain_json() -> None:
    """Any JSON parser reads it, whatever it makes of text outside ASCII."""
    with serving(Answer()) as server:
        told(server)

    assert server.requests[0].body.isascii()
    assert CALLBACK == json.loads(server.requests[0].body)


# ── Where: see test_ssrf.py ──


def test_refused_address_is_never_called() -> None:
    """The check comes before the connection, and tells the operator what is wrong."""
    settings = replace(channel_settings("https://127.0.0.1:1/"), callback_url="https://127.0.0.1/")
    with pytest.raises(MisconfiguredAccount, match="public address"):
        Callbacks(network="public").post(settings, "msg_1", CALLBACK)


def test_words_are_not_sent_in_the_clear() -> None:
    """A public channel is called with https."""
    with serving(Answer()) as server, pytest.raises(MisconfiguredAccount, match="https"):
        Callbacks(network="public").post(channel_settings(server.url), "msg_1", CALLBACK)

    assert 0 == server.connections


def test_host_that_does_not_exist_may_come_back() -> None:
    """Its owner may mend it, and no callback is lost meanwhile."""
    settings = replace(channel_settings("https://x/"), callback_url="https://nobody.invalid/cb")
    with pytest.raises(ChannelUnavailable, match="does not exist") as unavailable:
        Callbacks(network="public").post(settings, "msg_1", CALLBACK)

    assert not unavailable.value.maybe_done


@pytest.mark.parametrize(
    "url", ["https://channel.example\\.b.example/", "https://a b.example/", "https://a.example:0/"]
)
def test_what_can_never_be_called_is_the_operators_to_mend(url: str) -> None:
    """The parameter has to be written anew; the error does not repeat what may be a secret."""
    settings = replace(channel_settings("https://x/"), callback_url=url)
    with pytest.raises(MisconfiguredAccount, match="callback_url cannot be called") as wrong:
        Callbacks(network="public").post(settings, "msg_1", CALLBACK)

    assert url not in str(wrong.value)


def test_user_name_and_password_of_the_address_are_sent_as_such() -> None:
    """With the usual header, whatever characters they have."""
    with serving(Answer()) as server:
        url = server.url.replace("http://", "http://user:p%40ss%2Fw@")
        callbacks().post(replace(channel_settings(server.url), callback_url=url), "m", CALLBACK)

    given = server.requests[0].headers["authorization"]
    assert b"user:p@ss/w" == base64.b64decode(given.removeprefix("Basic "))
    assert "/" == server.requests[0].path
