"""Very many dead letters: each is handled once, in order, and in time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_sqs import SQSClient

from liveperson_connector.aws.conversation_store import ConversationStore
from liveperson_connector.aws.delivery_state import DeliveryState
from liveperson_connector.aws.queues import Queue
from liveperson_connector.domain.errors import AwsUnavailable
from liveperson_connector.domain.queue_messages import OutgoingMessage, QueueMessage
from liveperson_connector.flows.dead_letter_redrive import DeadLetterRedrive, Request, Route
from liveperson_connector.flows.dead_letter_walk import WALKERS, Fate, Plan, Walk, spread
from tests.simulation.table import Table
from tests.support.clocks import Clock
from tests.support.in_process import InProcessQueue
from tests.support.logs import Output
from tests.support.slow_aws import CALL_SECONDS, SlowSqs, SlowTable

GOAL = 300  # letters a second
LETTERS = 1500


@pytest.fixture(name="sqs")
def _sqs() -> SlowSqs:
    return SlowSqs("dead", "source")


def queue(sqs: SlowSqs, name: str) -> Queue:
    """Give a queue of a slow SQS."""
    return Queue(cast(SQSClient, sqs), name)


def bury(sqs: SlowSqs, letters: int, groups: int) -> None:
    """Put letters among the dead, in so many groups."""
    reason = {"reason": {"StringValue": "channel_unavailable"}}
    sqs.queues["dead"].put(
        *(
            {
                "MessageBody": f"{number:05}",
                "MessageGroupId": f"{number % groups}",
                "MessageAttributes": reason,
            }
            for number in range(letters)
        )
    )


def redrive(sqs: SlowSqs, clock: Clock) -> dict[str, Any]:
    """Put all letters back."""
    table = cast(DynamoDBClient, SlowTable(Table()))
    failures, owner = DeliveryState(table, "table"), ConversationStore(table, "table").owner
    route = Route(queue(sqs, "dead"), queue(sqs, "source"))
    flow = DeadLetterRedrive({"consumer-events": route}, failures, owner, clock)
    answer: dict[str, Any] = flow.redrive(Request(), lambda: 300)["consumer-events"]
    return answer


@pytest.mark.parametrize("groups", [40, LETTERS])
def test_300_letters_a_second_are_put_back(
    sqs: SlowSqs, clock: Clock, output: Output, groups: int
) -> None:
    """
    With calls of ten milliseconds, also if each letter is of a group of its own; in order.

    The time is that of the calls, which the walkers share: a busy machine tells of others.
    """
    bury(sqs, LETTERS, groups)
    answer = redrive(sqs, clock)
    took = sqs.calls * CALL_SECONDS / WALKERS

    back = sqs.bodies("source")
    by_group = [[each for each in back if int(each) % groups == g] for g in range(40)]
    assert ({"channel_unavailable": LETTERS}, 0) == (answer["moved"], answer["unseen"])
    assert (LETTERS, 0) == (len(set(back)), len(sqs.bodies("dead")))
    assert all(each == sorted(each) for each in by_group)
    assert LETTERS / took > GOAL, f"{LETTERS / took:.0f} a second"


def test_ten_letters_of_one_group_take_three_calls(
    sqs: SlowSqs, clock: Clock, output: Output
) -> None:
    """One after another, for the sake of their order: that is a third of a thousand a second."""
    bury(sqs, 200, 1)
    answer = redrive(sqs, clock)

    assert {"channel_unavailable": 200} == answer["moved"]
    assert [f"{number:05}" for number in range(200)] == sqs.bodies("source")
    ends, one_for_each_walker = 4, WALKERS
    assert 3 * 200 / 10 + ends + one_for_each_walker >= sqs.calls


def test_walk_that_fails_gives_back_what_it_has(sqs: SlowSqs, clock: Clock) -> None:
    """Its error is told, every walker stops, and what was not handled stays in its place."""
    bury(sqs, 400, 40)

    def put_back(letters: Sequence[QueueMessage]) -> None:
        if any(int(each.body) >= 40 for each in letters):
            raise AwsUnavailable("sending to source: ServiceUnavailable")

    def decide(letter: QueueMessage) -> Fate:
        return Fate.STAYS if int(letter.body) % 40 < 20 else Fate.BACK

    with pytest.raises(AwsUnavailable):
        Walk(queue(sqs, "dead"), Plan(decide, put_back), clock=clock).run()

    sqs.queues["dead"].time_out()
    left = sqs.bodies("dead")
    assert 400 - 20 <= len(left)
    assert {each for each in map(int, left) if each >= 40} == set(range(40, 400))


def test_letters_that_cannot_be_given_back_are_told(clock: Clock) -> None:
    """They are hidden for some minutes then, for example if a role lacks the right."""

    class DeniedSqs(SlowSqs):
        def change_message_visibility_batch(self, **_: Any) -> dict[str, Any]:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "ChangeMessageVisibilityBatch")

    denied = DeniedSqs("dead")
    bury(denied, 20, 20)

    with pytest.raises(AwsUnavailable, match="AccessDenied"):
        Walk(queue(denied, "dead"), Plan(lambda _letter: Fate.STAYS), clock=clock).run()


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
