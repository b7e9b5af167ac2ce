"""The demo channel believes a callback only if its Standard Webhooks signature is right."""

import pytest

from sandbox.channel.signature import NotTrusted, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
NOW = 1614265330
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(NOW),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def test_the_published_example_is_believed() -> None:
    """The specification's own example verifies."""
    verify(SECRET, HEADERS, BODY, NOW)


def test_signing_gives_the_published_signature() -> None:
    """What we sign is what the specification signs."""
    signed = sign(SECRET, HEADERS["webhook-id"], NOW, BODY)

    assert HEADERS["webhook-signature"] == signed


def test_one_right_signature_among_several_is_enough() -> None:
    """While a secret is being changed, two signatures arrive; one must match."""
    both = "v1,d3Jvbmc= v2,x " + HEADERS["webhook-signature"]

    verify(SECRET, {**HEADERS, "webhook-signature": both}, BODY, NOW)


@pytest.mark.parametrize("name", HEADERS)
def test_a_missing_header_is_not_trusted(name: str) -> None:
    """Every one of the three headers is needed."""
    headers = {key: value for key, value in HEADERS.items() if key != name}

    with pytest.raises(NotTrusted, match=name):
        verify(SECRET, headers, BODY, NOW)


@pytest.mark.parametrize("off", [-301, 301])
def test_an_old_or_future_timestamp_is_not_trusted(off: int) -> None:
    """A callback recorded earlier cannot be played again after five minutes."""
    with pytest.raises(NotTrusted, match="timestamp"):
        verify(SECRET, HEADERS, BODY, NOW + off)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg_other"),
        ("webhook-timestamp", str(NOW + 1)),
        ("webhook-timestamp", "soon"),
        ("webhook-signature", "v1,bm90aGluZw=="),
        ("webhook-signature", "v1,ünsinn"),
        ("webhook-signature", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    ],
)
def test_a_changed_header_is_not_trusted(name: str, value: str) -> None:
    """The signature covers the id and the time, and carries its version."""
    with pytest.raises(NotTrusted):
        verify(SECRET, {**HEADERS, name: value}, BODY, NOW)


def test_a_changed_body_is_not_trusted() -> None:
    """One changed byte is enough."""
    with pytest.raises(NotTrusted, match="body"):
        verify(SECRET, HEADERS, BODY + b" ", NOW)


def test_a_secret_that_is_none_is_a_mistake_of_ours() -> None:
    """A secret that is not base64 is reported as such, not as a forged callback."""
    with pytest.raises(ValueError, match="base64"):
        sign("whsec_not base64!", "id", NOW, BODY)
