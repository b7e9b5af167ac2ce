"""The demo channel believes a callback only if its Standard Webhooks signature is right."""

import time
from typing import Any

import pytest

from sandbox.channel.signature import NotTrusted, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'


def headers(moment: int) -> dict[str, str]:
    """Give the headers of a callback that was sent at a moment."""
    signature = sign(SECRET, "msg_1", moment, BODY)
    return {"webhook-id": "msg_1", "webhook-timestamp": f"{moment}", "webhook-signature": signature}


def test_what_is_signed_is_believed() -> None:
    """By the specification's own example, and by the clock."""
    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == (
        sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY)
    )
    verify(SECRET, headers(int(time.time())), BODY)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": "soon"},
        {"webhook-signature": "v1,ünsinn"},
        {"webhook-signature": "no version"},
        headers(int(time.time()) - 3600),
    ],
)
def test_what_is_not_signed_so_is_not_trusted(spoilt: dict[str, Any]) -> None:
    """Whatever a header says, it is an answer and no failure."""
    with pytest.raises(NotTrusted):
        verify(SECRET, {**headers(int(time.time())), **spoilt}, BODY)


def test_a_changed_body_is_not_trusted() -> None:
    """One changed byte is enough, and one that is no text."""
    for body in (BODY + b" ", b"\xff"):
        with pytest.raises(NotTrusted):
            verify(SECRET, headers(int(time.time())), body)
