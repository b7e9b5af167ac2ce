"""Dead letters come back: the transient ones by themselves, the others when somebody looked."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from liveperson_connector.domain.errors import transient_reasons
from liveperson_connector.domain.queue_messages import MOST_REDRIVES, OutgoingMessage
from liveperson_connector.flows.dead_letter_redrive import (
    CUT_OFF,
    BadRequest,
    DeadLetterRedrive,
    Request,
    Route,
    to_go_behind,
)
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.in_process import InProcessFailures, InProcessQueue
from tests.support.logs import Output
from tests.support.messages import PHONE, queued_event, text_event

TRANSIENT = "liveperson_unavailable"

# Before the clock's now, 2023-11-14T22:13:20Z.
EARLIER, LATER = "2023-11-12T12:00:00.000Z", "2023-11-13T12:00:00.000Z"
PERMANENT = "liveperson_refused"


@dataclass
class Redrive:
    """A redrive of one queue."""

    clock: Clock
    dead: InProcessQueue = field(init=False)
    source: InProcessQueue = field(init=False)
    failures: InProcessFailures = field(init=False)
    consumers: dict[tuple[str, str], str] = field(default_factory=dict)
    looked_up: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dead = InProcessQueue("consumer-events-dlq.fifo", self.clock)
        self.source = InProcessQueue("consumer-events.fifo", self.clock)
        nothing = Route(InProcessQueue(clock=self.clock), InProcessQueue(clock=self.clock))
        self.failures = InProcessFailures(self.clock)
        self.flow = DeadLetterRedrive(
            {"consumer-events": Route(self.dead, self.source), "notifications": nothing},
            self.failures,
            self.owner,
            self.clock,
            walkers=1,
        )

    def bury(
        self, name: str, reason: str | None = TRANSIENT, group: str = "g", **attributes: str
    ) -> None:
        """Put a letter into the dead letters."""
        known = {"reason": reason} if reason else {}
        body = queued_event(text_event(name))
        self.dead.send([OutgoingMessage(body, group, f"{group}-{name}", {**known, **attributes})])

    def owner(self, account_id: str, conversation_id: str) -> str | None:
        """Name the consumer of a conversation, and note that it was looked up."""
        self.looked_up.append((account_id, conversation_id))
        return self.consumers.get((account_id, conversation_id))

    def run(self, **asked: Any) -> dict[str, Any]:
        """Redrive, and give what became of the consumer events."""
        answer: dict[str, Any] = self.flow.redrive(Request.read(asked))["consumer-events"]
        return answer

    def stand(self) -> list[tuple[str, str, float, Mapping[str, str]]]:
        """Give all that can be seen of the letters, and give them back."""
        taken = self.dead.receive()
        self.dead.show_all([each.receipt_handle for each in taken])
        return [
            (each.message_id, each.body, each.sent_at.timestamp(), each.attributes)
            for each in taken
        ]

    @property
    def back(self) -> list[str]:
        return [json.loads(each.body)["event"]["id"] for each in self.source.letters]

    @property
    def buried(self) -> list[str]:
        return [json.loads(each.body)["event"]["id"] for each in self.dead.letters]


@pytest.fixture(name="redrive")
def _redrive(clock: Clock) -> Redrive:
    return Redrive(clock)


# ── What comes back ──


def test_transient_letters_come_back_by_themselves(redrive: Redrive) -> None:
    """No field means every transient dead letter, as on schedule."""
    redrive.bury("m-1")
    redrive.bury("m-2", "channel_unavailable", group="h")

    assert {
        "dry_run": False,
        "moved": {TRANSIENT: 1, "channel_unavailable": 1},
        "left": {},
        "expired": {},
        "unseen": 0,
    } == redrive.run()
    assert (["m-1", "m-2"], []) == (redrive.back, redrive.buried)


@pytest.mark.parametrize("reason", sorted(transient_reasons()))
def test_whatever_was_transient_comes_back(redrive: Redrive, reason: str) -> None:
    """Each kind of failure that time may mend."""
    redrive.bury("m-1", reason)
    redrive.run()

    assert ["m-1"] == redrive.back


def test_letter_that_sqs_moved_comes_back(redrive: Redrive) -> None:
    """It has no reason: its worker was cut off again and again."""
    redrive.bury("m-1", reason=None)

    assert {CUT_OFF: 1} == redrive.run()["moved"]


def test_permanent_letters_wait_for_somebody(redrive: Redrive) -> None:
    """They are left, and it is said why."""
    redrive.bury("m-1", PERMANENT)

    assert {"permanent": 1} == redrive.run()["left"]
    assert ([], ["m-1"]) == (redrive.back, redrive.buried)


def test_reason_nobody_knows_waits_for_somebody(redrive: Redrive) -> None:
    """Of an older or a newer version, for example."""
    redrive.bury("m-1", "invented_next_year")

    assert {"permanent": 1} == redrive.run()["left"]


def test_letters_come_back_in_order(redrive: Redrive) -> None:
    """Per group, however many there are."""
    for number in range(25):
        redrive.bury(f"a-{number:02}", group="a")
        redrive.bury(f"b-{number:02}", group="b")
    redrive.run()

    assert [f"a-{n:02}" for n in range(25)] == [each for each in redrive.back if each[0] == "a"]
    assert [f"b-{n:02}" for n in range(25)] == [each for each in redrive.back if each[0] == "b"]


def test_what_stays_does_not_hide_what_comes_back(redrive: Redrive) -> None:
    """Many letters of a group that stay keep none behind them from coming back."""
    for number in range(15):
        redrive.bury(f"stays-{number:02}", PERMANENT)
    redrive.bury("comes")
    answer = redrive.run()

    assert ({TRANSIENT: 1}, {"permanent": 15}) == (answer["moved"], answer["left"])
    assert ["comes"] == redrive.back
    assert [f"stays-{n:02}" for n in range(15)] == redrive.buried


def test_what_stays_can_be_seen_again_at_once(redrive: Redrive) -> None:
    """The next run, or an operator, need not wait for a time-out."""
    redrive.bury("m-1", PERMANENT)
    redrive.run()

    assert {"permanent": 1} == redrive.run()["left"]
    assert 1 == len(redrive.dead.receive())


def test_what_stays_keeps_what_is_written_on_it(redrive: Redrive) -> None:
    """However often it is looked at."""
    redrive.bury("m-1", PERMANENT, http_status="400", attempts="3")
    for _ in range(3):
        redrive.run()

    (letter,) = redrive.dead.letters
    assert {"reason": PERMANENT, "http_status": "400", "attempts": "3"}.items() <= (
        letter.attributes.items()
    )


def test_letter_comes_back_a_limited_number_of_times(redrive: Redrive) -> None:
    """What failed for a day that often is not a matter of patience."""
    redrive.bury("m-1", redrives=str(MOST_REDRIVES - 1))
    redrive.bury("m-2", redrives=str(MOST_REDRIVES), group="h")
    answer = redrive.run()

    assert ({TRANSIENT: 1}, {"redriven_too_often": 1}) == (answer["moved"], answer["left"])
    assert ["m-1"] == redrive.back


def test_letter_knows_how_often_it_came_back(redrive: Redrive) -> None:
    """And when it failed first; why it failed last is over."""
    redrive.bury("m-1", redrives="2", first_failed_at=EARLIER, problem="x", letter_id="l-1")
    redrive.run()

    (letter,) = redrive.source.letters
    assert {"redrives": "3", "first_failed_at": EARLIER, "letter_id": "l-1"} == letter.attributes
    assert queued_event(text_event("m-1")) == letter.body


@pytest.mark.parametrize("spoilt", [{}, {"redrives": "many"}, {"redrives": "-3"}])
def test_count_that_is_no_number_begins_anew(redrive: Redrive, spoilt: dict[str, str]) -> None:
    """A letter put there by hand is read like any other."""
    redrive.bury("m-1", **spoilt)
    redrive.run()

    assert ["1"] == [each.attributes["redrives"] for each in redrive.source.letters]


def test_letter_stays_in_its_group(redrive: Redrive) -> None:
    """Back on its queue as among the dead, where its order is kept."""
    redrive.bury("m-1", group="back")
    redrive.bury("m-2", PERMANENT, group="stays")
    redrive.run()

    assert ["back"] == [each.group for each in redrive.source.letters]
    assert ["stays"] == [each.group for each in redrive.dead.letters]


def test_letter_keeps_its_trace(redrive: Redrive) -> None:
    """By which it is found in the logs."""
    redrive.bury("m-1", trace="t-1")
    redrive.run()

    assert "t-1" == redrive.source.letters[0].attributes["trace"]


def test_letter_that_was_cut_off_may_have_been_sent(redrive: Redrive) -> None:
    """It says so, and its echo is looked for before it is sent again; no other does."""
    redrive.bury("m-1", reason=None)
    redrive.bury("m-2", group="h")
    redrive.run()

    cut_off, other = redrive.source.letters
    assert "yes" == cut_off.attributes["cut_off"]
    assert "cut_off" not in other.attributes


def test_same_letter_may_come_back_twice_in_five_minutes(redrive: Redrive) -> None:
    """Its identity on the queue is new each time, so that SQS does not take it for a repeat."""
    for redrives in ("0", "1"):
        redrive.dead = InProcessQueue(clock=redrive.clock)  # where it is the first message again
        redrive.flow = replace(
            redrive.flow, routes={"consumer-events": Route(redrive.dead, redrive.source)}
        )
        redrive.bury("m-1", redrives=redrives)
        redrive.run()

    assert ["m-1", "m-1"] == redrive.back


# ── What somebody asks for ──


@pytest.mark.parametrize(
    ("asked", "moved"),
    [
        ({"reason": PERMANENT}, ["mine", "theirs"]),
        ({"consumer_id": PHONE}, ["mine", "theirs", "later"]),
        ({"consumer_id": "nobody"}, []),
        ({"account_id": ACCOUNT}, ["later"]),
        ({"account_id": "99999999"}, []),
        ({"account_id": ACCOUNT, "reason": PERMANENT}, ["mine", "theirs"]),
        ({"reason": TRANSIENT}, ["later"]),
        ({"conversation_id": "c-1"}, []),
        ({}, ["later"]),
    ],
)
def test_named_consumer_or_reason_includes_permanent_letters(
    redrive: Redrive, asked: dict[str, str], moved: list[str]
) -> None:
    """Somebody looked; an account alone is not somebody looking."""
    redrive.bury("mine", PERMANENT)
    redrive.bury("theirs", PERMANENT, group="h")
    redrive.bury("later", TRANSIENT, group="i")
    redrive.run(**asked)

    assert sorted(moved) == sorted(redrive.back)


@pytest.mark.parametrize(
    "change",
    [
        {"conversationId": "c-1", "dialogId": "d-1"},
        {"dialogId": "c-1"},
        {"result": {"convId": "c-1"}},
    ],
)
def test_conversation_can_be_named(redrive: Redrive, change: dict[str, Any]) -> None:
    """In a message, in the form of 2018, and in a conversation's state."""
    body = json.dumps({"account_id": ACCOUNT, "type": "x", "change": change})
    redrive.dead.send([OutgoingMessage(body, "g", "1", {"reason": PERMANENT})])
    answer = redrive.run(conversation_id="c-1")

    assert {PERMANENT: 1} == answer["moved"]


