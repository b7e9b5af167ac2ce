"""A ready channel's parameter: read, or refused with what to write instead."""

from __future__ import annotations

import pytest

from liveperson_connector.channel.adapters.interface import Template
from liveperson_connector.channel.ready_channels import ReadyChannel
from liveperson_connector.domain.errors import MisconfiguredAccount
from tests.support.accounts import ACCOUNT
from tests.support.ready_channels import TOKEN, WEBHOOK_SECRET, ready_channel


def test_kinds_own_settings_are_read() -> None:
    """By the names that the adapter declares."""
    channel = ready_channel()

    assert ("pigeon", "loft", ACCOUNT) == (channel.kind, channel.name, channel.account_id)
    assert (TOKEN, WEBHOOK_SECRET) == (
        channel.settings["token"],
        channel.settings["webhook_secret"],
    )


def test_adapter_knows_the_webhooks_own_address() -> None:
    """Some providers are told it with every message."""
    assert "https://a.example/x" == ready_channel(address="https://a.example/x").settings["address"]


def test_everything_else_has_a_default() -> None:
    """A token and a secret are enough."""
    channel = ready_channel()

    assert channel.wants("typing")
    assert channel.tells("edits")
    assert not channel.automatic_receipts
    assert ("", {}, None, ()) == (
        channel.address,
        channel.conversation,
        channel.template,
        channel.entry_point,
    )
    assert "[video: not carried here]" == channel.sentence("not_carried", what="video")


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"kind": "smoke"}, "'kind' is missing or unknown"),
        ({"kind": None}, "'kind' is missing or unknown"),
        ({"token": None}, "'token' is missing"),
        ({"token": "short"}, "'token' has not the right form"),
        ({"token": ["a"]}, "'token' is not a text"),
        ({"token": True}, "'token' is not a text"),
        ({"previous": {"tokn": "x"}}, "'previous' names no setting: 'tokn'"),
        ({"previous": "x"}, "'previous' is not an object"),
        ({"sentences": {"edit": "x"}}, "'sentences' has an unknown name"),
        ({"sentences": {"edited": 1}}, "'sentences' has a value that is not a text"),
        ({"sentences": []}, "'sentences' is not an object"),
        ({"edits": "no"}, "'edits' is not a switch"),
        ({"template": {"name": "x"}}, "'template' has no name or no language"),
        ({"address": 7}, "'address' is not a web address"),
        ({"conversation": {"routing": "42"}}, "'routing' of 'conversation' has not its form"),
        ({"conversation": {"features": "ALL"}}, "'features' of 'conversation' has not its form"),
        ({"conversation": []}, "'conversation' is not an object"),
        ({"address": "connector.example"}, "'address' is not a web address"),
        ({"callbacks": ["letters"]}, "'callbacks' names an unknown type"),
        ({"receipts": "maybe"}, "'receipts' is unknown"),
    ],
)
def test_error_names_the_parameter_and_what_to_write(spoilt: dict[str, object], words: str) -> None:
    """And shows no value: some are secrets."""
    with pytest.raises(MisconfiguredAccount) as caught:
        ready_channel(**spoilt)

    told = str(caught.value)
    assert told.startswith("parameter /connector/channels/loft: ")
    assert words in told
    assert "; write " in told
    assert "short" not in told.replace("shorter", "")


def test_number_is_as_good_as_a_text() -> None:
    """Providers' ids are often digits, and are typed as such."""
    assert "1234567890" == ready_channel(webhook_secret=1234567890).settings["webhook_secret"]


def test_no_secret_is_shown() -> None:
    """Not even by accident, in a log or a traceback."""
    shown = repr(ready_channel(previous={"token": "older-token-of-the-tests"}))

    assert TOKEN not in shown
    assert WEBHOOK_SECRET not in shown
    assert "older-token" not in shown


def test_secret_is_rotated_without_a_gap() -> None:
    """Webhooks are proven with the current values, then with the previous ones."""
    channel = ready_channel(previous={"webhook_secret": "the-former-secret"})

    assert [WEBHOOK_SECRET, "the-former-secret"] == [
        each["webhook_secret"] for each in channel.proofs()
    ]
    assert [TOKEN, TOKEN] == [each["token"] for each in channel.proofs()]


def test_sentences_are_in_the_accounts_language() -> None:
    """One by one; what is not given stays as it is."""
    channel = ready_channel(sentences={"edited": "geändert: {text}", "words": {"video": "Film"}})

    assert "geändert: Hallo" == channel.sentence("edited", text="Hallo")
    assert "reaction: 👍" == channel.sentence("reaction", text="👍")
    assert {"video": "Film"} == channel.words


def test_what_people_wrote_is_not_taken_for_a_placeholder() -> None:
    """Whichever of them has it."""
    told = ready_channel().sentence("reply_to", quoted="{text}", text="{quoted}")

    assert "reply to “{text}”: {quoted}" == told


def test_template_stands_in_outside_of_the_window() -> None:
    """With its language."""
    channel = ready_channel(template={"name": "answer_waits", "language": "en_US"})

    assert Template("answer_waits", "en_US") == channel.template


def test_real_kinds_are_found_by_their_names() -> None:
    """A kind is imported when it is met."""
    with pytest.raises(MisconfiguredAccount, match="telegram, whatsapp, twilio, sinch, line"):
        ReadyChannel.parse("{}", account_id="1", name="x", parameter="p")
