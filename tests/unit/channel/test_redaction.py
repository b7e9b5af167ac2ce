"""Card numbers are masked, in whatever groups they stand, and other numbers are left alone."""

from __future__ import annotations

import pytest

from liveperson_connector.channel.redaction import mask, redacted

# Numbers that card schemes and payment providers publish for tests.
VISA, AMEX, SHORT, LONG = (
    "4111111111111111",
    "378282246310005",
    "4222222222222",
    "6304000000000000000",
)


@pytest.mark.parametrize("number", [VISA, AMEX, SHORT, LONG])
def test_card_number_is_masked_but_for_its_end(number: str) -> None:
    """The agent sees that there was one, and which."""
    assert f"my card: [card number ending in {number[-4:]}]!" == mask(f"my card: {number}!")


@pytest.mark.parametrize(
    "written",
    [
        *("4111 1111 1111 1111", "4111-1111-1111-1111", "4111.1111.1111.1111"),
        *("411111 1111111111", "4111\u00a01111\u00a01111\u00a01111"),
    ],
)
def test_groups_hide_no_card_number(written: str) -> None:
    """Nor do numbers beside it, as an expiry date and a check value."""
    assert "[card number ending in 1111]" == mask(written)
    assert "1 [card number ending in 1111] 12 27 123" == mask(f"1 {written} 12 27 123")


def test_phone_number_hides_no_card_number() -> None:
    """The number behind it is one of its own."""
    said = mask(f"+49 151 12345678 {VISA}")

    assert "+49 151 12345678 [card number ending in 1111]" == said


def test_each_of_several_is_masked() -> None:
    """Even with nothing but a space between them."""
    assert "[card number ending in 1111] [card number ending in 0005]" == mask(f"{VISA} {AMEX}")


@pytest.mark.parametrize(
    "text",
    [
        *("4111111111111112", "411111111111", "41111111111111110000", "0000000000000000"),
        *("+49 151 12345678", "2026-11-28 06:10", "no digits", "", "4111 1111\n1111 1111"),
    ],
)
def test_other_numbers_are_left_alone(text: str) -> None:
    """With a wrong check digit, too short or too long, or of something else."""
    assert text == mask(text)


def test_only_what_consumers_write_is_changed() -> None:
    """An event's ids may look like anything; one without a number is not copied."""
    event = {"id": VISA, "type": "text", "text": f"pay with {VISA}", "caption": AMEX}

    assert redacted({"id": VISA, "type": "text", "text": "hello"}) is None
    assert {
        **event,
        "text": "pay with [card number ending in 1111]",
        "caption": "[card number ending in 0005]",
    } == redacted(event)