def test_what_could_not_be_told_of_a_consumer_is_the_consumers(redrive: Redrive) -> None:
    """The callback of a refused event names its consumer further in."""
    body = json.dumps({"account_id": ACCOUNT, "type": "x", "failure": {"consumer_id": PHONE}})
    redrive.dead.send([OutgoingMessage(body, "g", "1", {"reason": PERMANENT})])

    assert {"not_asked_for": 1} == redrive.run(consumer_id="nobody")["left"]
    assert {PERMANENT: 1} == redrive.run(consumer_id=PHONE)["moved"]


def test_who_was_redriven_too_often_can_be_named(redrive: Redrive) -> None:
    """A person may try once more."""
    redrive.bury("m-1", redrives="99")
    redrive.run(reason=TRANSIENT)

    assert ["m-1"] == redrive.back


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "null", '{"change": 7}'])
def test_unreadable_letter_can_be_chosen_by_its_reason(redrive: Redrive, body: str) -> None:
    """There is nothing else to choose it by."""
    redrive.dead.send([OutgoingMessage(body or "{", "g", "1", {"reason": "unreadable"})])
    left = redrive.run(consumer_id=PHONE)["left"]
    moved = redrive.run(reason="unreadable")["moved"]

    assert ({"not_asked_for": 1}, {"unreadable": 1}) == (left, moved)


