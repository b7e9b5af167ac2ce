"""The names by which LivePerson knows consumers."""

from __future__ import annotations

from liveperson_connector.domain.pseudonyms import consumer_key, short

PHONE = "+4915112345678"


def test_a_consumer_always_has_the_same_name() -> None:
    """A fixed vector: whoever changes the way it is made makes strangers of all consumers."""
    expected = "aea4128346b927121f2aaa7ee80c31be6505ec030b857f499adf90ce6d5fe8ee"

    assert expected == consumer_key("salt", "12345678", PHONE)


def test_salt_account_and_consumer_all_matter() -> None:
    """A consumer of two accounts, or of two stacks, is two consumers."""
    names = {
        consumer_key("salt", "12345678", PHONE),
        consumer_key("pepper", "12345678", PHONE),
        consumer_key("salt", "87654321", PHONE),
        consumer_key("salt", "12345678", PHONE + "0"),
    }

    assert 4 == len(names)


def test_where_the_account_ends_matters() -> None:
    """No account's consumer can be named into another account."""
    assert consumer_key("salt", "12", "3x") != consumer_key("salt", "123", "x")


def test_the_channels_own_id_is_not_in_it() -> None:
    """A telephone number is not told to LivePerson."""
    assert "4915112345678" not in consumer_key("salt", "12345678", PHONE)


def test_the_short_form_begins_the_long_one() -> None:
    """One consumer can be followed through the logs."""
    key = consumer_key("salt", "12345678", PHONE)

    assert key[:12] == short(key)


def test_a_ready_channels_consumer_is_no_webhook_channels() -> None:
    """Whatever a webhook channel calls its consumers: the channel's name is a part of its own."""
    ready = consumer_key("salt", "12345678", "loft:ann", "loft")

    assert ready != consumer_key("salt", "12345678", "loft:ann")
    assert ready != consumer_key("salt", "12345678", "channel:4:loft:8:12345678:loft:ann")
    assert ready != consumer_key("salt", "channel:4:loft:8:12345678", "loft:ann")
    assert ready != consumer_key("salt", "12345678", "loft:ann", "lof")
