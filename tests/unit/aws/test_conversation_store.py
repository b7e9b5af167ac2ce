"""What the connector remembers in DynamoDB, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws.conversation_store import (
    CONSUMER_SECONDS,
    DONE_SECONDS,
    FOREIGN_SECONDS,
    SOUGHT_SECONDS,
    ConversationStore,
)
from liveperson_connector.aws.delivery_state import HOLD_SECONDS, DeliveryState
from liveperson_connector.aws.table import TTL_ATTRIBUTE, Update
from liveperson_connector.domain.conversations import (
    NOTHING_SENT,
    Consumer,
    Conversation,
    EventState,
    NotificationState,
    Progress,
    Refusal,
    text_digest,
)
from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.domain.outages import OPEN_AFTER, CircuitState
from tests.simulation.table import Table
from tests.support.clocks import Clock

from .conftest import TABLE

ACCOUNT, KEY, PHONE, LP = "42257269", "k" * 64, "+4915112345678", "lp-1"
DAY = 86_400
STRANGER = Consumer(ACCOUNT, PHONE, KEY, LP, "the-jws")


class Whole(ConversationStore, DeliveryState):
    """All that is kept in the table; both halves stand on the same one."""


@pytest.fixture(name="memory")
def _memory(dynamodb: DynamoDBClient, clock: Clock) -> Whole:
    return Whole(dynamodb, TABLE, clock=clock)


@pytest.fixture(name="consumer")
def _consumer(memory: Whole) -> Consumer:
    """Introduce a consumer."""
    memory.save_consumer(STRANGER)
    return STRANGER


@pytest.fixture(name="talking")
def _talking(memory: Whole, consumer: Consumer) -> Consumer:
    """Let a consumer have an open conversation."""
    return memory.save_opened(consumer, "c-1", ())


def known(memory: Whole) -> Consumer:
    """Recall the consumer, who must be known."""
    consumer = memory.load_consumer(ACCOUNT, KEY)
    assert consumer
    return consumer


def event(memory: Whole, event_id: str = "m-1") -> EventState:
    """Recall an event of the consumer."""
    return memory.load_event(ACCOUNT, KEY, event_id, "group")


def follow(memory: Whole, now: Conversation) -> None:
    """Take over a change of a conversation."""
    before = conversation(memory)
    memory.point_consumer_at(before, now)
    memory.save_state(now)


def notification(
    memory: Whole,
    conversation_id: str = "c-1",
    identity: str = "c-1:1",
    *,
    account_id: str = ACCOUNT,
    lp_ids: Sequence[str] = (),
) -> NotificationState:
    """Recall a notification."""
    identities = (identity,) if identity else ()
    return memory.load_notification(account_id, conversation_id, identities, lp_ids, "group")


def conversation(memory: Whole, conversation_id: str = "c-1") -> Conversation:
    """Recall a conversation, which must be known."""
    found = memory.load_conversation(ACCOUNT, conversation_id)
    assert found
    return found


def claimed(conversation_id: str, **more: Any) -> Conversation:
    """Give a conversation as a webhook says it is our consumer's."""
    return replace(
        Conversation(ACCOUNT, conversation_id, PHONE, consumer_key=KEY, lp_consumer_id=LP), **more
    )


# ── Consumers ──


def test_a_consumer_is_remembered(memory: Whole, consumer: Consumer) -> None:
    """With the token that never expires."""
    assert EventState(consumer, Progress()) == event(memory)
    assert consumer == known(memory)


def test_a_stranger_is_not_known(memory: Whole) -> None:
    """And that is no error."""
    assert EventState(None, Progress()) == event(memory)
    assert memory.load_consumer(ACCOUNT, KEY) is None


def test_a_consumer_of_another_account_is_another(memory: Whole, consumer: Consumer) -> None:
    """Accounts share the table and nothing else."""
    assert memory.load_consumer("99999999", KEY) is None


def test_to_be_introduced_again_changes_the_token_alone(memory: Whole, talking: Consumer) -> None:
    """The open conversation stays."""
    memory.save_consumer(replace(talking, jws="newer-jws"))

    assert replace(talking, jws="newer-jws") == known(memory)


