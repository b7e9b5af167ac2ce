"""An account's two parameters: read, or refused with what to write instead."""

from __future__ import annotations

import base64
import json

import pytest

from liveperson_connector.domain.accounts import (
    CALLBACKS,
    ChannelSettings,
    Credentials,
    is_account_id,
)
from liveperson_connector.domain.errors import MisconfiguredAccount
from tests.support.accounts import SIGNING_SECRET

NAME = "/connector/accounts/42257269/something"
CREDENTIALS = {"client_id": "the-id", "client_secret": "the-secret"}
CHANNEL = {"callback_url": "https://channel.example/cb", "signing_secret": SIGNING_SECRET}


def credentials(**spoilt: object) -> Credentials:
    """Parse good credentials with one part spoilt."""
    return Credentials.parse(json.dumps({**CREDENTIALS, **spoilt}), parameter=NAME)


def channel(**spoilt: object) -> ChannelSettings:
    """Parse a good channel with one part spoilt."""
    return ChannelSettings.parse(json.dumps({**CHANNEL, **spoilt}), parameter=NAME)


def secret_of(length: int) -> str:
    """Write a signing secret of so many bytes."""
    return "whsec_" + base64.b64encode(b"x" * length).decode()


def test_credentials_are_read() -> None:
    """Id and secret are enough; there is no previous secret unless one is written."""
    assert Credentials("the-id", "the-secret", None) == credentials()


def test_a_previous_secret_is_read() -> None:
    """While a secret is rolled over, both are known."""
    assert "older" == credentials(previous_client_secret="older").previous_client_secret


def test_a_channel_is_read() -> None:
    """The signing secret is the bytes behind ``whsec_``."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    assert ChannelSettings("https://channel.example/cb", key) == channel()


def test_unknown_fields_are_left_alone() -> None:
    """An operator's own notes in a parameter do no harm."""
    assert credentials() == credentials(note="written by hand")


@pytest.mark.parametrize(
    "text", ["", "the-secret", "[]", '"text"', "null", '{"client_id": "the-id"']
)
def test_credentials_that_are_no_object_are_refused(text: str) -> None:
    """The error names the parameter and the form to write."""
    with pytest.raises(MisconfiguredAccount) as refused:
        Credentials.parse(text, parameter=NAME)

    assert NAME in str(refused.value)
    assert '{"client_id": "…", "client_secret": "…"}' in str(refused.value)


FORM = '{"client_id": "…", "client_secret": "…"}'
CHANNEL_FORM = '{"callback_url": "https://…", "signing_secret": "whsec_…"}'
ALL_CALLBACKS = "some of: conversation, failed, message, receipt, typing"


@pytest.mark.parametrize(
    ("spoilt", "write"),
    [
        ({"client_id": ""}, FORM),
        ({"previous_client_secret": 7}, FORM),
        ({"signature_algorithm": "md5"}, "sha1 or sha256"),
    ],
)
def test_a_slip_in_credentials_is_told_with_where_and_what_to_write(
    spoilt: dict[str, object], write: str
) -> None:
    """An operator mends it without a search."""
    with pytest.raises(MisconfiguredAccount) as refused:
        credentials(**spoilt)

    assert str(refused.value).startswith(f"parameter {NAME}: ")
    assert str(refused.value).endswith(f"; write {write}")


@pytest.mark.parametrize(
    ("spoilt", "write"),
    [
        ({"callback_url": ""}, CHANNEL_FORM),
        ({"signing_secret": "secret"}, CHANNEL_FORM),
        ({"signing_secret": "whsec_"}, CHANNEL_FORM),
        ({"signing_secret": "whsec_***"}, CHANNEL_FORM),
        ({"callbacks": ["messages"]}, ALL_CALLBACKS),
        ({"receipts": True}, '"automatic" or "channel"'),
        ({"entry_point": 7}, '["https://…"]'),
    ],
)
def test_a_slip_in_a_channel_is_told_with_where_and_what_to_write(
    spoilt: dict[str, object], write: str
) -> None:
    """An operator mends it without a search."""
    with pytest.raises(MisconfiguredAccount) as refused:
        channel(**spoilt)

    assert str(refused.value).startswith(f"parameter {NAME}: ")
    assert str(refused.value).endswith(f"; write {write}")


@pytest.mark.parametrize(("text", "problem"), [("{", "it is not JSON"), ("[]", "a JSON object")])
def test_a_channel_that_is_no_object_is_refused(text: str, problem: str) -> None:
    """The same as for credentials."""
    with pytest.raises(MisconfiguredAccount, match=problem) as refused:
        ChannelSettings.parse(text, parameter=NAME)

    assert str(refused.value).startswith(f"parameter {NAME}: ")
    assert str(refused.value).endswith(f"; write {CHANNEL_FORM}")


def test_several_gaps_are_named_together() -> None:
    """So that they are mended in one go."""
    with pytest.raises(MisconfiguredAccount, match="callback_url and signing_secret missing"):
        channel(callback_url="", signing_secret="")