def test_dry_run_moves_nothing(redrive: Redrive) -> None:
    """It tells what would be moved, and what left."""
    redrive.bury("m-1")
    redrive.bury("m-2", PERMANENT)
    answer = redrive.run(dry_run=True)

    assert ({TRANSIENT: 1}, {"permanent": 1}) == (answer["moved"], answer["left"])
    assert answer["dry_run"]
    assert ([], ["m-1", "m-2"]) == (redrive.back, redrive.buried)


def test_after_a_dry_run_letters_still_come_back_in_order(redrive: Redrive) -> None:
    """To look does not change what is there."""
    for number in range(12):
        redrive.bury(f"{number:02}")
    redrive.run(dry_run=True)
    redrive.run()

    assert [f"{n:02}" for n in range(12)] == redrive.back


def test_one_queue_can_be_named(redrive: Redrive) -> None:
    """The other is not looked at."""
    redrive.bury("m-1")
    answer = redrive.flow.redrive(Request.read({"queue": "notifications"}))

    assert (["notifications"], ["m-1"]) == (list(answer), redrive.buried)


@pytest.mark.parametrize(
    ("asked", "said"),
    [({"consumer": PHONE}, "unknown: consumer"), ({"queue": "orders"}, "no queue orders")],
)
def test_request_with_a_slip_is_refused(redrive: Redrive, asked: dict[str, Any], said: str) -> None:
    """Better than to redrive more than was meant; it is said what is possible."""
    redrive.bury("m-1")

    with pytest.raises(BadRequest, match=said):
        redrive.flow.redrive(Request.read(asked))
    assert [] == redrive.back