def test_a_silent_consumer_is_forgotten_after_half_a_year(
    memory: Whole, consumer: Consumer, clock: Clock
) -> None:
    """Not earlier, and whether or not DynamoDB has removed the item."""
    clock.pass_seconds(CONSUMER_SECONDS - 1)
    before = memory.load_consumer(ACCOUNT, KEY)
    clock.pass_seconds(1)

    assert (consumer, None) == (before, memory.load_consumer(ACCOUNT, KEY))


def test_every_item_has_an_end(clock: Clock) -> None:
    """Nothing is kept for ever, and the attribute is the one that the table forgets by."""
    table = Table()
    memory = Whole(cast("DynamoDBClient", table), TABLE, clock=clock)
    memory.save_consumer(STRANGER)
    talking = memory.save_opened(STRANGER, "c-1", ())
    memory.save_sent(talking, "m-1", Progress(1, done=True), 0)
    memory.mark_delivered(ACCOUNT, "c-1:1")
    memory.mark_foreign(ACCOUNT, "c-9")
    memory.lease("name", 10)
    follow(memory, claimed("c-1", survey_dialog_id="s-1"))
    memory.save_echo(conversation(memory), 1, "digest")

    assert len(table.items) >= 7
    assert all(float(each[TTL_ATTRIBUTE]["N"]) > clock() for each in table.items.values())


# ── Conversations ──


def test_an_opened_conversation_is_the_consumers(memory: Whole, talking: Consumer) -> None:
    """From both sides: the consumer knows it, and it knows the consumer."""
    assert ("c-1", NOTHING_SENT) == (known(memory).conversation_id, known(memory).last_sequence)
    assert claimed("c-1") == conversation(memory)
    assert talking == known(memory)


def test_what_a_consumers_client_can_do_is_remembered(memory: Whole, consumer: Consumer) -> None:
    """LivePerson wants it with every call."""
    opened = memory.save_opened(consumer, "c-1", ("RICH_CONTENT", "QUICK_REPLIES"))

    assert opened == known(memory)
    assert ("RICH_CONTENT", "QUICK_REPLIES") == known(memory).features


def test_echoes_heard_before_the_answer_are_kept(memory: Whole, consumer: Consumer) -> None:
    """A webhook may overtake the answer that names the conversation."""
    memory.adopt(claimed("c-1"), is_current=True)
    memory.save_echo(conversation(memory), 0, text_digest("Hello"))
    memory.save_opened(consumer, "c-1", ())

    assert 0 == conversation(memory).heard(text_digest("Hello"), after=NOTHING_SENT)


def test_an_end_frees_the_consumer(memory: Whole, talking: Consumer) -> None:
    """The next event opens another conversation; what was rated last is still known."""
    follow(memory, claimed("c-1", is_open=False, changed_at=1))

    assert (None, "c-1") == (known(memory).conversation_id, known(memory).last_conversation_id)
    assert not conversation(memory).is_open


def test_the_end_of_an_older_conversation_frees_nobody(memory: Whole, talking: Consumer) -> None:
    """Told late, it does not take away the newer one."""
    memory.save_opened(talking, "c-2", ())
    follow(memory, claimed("c-1", is_open=False, changed_at=1))

    assert "c-2" == known(memory).conversation_id


def test_a_survey_is_where_the_next_words_go(memory: Whole, talking: Consumer) -> None:
    """While it runs; its dialog counts from the beginning."""
    memory.save_sent(talking, "m-1", Progress(1, done=True), 7)
    follow(memory, claimed("c-1", survey_dialog_id="s-1", changed_at=1))

    assert ("c-1", "s-1", NOTHING_SENT) == (
        known(memory).conversation_id,
        known(memory).survey_dialog_id,
        known(memory).last_sequence,
    )


def test_a_surveys_dialog_leads_to_its_conversation(memory: Whole, talking: Consumer) -> None:
    """A form of webhook names only the dialog."""
    follow(memory, claimed("c-1", survey_dialog_id="s-1", changed_at=1))
    found = notification(memory, "s-1", "s-1:0").conversation

    assert found
    assert ("c-1", KEY) == (found.conversation_id, found.consumer_key)


def test_what_became_of_a_conversation_is_remembered(memory: Whole, talking: Consumer) -> None:
    """Agent, skill and when it last changed."""
    now = claimed("c-1", agent_id="a-1", skill_id="7", changed_at=1_700_000_000_000)
    follow(memory, now)

    assert now == conversation(memory)


