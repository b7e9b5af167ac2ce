"""LivePerson calls: what is proved is queued in order, and nothing else is."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from liveperson_connector.domain.accounts import Credentials
from liveperson_connector.domain.errors import (
    AwsUnavailable,
    MisconfiguredAccount,
    NotQueued,
    TooLarge,
    UntrustedWebhook,
)
from liveperson_connector.flows.webhook_intake import (
    MAX_BODY_BYTES,
    Accepted,
    WebhookIntake,
)
from liveperson_connector.liveperson.notifications import CLAIM_ATTRIBUTE, MESSAGING_EVENT
from liveperson_connector.liveperson.signatures import (
    ACCOUNT_HEADER,
    CLIENT_HEADER,
    SIGNATURE_HEADER,
)
from liveperson_connector.support.cache import Cache
from liveperson_connector.telemetry import outcomes
from tests.support.accounts import ACCOUNT, CLIENT_ID, CLIENT_SECRET, CREDENTIALS
from tests.support.clocks import Clock
from tests.support.in_process import BrokenQueue, InProcessQueue
from tests.support.logs import Output
from tests.support.webhooks import (
    Webhook,
    conversation_change,
    conversation_notification,
    message_change,
    notification,
    signed_webhook,
    without,
)


@dataclass
class Intake:
    """A webhook intake and what stands around it."""

    clock: Clock
    known: dict[str, Credentials] = field(default_factory=lambda: {ACCOUNT: CREDENTIALS})
    failure: Exception | None = None
    reads: int = 0
    notifications: InProcessQueue = field(default_factory=InProcessQueue)
    dead_letters: InProcessQueue = field(default_factory=InProcessQueue)
    flow: WebhookIntake = field(init=False)

    def __post_init__(self) -> None:
        cache = Cache(self._read, ttl=300, clock=self.clock)
        self.flow = WebhookIntake(cache, self.notifications, self.dead_letters, self.clock)

    def _read(self, account_id: str) -> Credentials | None:
        self.reads += 1
        if self.failure:
            raise self.failure
        return self.known.get(account_id)

    def receive(self, webhook: Webhook) -> Accepted:
        return self.flow.receive(webhook.headers, webhook.body)

    def queued(self) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.notifications.letters]


@pytest.fixture(name="intake")
def _intake(clock: Clock) -> Intake:
    return Intake(clock)


# ── What is proved is queued ──


def test_every_change_is_queued_in_order(intake: Intake) -> None:
    """As plain JSON that says whose account it is, which kind, and what LivePerson said."""
    changes = [message_change(f"Grüße {n} 👋", sequence=n) for n in range(3)]
    accepted = intake.receive(signed_webhook(notification(*changes)))

    assert Accepted(ACCOUNT, 3, "current") == accepted
    assert [
        {"account_id": ACCOUNT, "type": MESSAGING_EVENT, "change": each} for each in changes
    ] == intake.queued()


def test_changes_of_a_conversation_are_one_group(intake: Intake) -> None:
    """Messages and states of one conversation keep their order; others do not wait for them."""
    intake.receive(signed_webhook(notification(message_change())))
    intake.receive(signed_webhook(conversation_notification(conversation_change())))
    intake.receive(signed_webhook(notification(message_change(conversation_id="another"))))
    told = [each for each in intake.notifications.letters if CLAIM_ATTRIBUTE not in each.attributes]
    groups = [each.group for each in told]

    assert groups[0] == groups[1] != groups[2]


def test_whose_a_new_conversation_is_waits_behind_no_message(intake: Intake) -> None:
    """A message that overtook the news would stand before it; later states are told alone."""
    joined = {"participants": [{"id": "agent-1", "role": "ASSIGNED_AGENT"}]}
    for details in ({}, joined, {"stage": "CLOSE"}):
        change = conversation_change(**details)
        intake.receive(signed_webhook(conversation_notification(change)))
    claims = [CLAIM_ATTRIBUTE in each.attributes for each in intake.notifications.letters]
    groups = [each.group for each in intake.notifications.letters]

    assert [True, False, False, False] == claims
    assert groups[0] != groups[1] == groups[2] == groups[3]


def test_claim_is_the_change_itself_beside_the_others(intake: Intake) -> None:
    """Each conversation of each account has one, with the trace of its request."""
    intake.known["other"] = CREDENTIALS
    bodies = [conversation_notification(conversation_change(conversation_id=each)) for each in "ab"]
    with outcomes.context("webhook_intake", "request-1"):
        for body in bodies:
            intake.receive(signed_webhook(body))
        intake.receive(signed_webhook(bodies[0], account_id="other"))
    claims = intake.notifications.letters[::2]
    changes = intake.notifications.letters[1::2]

    assert [each.body for each in changes] == [each.body for each in claims]
    assert [{"claim": "only", "trace": "request-1"}] * 3 == [each.attributes for each in claims]
    assert 3 == len({each.group for each in claims})
    assert 6 == len({each.deduplication_id for each in (*claims, *changes)})


def test_claim_stands_with_its_conversations_echoes(intake: Intake) -> None:
    """Both settle what must not wait for a channel."""
    intake.receive(signed_webhook(conversation_notification(conversation_change())))
    intake.receive(signed_webhook(notification(message_change(role="CONSUMER"))))
    claim, _, echo = intake.notifications.letters

    assert claim.group == echo.group


def test_echo_waits_behind_no_channel(intake: Intake) -> None:
    """What the consumer was heard to say is a group of its own: it settles sends in doubt."""
    for number, role in enumerate(["ASSIGNED_AGENT", "CONSUMER", "MANAGER", "CONSUMER"]):
        change = message_change(role=role, sequence=number)
        intake.receive(signed_webhook(notification(change)))
    agent, echo, manager, another_echo = [each.group for each in intake.notifications.letters]

    assert agent == manager != echo == another_echo


def test_same_conversation_id_in_two_accounts_is_two_groups(intake: Intake) -> None:
    """One account's failure holds back nobody else's."""
    intake.known["other"] = CREDENTIALS
    intake.receive(signed_webhook())
    intake.receive(signed_webhook(account_id="other"))

    assert 2 == len({each.group for each in intake.notifications.letters})


@pytest.mark.parametrize(
    "body",
    [
        notification(message_change()),
        notification(message_change(role="CONSUMER")),
        notification(without(message_change(event={"type": "ChatStateEvent"}), "sequence")),
        conversation_notification(conversation_change()),
    ],
)
def test_no_queue_drops_what_is_sent_again(intake: Intake, body: bytes) -> None:
    """
    The first may have failed for good, or be typing: the table says whether it was told.

    SQS would drop the second for five minutes, whatever had become of the first.
    """
    intake.receive(signed_webhook(body))
    once = intake.queued()
    intake.receive(signed_webhook(body))

    assert once * 2 == intake.queued()
    letters = intake.notifications.letters
    assert len(letters) == len({each.deduplication_id for each in letters})


def test_webhook_with_nothing_in_it_is_taken(intake: Intake) -> None:
    """There is nothing to queue, and that is fine."""
    assert Accepted(ACCOUNT, 0, "current") == intake.receive(signed_webhook(notification()))


# ── Who is not believed ──


@pytest.mark.parametrize("header", [ACCOUNT_HEADER, CLIENT_HEADER, SIGNATURE_HEADER])
def test_without_a_header_nothing_is_queued(intake: Intake, header: str) -> None:
    """All three are needed for the proof."""
    with pytest.raises(UntrustedWebhook):
        intake.receive(signed_webhook().without(header))

    assert [] == intake.queued()


@pytest.mark.parametrize(
    "spoilt",
    [
        signed_webhook().with_body(notification(message_change("Send me money"))),
        signed_webhook().with_header(SIGNATURE_HEADER, "sha1=Zm9v"),
        signed_webhook().with_header(CLIENT_HEADER, "another"),
        signed_webhook().with_header(ACCOUNT_HEADER, "99999999"),
        signed_webhook().with_header(ACCOUNT_HEADER, "../../secret"),
        signed_webhook().with_header(ACCOUNT_HEADER, ""),
        signed_webhook(secret="wrong"),
        signed_webhook(b"not even JSON", secret="wrong"),
    ],
)
def test_what_is_not_proved_is_not_queued(intake: Intake, spoilt: Webhook) -> None:
    """One wrong part is enough, and nothing of it is kept anywhere."""
    with pytest.raises(UntrustedWebhook):
        intake.receive(spoilt)

    assert ([], []) == (intake.queued(), intake.dead_letters.letters)


def test_strange_account_id_is_never_looked_up(intake: Intake) -> None:
    """It could name another parameter."""
    with pytest.raises(UntrustedWebhook):
        intake.receive(signed_webhook(account_id="a/b"))

    assert 0 == intake.reads


def test_body_that_is_too_large_is_refused_before_anything_else(intake: Intake) -> None:
    """A quarter of a megabyte is more than LivePerson ever sends."""
    with pytest.raises(TooLarge):
        intake.receive(signed_webhook(b" " * (MAX_BODY_BYTES + 1)))

    assert 0 == intake.reads


def test_body_of_the_largest_size_is_looked_at(intake: Intake) -> None:
    """One byte more is too much."""
    body = b'{"type": "' + b"x" * (MAX_BODY_BYTES - 12) + b'"}'

    assert MAX_BODY_BYTES == len(body)
    assert intake.receive(signed_webhook(body)).unreadable


def test_largest_body_fits_the_queue_whatever_it_says(intake: Intake) -> None:
    """Written as ASCII it grows; all its changes still fit one SQS call of a megabyte."""
    frame = len(notification(message_change("")))
    text = "é" * ((MAX_BODY_BYTES - frame) // 2)
    intake.receive(signed_webhook(notification(message_change(text))))

    (letter,) = intake.notifications.letters
    assert letter.body.isascii()
    assert len(letter.body) < 1024 * 1024


@pytest.mark.parametrize("named", ["99999999", 99999999, f"{ACCOUNT}0"])
def test_body_of_another_account_is_refused(intake: Intake, named: object) -> None:
    """The header that names the account is not signed; the body is, and names its own."""
    changes = [conversation_change(), conversation_change(brandId=named)]

    with pytest.raises(UntrustedWebhook, match="another account"):
        intake.receive(signed_webhook(conversation_notification(*changes)))

    assert ([], []) == (intake.queued(), intake.dead_letters.letters)


@pytest.mark.parametrize("named", [ACCOUNT, int(ACCOUNT), None, "", {}])
def test_body_of_the_same_account_or_of_none_is_taken(intake: Intake, named: object) -> None:
    """LivePerson writes ids as texts and as numbers, and mostly writes none."""
    body = conversation_notification(conversation_change(brandId=named))

    assert 1 == intake.receive(signed_webhook(body)).changes


# ── What is replayed ──

DAY = 86_400


def after(*changes: dict[str, Any], seconds: float, **inner: Any) -> Webhook:
    """Sign changes that happened ``seconds`` before the clock's moment."""
    at = int((Clock().now - seconds) * 1000)
    told = [{**each, "serverTimestamp": at} if "event" in each else each for each in changes]
    body = json.loads(notification(*told))
    body["body"] |= inner
    return signed_webhook(json.dumps(body).encode())


