"""The channel calls: what keeps the contract is queued behind the consumer's earlier events."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from liveperson_connector.channel.queued_events import read_queued
from liveperson_connector.domain.errors import (
    AwsUnavailable,
    InvalidEvent,
    NotQueued,
    TooLarge,
    UnknownAccount,
    WrongKey,
)
from liveperson_connector.domain.intake_settings import BRAND_KEY_PREFIX, ApiKey, IntakeSettings
from liveperson_connector.flows.message_intake import MAX_BODY_BYTES, REREAD_SECONDS, MessageIntake
from liveperson_connector.support.cache import Cache
from tests.support.accounts import ACCOUNT, SALT
from tests.support.clocks import Clock
from tests.support.in_process import BrokenQueue, InProcessQueue
from tests.support.logs import Output
from tests.support.messages import PHONE, posted, text_event


@pytest.fixture(name="queue")
def _queue(clock: Clock) -> InProcessQueue:
    return InProcessQueue(clock=clock)


@pytest.fixture(name="intake")
def _intake(queue: InProcessQueue, clock: Clock) -> MessageIntake:
    return MessageIntake(configured(clock), queue, SALT)


Settings = IntakeSettings | None


def configured(clock: Clock, load: Callable[[str], Settings] | None = None) -> Cache[Settings]:
    """Know one account."""
    known = {ACCOUNT: IntakeSettings()}
    return Cache(load or known.get, ttl=300, empty_ttl=30, clock=clock)


def test_event_is_queued(intake: MessageIntake, queue: InProcessQueue) -> None:
    """As plain JSON with whose it is and what the channel said."""
    intake.accept(ACCOUNT, PHONE, posted(text_event(text="Grüße 👋")))

    (letter,) = queue.letters
    queued = json.loads(letter.body)
    assert (ACCOUNT, PHONE) == (queued["account_id"], queued["consumer_id"])
    assert text_event(text="Grüße 👋") == queued["event"] == read_queued(letter.body).raw


def test_events_of_a_consumer_are_one_group(intake: MessageIntake, queue: InProcessQueue) -> None:
    """They keep the order in which the channel got its 202s; other consumers do not wait."""
    for consumer_id, event_id in ((PHONE, "m-1"), (PHONE, "m-2"), ("another", "m-1")):
        intake.accept(ACCOUNT, consumer_id, posted(text_event(event_id)))
    groups = [each.group for each in queue.letters]

    assert groups[0] == groups[1] != groups[2]


def test_whatever_is_accepted_is_queued(intake: MessageIntake, queue: InProcessQueue) -> None:
    """A second copy too: whether it repeats the first or mends it, the table knows and SQS not."""
    intake.accept(ACCOUNT, PHONE, posted(text_event("m-1")))
    intake.accept(ACCOUNT, PHONE, posted(text_event("m-1", "mended")))

    assert ["Hello", "mended"] == [read_queued(each.body).text for each in queue.letters]


def test_nobody_is_named_in_the_queues_own_fields(
    intake: MessageIntake, queue: InProcessQueue
) -> None:
    """Group and identity are seen in logs and consoles; a phone number is not in them."""
    intake.accept(ACCOUNT, PHONE, posted(text_event()))

    (letter,) = queue.letters
    assert "4915112345678" not in letter.group + letter.deduplication_id


@pytest.mark.parametrize("account_id", ["99999999", "", "a/b", "../" + ACCOUNT, "ü"])
def test_account_that_is_not_configured_is_unknown(
    intake: MessageIntake, queue: InProcessQueue, account_id: str
) -> None:
    """Nobody could be reached for it."""
    with pytest.raises(UnknownAccount):
        intake.accept(account_id, PHONE, posted(text_event()))

    assert [] == queue.letters


def test_event_that_breaks_the_contract_is_not_queued(
    intake: MessageIntake, queue: InProcessQueue
) -> None:
    """All its problems are told."""
    with pytest.raises(InvalidEvent) as invalid:
        intake.accept(ACCOUNT, "", posted({"id": "ü", "type": "text"}))

    assert {"consumer_id", "id", "text"} <= {each.path for each in invalid.value.problems}
    assert [] == queue.letters


def test_body_that_is_too_large_is_refused(intake: MessageIntake) -> None:
    """A queue message could not carry it."""
    with pytest.raises(TooLarge):
        intake.accept(ACCOUNT, PHONE, b" " * (MAX_BODY_BYTES + 1))


def test_without_the_queue_the_channel_keeps_the_event(clock: Clock) -> None:
    """No 202 for what is not durably queued."""
    with pytest.raises(NotQueued):
        MessageIntake(configured(clock), BrokenQueue(), SALT).accept(
            ACCOUNT, PHONE, posted(text_event())
        )


def test_without_parameter_store_the_channel_keeps_the_event(
    queue: InProcessQueue, clock: Clock
) -> None:
    """Whether the account exists is not known, so it is neither 404 nor 202."""

    def unavailable(_account_id: str) -> Settings:
        raise AwsUnavailable("throttled")

    with pytest.raises(NotQueued):
        MessageIntake(configured(clock, unavailable), queue, SALT).accept(
            ACCOUNT, PHONE, posted(text_event())
        )


# ── Keys ──

STACKS, ANNS, BOBS = (
    ApiKey("stacks", "a value that AWS has made"),
    ApiKey("anns", f"{BRAND_KEY_PREFIX}Ann"),
    ApiKey("bobs", f"{BRAND_KEY_PREFIX}Bob"),
)
NO_KEY = ApiKey()


@pytest.mark.parametrize(
    ("named", "key", "is_admitted"),
    [
        (None, STACKS, True),
        (None, ANNS, False),
        ({"anns"}, ANNS, True),
        ({"anns", "stacks"}, STACKS, True),
        ({"anns"}, STACKS, False),
        ({"anns"}, BOBS, False),
        ({"anns"}, NO_KEY, False),
        ({"anns"}, ApiKey("", ANNS.value), False),
    ],
)
def test_key_acts_for_the_accounts_that_name_it(
    queue: InProcessQueue,
    clock: Clock,
    named: set[str] | None,
    key: ApiKey,
    *,
    is_admitted: bool,
) -> None:
    """A brand's key acts for no other account, not even for one that names no key at all."""
    settings = IntakeSettings(frozenset(named) if named else None)
    intake = MessageIntake(configured(clock, lambda _: settings), queue, SALT)
    with nullcontext() if is_admitted else pytest.raises(WrongKey):
        intake.accept(ACCOUNT, PHONE, posted(text_event()), key)
    with nullcontext() if is_admitted else pytest.raises(WrongKey):
        intake.check_key(ACCOUNT, key)

    assert is_admitted == bool(queue.letters)