def test_what_follows_a_letter_is_held_as_long_as_it_is_there(redrive: Redrive) -> None:
    """A hold ends by itself unless letters come back; nobody waits for one that waits for us."""
    redrive.bury("m-1", group="back")
    redrive.bury("m-2", group="often", redrives=str(MOST_REDRIVES))
    redrive.bury("m-3", PERMANENT, group="permanent")
    for group in ("back", "often", "permanent"):
        redrive.failures.hold(group)
    before = redrive.failures.held_until
    redrive.clock.pass_seconds(60)
    redrive.run()

    assert {**before, "back": before["back"] + 60} == redrive.failures.held_until


def test_letter_removed_by_hand_is_not_waited_for(redrive: Redrive) -> None:
    """What stands in the queue is counted anew, so its group goes on when that is done."""
    redrive.failures.hold("g")
    redrive.failures.hold("g")
    redrive.bury("m-2")
    redrive.clock.pass_seconds(1)
    redrive.run()

    assert {"g": 1} == redrive.failures.held


def test_every_letter_of_a_group_is_waited_for(redrive: Redrive) -> None:
    """However many the hold had counted."""
    redrive.failures.hold("g")
    redrive.clock.pass_seconds(1)
    for number in range(3):
        redrive.bury(f"m-{number}")
    redrive.run()

    assert {"g": 3} == redrive.failures.held


def test_letter_that_died_since_the_run_began_is_not_counted_out(redrive: Redrive) -> None:
    """The run may not have seen it."""
    redrive.bury("m-1")
    redrive.failures.hold("g")
    redrive.failures.hold("g")
    redrive.run()

    assert {"g": 2} == redrive.failures.held


@pytest.mark.parametrize(
    ("asked", "said"), [({}, "redriven"), ({"dry_run": True}, "would_redrive")]
)
def test_log_tells_what_a_run_did(
    redrive: Redrive, asked: dict[str, Any], said: str, output: Output
) -> None:
    """Of each queue by its name."""
    redrive.bury("m-1")
    redrive.bury("m-2", PERMANENT, group="h")
    redrive.run(**asked)

    told = [each for each in output.lines if each["message"] == said]
    assert [("consumer-events", 1), ("notifications", 0)] == [
        (each["queue"], each["left"]) for each in told
    ]


@pytest.mark.parametrize("asked", [{"dry_run": True}, {"reason": TRANSIENT}])
def test_only_a_whole_run_counts_anew(redrive: Redrive, asked: dict[str, Any]) -> None:
    """A run that moves some letters or none does not know what is still on its way."""
    redrive.failures.hold("g")
    redrive.failures.hold("g")
    redrive.bury("m-2")
    redrive.clock.pass_seconds(1)
    redrive.run(**asked)

    assert {"g": 2} == redrive.failures.held