def test_a_conversation_that_is_opened_again_is_where_the_next_words_go(
    memory: Whole, talking: Consumer
) -> None:
    """As if it had never ended; what was said there last is still known."""
    memory.save_sent(talking, "m-1", Progress(1, done=True), 7)
    follow(memory, claimed("c-1", is_open=False, changed_at=1))
    follow(memory, claimed("c-1", changed_at=2))

    assert ("c-1", 7) == (known(memory).conversation_id, known(memory).last_sequence)
    assert not conversation(memory).is_over


def test_that_it_is_over_is_known_before_the_channel_is_told(
    memory: Whole, talking: Consumer
) -> None:
    """What the channel was told last stays, so that it is told once more."""
    memory.point_consumer_at(conversation(memory), claimed("c-1", is_open=False, changed_at=1))

    assert (True, True) == (conversation(memory).is_over, conversation(memory).is_open)


def test_other_dialogs_lead_to_their_conversation_and_have_a_type(
    memory: Whole, talking: Consumer
) -> None:
    """Whatever they are; the main one is the conversation's own."""
    types = {"c-1": "MAIN", "s-1": "POST_SURVEY", "d-1": "OTHER"}
    follow(memory, claimed("c-1", dialog_types=types, changed_at=1))
    found = [notification(memory, each, f"{each}:0").conversation for each in types]

    assert ["c-1"] * 3 == [each.conversation_id for each in found if each]
    assert types == conversation(memory).dialog_types


# ── Lost and found ──


def test_a_consumer_is_led_back_to_its_open_conversation(
    memory: Whole, dynamodb: DynamoDBClient, consumer: Consumer
) -> None:
    """Its record knew none; what was heard there is no echo of what it says next."""
    memory.adopt(claimed("c-1"), is_current=False)
    memory.save_echo(conversation(memory), 5, "digest")
    forget(dynamodb)
    memory.save_consumer(consumer)

    assert memory.restore_pointer(conversation(memory))
    assert not memory.restore_pointer(conversation(memory))
    assert ("c-1", 5) == (known(memory).conversation_id, known(memory).last_sequence)


@pytest.mark.parametrize(("told_at", "expected"), [(0, "c-2"), (1, "c-2"), (10**15, "c-1")])
def test_only_a_newer_state_leads_away_from_another_conversation(
    memory: Whole, talking: Consumer, told_at: int, expected: str
) -> None:
    """LivePerson keeps to one that is open."""
    memory.save_opened(talking, "c-2", ())

    assert (expected == "c-1") == memory.restore_pointer(claimed("c-1"), told_at=told_at)
    assert expected == known(memory).conversation_id


def test_who_is_not_known_is_not_led_anywhere(memory: Whole) -> None:
    """Half a record would have no token."""
    assert not memory.restore_pointer(claimed("c-1"))
    assert memory.load_consumer(ACCOUNT, KEY) is None


def test_half_a_record_is_none(memory: Whole, dynamodb: DynamoDBClient, talking: Consumer) -> None:
    """A consumer was erased while a message of it was on its way; it is introduced anew."""
    forget(dynamodb)
    memory.save_sent(talking, "m-1", Progress(1, done=True), 7)

    assert memory.load_consumer(ACCOUNT, KEY) is None
    assert event(memory, "m-2").consumer is None


def test_that_a_conversation_is_sought_is_known_to_the_account_for_a_while(
    memory: Whole, talking: Consumer, clock: Clock
) -> None:
    """Its notifications look who has lost its own; other accounts' do not."""
    memory.seek_conversation(ACCOUNT)
    before = notification(memory).is_sought, notification(memory, account_id="99999999").is_sought
    clock.pass_seconds(SOUGHT_SECONDS)

    assert (True, False, False) == (*before, notification(memory).is_sought)


def forget(dynamodb: DynamoDBClient) -> None:
    """Lose the consumer's record."""
    dynamodb.delete_item(TableName=TABLE, Key={"pk": {"S": f"consumer#{ACCOUNT}#{KEY}"}})


# ── Adopted ──


def test_a_consumer_without_a_conversation_adopts_one(memory: Whole, consumer: Consumer) -> None:
    """A webhook named it, and the waiting words go there."""
    memory.adopt(claimed("c-1"), is_current=True)

    assert "c-1" == known(memory).conversation_id
    assert claimed("c-1") == conversation(memory)