def test_new_key_works_at_its_first_request(queue: InProcessQueue, clock: Clock) -> None:
    """Though the settings are kept for minutes; a stranger's key makes us read them rarely."""
    reads, named = [], {"anns"}

    def load(account_id: str) -> Settings:
        reads.append(account_id)
        return IntakeSettings(frozenset(named))

    intake = MessageIntake(configured(clock, load), queue, SALT)
    intake.check_key(ACCOUNT, ANNS)
    clock.pass_seconds(REREAD_SECONDS)
    for _ in range(100):
        with pytest.raises(WrongKey):
            intake.check_key(ACCOUNT, BOBS)
    assert 2 == len(reads)

    named.add("bobs")
    clock.pass_seconds(REREAD_SECONDS)
    intake.check_key(ACCOUNT, BOBS)
    assert 3 == len(reads)


def test_value_of_a_key_is_not_shown() -> None:
    """It is a secret; its id is none."""
    assert "Ann" not in repr(ANNS)


@pytest.mark.parametrize("redact", [frozenset(), frozenset({"card_number"})])
def test_card_number_never_reaches_the_queue_if_the_account_asks(
    queue: InProcessQueue, clock: Clock, output: Output, redact: frozenset[str]
) -> None:
    """It is off by default; the log tells that something was masked, and not what."""
    settings = IntakeSettings(redact=redact)
    intake = MessageIntake(configured(clock, lambda _: settings), queue, SALT)
    intake.accept(ACCOUNT, PHONE, posted(text_event(text="4111 1111 1111 1111")))

    (letter,) = queue.letters
    assert bool(redact) == ("4111 1111" not in letter.body)
    assert bool(redact) == ("redacted" in output.messages)
    assert "1111 1111" not in output.text