def test_letters_come_back_in_the_order_of_their_first_tries(redrive: Redrive) -> None:
    """One that died again stands behind those that died meanwhile, and came before them."""
    redrive.bury("m-2", first_failed_at=LATER)
    redrive.bury("m-1", first_failed_at=EARLIER, redrives="1")
    redrive.run()

    assert ["m-1", "m-2"] == redrive.back


# ── Nothing is changed without need, and nothing is kept too long ──

DAY = 86_400


def test_what_stays_is_left_as_it_is(redrive: Redrive) -> None:
    """A letter that waits for a person is not sent again to be looked at: it keeps its place."""
    for number in range(10):
        redrive.bury(f"m-{number}", PERMANENT, group=f"{number % 3}")
    before = redrive.stand()
    for _ in range(3):
        redrive.clock.pass_seconds(3600)
        redrive.run()

    assert before == redrive.stand()


@pytest.mark.parametrize("asked", [{}, {"consumer_id": PHONE}, {"reason": PERMANENT}])
def test_dry_run_changes_nothing_at_all(redrive: Redrive, asked: dict[str, str]) -> None:
    """No letter, no hold; what could not be seen for those before it is counted."""
    redrive.failures.hold("g")
    held_until = redrive.failures.held_until
    for number in range(25):
        redrive.bury(f"{number:02}", PERMANENT if number < 15 else TRANSIENT)
    redrive.clock.pass_seconds(1)
    before = redrive.stand()
    answer = redrive.run(dry_run=True, **asked)

    assert before == redrive.stand()
    assert [f"{number:02}" for number in range(25)] == redrive.buried
    assert 10 + answer["unseen"] == 25
    assert ({"g": 1}, held_until) == (redrive.failures.held, redrive.failures.held_until)


def test_letter_has_a_lasting_name(redrive: Redrive) -> None:
    """However often it is sent behind the others, put back, and dead again."""
    for number in range(12):
        redrive.bury(f"{number:02}", PERMANENT)
    names = {each[0] for each in redrive.stand()} | {"message-10", "message-11"}
    for _ in range(3):
        redrive.clock.pass_seconds(3600)
        redrive.run()

    assert names == {each.attributes["letter_id"] for each in redrive.dead.letters}
    redrive.run(reason=PERMANENT)
    assert names == {each.attributes["letter_id"] for each in redrive.source.letters}


def test_letter_that_was_sent_behind_keeps_its_age(redrive: Redrive) -> None:
    """One that SQS moved by itself, or a webhook, has none written on it: it is, then."""
    redrive.bury("m-00", "unreadable")
    for number in range(1, 12):
        redrive.bury(f"m-{number:02}", PERMANENT, first_failed_at=EARLIER)
    redrive.clock.pass_seconds(3600)
    redrive.run()

    ages = [each.attributes["first_failed_at"] for each in redrive.dead.letters]
    assert {"2023-11-14T22:13:20.000Z", EARLIER} == set(ages)


@pytest.mark.parametrize("reason", [PERMANENT, TRANSIENT, None, "unreadable"])
@pytest.mark.parametrize("redrives", ["", str(MOST_REDRIVES)])
def test_no_letter_is_kept_longer_than_promised(
    redrive: Redrive, reason: str | None, redrives: str, output: Output
) -> None:
    """14 days after it failed first it is deleted, counted, and named in the log."""
    redrive.bury("m-1", reason, first_failed_at=EARLIER, redrives=redrives, trace="t-1")
    redrive.clock.pass_seconds(12 * DAY)
    redrive.run()

    assert ([], []) == (redrive.buried, redrive.back)
    (line,) = [each for each in output.lines if each["level"] == "WARNING"]
    assert ("expired", "t-1", EARLIER) == (
        line["message"],
        line["trace"],
        line["first_failed_at"],
    )
    assert [1] == [each["expired"][0] for each in output.metrics if "expired" in each]


