"""A provider calls: what it proves is queued, in order; everything else is refused."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from liveperson_connector.channel.adapters.interface import Reply, Settings, WebhookRequest
from liveperson_connector.channel.queued_events import read_queued
from liveperson_connector.channel.ready_channels import ReadyChannel
from liveperson_connector.domain.errors import (
    AwsUnavailable,
    MisconfiguredAccount,
    NotQueued,
    TooLarge,
    UnknownChannel,
    UnreadableWebhook,
    UntrustedWebhook,
)
from liveperson_connector.domain.pseudonyms import consumer_key
from liveperson_connector.domain.queue_messages import stable_id
from liveperson_connector.flows.provider_intake import MAX_BODY_BYTES, ProviderIntake
from liveperson_connector.support.cache import Cache
from tests.support.accounts import ACCOUNT, SALT
from tests.support.clocks import Clock
from tests.support.in_process import BrokenQueue, InProcessQueue
from tests.support.ready_channels import ADDRESS, NAME, ready_channel, said, signed, webhook
from tests.support.sixth_channel import Pigeon


@pytest.fixture(name="queue")
def _queue(clock: Clock) -> InProcessQueue:
    return InProcessQueue(clock=clock)


@pytest.fixture(name="intake")
def _intake(queue: InProcessQueue, clock: Clock) -> ProviderIntake:
    return ProviderIntake(configured(clock), queue, SALT, clock)


def configured(
    clock: Clock, load: Callable[[str], ReadyChannel | None] | None = None
) -> Cache[ReadyChannel | None]:
    """Know one channel of one account."""
    known = {f"{ACCOUNT}/{NAME}": ready_channel()}
    return Cache(load or known.get, ttl=300, clock=clock)


def texts(queue: InProcessQueue) -> list[str]:
    """Give the words that were queued."""
    return [read_queued(each.body).text for each in queue.letters]


def test_what_people_said_is_queued_in_order(intake: ProviderIntake, queue: InProcessQueue) -> None:
    """And the provider gets the answer of its own form."""
    reply = intake.receive(ACCOUNT, NAME, webhook(said("one", "p-1"), said("two", "p-2")))

    assert Reply() == reply
    assert ["one", "two"] == texts(queue)


def test_person_is_one_group_and_waits_for_no_other(
    intake: ProviderIntake, queue: InProcessQueue
) -> None:
    """Under the pseudonym of the channel's own; the id itself stands in no field of the queue."""
    intake.receive(ACCOUNT, NAME, webhook(said("one", "p-1"), said("two", "p-2", "bob")))

    keys = [consumer_key(SALT, ACCOUNT, f"loft:{who}", NAME) for who in ("ann", "bob")]
    assert [stable_id(ACCOUNT, key) for key in keys] == [each.group for each in queue.letters]


def test_report_has_a_group_of_its_own(intake: ProviderIntake, queue: InProcessQueue) -> None:
    """It may have to wait for a note; what the person says does not wait with it."""
    report = {"id": "r-1", "from": "ann", "message": "m-9", "type": "read"}
    intake.receive(ACCOUNT, NAME, webhook(said("one"), report))

    groups = [each.group for each in queue.letters]
    assert groups[0] != groups[1]


def test_when_it_was_accepted_is_written_down(
    intake: ProviderIntake, queue: InProcessQueue, clock: Clock
) -> None:
    """The provider's window for free text is counted from then."""
    intake.receive(ACCOUNT, NAME, webhook(said("one")))

    assert clock() == read_queued(queue.letters[0].body).accepted_at


def test_nothing_told_is_nothing_queued(intake: ProviderIntake, queue: InProcessQueue) -> None:
    """Some providers try an address with an empty webhook."""
    assert 200 == intake.receive(ACCOUNT, NAME, webhook()).status
    assert [] == queue.letters


def spoilt(request: WebhookRequest, **parts: object) -> WebhookRequest:
    """Spoil one part of a webhook."""
    return WebhookRequest(**{**vars(request), **parts})


@pytest.mark.parametrize(
    "request_",
    [
        webhook(said("x"), secret="another-secret"),
        spoilt(webhook(said("x")), headers={}),
        spoilt(webhook(said("x")), body=webhook(said("y")).body),
        spoilt(webhook(said("x")), body=webhook(said("x")).body[:-1]),
    ],
)
def test_without_proof_nothing_is_queued(
    intake: ProviderIntake, queue: InProcessQueue, request_: WebhookRequest
) -> None:
    """Forged, unsigned, changed or cut short."""
    with pytest.raises(UntrustedWebhook, match=f"channel {ACCOUNT}/{NAME}: "):
        intake.receive(ACCOUNT, NAME, request_)

    assert [] == queue.letters