@pytest.mark.parametrize(("seconds", "told"), [(0, 1), (4.9 * DAY, 1), (5 * DAY, 0), (-60, 1)])
def test_what_is_older_than_our_memory_is_not_told_again(
    intake: Intake, seconds: float, told: int
) -> None:
    """
    LivePerson resends for three days, and a repeat is known for five: the rest is a replay.

    A webhook has no time stamp of its own, but the message in it has one.
    """
    accepted = intake.receive(after(message_change(), seconds=seconds))

    assert (told, 1 - told) == (accepted.changes, accepted.too_old)
    assert told == len(intake.queued())


@pytest.mark.parametrize(("seconds", "told"), [(4.9 * DAY, 1), (5 * DAY, 0)])
def test_old_state_is_not_told_again_either(intake: Intake, seconds: float, told: int) -> None:
    """After half a year its conversation may be forgotten, and would be adopted anew."""
    updated_at = int((Clock().now - seconds) * 1000)
    change = conversation_change(updated_at=updated_at)

    accepted = intake.receive(signed_webhook(conversation_notification(change)))

    assert (told, 1 - told) == (accepted.changes, accepted.too_old)


def test_where_a_message_does_not_say_its_time_the_webhook_does(intake: Intake) -> None:
    """Some say when they were sent."""
    body = json.loads(notification(without(message_change(), "serverTimestamp")))
    body["body"]["sentTs"] = int((Clock().now - 6 * DAY) * 1000)

    assert 1 == intake.receive(signed_webhook(json.dumps(body).encode())).too_old
    assert 1 == intake.receive(signed_webhook(notification(body["body"]["changes"][0]))).changes