def test_letters_expire_however_often_they_were_sent_behind(redrive: Redrive) -> None:
    """SQS begins its 14 days anew each time; the promise does not."""
    for number in range(30):
        redrive.bury(f"{number:02}", PERMANENT)
    for _ in range(14 * 24):
        redrive.clock.pass_seconds(3600)
        redrive.run()
    still_there = len(redrive.buried)
    redrive.clock.pass_seconds(3600)
    answer = redrive.run()

    assert (30, {PERMANENT: 30}, []) == (still_there, answer["expired"], redrive.buried)


@pytest.mark.parametrize(
    ("asked", "expired"), [({"consumer_id": PHONE}, 1), ({"consumer_id": "another"}, 0)]
)
def test_only_what_is_asked_for_expires(
    redrive: Redrive, asked: dict[str, str], expired: int
) -> None:
    """Who redrives one consumer deletes nothing of another; in a dry run it is only said."""
    redrive.bury("m-1", PERMANENT)
    redrive.clock.pass_seconds(15 * DAY)
    planned = redrive.run(dry_run=True, **asked)["expired"]
    still_there = redrive.buried
    answer = redrive.run(**asked)

    assert ([expired] * 2, ["m-1"]) == (
        [sum(each.values()) for each in (planned, answer["expired"])],
        still_there,
    )


def test_letter_from_before_an_upgrade_is_as_good_as_another(redrive: Redrive) -> None:
    """It has no name written on it, and a mark that nobody needs any more."""
    for number in range(12):
        redrive.bury(f"{number:02}", PERMANENT, seen_by="a run", first_failed_at=EARLIER)
    redrive.run()
    redrive.run(reason=PERMANENT)

    assert [f"{number:02}" for number in range(12)] == sorted(redrive.back)
    assert all("seen_by" not in each.attributes for each in redrive.source.letters)


def test_age_of_the_oldest_letter_is_measured(redrive: Redrive, output: Output) -> None:
    """An alarm stands on it: before a letter is deleted somebody is told."""
    redrive.bury("m-1", PERMANENT, first_failed_at=EARLIER)
    redrive.bury("m-2", PERMANENT)
    redrive.run()

    ages = [age for each in output.metrics for age in each.get("oldest_letter_age", [])]
    assert redrive.clock.now - datetime.fromisoformat(EARLIER).timestamp() == max(ages)


# ── A person redrives a person ──


def change(conversation_id: str) -> str:
    """Write a notification of a conversation."""
    return json.dumps({"account_id": ACCOUNT, "change": {"conversationId": conversation_id}})


def test_consumer_is_redriven_both_ways(redrive: Redrive) -> None:
    """Whose a notification is says the table; each conversation is looked up once."""
    redrive.consumers = {(ACCOUNT, "c-1"): PHONE, (ACCOUNT, "c-2"): "another"}
    for number, conversation in enumerate(("c-1", "c-2", "c-1", "c-3")):
        body = change(conversation)
        redrive.dead.send([OutgoingMessage(body, conversation, f"{number}", {"reason": PERMANENT})])
    redrive.bury("m-1", PERMANENT)
    answer = redrive.run(consumer_id=PHONE)

    assert ({PERMANENT: 3}, {"not_asked_for": 2}) == (answer["moved"], answer["left"])
    assert 3 == len(redrive.looked_up)


def test_schedule_looks_up_nobody(redrive: Redrive) -> None:
    """Only who asks for a consumer pays for it; another account's is not looked up either."""
    redrive.dead.send([OutgoingMessage(change("c-1"), "c-1", "1", {"reason": TRANSIENT})])
    redrive.run(account_id="99999999", consumer_id=PHONE)
    redrive.run()

    assert [] == redrive.looked_up


@pytest.mark.parametrize("odd", [{}, [], 7, None, True])
def test_letter_that_names_things_oddly_stops_no_run(redrive: Redrive, odd: object) -> None:
    """What is no text is as if it were not there."""
    body = json.dumps({"account_id": odd, "consumer_id": odd, "change": {"conversationId": odd}})
    redrive.dead.send([OutgoingMessage(body, "g", "1", {"reason": PERMANENT})])

    assert {"not_asked_for": 1} == redrive.run(consumer_id=PHONE)["left"]


# ── Very many letters ──


@dataclass
class SlowQueue(InProcessQueue):
    """A queue that takes ten seconds for a call."""

    def send(self, messages: Sequence[OutgoingMessage]) -> None:
        super().send(messages)
        self.clock.pass_seconds(10)


