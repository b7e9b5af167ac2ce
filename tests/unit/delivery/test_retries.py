"""When a message is tried again, and what becomes of it when it is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from liveperson_connector.delivery.retries import (
    MOST_TRIES,
    Decision,
    Hold,
    RetryingConsumer,
    Tries,
    check_group_hold,
    dead_letter,
    decide,
    delay,
)
from liveperson_connector.domain.errors import (
    ChannelRefused,
    CircuitOpen,
    ConversationNotReady,
    ConversationUnknown,
    EchoAwaited,
    GroupHeld,
    LivePersonBusy,
    LivePersonRefused,
    LivePersonUnavailable,
    NotificationEarly,
    Permanent,
    Transient,
)
from liveperson_connector.domain.queue_messages import MOST_REDRIVES, QueueMessage
from liveperson_connector.telemetry import outcomes
from tests.support.clocks import Clock
from tests.support.in_process import BrokenQueue, InProcessFailures, InProcessQueue
from tests.support.logs import Output
from tests.support.messages import received


def worker(
    handle: Callable[[QueueMessage], None],
    *,
    inbox: InProcessQueue | BrokenQueue | None = None,
    dead_letters: InProcessQueue | None = None,
    clock: Clock | None = None,
    tries: int = 0,
    **more: Any,
) -> RetryingConsumer:
    """Make a worker without chance; ``tries`` is how often its messages have failed before."""
    failures = more.pop("failures", None) or InProcessFailures()
    failures.fail("message-1", tries)
    return RetryingConsumer(
        function="tests",
        handle=handle,
        hide=(inbox or InProcessQueue()).hide,
        dead_letters=dead_letters,
        failures=failures,
        clock=clock or Clock(),
        chance=lambda: 0.0,
        **more,
    )


def failing(error: Exception) -> Callable[[QueueMessage], None]:
    """Make a flow that always fails in one way."""

    def handle(_message: QueueMessage) -> None:
        raise error

    return handle


# ── The decision ──

REDRIVEN = {"redrives": "1"}
SPENT = {"redrives": str(MOST_REDRIVES)}
CUT_OFF = {"redrives": "1", "cut_off": "yes"}
HELD = GroupHeld("earlier ones are dead letters")


@pytest.mark.parametrize(
    ("error", "attributes", "tries", "expected"),
    [
        (None, {}, None, Decision()),
        (None, REDRIVEN, None, Decision(releases=True)),
        (None, CUT_OFF, None, Decision()),
        (LivePersonRefused("no"), {}, None, Decision(is_dead=True, tries=1)),
        (LivePersonRefused("no"), REDRIVEN, None, Decision(is_dead=True, releases=True, tries=1)),
        (CircuitOpen("down"), {}, None, Decision(wait=1)),
        (EchoAwaited("its echo", retry_after=14.2), {}, None, Decision(wait=15)),
        (LivePersonUnavailable("no"), {}, Tries(99, 2), Decision(wait=10, tries=99)),
        (LivePersonBusy("busy"), {}, Tries(9, 2), Decision(wait=2, tries=9)),
        (LivePersonBusy("busy", retry_after=7), {}, Tries(9, 1), Decision(wait=7, tries=9)),
        (
            LivePersonUnavailable("no"),
            {},
            Tries(100, 100),
            Decision(is_dead=True, hold=Hold.FIRST, tries=100),
        ),
        (HELD, {}, None, Decision(is_dead=True, hold=Hold.FIRST, tries=1)),
        (HELD, REDRIVEN, None, Decision(is_dead=True, hold=Hold.AGAIN, tries=1)),
        (HELD, SPENT, None, Decision(is_dead=True, tries=1)),
    ],
)
def test_decision_follows_from_error_message_and_tries(
    error: Transient | Permanent | None,
    attributes: dict[str, str],
    tries: Tries | None,
    expected: Decision,
) -> None:
    """Success leaves the queue, a failure waits for its next try, a last one is a dead letter."""
    assert expected == decide(error, received(attributes=attributes), tries)


def test_decision_spreads_the_next_tries() -> None:
    """By up to a quarter, as chance has it."""
    busy = LivePersonUnavailable("no")

    assert [5, 6] == [
        decide(busy, received(), Tries(1, 1), chance=chance).wait for chance in (0.0, 1.0)
    ]


# ── How long it waits ──


@pytest.mark.parametrize(
    ("pace", "expected"),
    [
        ("failed", [5, 10, 15, 120, 120, 120, 240, 480, 900, 900]),
        ("busy", [1, 2, 4, 8, 15, 30, 60, 120, 240, 480, 900, 900]),
    ],
)
def test_the_waits_are_livepersons(pace: str, expected: list[int]) -> None:
    """After 5xx 5, 10, 15 seconds, then every 2 minutes, then doubling; after 429 from 1 s on."""
    assert expected == [delay(tries + 1, None, 0.0, pace=pace) for tries in range(len(expected))]
    assert 900 == delay(99, None, 0.0, pace=pace)


def test_a_wait_that_was_asked_for_is_kept() -> None:
    """It replaces the usual one at first, and is at least a second; what goes on slows down."""
    assert [60, 2, 1, 1] == [delay(4, asked, 0.0, pace="failed") for asked in (60, 2, 0.1, 0)]
    assert [2, 900] == [delay(tries, 2, 0.0, pace="failed") for tries in (12, 13)]


def test_a_crowd_does_not_come_back_together() -> None:
    """Up to a quarter is added by chance, and nothing is taken away."""
    waits = [delay(4, None, chance / 10, pace="failed") for chance in range(11)]

    assert (120, 150) == (waits[0], waits[-1])
    assert sorted(waits) == waits
    assert 8 < len(set(waits))


def test_nobody_waits_shorter_than_asked() -> None:
    """429 means at least a second."""
    assert all(delay(1, 1.0, chance / 10, pace="failed") >= 1 for chance in range(11))


# ── What becomes of it ──


def test_a_message_that_was_handled_is_done(output: Output) -> None:
    """It is neither hidden nor kept."""
    inbox, dead_letters = InProcessQueue(), InProcessQueue()
    done = worker(lambda _message: None, inbox=inbox, dead_letters=dead_letters)

    assert done.process(received())
    assert ([], []) == (inbox.hidden, dead_letters.letters)


def test_a_transient_failure_waits(output: Output) -> None:
    """The message is offered again after its wait, and the log says when and why."""
    inbox, dead_letters = InProcessQueue(), InProcessQueue()
    waiting = worker(
        failing(LivePersonUnavailable("LivePerson answered 503", http_status=503)),
        inbox=inbox,
        dead_letters=dead_letters,
        tries=3,
    )

    assert not waiting.process(received(receive_count=40))
    assert ([("receipt-1", 120)], []) == (inbox.hidden, dead_letters.letters)
    assert ("liveperson_unavailable", 120, 4) == (
        output.lines[0]["message"],
        output.lines[0]["next_try_in_seconds"],
        output.lines[0]["tries"],
    )


def test_each_kind_of_failure_has_its_own_pace() -> None:
    """Three 5xx make no 429 wait for minutes, and three of those no 5xx."""
    inbox = InProcessQueue()
    errors: list[Exception] = [
        *(LivePersonBusy("busy") for _ in range(3)),
        *(LivePersonUnavailable("no") for _ in range(3)),
        LivePersonBusy("busy"),
        LivePersonBusy("busy", retry_after=7),
    ]

    def handle(_message: QueueMessage) -> None:
        raise errors.pop(0)

    uneven = worker(handle, inbox=inbox, dead_letters=InProcessQueue())
    while errors:
        uneven.process(received())

    assert [1, 2, 4, 5, 10, 15, 8, 7] == [seconds for _, seconds in inbox.hidden]


def test_waits_that_are_named_are_kept_to_for_each_reason() -> None:
    """A conversation whose name was waited for long may not be ready: then a second is enough."""
    inbox = InProcessQueue()
    errors: list[Exception] = [
        *(ConversationUnknown("unknown", retry_after=5) for _ in range(13)),
        ConversationNotReady("not ready", retry_after=1),
    ]

    def handle(_message: QueueMessage) -> None:
        raise errors.pop(0)

    waiting = worker(handle, inbox=inbox, dead_letters=InProcessQueue())
    while errors:
        waiting.process(received())

    assert [*[5] * 12, 900, 1] == [seconds for _, seconds in inbox.hidden]


@pytest.mark.parametrize(
    "wait",
    [EchoAwaited("its echo", retry_after=14.2), NotificationEarly("not known", retry_after=14.2)],
)
def test_a_wait_is_no_failed_try(wait: Transient) -> None:
    """Nobody was called, so the next failure waits no longer for it."""
    inbox, failures = InProcessQueue(), InProcessFailures()
    waiting = worker(failing(wait), inbox=inbox, dead_letters=InProcessQueue(), failures=failures)

    assert [False, False] == [waiting.process(received()) for _ in range(2)]
    assert [("receipt-1", 15)] * 2 == inbox.hidden
    assert 0 == failures.tries("message-1")


def test_the_partners_wait_is_kept() -> None:
    """Retry-After goes before our own."""
    inbox = InProcessQueue()
    worker(failing(LivePersonBusy("busy", retry_after=30)), inbox=inbox).process(received())

    assert [("receipt-1", 30)] == inbox.hidden


@pytest.mark.parametrize("pace", ["failed", "busy"])
def test_so_many_tries_are_a_day(pace: str) -> None:
    """About a day passes before a transient failure is given up."""
    waits = [delay(tries, None, 0.125, pace=pace) for tries in range(1, MOST_TRIES)]

    assert 0.9 < sum(waits) / 86_400 < 1.2


def test_a_failure_of_a_day_is_given_up(output: Output) -> None:
    """A transient failure is tried for a day and then waits in the dead letters."""
    dead_letters = InProcessQueue()
    patient = worker(
        failing(LivePersonUnavailable("no")), dead_letters=dead_letters, tries=MOST_TRIES - 2
    )

    assert not patient.process(received())
    assert patient.process(received())
    assert 1 == len(dead_letters.letters)


def test_waiting_for_others_is_no_try() -> None:
    """A message that was received often behind an outage gets its whole day."""
    patient = worker(failing(LivePersonUnavailable("no")))

    assert not patient.process(received(receive_count=900))


# ── Outages ──


def test_an_outage_spends_no_tries(output: Output) -> None:
    """However often a message finds its destination down, it waits, and is not given up."""
    inbox, dead_letters, failures = InProcessQueue(), InProcessQueue(), InProcessFailures()
    down = worker(
        failing(CircuitOpen("down", retry_after=41.2)),
        inbox=inbox,
        dead_letters=dead_letters,
        failures=failures,
        tries=MOST_TRIES,
    )

    assert not any(down.process(received(receive_count=number)) for number in range(1, 200))
    assert ({("receipt-1", 42)}, []) == (set(inbox.hidden), dead_letters.letters)
    assert MOST_TRIES == failures.tries("message-1")


def test_an_outage_that_names_no_wait_is_short(output: Output) -> None:
    """A second, and no try."""
    inbox = InProcessQueue()
    worker(failing(CircuitOpen("down")), inbox=inbox).process(received())

    assert [("receipt-1", 1)] == inbox.hidden


# ── What follows a dead letter ──


def test_what_was_given_up_for_now_holds_its_group() -> None:
    """Its later messages would overtake it otherwise."""
    failures = InProcessFailures()
    spent = worker(
        failing(LivePersonUnavailable("no")),
        dead_letters=InProcessQueue(),
        failures=failures,
        tries=MOST_TRIES,
    )
    spent.process(received())

    assert {"group-1": 1} == failures.held


def test_what_is_refused_for_ever_holds_nobody() -> None:
    """It is skipped and reported; the group moves on."""
    failures = InProcessFailures()
    strict = worker(
        failing(LivePersonRefused("no")), dead_letters=InProcessQueue(), failures=failures
    )
    strict.process(received())

    assert {} == failures.held


def test_a_held_group_follows_its_dead_letter_at_once() -> None:
    """The message goes behind the earlier one, with a reason that comes back by itself."""
    dead_letters, failures = InProcessQueue(), InProcessFailures()
    failures.hold("group-1")
    follow = worker(failing(GroupHeld("…")), dead_letters=dead_letters, failures=failures)

    assert follow.process(received())
    assert ["held_behind"] == [each.attributes["reason"] for each in dead_letters.letters]
    assert {"group-1": 2} == failures.held


@pytest.mark.parametrize("error", [None, LivePersonRefused("no")])
def test_a_group_goes_on_when_its_dead_letters_are_done(error: Permanent | None) -> None:
    """Each that came back and was handled, or refused for ever, loosens the hold by one."""
    failures = InProcessFailures()
    failures.hold("group-1")
    handle = failing(error) if error else lambda _message: None
    back = worker(handle, dead_letters=InProcessQueue(), failures=failures)
    back.process(received(attributes={"redrives": "1"}))

    assert {} == failures.held


def test_what_was_cut_off_loosens_no_hold() -> None:
    """SQS itself made it a dead letter, so it was never counted."""
    failures = InProcessFailures()
    failures.hold("group-1")
    back = worker(lambda _message: None, dead_letters=InProcessQueue(), failures=failures)
    back.process(received(attributes={"redrives": "1", "cut_off": "yes"}))

    assert {"group-1": 1} == failures.held


def test_a_letter_that_dies_twice_is_counted_once() -> None:
    """It was counted when it died first, and is not done yet."""
    failures = InProcessFailures()
    failures.hold("group-1")
    again = worker(
        failing(LivePersonUnavailable("no")),
        dead_letters=InProcessQueue(),
        failures=failures,
        tries=MOST_TRIES,
    )
    again.process(received(attributes={"redrives": "1"}))

    assert {"group-1": 1} == failures.held
    assert {"group-1"} == failures.died_again


def test_a_letter_that_had_all_its_chances_holds_nobody() -> None:
    """It waits for a person, and nobody waits for it."""
    failures = InProcessFailures()
    last = worker(
        failing(LivePersonUnavailable("no")),
        dead_letters=InProcessQueue(),
        failures=failures,
        tries=MOST_TRIES,
    )
    last.process(received(attributes={"redrives": str(MOST_REDRIVES)}))

    assert {} == failures.held


def test_what_was_put_back_follows_a_letter_that_died_once_more() -> None:
    """It stood behind it, and would overtake it now; what was put back later goes on."""
    back = received(attributes={"redrives": "1"})
    put_back_at = back.sent_at.timestamp()
    check_group_hold(back, True, put_back_at - 1)
    with pytest.raises(GroupHeld):
        check_group_hold(back, True, put_back_at + 1)


def test_only_what_comes_back_passes_a_hold() -> None:
    """A redriven letter goes first; everything else of its group follows it."""
    check_group_hold(received(), False)
    check_group_hold(received(attributes={"redrives": "1"}), True)
    with pytest.raises(GroupHeld):
        check_group_hold(received(), True)


# ── What can't be helped ──


@pytest.mark.parametrize(
    "error", [LivePersonRefused("no", http_status=400), ChannelRefused("gone", http_status=410)]
)
def test_a_permanent_failure_is_given_up_at_once(error: Permanent, output: Output) -> None:
    """Trying again cannot help, so the group moves on."""
    inbox, dead_letters = InProcessQueue(), InProcessQueue()
    strict = worker(failing(error), inbox=inbox, dead_letters=dead_letters)

    assert strict.process(received())
    assert [] == inbox.hidden
    assert [(error.reason, "1")] == [
        (each.attributes["reason"], each.attributes["attempts"]) for each in dead_letters.letters
    ]
    assert "dead_lettered" in output.messages


def test_who_wants_to_know_is_told_of_a_permanent_failure() -> None:
    """Before the message goes to the dead letters, and not of what is tried again."""
    told: list[str] = []
    dead_letters = InProcessQueue()

    def refused(message: QueueMessage, error: Permanent) -> None:
        told.append(f"{message.message_id} {error.reason} {len(dead_letters.letters)}")

    for error in (LivePersonRefused("no"), LivePersonUnavailable("later")):
        worker(failing(error), dead_letters=dead_letters, refused=refused).process(received())

    assert ["message-1 liveperson_refused 0"] == told


def test_a_bug_waits_like_a_transient_failure(output: Output) -> None:
    """A corrected version gets the message; the log has the place and not the words."""
    inbox = InProcessQueue()

    assert not worker(failing(ZeroDivisionError("secret words")), inbox=inbox).process(received())
    assert [("receipt-1", 5)] == inbox.hidden
    assert ["unexpected", "unexpected"] == output.messages
    assert "secret words" not in output.text


def test_a_bug_of_a_day_is_given_up() -> None:
    """Its dead letter says that the fault is ours."""
    dead_letters = InProcessQueue()
    worker(failing(ZeroDivisionError()), dead_letters=dead_letters, tries=MOST_TRIES).process(
        received()
    )

    (letter,) = dead_letters.letters
    assert ("unexpected", "ZeroDivisionError", str(MOST_TRIES + 1)) == (
        letter.attributes["reason"],
        letter.attributes["problem"],
        letter.attributes["attempts"],
    )


def test_a_queue_that_cannot_delay_does_no_harm(output: Output) -> None:
    """Then the message comes back when its visibility times out."""
    assert not worker(failing(LivePersonUnavailable("no")), inbox=BrokenQueue()).process(received())
    assert ["liveperson_unavailable", "aws_unavailable"] == output.messages


def test_without_dead_letters_a_message_is_dropped(output: Output) -> None:
    """Somebody will ask again anyway."""
    assert worker(failing(LivePersonRefused("no"))).process(received())


def test_a_shorter_patience_can_be_chosen() -> None:
    """A refresh that failed is not tried for a day."""
    impatient = worker(failing(LivePersonUnavailable("no")), most_tries=2)

    assert not impatient.process(received())
    assert impatient.process(received())


# ── What is written on a dead letter ──


def written(error: Permanent | LivePersonUnavailable, **message: Any) -> dict[str, str]:
    """Give the attributes of a dead letter."""
    return dict(dead_letter(received(**message), error, 1).attributes)


def test_a_dead_letter_keeps_the_message_and_says_why() -> None:
    """Its body as it was queued; reason, status, code, tries and the first failure beside it."""
    letter = dead_letter(
        received(body='{"a": "ü"}'),
        LivePersonRefused("too long", http_status=400, error_code="BAD_REQUEST"),
        3,
    )

    assert ('{"a": "ü"}', "group-1") == (letter.body, letter.group)
    assert {
        "reason": "liveperson_refused",
        "problem": "too long",
        "http_status": "400",
        "error_code": "BAD_REQUEST",
        "attempts": "3",
        "first_failed_at": "2023-11-14T22:13:20.000Z",
        "letter_id": "message-1",
    } == letter.attributes


def test_what_there_is_not_is_left_out() -> None:
    """SQS takes no empty attributes."""
    attributes = written(LivePersonUnavailable("no answer"))

    assert {"reason", "problem", "attempts", "first_failed_at", "letter_id"} == set(attributes)
    assert all(attributes.values())


def test_the_first_failure_outlives_a_redrive() -> None:
    """Who died twice still tells when it failed first, and how often it came back."""
    before = {"first_failed_at": "2023-01-01T00:00:00.000Z", "redrives": "2", "reason": "old"}
    attributes = written(LivePersonRefused("no"), attributes=before)

    assert ("2023-01-01T00:00:00.000Z", "2", "liveperson_refused") == (
        attributes["first_failed_at"],
        attributes["redrives"],
        attributes["reason"],
    )


def test_a_dead_letter_carries_on_what_its_message_carried() -> None:
    """Its name, its trace and what only another part of the connector understands; no old doubt."""
    before = {"letter_id": "l-1", "trace": "t", "claim": "only", "cut_off": "yes", "attempts": "9"}
    attributes = written(LivePersonUnavailable("no answer"), attributes=before)

    assert {"letter_id": "l-1", "trace": "t", "claim": "only"}.items() <= attributes.items()
    assert "cut_off" not in attributes
    assert "9" != attributes["attempts"]


def test_a_dead_letter_keeps_its_redrives_and_its_trace_before_all_else() -> None:
    """SQS takes ten attributes; by these two it is counted and followed."""
    others = {f"other_{number}": "x" for number in range(8)}
    attributes = written(
        LivePersonUnavailable("no answer"), attributes={**others, "redrives": "2", "trace": "t"}
    )

    assert {"redrives": "2", "trace": "t"}.items() <= attributes.items()
    assert 10 == len(attributes)


def test_a_partners_words_fit_an_attribute() -> None:
    """However long and strange they are, SQS takes them."""
    problem = written(LivePersonRefused("\x00ü👋\ud800" * 1000))["problem"]

    assert problem.isascii()
    assert problem
    assert problem.isprintable()
    assert "x" * 500 == written(LivePersonRefused("x" * 501))["problem"]


def test_a_message_dies_once() -> None:
    """A worker that was cut off after giving up gives up again without a second letter."""
    dead_letters = InProcessQueue()
    strict = worker(failing(LivePersonRefused("no")), dead_letters=dead_letters)
    strict.process(received(receive_count=1))
    strict.process(received(receive_count=2))

    assert 1 == len(dead_letters.letters)


def test_two_messages_die_twice() -> None:
    """However alike they are."""
    dead_letters = InProcessQueue()
    strict = worker(failing(LivePersonRefused("no")), dead_letters=dead_letters)
    strict.process(received(message_id="message-1"))
    strict.process(received(message_id="message-2"))

    assert 2 == len(dead_letters.letters)


# ── What the log tells ──


@pytest.mark.parametrize(
    "error",
    [LivePersonUnavailable("no"), LivePersonRefused("no"), ZeroDivisionError(), CircuitOpen("no")],
)
def test_every_line_of_a_failure_can_be_followed(error: Exception, output: Output) -> None:
    """By the message's id and by those that stand in it."""
    failed = worker(
        failing(error),
        dead_letters=InProcessQueue(),
        describe=lambda message: {"account_id": f"of {message.message_id}"},
    )
    failed.process(received())

    assert output.lines
    assert {("message-1", "of message-1")} == {
        (each["message_id"], each["account_id"]) for each in output.lines
    }


def test_how_long_it_took_counts_from_when_it_was_accepted(output: Output) -> None:
    """Its waits and its time among the dead letters included."""
    accepted = datetime.now(UTC) - timedelta(seconds=90)
    worker(lambda _message: outcomes.completed("sent")).process(received(sent_at=accepted))

    assert 90_000 <= output.lines[0]["took_ms"] < 150_000