@pytest.mark.parametrize("place", ["serverTimestamp", "sentTs"])
@pytest.mark.parametrize(("seconds", "told"), [(0, 1), (9, 1), (11, 0), (3600, 0)])
def test_typing_is_not_replayed(intake: Intake, place: str, seconds: int, told: int) -> None:
    """It is over in seconds, and LivePerson keeps what it could not deliver for days."""
    typing = without(message_change(event={"type": "ChatStateEvent"}), "serverTimestamp")
    body = json.loads(notification(typing))
    where = body["body"] if place == "sentTs" else body["body"]["changes"][0]
    where[place] = int((Clock().now - seconds) * 1000)

    accepted = intake.receive(signed_webhook(json.dumps(body).encode()))

    assert (told, 1 - told, 0) == (accepted.changes, accepted.stale, accepted.too_old)


def test_old_change_takes_no_other_along(intake: Intake) -> None:
    """Each has its own time."""
    old = message_change(serverTimestamp=int((Clock().now - 6 * DAY) * 1000))
    accepted = intake.receive(signed_webhook(notification(old, message_change(sequence=2))))

    assert (1, 1) == (accepted.changes, accepted.too_old)
    assert [2] == [each["change"]["sequence"] for each in intake.queued()]


def test_webhook_with_nothing_to_queue_is_counted_as_what_it_is(
    intake: Intake, output: Output
) -> None:
    """One without changes is accepted, one without a readable change is not."""
    intake.receive(signed_webhook(notification({})))
    intake.receive(signed_webhook(notification()))

    assert ["unreadable", "accepted_current_secret"] == output.messages
    assert 0 == output.lines[1]["changes"]