def test_run_stops_before_its_time_is_over(redrive: Redrive) -> None:
    """It says how many it has not seen, and the next run goes on; each queue gets its share."""
    redrive.source = SlowQueue("consumer-events.fifo", redrive.clock)
    route = Route(redrive.dead, redrive.source)
    redrive.flow = replace(redrive.flow, routes={**redrive.flow.routes, "consumer-events": route})
    for number in range(200):
        redrive.bury(f"{number:03}")
    ends_at = redrive.clock.now + 130
    answer = redrive.flow.redrive(Request(), lambda: ends_at - redrive.clock.now)
    moved, unseen = answer["consumer-events"]["moved"], answer["consumer-events"]["unseen"]

    assert ({TRANSIENT: 50}, 150) == (moved, unseen)
    assert redrive.clock.now < ends_at - 30
    redrive.run()
    assert [f"{number:03}" for number in range(200)] == redrive.back


def test_run_that_did_not_see_all_counts_nothing_anew(redrive: Redrive) -> None:
    """A group is waited for until all its letters are done, not those of half a run."""
    for number in range(3):
        redrive.failures.hold("g")
        redrive.bury(f"{number}")
    redrive.clock.pass_seconds(1)
    redrive.dead.receive()  # another reader has them
    redrive.bury("later", group="h")
    answer = redrive.run()

    assert (3, {"g": 3}) == (answer["unseen"], redrive.failures.held)


def test_run_that_was_cut_off_leaves_no_copies(redrive: Redrive) -> None:
    """What it had sent behind and not deleted in front is recognised, and deleted once."""
    for number in range(12):
        redrive.bury(f"{number:02}", PERMANENT)
    first = redrive.dead.receive()[0]
    redrive.dead.send([to_go_behind(first)])
    redrive.clock.pass_seconds(3600)
    answer = redrive.run()

    assert {"permanent": 12} == answer["left"]
    assert [f"{number:02}" for number in range(12)] == sorted(redrive.buried)


def test_dry_run_leaves_even_copies(redrive: Redrive) -> None:
    """It changes nothing at all, and counts what it sees."""
    redrive.bury("m-1", PERMANENT)
    (first,) = redrive.dead.receive()
    redrive.dead.send([to_go_behind(first)])
    redrive.clock.pass_seconds(3600)
    answer = redrive.run(dry_run=True)

    assert ({"permanent": 2}, ["m-1", "m-1"]) == (answer["left"], redrive.buried)


def test_time_that_is_yet_to_come_makes_no_letter_younger(redrive: Redrive) -> None:
    """Its age counts from when the queue took it, also after it was sent again."""
    for number in range(12):
        redrive.bury(f"{number:02}", PERMANENT, first_failed_at="2999-01-01T00:00:00.000Z")
    for _ in range(15):
        redrive.clock.pass_seconds(DAY)
        redrive.run()

    assert [] == redrive.buried


def test_what_comes_back_by_itself_never_goes_behind(redrive: Redrive) -> None:
    """If the run were cut off, it would come back later than what it came before."""
    for number in range(12):
        redrive.bury(f"{number:02}")
    redrive.bury("wanted", PERMANENT)
    answer = redrive.run(reason=PERMANENT)

    assert ({}, {"not_asked_for": 10}, 3) == tuple(answer[w] for w in ("moved", "left", "unseen"))
    assert [*(f"{number:02}" for number in range(12)), "wanted"] == redrive.buried


def test_letter_that_dies_again_meanwhile_waits_for_the_next_run(redrive: Redrive) -> None:
    """One run puts a letter back once, however quickly it fails."""
    route = redrive.flow.routes["consumer-events"]

    class Failing(InProcessQueue):
        def send(self, messages: Sequence[OutgoingMessage]) -> None:
            super().send(messages)
            for each in messages:
                attributes = {**each.attributes, "reason": TRANSIENT}
                redrive.dead.send([replace(each, attributes=attributes)])

    source = Failing("consumer-events.fifo", redrive.clock)
    redrive.flow = replace(redrive.flow, routes={"consumer-events": replace(route, source=source)})
    redrive.bury("m-1")
    redrive.run()

    assert (1, ["1"]) == (
        len(source.letters),
        [each.attributes["redrives"] for each in redrive.dead.letters],
    )
