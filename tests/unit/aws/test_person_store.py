"""What ready channels remember in DynamoDB, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws.person_store import (
    MESSAGE_SECONDS,
    PERSON_SECONDS,
    PersonStore,
)
from liveperson_connector.domain.conversations import Conversation
from liveperson_connector.domain.ready_channels import Offer, OfferedChoice, Person, SentMessage
from tests.support.clocks import Clock

from .conftest import TABLE

ACCOUNT, KEY = "42257269", "k" * 64
CONVERSATION = Conversation(ACCOUNT, "c-1", "loft:ann", KEY, "lp-1", channel="loft")
CHOICES = (
    OfferedChoice("Yes", "Yes, please", [{"type": "ExternalId", "id": "yes", "ratio": 0.5}]),
    OfferedChoice("No", "No", []),
)


@pytest.fixture(name="persons")
def _persons(dynamodb: DynamoDBClient, clock: Clock) -> PersonStore:
    return PersonStore(dynamodb, TABLE, clock=clock)


def offer(reference: str = "o-1", at: float = 100.0, choices: int = 2) -> Offer:
    """Make an offer."""
    offered = tuple(CHOICES[number % 2] for number in range(choices))
    return Offer(reference, "c-1", "d-1", 7, at, offered, is_numbered=True)


def test_nobody_is_known_at_first(persons: PersonStore) -> None:
    """And that is no error."""
    assert Person() == persons.load_person(ACCOUNT, KEY)
    assert (0, Person(), None) == persons.load_delivery(CONVERSATION, "n-1")
    assert persons.load_message(ACCOUNT, "loft", "m-1") is None


def test_the_newest_word_counts(persons: PersonStore) -> None:
    """One that comes late does not put the clock back."""
    for at, mark in ((10.0, "first"), (30.5, "third"), (20.0, "second")):
        persons.save_heard(ACCOUNT, KEY, at, mark)

    known = persons.load_person(ACCOUNT, KEY)
    assert (30.5, "third") == (known.heard_at, known.mark)


def test_an_offer_is_remembered_with_all_that_a_reply_needs(persons: PersonStore) -> None:
    """Metadata of any form among it, beside what is known of the person."""
    persons.save_heard(ACCOUNT, KEY, 10.0, "mark")
    persons.save_offer(CONVERSATION, Person(), offer())

    known = persons.load_person(ACCOUNT, KEY)
    assert (offer(),) == known.offers
    assert "mark" == known.mark


def test_the_last_offers_are_kept(persons: PersonStore) -> None:
    """Five of them, and fewer if they are long; an offer that is repeated takes no second place."""
    known = Person()
    for number in (*range(7), 6):
        known = persons.save_offer(CONVERSATION, known, offer(f"o-{number}"))
    assert [f"o-{number}" for number in range(2, 7)] == [
        each.reference for each in persons.load_person(ACCOUNT, KEY).offers
    ]

    known = persons.save_offer(CONVERSATION, known, offer("long", choices=99))
    assert ["long"] == [each.reference for each in persons.load_person(ACCOUNT, KEY).offers]


def test_a_template_is_noted(persons: PersonStore) -> None:
    """It is sent once for each silence."""
    persons.save_template(CONVERSATION, 12.0)

    assert 12.0 == persons.load_person(ACCOUNT, KEY).template_at


def test_what_was_sent_is_known_to_the_next_try_and_to_reports(
    persons: PersonStore, clock: Clock
) -> None:
    """Both with one write, each for its time."""
    note = SentMessage("c-1", "d-1", 7, is_last=False)
    persons.save_delivery(CONVERSATION, "n-1", 1, note, "m-1")
    persons.save_delivery(CONVERSATION, "n-1", 2, replace(note, is_last=True), "")

    assert 2 == persons.load_delivery(CONVERSATION, "n-1")[0]
    assert note == persons.load_message(ACCOUNT, "loft", "m-1")
    assert persons.load_message(ACCOUNT, "another", "m-1") is None
    clock.pass_seconds(MESSAGE_SECONDS)
    assert persons.load_message(ACCOUNT, "loft", "m-1") is None


def test_a_report_is_noted_where_there_is_something_to_report_on(persons: PersonStore) -> None:
    """What has expired meanwhile does not come back."""
    persons.save_report(ACCOUNT, "loft", "m-1", "read", "r-1")
    assert persons.load_message(ACCOUNT, "loft", "m-1") is None

    persons.save_delivery(CONVERSATION, "n-1", 1, SentMessage("c-1", "d-1", 7), "m-1")
    persons.save_report(ACCOUNT, "loft", "m-1", "read", "r-1")
    known = persons.load_message(ACCOUNT, "loft", "m-1")
    assert known
    assert ("read", "r-1") == (known.status, known.told_by)


def test_a_person_is_forgotten_after_a_while(persons: PersonStore, clock: Clock) -> None:
    """A month of silence."""
    persons.save_heard(ACCOUNT, KEY, 10.0, "mark")
    clock.pass_seconds(PERSON_SECONDS)

    assert Person() == persons.load_person(ACCOUNT, KEY)
