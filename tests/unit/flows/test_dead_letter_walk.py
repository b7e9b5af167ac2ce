"""Very many dead letters: each is handled once, in order, and in time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from threading import Lock
from typing import Any, cast

import pytest
from mypy_boto3_dynamodb import DynamoDBClient

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.domain.queue_messages import OutgoingMessage, QueueMessage
from liveperson_connector.flows.dead_letter_redrive import DeadLetterRedrive, Request, Route
from liveperson_connector.flows.dead_letter_walk import WALKERS, Fate, Plan, Walk, spread
from tests.simulation.table import Table
from tests.support.clocks import Clock
from tests.support.in_process import InProcessQueue
from tests.support.logs import Output

GOAL = 300  # letters a second
LETTERS = 1500
CALL_SECONDS = 0.01  # about what AWS takes from a function in its own region


class Locked:
    """Something that many threads may call, one at a time; its calls are counted."""

    def __init__(self, one: object) -> None:
        self._one, self._lock, self.calls = one, Lock(), 0

    def __getattr__(self, name: str) -> Any:
        """Give an attribute, or a method that waits for its turn."""
        found = getattr(self._one, name)
        if not callable(found):
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            time.sleep(0)  # another thread goes first
            with self._lock:
                self.calls += 1
                return found(*arguments, **named)

        return call


class Aws:
    """Dead letters, the queue they come from, and the table, for many walkers."""

    def __init__(self, clock: Clock, letters: int, groups: int) -> None:
        self.clock = clock
        self.dead, self.source = Locked(InProcessQueue("dead", clock)), Locked(InProcessQueue())
        self.table = Locked(Table())
        reason = {"reason": "channel_unavailable"}
        self.dead.send(
            [
                OutgoingMessage(f"{number:05}", f"{number % groups}", f"{number}", reason)
                for number in range(letters)
            ]
        )
        self.dead.calls = 0

    def redrive(self) -> dict[str, Any]:
        """Put all letters back."""
        table = cast(DynamoDBClient, self.table)
        failures, owner = DeliveryState(table, "table"), ConversationStore(table, "table").owner
        route = Route(cast(Any, self.dead), cast(Any, self.source))
        flow = DeadLetterRedrive({"consumer-events": route}, failures, owner, self.clock)
        answer: dict[str, Any] = flow.redrive(Request(), lambda: 300)["consumer-events"]
        return answer

    @property
    def calls(self) -> int:
        """How often SQS was called."""
        return self.dead.calls + self.source.calls


def bodies(queue: Locked) -> list[str]:
    """Give what stands in a queue."""
    return [each.body for each in queue.letters]


@pytest.mark.parametrize("groups", [40, LETTERS])
def test_300_letters_a_second_are_put_back(clock: Clock, output: Output, groups: int) -> None:
    """
    With calls of ten milliseconds, also if each letter is of a group of its own; in order.

    The time is that of the calls, which the walkers share: a busy machine tells of others.
    """
    aws = Aws(clock, LETTERS, groups)
    answer = aws.redrive()
    took = aws.calls * CALL_SECONDS / WALKERS

    back = bodies(aws.source)
    by_group = [[each for each in back if int(each) % groups == g] for g in range(40)]
    assert ({"channel_unavailable": LETTERS}, 0) == (answer["moved"], answer["unseen"])
    assert (LETTERS, []) == (len(set(back)), bodies(aws.dead))
    assert all(each == sorted(each) for each in by_group)
    assert LETTERS / took > GOAL, f"{LETTERS / took:.0f} a second"


def test_ten_letters_of_one_group_take_three_calls(clock: Clock, output: Output) -> None:
    """One after another, for the sake of their order: that is a third of a thousand a second."""
    aws = Aws(clock, 200, 1)
    answer = aws.redrive()

    assert {"channel_unavailable": 200} == answer["moved"]
    assert [f"{number:05}" for number in range(200)] == bodies(aws.source)
    ends, one_for_each_walker = 4, WALKERS
    assert 3 * 200 / 10 + ends + one_for_each_walker >= aws.calls


def test_walk_that_fails_gives_back_what_it_has(clock: Clock) -> None:
    """Its error is told, every walker stops, and what was not handled stays in its place."""
    aws = Aws(clock, 400, 40)

    def put_back(letters: Sequence[QueueMessage]) -> None:
        if any(int(each.body) >= 40 for each in letters):
            raise AwsUnavailable("sending to source: ServiceUnavailable")

    def decide(letter: QueueMessage) -> Fate:
        return Fate.STAYS if int(letter.body) % 40 < 20 else Fate.BACK

    with pytest.raises(AwsUnavailable):
        Walk(cast(Any, aws.dead), Plan(decide, put_back), clock=clock).run()

    left = bodies(aws.dead)
    assert 400 - 20 <= len(left)
    assert {each for each in map(int, left) if each >= 40} == set(range(40, 400))


def test_letters_that_cannot_be_given_back_are_told(clock: Clock) -> None:
    """They are hidden for some minutes then, for example if a role lacks the right."""

    class Denied(InProcessQueue):
        def show_all(self, receipt_handles: Sequence[str]) -> None:  # noqa: ARG002
            raise AwsUnavailable("AccessDenied")

    denied = Denied(clock=clock)
    denied.send([OutgoingMessage("x", f"{number}", f"{number}", {}) for number in range(20)])

    with pytest.raises(AwsUnavailable, match="AccessDenied"):
        Walk(denied, Plan(lambda _letter: Fate.STAYS), walkers=1, clock=clock).run()


@pytest.mark.parametrize("walkers", [1, 8])
def test_everything_is_done_and_the_first_error_told(walkers: int) -> None:
    """However many there are to do it."""
    done: list[int] = []

    def do(number: int) -> None:
        done.append(number)
        if number == 7:
            raise AwsUnavailable(f"{number}")

    spread(done.append, range(7), walkers)
    with pytest.raises(AwsUnavailable, match="7"):
        spread(do, [7, 8], walkers)
    assert set(range(8)) <= set(done)


def test_walk_that_deletes_judges_both_of_two_with_one_name(clock: Clock) -> None:
    """One who is erased leaves no copy that a walk left behind which was cut off."""
    dead = InProcessQueue(clock=clock)
    for number in range(2):
        dead.send([OutgoingMessage("hers", "g", f"{number}", {"letter_id": "l-1"})])
    clock.pass_seconds(3600)
    unseen = Walk(dead, Plan(lambda _letter: Fate.GONE), walkers=1, clock=clock).run()

    assert ([], 0) == (dead.letters, unseen.total)