@pytest.mark.parametrize(("is_current", "expected"), [(True, "c-2"), (False, "c-1")])
def test_another_open_conversation_replaces_the_known_one_only_if_it_is_current(
    memory: Whole, talking: Consumer, is_current: bool, expected: str
) -> None:
    """A state says what is open now; an echo may come from anywhere."""
    memory.adopt(claimed("c-2"), is_current=is_current)

    assert expected == known(memory).conversation_id


def test_the_conversation_that_is_known_already_keeps_its_count(
    memory: Whole, talking: Consumer
) -> None:
    """Adopting it again forgets nothing."""
    memory.save_sent(talking, "m-1", Progress(1, done=True), 7)
    memory.adopt(claimed("c-1"), is_current=True)

    assert 7 == known(memory).last_sequence


def test_a_closed_conversation_is_remembered_and_not_current(
    memory: Whole, consumer: Consumer
) -> None:
    """Its messages are told, and the next words go elsewhere."""
    memory.adopt(claimed("c-1", is_open=False), is_current=True)

    assert known(memory).conversation_id is None
    assert not conversation(memory).is_open


def test_what_is_over_stays_over(memory: Whole, talking: Consumer) -> None:
    """A claim that comes late opens nothing again."""
    follow(memory, claimed("c-1", is_open=False, changed_at=1))
    memory.adopt(claimed("c-1"), is_current=False)

    assert not conversation(memory).is_open


def test_a_consumer_who_was_forgotten_is_not_invented(
    memory: Whole, dynamodb: DynamoDBClient
) -> None:
    """Half a record would have no token."""
    memory.adopt(claimed("c-1"), is_current=True)

    assert memory.load_consumer(ACCOUNT, KEY) is None


# ── Notifications ──


def test_one_read_tells_all_about_a_notification(memory: Whole, talking: Consumer) -> None:
    """Whose conversation it is, and that it is new."""
    assert NotificationState(claimed("c-1"), claimed("c-1")) == notification(memory, lp_ids=[LP])


def test_a_notification_is_told_once(memory: Whole, talking: Consumer, clock: Clock) -> None:
    """For five days: LivePerson may resend for three."""
    memory.mark_delivered(ACCOUNT, "c-1:1")
    clock.pass_seconds(DONE_SECONDS - 1)
    before = notification(memory).was_delivered
    clock.pass_seconds(1)

    assert DONE_SECONDS >= 4 * DAY
    assert (True, False) == (before, notification(memory).was_delivered)


def test_another_notification_is_another(memory: Whole, talking: Consumer) -> None:
    """By its identity, and by its account."""
    memory.mark_delivered(ACCOUNT, "c-1:1")

    assert not notification(memory, identity="c-1:2").was_delivered
    assert not notification(memory, account_id="99999999").was_delivered


def test_a_mark_of_an_older_version_counts_for_every_kind(
    memory: Whole, dynamodb: DynamoDBClient, talking: Consumer, clock: Clock
) -> None:
    """It did not tell a message from a receipt of its number; a mark of today is a message's."""
    expires_at = {"N": f"{int(clock()) + DAY}"}
    old = {"pk": {"S": f"notification#{ACCOUNT}#c-1:1"}, TTL_ATTRIBUTE: expires_at}
    dynamodb.put_item(TableName=TABLE, Item=old)
    memory.mark_delivered(ACCOUNT, "c-1:2")

    def told(*identities: str) -> bool:
        return memory.load_notification(ACCOUNT, "c-1", identities, (), "group").was_delivered

    assert (True, True) == (told("c-1:1"), told("c-1:receipt:x", "c-1:1"))
    assert (True, False) == (told("c-1:2"), told("c-1:receipt:x", "c-1:2"))


def test_without_an_identity_nothing_is_a_repeat(memory: Whole, talking: Consumer) -> None:
    """Typing has no key."""
    assert not notification(memory, identity="").was_delivered


def test_a_conversation_is_claimed_for_a_consumer_of_ours(
    memory: Whole, consumer: Consumer
) -> None:
    """A webhook names LivePerson's id of the consumer, among others."""
    recalled = notification(memory, "c-7", lp_ids=["agent", LP, "", "other"])

    assert NotificationState(None, claimed("c-7")) == recalled