def test_what_of_a_webhook_was_not_queued_is_counted(intake: Intake, output: Output) -> None:
    """By why it was not, beside the webhook itself: it was genuine, and had so many changes."""
    then = int((Clock().now - 6 * DAY) * 1000)
    old = [message_change(sequence=number, serverTimestamp=then) for number in (1, 2)]
    typing = message_change(event={"type": "ChatStateEvent"}, serverTimestamp=then)
    intake.receive(signed_webhook(notification(message_change(), {}, *old, typing)))

    assert ["accepted_current_secret", "unreadable", "too_old", "typing_stale"] == output.messages
    assert [4, None, 2, 1] == [each.get("changes") for each in output.lines]
    assert [[2]] == [each["too_old"] for each in output.metrics if "too_old" in each]


# ── Secrets change ──


def test_rotated_secret_is_noticed_at_the_first_webhook_it_signs(
    intake: Intake, clock: Clock
) -> None:
    """Nothing is lost between the rotation and the next look at the parameter."""
    intake.receive(signed_webhook())
    intake.known[ACCOUNT] = Credentials(CLIENT_ID, "new", CLIENT_SECRET)
    clock.pass_seconds(30)

    assert "current" == intake.receive(signed_webhook(secret="new")).secret
    assert "previous" == intake.receive(signed_webhook()).secret


