"""
Who may call our webhook.

The first two vectors are published by LivePerson (LivePersonInc/lp-demo-app-connector-api,
test/notifications.test.js); the third is ours, for text outside ASCII. The bodies in
tests/data/webhooks are signed to the byte: no editor may touch them.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveperson_connector.domain.accounts import Credentials
from liveperson_connector.domain.errors import UntrustedWebhook
from liveperson_connector.liveperson.signatures import (
    CLIENT_HEADER,
    SIGNATURE_HEADER,
    parse,
    sign,
    verify,
)
from tests.support.accounts import CLIENT_ID, CLIENT_SECRET, CREDENTIALS
from tests.support.webhooks import Webhook, signed_webhook

BODIES = Path(__file__).parents[2] / "data" / "webhooks"


@dataclass(frozen=True)
class Vector:
    """A body and its signatures in all four forms."""

    name: str
    sha1_base64: str
    sha1_hex: str
    sha256_base64: str
    sha256_hex: str

    @property
    def body(self) -> bytes:
        return (BODIES / f"{self.name}.json").read_bytes()

    @property
    def forms(self) -> list[str]:
        return [self.sha1_base64, self.sha1_hex, self.sha256_base64, self.sha256_hex]


PAUSE = Vector(
    "chat-state-pause",
    "sha1=e/TfS0wv1HbvEsMqcBMmFLcMslI=",
    "sha1=7bf4df4b4c2fd476ef12c32a70132614b70cb252",
    "sha256=PH84lxXVcKluSQQ3Fy8oaaZe1vDHZ3JZMNEQoQjUjsU=",
    "sha256=3c7f389715d570a96e490437172f2869a65ed6f0c767725930d110a108d48ec5",
)
CLOSED = Vector(
    "closed-by-consumer",
    "sha1=CKiT6u4nb4Mpi0tdbCbgBXKAF1E=",
    "sha1=08a893eaee276f83298b4b5d6c26e00572801751",
    "sha256=bcKJjIvTd3VYmQHR0dcqsI76LtNiHK5XiK5XTl6ZbhE=",
    "sha256=6dc2898c8bd37775589901d1d1d72ab08efa2ed3621cae5788ae574e5e996e11",
)
EMOJI = Vector(
    "emoji",
    "sha1=NZYgkSt92dJcNvEiCMb863FpwMg=",
    "sha1=359620912b7dd9d25c36f12208c6fceb7169c0c8",
    "sha256=XxyRbvHgWJ8jjVqxCK5ayeYkdT5TCND61tRMfSjtqHA=",
    "sha256=5f1c916ef1e0589f238d5ab108ae5ac9e624753e5308d0fad6d44c7d28eda870",
)
EVERY_FORM = [(vector, form) for vector in (PAUSE, CLOSED, EMOJI) for form in vector.forms]


def verified(
    body: bytes, signature: str, client_id: str = CLIENT_ID, known: Credentials = CREDENTIALS
) -> str:
    """Verify a body with the two headers that matter."""
    return verify(body, {CLIENT_HEADER: client_id, SIGNATURE_HEADER: signature}, known)


def check(webhook: Webhook, known: Credentials = CREDENTIALS) -> str:
    """Verify a webhook."""
    return verify(webhook.body, webhook.headers, known)


@pytest.mark.parametrize(("vector", "form"), EVERY_FORM)
def test_known_vectors_are_trusted_in_all_four_forms(vector: Vector, form: str) -> None:
    """SHA-1 or SHA-256, Base64 or hexadecimal: as the account is set up."""
    assert "current" == verified(vector.body, form)


@pytest.mark.parametrize(("vector", "form"), EVERY_FORM)
def test_signature_is_made_as_liveperson_makes_it(vector: Vector, form: str) -> None:
    """The simulator and the tests sign with the very mirror of what verifies."""
    algorithm, _, digest = form.partition("=")
    encoding = "base64" if digest.endswith("=") else "hex"

    assert form == sign(CLIENT_SECRET, vector.body, algorithm=algorithm, encoding=encoding)


@pytest.mark.parametrize("signature", [PAUSE.sha1_hex, PAUSE.sha256_hex])
def test_letters_of_a_hexadecimal_digest_may_be_large(signature: str) -> None:
    """7B is 7b."""
    algorithm, _, digest = signature.partition("=")

    assert "current" == verified(PAUSE.body, f"{algorithm}={digest.upper()}")


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("sha1=IXLmj6g7mZBTGVcEhhwJUXHARy4=", id="JSON written anew, with escapes"),
        pytest.param("sha1=VrNayN5W+AGGmX+98TWZRzBfRIw=", id="text encoded as ASCII"),
    ],
)
def test_what_others_compute_for_an_emoji_is_refused(signature: str) -> None:
    """The signature is over the raw bytes, and not over what a parser made of them."""
    with pytest.raises(UntrustedWebhook):
        verified(EMOJI.body, signature)


def test_emoji_written_anew_is_another_body() -> None:
    """A body that means the same is not the same."""
    anew = json.dumps(json.loads(EMOJI.body), separators=(",", ":")).encode()

    assert "sha1=IXLmj6g7mZBTGVcEhhwJUXHARy4=" == sign(CLIENT_SECRET, anew)
    with pytest.raises(UntrustedWebhook):
        verified(anew, EMOJI.sha1_base64)


def test_previous_secret_is_trusted_while_it_is_written() -> None:
    """A rotated secret loses no webhook, and it is told which one signed."""
    rotated = Credentials(CLIENT_ID, "the new one", CLIENT_SECRET)

    assert "previous" == check(signed_webhook(), rotated)
    assert "current" == check(signed_webhook(secret="the new one"), rotated)


def test_previous_secret_is_not_trusted_any_more() -> None:
    """Once the operator takes it out, it opens nothing."""
    with pytest.raises(UntrustedWebhook):
        check(signed_webhook(), Credentials(CLIENT_ID, "the new one"))


def test_another_apps_webhook_is_refused() -> None:
    """Secret and client id belong together."""
    with pytest.raises(UntrustedWebhook):
        check(signed_webhook(), replace(CREDENTIALS, client_id="another"))


@pytest.mark.parametrize("header", [CLIENT_HEADER, SIGNATURE_HEADER])
def test_webhook_without_a_header_is_refused(header: str) -> None:
    """Silence proves nothing."""
    with pytest.raises(UntrustedWebhook):
        check(signed_webhook().without(header))


@pytest.mark.parametrize(
    "client_id", ["", " ", CLIENT_ID.upper(), CLIENT_ID + " ", "ü", "\ud800", CLIENT_ID[:-1]]
)
def test_almost_our_client_id_is_not_ours(client_id: str) -> None:
    """It is compared to the letter, and strange letters do not break the comparison."""
    with pytest.raises(UntrustedWebhook):
        check(signed_webhook().with_header(CLIENT_HEADER, client_id))


GOOD = PAUSE.sha1_base64.removeprefix("sha1=")
GOOD_HEX = PAUSE.sha1_hex.removeprefix("sha1=")


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha1",
        "sha1=",
        GOOD,
        f"SHA1={GOOD}",
        f"md5={GOOD}",
        f"sha512={GOOD}",
        f"sha256={GOOD}",
        f"sha1:{GOOD}",
        f"sha1=={GOOD}",
        f"sha1={GOOD[:-1]}",
        f"sha1={GOOD}=",
        f"sha1= {GOOD}",
        f"sha1={GOOD}, sha1={GOOD}",
        f"sha1={GOOD[:-4]}",
        f"sha1={GOOD_HEX[:-1]}",
        f"sha1={GOOD_HEX[:-2]}",
        f"sha1={GOOD_HEX}00",
        f"sha1={GOOD_HEX[:-1]}g",
        f"sha1={GOOD_HEX[:-1]} ",
        f"sha1={' '.join(GOOD_HEX)[:40]}",
        f"sha1={'ü' * 28}",
        f"sha1={'ü' * 40}",
        f"sha1={base64.b64encode(bytes(20)).decode()}",
        "sha1=e_TfS0wv1HbvEsMqcBMmFLcMslI=",
        PAUSE.sha256_base64.replace("sha256", "sha1"),
        CLOSED.sha1_base64,
    ],
)
def test_spoilt_signature_is_refused(signature: str) -> None:
    """Whatever its form, only the right digest opens, and no form breaks the check."""
    with pytest.raises(UntrustedWebhook):
        verified(PAUSE.body, signature)


def test_liveperson_signs_with_sha1_in_base64_unless_told() -> None:
    """The form of its own samples."""
    assert PAUSE.sha1_base64 == sign(CLIENT_SECRET, PAUSE.body)


def test_account_of_one_algorithm_is_not_open_to_the_other() -> None:
    """Who was moved to SHA-256 is not downgraded by anybody."""
    vector = PAUSE
    strict = replace(CREDENTIALS, signature_algorithm="sha256")
    sha1, sha256 = (
        sign(CREDENTIALS.client_secret, vector.body, algorithm=each) for each in ("sha1", "sha256")
    )

    assert "current" == verified(vector.body, sha256, known=strict)
    with pytest.raises(UntrustedWebhook):
        verified(vector.body, sha1, known=strict)


def test_white_space_around_the_header_does_not_matter() -> None:
    """Proxies may add some."""
    assert "current" == verified(PAUSE.body, f" {PAUSE.sha1_base64}\t")


def test_refusal_does_not_say_what_would_be_right() -> None:
    """Neither secret nor signature is in the message."""
    with pytest.raises(UntrustedWebhook) as refused:
        verified(PAUSE.body + b" ", PAUSE.sha1_base64)

    assert CLIENT_SECRET not in str(refused.value)
    assert sign(CLIENT_SECRET, PAUSE.body + b" ") not in str(refused.value)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_one_bit_of_the_body_matters(body: bytes, data: st.DataObject) -> None:
    """Whichever bit is changed, the webhook is refused."""
    bit = data.draw(st.integers(0, 8 * len(body) - 1))
    changed = bytearray(body)
    changed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(UntrustedWebhook):
        check(signed_webhook(body).with_body(bytes(changed)))


@given(
    st.binary(max_size=50),
    st.sampled_from(["sha1", "sha256"]),
    st.sampled_from(["base64", "hex"]),
    st.data(),
)
def test_one_bit_of_the_signature_matters(
    body: bytes, algorithm: str, encoding: str, data: st.DataObject
) -> None:
    """Whichever bit of the digest is changed, the webhook is refused."""
    good = sign(CLIENT_SECRET, body, algorithm=algorithm, encoding=encoding)
    digest = bytearray(parse(good)[1])
    bit = data.draw(st.integers(0, 8 * len(digest) - 1))
    digest[bit // 8] ^= 1 << bit % 8
    text = digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()

    assert "current" == verified(body, good)
    with pytest.raises(UntrustedWebhook):
        verified(body, f"{algorithm}={text}")


@given(st.text(max_size=60))
def test_no_signature_header_breaks_the_check(header: str) -> None:
    """A stranger's header is refused, whatever it holds."""
    with pytest.raises(UntrustedWebhook):
        verified(PAUSE.body, header)