def test_nobody_of_ours_claims_nothing(memory: Whole, consumer: Consumer) -> None:
    """Another channel's consumer is not ours, nor is another account's."""
    assert notification(memory, "c-7", lp_ids=["somebody"]).claim is None
    assert notification(memory, "c-7", account_id="99999999", lp_ids=[LP]).claim is None


def test_another_channels_conversation_is_remembered_for_a_while(
    memory: Whole, clock: Clock
) -> None:
    """So that its next message needs no waiting."""
    memory.mark_foreign(ACCOUNT, "c-9")
    found = conversation(memory, "c-9")
    clock.pass_seconds(FOREIGN_SECONDS)

    assert not found.is_ours
    assert memory.load_conversation(ACCOUNT, "c-9") is None


def test_what_is_ours_does_not_become_foreign(memory: Whole, talking: Consumer) -> None:
    """Whoever found out later was wrong."""
    memory.mark_foreign(ACCOUNT, "c-1")

    assert conversation(memory).is_ours


def test_what_was_foreign_can_turn_out_to_be_ours(memory: Whole, consumer: Consumer) -> None:
    """A message may come before the state that names our consumer."""
    memory.mark_foreign(ACCOUNT, "c-1")
    memory.adopt(claimed("c-1"), is_current=True)

    assert conversation(memory).is_ours


# ── Progress ──


@pytest.mark.parametrize(
    "progress",
    [
        Progress(),
        Progress(2, done=True),
        Progress(1, settled_receives=7, ambiguous_at=1_700_000_000.125),
        Progress(0, uploaded="/v1/AUTH_async-images/a/b.png"),
        Progress(1, settled_receives=1, begun_receive=2, begun_at=1_700_000_000.5, refusals=1),
        Progress(may_have_opened=True),
        Progress(
            1,
            refusal=Refusal(
                1_700_000_000.25, "message-1", "digest", "liveperson_refused", "no", 400, "BAD"
            ),
        ),
        Progress(refusal=Refusal(1_700_000_000.25, "message-1", "digest", "no_conversation", "no")),
    ],
)
def test_how_far_an_event_came_is_remembered(
    memory: Whole, consumer: Consumer, progress: Progress
) -> None:
    """To the millisecond."""
    memory.note_progress(ACCOUNT, consumer.key, "m-1", progress)

    assert progress == event(memory).progress
    assert Progress() == event(memory, "m-2").progress


def test_what_was_sent_is_remembered_with_its_sequence(memory: Whole, talking: Consumer) -> None:
    """Event and consumer in one write: neither without the other."""
    sent = memory.save_sent(talking, "m-1", Progress(1, done=True), 4)

    assert EventState(sent, Progress(1, done=True)) == event(memory)
    assert 4 == sent.last_sequence


def test_a_sequence_that_was_not_told_changes_nothing(memory: Whole, talking: Consumer) -> None:
    """The last known one stays."""
    four = memory.save_sent(talking, "m-1", Progress(1, done=True), 4)

    assert 4 == memory.save_sent(four, "m-2", Progress(1, done=True), None).last_sequence
    assert 4 == known(memory).last_sequence


def test_a_repeat_is_known_for_days(memory: Whole, talking: Consumer, clock: Clock) -> None:
    """A channel may repeat for four."""
    memory.save_sent(talking, "m-1", Progress(1, done=True), 0)
    clock.pass_seconds(4 * DAY)

    assert event(memory).progress.done


# ── Echoes ──


def test_an_echo_is_heard(memory: Whole, talking: Consumer) -> None:
    """With its sequence."""
    memory.save_echo(conversation(memory), 3, text_digest("Hello"))

    assert ((3, text_digest("Hello")),) == conversation(memory).echoes


def test_an_echo_that_comes_twice_is_one(memory: Whole, talking: Consumer) -> None:
    """LivePerson may resend it."""
    for _ in range(2):
        memory.save_echo(conversation(memory), 3, text_digest("Hello"))

    assert 1 == len(conversation(memory).echoes)


def test_only_the_last_echoes_are_kept(memory: Whole, talking: Consumer) -> None:
    """A long conversation does not fill its item."""
    now = conversation(memory)
    for number in range(60):
        memory.save_echo(now, number, f"digest-{number}")
        now = conversation(memory)

    assert list(range(10, 60)) == [sequence for sequence, _ in now.echoes]