def test_another_channels_webhook_is_no_proof(clock: Clock, queue: InProcessQueue) -> None:
    """Each channel has its own secret."""
    channels = {
        f"{ACCOUNT}/{NAME}": ready_channel(),
        f"{ACCOUNT}/other": ready_channel(webhook_secret="another-secret"),
    }
    intake = ProviderIntake(configured(clock, channels.get), queue, SALT, clock)

    with pytest.raises(UntrustedWebhook):
        intake.receive(ACCOUNT, "other", webhook(said("x")))


@pytest.mark.parametrize(
    ("account_id", "name"),
    [(ACCOUNT, "unknown"), ("99999999", NAME), (ACCOUNT, "Loft"), ("a/b", NAME), (ACCOUNT, "")],
)
def test_channel_that_is_not_configured_is_unknown(
    intake: ProviderIntake, account_id: str, name: str
) -> None:
    """Whatever it is proven by."""
    with pytest.raises(UnknownChannel):
        intake.receive(account_id, name, webhook(said("x")))


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"messages": [{}]}', b"\xff"])
def test_what_is_proven_and_cannot_be_read_is_said(intake: ProviderIntake, body: bytes) -> None:
    """It has not the provider's form."""
    with pytest.raises(UnreadableWebhook):
        intake.receive(ACCOUNT, NAME, signed(body))


def test_what_cannot_be_queued_is_sent_again(clock: Clock) -> None:
    """The provider keeps it."""
    intake = ProviderIntake(configured(clock), BrokenQueue(), SALT, clock)

    with pytest.raises(NotQueued):
        intake.receive(ACCOUNT, NAME, webhook(said("x")))


@pytest.mark.parametrize("failure", [AwsUnavailable("x"), MisconfiguredAccount("x")])
def test_so_is_what_cannot_be_proven_for_now(
    clock: Clock, queue: InProcessQueue, failure: Exception
) -> None:
    """Parameter Store does not answer, or the operator has made a mistake."""

    def load(_key: str) -> ReadyChannel:
        raise failure

    with pytest.raises(NotQueued):
        ProviderIntake(configured(clock, load), queue, SALT, clock).receive(
            ACCOUNT, NAME, webhook(said("x"))
        )


def test_body_that_is_too_large_is_not_even_proven(intake: ProviderIntake) -> None:
    """One more byte than there may be."""
    with pytest.raises(TooLarge):
        intake.receive(ACCOUNT, NAME, signed(b"x" * (MAX_BODY_BYTES + 1)))


def test_rotated_secret_leaves_no_gap(clock: Clock, queue: InProcessQueue) -> None:
    """What the former one proves is believed, too."""
    channel = ready_channel(previous={"webhook_secret": "the-former-secret"})
    intake = ProviderIntake(configured(clock, lambda _key: channel), queue, SALT, clock)

    for secret in ("the-former-secret", channel.settings["webhook_secret"]):
        intake.receive(ACCOUNT, NAME, webhook(said("x"), secret=secret))

    assert 2 == len(queue.letters)


def test_new_secret_is_noticed_by_what_it_proves(clock: Clock, queue: InProcessQueue) -> None:
    """Although the parameter is kept for minutes; strangers cause a read in half a minute."""
    secrets = ["first-secret"]
    reads: list[str] = []

    def load(key: str) -> ReadyChannel:
        reads.append(key)
        return ready_channel(webhook_secret=secrets[0])

    intake = ProviderIntake(configured(clock, load), queue, SALT, clock)
    intake.receive(ACCOUNT, NAME, webhook(said("x"), secret="first-secret"))
    secrets[0] = "second-secret"
    clock.pass_seconds(30)
    intake.receive(ACCOUNT, NAME, webhook(said("x"), secret="second-secret"))
    for _ in range(3):
        with pytest.raises(UntrustedWebhook):
            intake.receive(ACCOUNT, NAME, webhook(said("x"), secret="a-strangers"))

    assert 2 == len(reads)


def test_behind_a_proxy_the_address_is_the_operators(clock: Clock, queue: InProcessQueue) -> None:
    """Some proofs are over the address that the provider called."""
    seen: list[str] = []

    class Looking(Pigeon):
        def prove(self, request: WebhookRequest, settings: Settings) -> None:
            seen.append(request.url)
            super().prove(request, settings)

    channel = ready_channel(Looking(), address="https://brand.example/hook")
    intake = ProviderIntake(configured(clock, lambda _key: channel), queue, SALT, clock)
    intake.receive(ACCOUNT, NAME, spoilt(webhook(), url=f"{ADDRESS}?a=1"))

    assert ["https://brand.example/hook?a=1"] == seen


def test_queue_holds_plain_json(intake: ProviderIntake, queue: InProcessQueue) -> None:
    """An operator reads it in a dead letter."""
    intake.receive(ACCOUNT, NAME, webhook(said("Grüße")))

    queued = json.loads(queue.letters[0].body)
    assert (ACCOUNT, "loft:ann", "loft") == (
        queued["account_id"],
        queued["consumer_id"],
        queued["channel"],
    )
    assert "Grüße" == queued["event"]["text"]