@pytest.mark.parametrize("name", ["client_id", "client_secret"])
@pytest.mark.parametrize("value", [None, "", 7, ["the-secret"]])
def test_credentials_with_a_gap_name_it(name: str, value: object) -> None:
    """What is missing, empty or no text is named."""
    with pytest.raises(MisconfiguredAccount) as refused:
        credentials(**{name: value})

    assert f"{name} missing or not a text" in str(refused.value)


@pytest.mark.parametrize("value", ["", 7, []])
def test_a_previous_secret_that_is_no_text_is_refused(value: object) -> None:
    """A slip in the optional field is told too."""
    with pytest.raises(MisconfiguredAccount, match="previous_client_secret"):
        credentials(previous_client_secret=value)


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("c2VjcmV0", "does not begin with whsec_"),
        ("whsec_", "must have 24 to 64 bytes; it has 0"),
        (secret_of(1), "must have 24 to 64 bytes; it has 1"),
        (secret_of(23), "must have 24 to 64 bytes; it has 23"),
        (secret_of(65), "must have 24 to 64 bytes; it has 65"),
        ("whsec_***", "is not Base64 after whsec_"),
        ("whsec_c2VjcmV", "is not Base64 after whsec_"),
        ("whsec_ü", "is not Base64 after whsec_"),
        ("", "signing_secret missing"),
    ],
)
def test_a_signing_secret_of_another_form_is_refused(secret: str, problem: str) -> None:
    """The error says which rule of Standard Webhooks secrets is broken."""
    with pytest.raises(MisconfiguredAccount, match=problem):
        channel(signing_secret=secret)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_signing_secret_has_as_many_bytes_as_standard_webhooks_say(length: int) -> None:
    """24 to 64, both ends included."""
    assert length == len(channel(signing_secret=secret_of(length)).signing_key)


def test_no_secret_is_shown() -> None:
    """Accounts may be printed: no secret is in them."""
    shown = repr([credentials(previous_client_secret="older-secret"), channel()])

    assert "the-secret" not in shown
    assert "older-secret" not in shown
    assert "secret'" not in shown


@pytest.mark.parametrize(
    "text",
    [
        '{"client_id": "the-id", "client_secret": "s3cr3t", "previous_client_secret": 1}',
        '{"client_id": 1, "client_secret": "s3cr3t"}',
        'client_secret="s3cr3t"',
    ],
)
def test_no_secret_is_quoted_by_an_error(text: str) -> None:
    """What is wrong with a parameter is told without its contents."""
    with pytest.raises(MisconfiguredAccount) as refused:
        Credentials.parse(text, parameter=NAME)

    assert "s3cr3t" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("text", ["12345678", "le12345678", "a-b_c", "x" * 64])
def test_site_ids_are_account_ids(text: str) -> None:
    """Digits, and the letters of LivePerson's test systems."""
    assert is_account_id(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a/b", "../x", "a b", "ä", "12345678\n", "*"])
def test_what_could_name_another_parameter_is_no_account_id(text: str) -> None:
    """Nobody reaches another parameter through an account id."""
    assert not is_account_id(text)


def test_how_webhooks_are_signed_can_be_written_down() -> None:
    """Nothing, or one of LivePerson's two algorithms."""
    written = [None, "sha1", "sha256"]

    assert written == [
        credentials(signature_algorithm=each).signature_algorithm for each in written
    ]
    with pytest.raises(MisconfiguredAccount, match="sha1 or sha256"):
        credentials(signature_algorithm="md5")


def test_what_a_channel_does_not_say_has_its_default() -> None:
    """It is told everything, sends its own receipts, and looks no campaign up."""
    plain = channel()

    assert (None, False, ()) == (plain.callbacks, plain.automatic_receipts, plain.entry_point)
    assert all(map(plain.wants, CALLBACKS))


def test_a_channel_is_told_what_it_wants() -> None:
    """And nothing else."""
    some = channel(callbacks=["message", "typing"])

    assert frozenset({"message", "typing"}) == some.callbacks
    assert {"message", "typing"} == {each for each in CALLBACKS if some.wants(each)}


@pytest.mark.parametrize(("receipts", "expected"), [("automatic", True), ("channel", False)])
def test_a_channel_may_leave_its_receipts_to_us(receipts: str, expected: bool) -> None:
    """Or send them itself, which is also what it does without a word."""
    assert expected == channel(receipts=receipts).automatic_receipts


@pytest.mark.parametrize(
    ("given", "expected"),
    [("https://a", ("https://a",)), (["https://a", "b"], ("https://a", "b")), ([], ())],
)
def test_an_entry_point_is_one_address_or_several(given: object, expected: tuple[str, ...]) -> None:
    """A page and its section, for example."""
    assert expected == channel(entry_point=given).entry_point


@pytest.mark.parametrize(
    ("field", "value"),
    [("callbacks", ["messages"]), ("callbacks", []), ("receipts", True), ("entry_point", [7])],
)
def test_what_a_channel_wants_is_read_strictly(field: str, value: object) -> None:
    """A slip in a setting is not taken for its absence."""
    with pytest.raises(MisconfiguredAccount, match=field):
        channel(**{field: value})