# ── Typing and visits ──


@pytest.mark.parametrize("since", [1_700_000_000.125, None])
def test_since_when_a_consumer_types_is_remembered(
    memory: Whole, talking: Consumer, since: float | None
) -> None:
    """Until it stops."""
    memory.save_typing(talking, 1.0)
    typing = memory.save_typing(talking, since)

    assert typing == known(memory)


def test_a_stranger_who_types_is_not_invented(memory: Whole) -> None:
    """Half a record would have no token."""
    memory.save_typing(STRANGER, 1.0)

    assert memory.load_consumer(ACCOUNT, KEY) is None


def test_a_visit_is_remembered(memory: Whole, consumer: Consumer) -> None:
    """The Monitoring API wants to see the same visitor again."""
    assert memory.save_visit(consumer, "visitor", "session") == known(memory)


# ── Leases ──


def test_a_lease_is_one_holders(memory: Whole, clock: Clock) -> None:
    """Until its time is over, whether or not DynamoDB has removed it."""
    first = memory.lease("name", 10)
    clock.pass_seconds(9)
    second = memory.lease("name", 10)
    clock.pass_seconds(1)

    assert (True, False, True) == (first, second, memory.lease("name", 10))


def test_leases_of_other_names_are_free(memory: Whole) -> None:
    """Accounts do not wait for each other."""
    assert [True, True] == [memory.lease("a", 10), memory.lease("b", 10)]


# ── Outages, tries and holds ──


def fail(memory: Whole, clock: Clock, group: str = "a") -> CircuitState:
    """Note a failure of LivePerson, as a worker does that has just looked."""
    return memory.note_failure(ACCOUNT, "liveperson", event(memory).outage, clock(), group)


def test_failures_in_a_row_become_an_outage(memory: Whole, clock: Clock) -> None:
    """Of several groups, and only for this account; all containers know at once."""
    for number in range(OPEN_AFTER):
        outage = fail(memory, clock, group="ab"[number % 2])

    assert outage.is_open
    assert outage == event(memory).outage
    assert notification(memory).outage is None
    assert memory.load_event("99999999", KEY, "m-1", "group").outage is None


def test_one_message_that_always_fails_is_no_outage(memory: Whole, clock: Clock) -> None:
    """It says nothing of others."""
    assert not any(fail(memory, clock).is_open for _ in range(3 * OPEN_AFTER))


def test_failures_far_apart_are_not_in_a_row(memory: Whole, clock: Clock) -> None:
    """What failed long ago is forgotten."""
    for number in range(3 * OPEN_AFTER):
        outage = fail(memory, clock, group="ab"[number % 2])
        clock.pass_seconds(1000)

        assert not outage.is_open


def test_one_at_a_time_looks_whether_it_is_over(memory: Whole, clock: Clock) -> None:
    """When its time has come, and not before."""
    for number in range(OPEN_AFTER):
        outage = fail(memory, clock, group="ab"[number % 2])
    moments = (clock.now, outage.next_probe_at, outage.next_probe_at)
    won = [memory.probe(ACCOUNT, "liveperson", now, now + 60) for now in moments]

    assert [False, True, False] == won


def test_an_outage_that_is_over_is_forgotten(memory: Whole, clock: Clock) -> None:
    """The next message goes as if nothing had been."""
    fail(memory, clock)
    memory.outage_over(ACCOUNT, "liveperson")

    assert event(memory).outage is None


def test_tries_are_counted_by_message(memory: Whole) -> None:
    """From one."""
    assert [(1, 1), (2, 2), (3, 3)] == [memory.count_try("one", "failed") for _ in range(3)]
    assert (4, 1) == memory.count_try("one", "busy")
    assert (1, 1) == memory.count_try("another", "failed")


def test_a_group_is_held_until_all_its_letters_are_done(memory: Whole) -> None:
    """As many as went there have to come back."""
    memory.hold("group")
    memory.hold("group")
    memory.release_one("group")
    before = event(memory).is_held, notification(memory).is_held
    memory.release_one("group")

    assert ((True, True), False) == (before, event(memory).is_held)


