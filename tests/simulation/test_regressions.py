"""What the simulation has found, each as the smallest schedule that showed it."""

from __future__ import annotations

import pytest

from .running import play
from .schedules import Action, Fault, Schedule

_KILLED = Fault("kill", "outbound_messaging", start=0.0, seconds=1200.0, rate=0.6)

FOUND = {
    # Whoever looked whether LivePerson was back spent a try, and was a dead letter in two days.
    "a probe of an outage is no try": Schedule(
        seed=171,
        family="outage",
        consumers=4,
        workers=4,
        webhook_seconds=0.05,
        deeds=(Action(484.2, "says_same", 2), Action(11457.3, "says", 3)),
        faults=(Fault("timeout", "liveperson", start=226.8, seconds=259200.0),),
    ),
    # That an event was refused was told past the breaker, and given up in a channel's outage.
    "a refusal waits out the channel's outage": Schedule(
        seed=202,
        family="outage",
        consumers=3,
        workers=4,
        webhook_seconds=0.3,
        deeds=(
            Action(539.5, "says", 1),
            Action(17248.0, "says_refused", 2),
            Action(23814.6, "agent_says", 1),
            Action(26642.2, "agent_says", 2),
        ),
        faults=(Fault("unreachable", "channel", start=265.6, seconds=129600.0),),
    ),
    # The second letter was put back behind the first, which died once more and came behind it.
    "letters put back do not overtake one that dies again": Schedule(
        seed=231,
        family="dead_letters",
        consumers=1,
        workers=2,
        deeds=(Action(0.0, "says"), Action(57571.7, "says")),
        faults=(Fault("http_503", "liveperson", start=5.0, seconds=216000.0),),
    ),
    # Echoes stood behind what a slow channel did not take, and were not there when asked for.
    "an echo does not wait for the channel": Schedule(
        seed=452,
        family="mixed",
        receipts=True,
        webhook_seconds=0.05,
        deeds=(Action(50.1, "says"),),
        faults=(
            Fault("late", "send", start=15.2, seconds=180.0),
            Fault("timeout", "channel", start=43.2, seconds=30.0, rate=0.9),
        ),
    ),
    # Cut off after the send, and the conversation ended before the next try: nobody looked there.
    "an ended conversation still settles a send": Schedule(
        seed=694,
        family="kills",
        workers=2,
        webhook_seconds=3.0,
        deeds=(
            Action(11.6, "says", 0),
            Action(212.3, "says", 0),
            Action(311.8, "says", 0),
            Action(438.1, "foreign", 0),
            Action(471.2, "says", 1),
            Action(676.7, "agent_closes", 1),
        ),
        faults=(_KILLED,),
    ),
    # The try that was to settle a doubt failed for another reason, and noted that none was left.
    "a doubt outlives a try that fails before settling it": Schedule(
        seed=144,
        family="mixed",
        consumers=3,
        workers=2,
        webhook_seconds=0.3,
        deeds=(
            Action(360.7, "says", 1),
            Action(387.7, "says", 0),
            Action(448.5, "says", 0),
            Action(566.9, "agent_says", 1),
        ),
        faults=(Fault("aws_error", "dynamodb", start=398.4, seconds=1200.0, rate=0.5),),
    ),
    # A resend that left no note was followed by the next at once, on the first one's old note.
    "a resend waits for its own echo": Schedule(
        seed=2828,
        family="mixed",
        consumers=1,
        deeds=(
            Action(24.7, "foreign"),
            Action(112.4, "says"),
            Action(171.6, "repeats"),
            Action(203.9, "says"),
            Action(204.8, "closes"),
            Action(236.4, "says"),
            Action(334.9, "foreign"),
            Action(429.2, "says"),
            Action(502.8, "says"),
        ),
        faults=(
            Fault("http_503", "channel", start=70.6, seconds=1200.0, rate=0.2),
            Fault("aws_error", "dynamodb", start=19.4, seconds=1200.0, rate=0.2),
            Fault("webhooks_slow", "webhooks", start=104.9, seconds=180.0, rate=0.5),
        ),
    ),
    # Of an adoption's two writes the second failed, and nobody made it good: stuck for ever.
    "a conversation is not half adopted": Schedule(
        seed=3672,
        family="mixed",
        deeds=(Action(65.3, "says", 0), Action(65.8, "says", 1)),
        faults=(Fault("aws_error", "dynamodb", start=8.5, seconds=1200.0, rate=0.5),),
    ),
    # The answer to an opening was lost, and a message overtook the news of whose it is.
    "what overtakes the news of its conversation is not lost": Schedule(
        seed=4,
        consumers=1,
        workers=2,
        webhook_seconds=0.3,
        deeds=(
            Action(10.0, "says"),
            Action(12.0, "agent_says"),
            Action(14.0, "agent_says"),
            Action(40.0, "agent_says"),
        ),
        faults=(
            Fault("answer_lost", "conversation", start=5.0, seconds=60.0),
            Fault("webhooks_slow", "webhooks", start=5.0, seconds=60.0, rate=0.5),
        ),
    ),
    # News of the conversation before came late, led back to it, and then to none for ever.
    "late news lead nobody back": Schedule(
        seed=20440,
        family="early",
        webhook_seconds=0.3,
        deeds=(
            Action(10.0, "says", 0),
            Action(10.3, "says_same", 1),
            Action(31.2, "foreign", 1),
            Action(33.9, "agent_closes", 0),
        ),
        faults=(
            Fault("answer_lost", "conversation", start=5.0, seconds=60.0, rate=0.8),
            Fault("webhooks_slow", "webhooks", start=5.0, seconds=120.0, rate=0.3),
        ),
    ),
    # Refused where it had been closed, while the name of the next conversation was on its way.
    "a message is not blamed for a conversation that ended": Schedule(
        seed=1918,
        family="early",
        webhook_seconds=0.3,
        deeds=(
            Action(10.0, "says", 0),
            Action(11.0, "says", 1),
            Action(30.3, "says_long", 0),
            Action(35.8, "says", 1),
            Action(37.6, "agent_says", 0),
            Action(48.5, "agent_says", 1),
            Action(53.4, "closes", 1),
            Action(58.0, "says", 1),
        ),
        faults=(
            Fault("done_503", "conversation", start=5.0, seconds=60.0, rate=0.8),
            Fault("webhooks_slow", "webhooks", start=5.0, seconds=120.0, rate=0.6),
        ),
    ),
    # SQS dropped for five minutes what the channel sent again, mended, because it was refused.
    "what is refused and sent again is tried again": Schedule(
        seed=1, consumers=1, deeds=(Action(10.0, "says"), Action(20.0, "says_mended"))
    ),
    "what is refused twice is told twice": Schedule(
        seed=1, consumers=1, deeds=(Action(10.0, "says_refused"), Action(100.0, "repeats"))
    ),
    # It was not remembered that an opening without an answer may have opened another.
    "a message is not blamed while the name of another conversation is on its way": Schedule(
        seed=6640,
        family="early",
        consumers=1,
        workers=4,
        deeds=(
            Action(10.0, "says"),
            Action(25.5, "agent_says"),
            Action(36.3, "agent_says"),
            Action(38.6, "agent_closes"),
        ),
        faults=(
            Fault("late", "conversation", start=5.0, seconds=60.0, rate=0.8),
            Fault("webhooks_slow", "webhooks", start=5.0, seconds=120.0, rate=0.3),
        ),
    ),
    # A refused message that was not given up at once was refused again, after the next one came.
    "what is sent again after the first of two refusals is no repeat": Schedule(
        seed=6386,
        consumers=3,
        workers=4,
        webhook_seconds=0.3,
        deeds=(
            Action(83.0, "says_same", 0),
            Action(89.7, "says_same", 1),
            Action(90.4, "says_refused", 0),
            Action(93.5, "says_long", 1),
        ),
        faults=(Fault("aws_lost", "sqs", start=80.5, seconds=180.0, rate=0.5),),
    ),
    # A copy of the refused text was refused after the mended one had been accepted.
    "what is mended is no repeat of a copy that is not": Schedule(
        seed=14,
        consumers=4,
        workers=2,
        deeds=(Action(300.3, "says_mended"),),
        faults=(Fault("aws_lost", "sqs", start=43.6, seconds=1200.0, rate=0.5),),
    ),
    # After an end an open state counted for nothing: the consumer's words waited for ever.
    "a conversation that is opened again is open": Schedule(
        seed=1,
        consumers=1,
        workers=2,
        deeds=(
            Action(10.0, "says"),
            Action(20.0, "agent_says"),
            Action(30.0, "agent_closes"),
            Action(40.0, "agent_reopens"),
            Action(50.0, "says"),
            Action(60.0, "agent_says"),
        ),
    ),
    # Whose record was lost was told by LivePerson that it talks already, and by no webhook where.
    "a consumer whose record is lost is led back": Schedule(
        seed=1,
        consumers=1,
        workers=2,
        deeds=(
            Action(10.0, "says"),
            Action(20.0, "is_forgotten"),
            Action(30.0, "says"),
            Action(40.0, "agent_says"),
        ),
    ),
    # A message was noted as sent for a consumer erased meanwhile: half a record, and no more words.
    "half a record is none": Schedule(
        seed=11275,
        consumers=1,
        webhook_seconds=0.3,
        deeds=(
            Action(557.8, "says"),
            Action(558.1, "says_same"),
            Action(558.2, "is_forgotten"),
            Action(600.0, "agent_says"),
        ),
    ),
    # A receipt with the number of its message was taken for it, or the message for the receipt.
    "receipts and messages have numbers of their own": Schedule(
        seed=3,
        consumers=1,
        workers=2,
        deeds=(
            Action(10.0, "says"),
            Action(20.0, "agent_reads"),
            Action(30.0, "agent_says"),
            Action(40.0, "says"),
            Action(50.0, "agent_reads"),
        ),
    ),
    # An automatic receipt waited behind a worker that was cut off, until its consumer had another
    # conversation: it was sent there.
    "a receipt is of its own conversation": Schedule(
        seed=0,
        consumers=1,
        workers=2,
        receipts=True,
        webhook_seconds=0.05,
        channels=("telegram",),
        deeds=(
            Action(0.0, "says"),
            Action(0.0, "says"),
            Action(6.0, "agent_says"),
            Action(6.0, "agent_closes"),
        ),
        faults=(
            Fault("kill", "outbound_messaging", start=0.0, seconds=120.0, rate=0.1),
            Fault("undeleted", "sqs", start=0.0, seconds=120.0, rate=0.3),
        ),
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_found_once_and_mended(name: str) -> None:
    """Every promise is kept where one was broken."""
    assert [] == play(FOUND[name]).broken


def test_waiting_in_an_outage_leaves_no_doubt() -> None:
    """What was never sent is not looked for, and counts neither as ambiguous nor as sent again."""
    schedule = Schedule(
        seed=1,
        deeds=tuple(Action(10.0 * number, "says", number % 2) for number in range(8)),
        faults=(Fault("unreachable", "liveperson", start=15.0, seconds=3600.0),),
    )
    result = play(schedule)

    assert [] == result.broken
    assert (0, 0) == (result.figures["ambiguous"], result.figures["sent_again"])