def test_new_account_is_noticed(intake: Intake, clock: Clock) -> None:
    """It works soon after its parameters are written, though it was asked for before."""
    with pytest.raises(UntrustedWebhook):
        intake.receive(signed_webhook(account_id="new"))
    intake.known["new"] = CREDENTIALS
    clock.pass_seconds(30)

    assert 1 == intake.receive(signed_webhook(account_id="new")).changes


def test_good_webhook_makes_us_read_once(intake: Intake) -> None:
    """What is remembered is not doubted without a reason."""
    for number in range(5):
        intake.receive(signed_webhook(notification(message_change(sequence=number))))

    assert 1 == intake.reads


def test_header_that_is_no_signature_makes_us_read_nothing(intake: Intake) -> None:
    """It could not match any secret."""
    for spoilt in (signed_webhook().without(SIGNATURE_HEADER), signed_webhook(b"", secret="x")):
        with pytest.raises(UntrustedWebhook):
            intake.receive(spoilt.with_header(SIGNATURE_HEADER, "sha1=no"))

    assert 0 == intake.reads


def test_strangers_bad_signatures_make_us_read_seldom(intake: Intake, clock: Clock) -> None:
    """Parameter Store is asked once in half a minute, however often somebody knocks."""
    for _ in range(100):
        with pytest.raises(UntrustedWebhook):
            intake.receive(signed_webhook(secret="wrong"))
        clock.pass_seconds(0.5)

    assert intake.reads <= 3


def test_last_known_secret_outlives_parameter_store(intake: Intake, clock: Clock) -> None:
    """Webhooks are proved while AWS fails."""
    intake.receive(signed_webhook())
    intake.failure = AwsUnavailable("throttled")
    clock.pass_seconds(3600)

    assert 1 == intake.receive(signed_webhook(notification(message_change(sequence=9)))).changes


# ── What cannot be queued ──


@pytest.mark.parametrize("failure", [AwsUnavailable("throttled"), MisconfiguredAccount("no JSON")])
def test_without_the_secret_the_caller_keeps_the_webhook(
    intake: Intake, failure: Exception
) -> None:
    """It can be neither proved nor refused: LivePerson sends it again."""
    intake.failure = failure

    with pytest.raises(NotQueued, match=str(failure)):
        intake.receive(signed_webhook())


def test_without_the_queue_the_caller_keeps_the_webhook(clock: Clock) -> None:
    """No 200 for what is not queued."""
    cache: Cache[Credentials | None] = Cache(lambda _key: CREDENTIALS, ttl=300, clock=clock)
    webhook = signed_webhook()

    with pytest.raises(NotQueued, match=r"broken\.fifo"):  # an operator reads why
        WebhookIntake(cache, BrokenQueue(), InProcessQueue(), clock).receive(
            webhook.headers, webhook.body
        )


@pytest.mark.parametrize(
    "body", [b"", b"no JSON", b"\xff\x00", notification(message_change(), kind="ms.SomethingNew")]
)
def test_what_cannot_be_read_goes_to_the_dead_letters(intake: Intake, body: bytes) -> None:
    """LivePerson signed it, so an operator gets every byte of it and the reason."""
    accepted = intake.receive(signed_webhook(body))

    (letter,) = intake.dead_letters.letters
    kept = json.loads(letter.body)
    assert Accepted(ACCOUNT, 0, "current", accepted.unreadable) == accepted
    assert str(accepted.unreadable) == letter.attributes["problem"]
    assert [] == intake.queued()
    assert ("unreadable", "1") == (letter.attributes["reason"], letter.attributes["attempts"])
    assert (ACCOUNT, body) == (kept["account_id"], base64.b64decode(kept["body_base64"]))