def test_a_group_that_is_not_held_can_be_let_go(memory: Whole) -> None:
    """Nothing is left of it."""
    memory.release_one("group")
    memory.extend_hold("group")

    assert not event(memory).is_held


def test_a_hold_ends_unless_it_is_kept(memory: Whole, clock: Clock) -> None:
    """Letters that somebody took away by hand hold nobody for ever."""
    memory.hold("group")
    clock.pass_seconds(HOLD_SECONDS - 1)
    memory.extend_hold("group")
    clock.pass_seconds(HOLD_SECONDS - 1)
    kept = event(memory).is_held
    clock.pass_seconds(1)

    assert (True, False) == (kept, event(memory).is_held)


def test_a_hold_that_ran_out_counts_no_more(memory: Whole, clock: Clock) -> None:
    """Letters that somebody took away by hand are not waited for with the next ones."""
    memory.hold("group")
    clock.pass_seconds(HOLD_SECONDS)
    memory.hold("group")
    memory.release_one("group")

    assert not event(memory).is_held


# ── Failures ──


@pytest.mark.parametrize(
    "use",
    [
        lambda memory: memory.load_consumer(ACCOUNT, KEY),
        lambda memory: memory.mark_delivered(ACCOUNT, "x"),
        lambda memory: memory.lease("x", 1),
        lambda memory: memory.save_consumer(STRANGER),
    ],
)
def test_a_table_that_is_not_there_is_unavailable(
    moto: DynamoDBClient, use: Callable[[Whole], object]
) -> None:
    """boto3's errors do not leave the adapter, and quote nobody."""
    with pytest.raises(AwsUnavailable) as unavailable:
        use(Whole(moto, "no-such-table"))

    assert unavailable.value.error_code == "ResourceNotFoundException"
    assert PHONE not in str(unavailable.value)


def test_a_group_is_held_for_the_letters_that_are_there(memory: Whole, clock: Clock) -> None:
    """Counted anew, it goes on as soon as those are done; a hold after the count stays whole."""
    memory.hold("group")
    memory.hold("group")
    clock.pass_seconds(5)
    memory.recount("group", 1, clock())
    memory.release_one("group")
    gone = not event(memory).is_held
    memory.hold("group")
    memory.hold("group")
    memory.recount("group", 1, clock() - 5)
    memory.release_one("group")

    assert (True, True) == (gone, event(memory).is_held)


def test_a_count_that_is_old_changes_nothing(memory: Whole, clock: Clock) -> None:
    """Letters that were done while others were counted are not waited for again."""
    for _ in range(3):
        memory.hold("group")
    clock.pass_seconds(5)
    began_at = clock()
    clock.pass_seconds(1)
    memory.release_one("group")
    memory.release_one("group")
    memory.recount("group", 3, began_at)
    memory.release_one("group")

    assert not event(memory).is_held


def test_letting_go_of_what_nobody_holds_holds_nothing(memory: Whole) -> None:
    """Not even for a moment."""
    memory.release_one("group")

    assert not event(memory).is_held


def test_a_letter_that_dies_again_says_when(memory: Whole, clock: Clock) -> None:
    """What was put back before then follows it; the count stays."""
    memory.hold("group")
    before = event(memory).redrive_failed_at, notification(memory).redrive_failed_at
    memory.hold_redriven("group")
    after = event(memory).redrive_failed_at, notification(memory).redrive_failed_at
    memory.release_one("group")

    now = round(clock(), 3)
    assert ((0.0, 0.0), (now, now)) == (before, after)
    assert not event(memory).is_held


def test_late_news_of_an_older_conversation_lead_nobody_back(
    memory: Whole, consumer: Consumer
) -> None:
    """LivePerson keeps to one open conversation: what it told later is the one."""
    memory.adopt(claimed("c-2"), is_current=True, told_at=2000)
    memory.adopt(claimed("c-1"), is_current=True, told_at=1000)
    late = known(memory).conversation_id
    memory.adopt(claimed("c-3"), is_current=True, told_at=3000)

    assert ("c-2", "c-3") == (late, known(memory).conversation_id)


def test_what_no_expression_uses_is_refused(memory: Whole) -> None:
    """As AWS refuses it, so that a slip is found here."""
    with pytest.raises(AwsUnavailable, match="ValidationException"):
        memory._table.write(Update("x", {"a": 1}, "pk = :b", {":b": "x", ":c": 2}))