@pytest.mark.parametrize("spoilt", [{}, 7, None, "x", [], {"sequence": 1}])
def test_unreadable_change_takes_no_other_along(intake: Intake, spoilt: object) -> None:
    """It is a dead letter of its own, in the queue's form, so that redrive can bring it back."""
    good = [message_change(sequence=1), message_change(sequence=3)]
    body = notification(good[0], spoilt, good[1])  # type: ignore[arg-type]

    accepted = intake.receive(signed_webhook(body))

    (letter,) = intake.dead_letters.letters
    assert good == [each["change"] for each in intake.queued()]
    assert {"account_id": ACCOUNT, "type": MESSAGING_EVENT, "change": spoilt} == json.loads(
        letter.body
    )
    assert ("unreadable", str(accepted.unreadable)) == (
        letter.attributes["reason"],
        letter.attributes["problem"],
    )
    assert 2 == accepted.changes


def test_dead_letter_says_since_when_it_is_one(intake: Intake) -> None:
    """Its age is told by that."""
    intake.receive(signed_webhook(b"no JSON"))
    intake.receive(signed_webhook(notification({})))

    assert ["2023-11-14T22:13:20.000Z"] * 2 == [
        each.attributes["first_failed_at"] for each in intake.dead_letters.letters
    ]


def test_what_cannot_be_read_is_kept_once_and_in_order(intake: Intake) -> None:
    """Of each account by itself: what LivePerson sends again is the same, other bytes are not."""
    intake.known["other"] = CREDENTIALS
    for body in (b"no JSON", b"no JSON", b"nor this"):
        intake.receive(signed_webhook(body))
    intake.receive(signed_webhook(b"no JSON", account_id="other"))
    first, second, other = intake.dead_letters.letters

    assert first.group == second.group != other.group
    assert 3 == len({each.deduplication_id for each in intake.dead_letters.letters})


def test_what_is_queued_has_the_trace_of_its_request(intake: Intake) -> None:
    """By which one message is followed through every function; without a request there is none."""
    intake.receive(signed_webhook())
    intake.receive(signed_webhook(b"no JSON"))
    with outcomes.context("webhook_intake", "request-1"):
        intake.receive(signed_webhook(notification(message_change(sequence=2))))
        intake.receive(signed_webhook(b"nor this"))

    for queue in (intake.notifications, intake.dead_letters):
        assert [None, "request-1"] == [each.attributes.get("trace") for each in queue.letters]


def test_two_accounts_events_are_never_one(intake: Intake) -> None:
    """Though they be numbered alike."""
    intake.known["other"] = CREDENTIALS
    intake.receive(signed_webhook())
    intake.receive(signed_webhook(account_id="other"))

    assert 2 == len({each.deduplication_id for each in intake.notifications.letters})


def test_without_the_dead_letters_the_caller_keeps_it_too(clock: Clock) -> None:
    """No 200 for what stands nowhere."""
    cache: Cache[Credentials | None] = Cache(lambda _key: CREDENTIALS, ttl=300, clock=clock)
    webhook = signed_webhook(b"no JSON")

    with pytest.raises(NotQueued):
        WebhookIntake(cache, InProcessQueue(), BrokenQueue(), clock).receive(
            webhook.headers, webhook.body
        )


def test_without_the_dead_letters_nothing_of_it_is_queued(clock: Clock) -> None:
    """LivePerson sends it again, whole."""
    cache: Cache[Credentials | None] = Cache(lambda _key: CREDENTIALS, ttl=300, clock=clock)
    queue, webhook = InProcessQueue(), signed_webhook(notification({}, message_change()))

    with pytest.raises(NotQueued):
        WebhookIntake(cache, queue, BrokenQueue(), clock).receive(webhook.headers, webhook.body)

    assert [] == queue.letters
