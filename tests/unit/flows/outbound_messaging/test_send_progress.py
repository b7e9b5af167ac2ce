"""What is known of an event's earlier tries, and what stays in doubt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from liveperson_connector.channel.queued_events import ConsumerEvent
from liveperson_connector.domain.conversations import Progress
from liveperson_connector.domain.errors import FileRefused, LivePersonRefused
from liveperson_connector.domain.queue_messages import QueueMessage
from liveperson_connector.flows.outbound_messaging.send_progress import (
    FIRST_TRY_SECONDS,
    TRY_SECONDS,
    after_part,
    begun,
    in_doubt_since,
    is_repeat,
    known_refusal,
    leaves_a_note,
    refused,
    resumed,
    settled,
)
from tests.support.accounts import ACCOUNT
from tests.support.clocks import Clock
from tests.support.messages import PHONE, received
from tools.template import functions

NOW = Clock().now
LONG_AGO = NOW - 3600
ERROR = LivePersonRefused("no", http_status=400, error_code="BAD")


def event(text: str = "Hello", **fields: Any) -> ConsumerEvent:
    """Give an event as it was queued."""
    return ConsumerEvent(ACCOUNT, PHONE, {"id": "e-1", "type": "text", "text": text, **fields})


def message(receive_count: int = 1, sent: float = 0.0, **spoilt: Any) -> QueueMessage:
    """Give a message that was first received now; ``sent`` is how many seconds later it came."""
    plain = received(receive_count=receive_count, **spoilt)
    return replace(plain, sent_at=plain.sent_at + timedelta(seconds=sent))


def known(receives: int, **more: Any) -> Progress:
    """Note that so many receives of the message are settled."""
    return Progress(settled_receives=receives, settled_message="message-1", **more)


# ── What is in doubt ──

FIRST_TRY_OVER = NOW + FIRST_TRY_SECONDS + TRY_SECONDS


@pytest.mark.parametrize(
    ("progress", "received", "expected"),
    [
        pytest.param(Progress(), message(), None, id="the first try"),
        pytest.param(Progress(), message(2), FIRST_TRY_OVER, id="a first try without a note"),
        pytest.param(Progress(), message(5), FIRST_TRY_OVER, id="later ones would have noted it"),
        pytest.param(known(1), message(2), None, id="it is known what the first came to"),
        pytest.param(known(1), message(4), None, id="two receives that no try followed"),
        pytest.param(
            known(1, begun_receive=2, begun_at=LONG_AGO),
            message(4),
            LONG_AGO + TRY_SECONDS,
            id="the second try began, and left nothing else",
        ),
        pytest.param(
            known(1, begun_receive=2, begun_at=NOW), message(2), None, id="this very try began"
        ),
        pytest.param(
            replace(known(9), settled_message="another"),
            message(2),
            FIRST_TRY_OVER,
            id="another copy's receives tell nothing",
        ),
        pytest.param(Progress(ambiguous_at=LONG_AGO), message(), LONG_AGO, id="no answer came"),
        pytest.param(known(3, ambiguous_at=LONG_AGO), message(9), LONG_AGO, id="and still not"),
        pytest.param(
            Progress(), message(attributes={"cut_off": "yes"}), NOW, id="given up by SQS itself"
        ),
        pytest.param(
            known(1), message(2, attributes={"cut_off": "yes"}), None, id="and settled since then"
        ),
    ],
)
def test_a_doubt_is_a_try_that_may_have_said_something(
    progress: Progress, received: QueueMessage, expected: float | None
) -> None:
    """A receive without a try casts none, and each doubt has its time."""
    assert expected == in_doubt_since(progress, received)


def test_a_try_says_nothing_after_the_functions_time_out() -> None:
    """By then a cut-off try is over."""
    assert TRY_SECONDS == functions()["outbound_messaging"]["Timeout"]


@pytest.mark.parametrize(
    ("receive_count", "later", "expected"),
    [
        (1, 0.0, False),
        (1, FIRST_TRY_SECONDS, False),
        (1, FIRST_TRY_SECONDS + 1, True),
        (2, 0, True),
    ],
)
def test_only_a_plain_first_try_leaves_no_note(
    receive_count: int, later: float, expected: bool
) -> None:
    """A message that Lambda could not place at first is tried late, and says so."""
    assert expected == leaves_a_note(message(receive_count), NOW + later)


def test_a_try_that_begins_settles_those_before_it() -> None:
    """Whatever they came to: their echo was waited for."""
    progress = begun(Progress(1, ambiguous_at=LONG_AGO, uploaded="/path"), message(3), NOW)

    noted = known(2, parts_sent=1, uploaded="/path", begun_receive=3, begun_at=NOW)
    assert replace(noted, may_have_opened=True) == progress
    assert NOW + TRY_SECONDS == in_doubt_since(progress, message(4))


@pytest.mark.parametrize(
    ("before", "expected"),
    [(known(1), False), (Progress(), True), (known(1, may_have_opened=True), True)],
)
def test_a_try_that_was_cut_off_may_have_opened_a_conversation(
    before: Progress, expected: bool
) -> None:
    """Its name is waited for, until something is said."""
    progress = begun(before, message(2), NOW)

    assert expected == progress.may_have_opened
    assert not after_part(progress, 1, 2).may_have_opened


def test_a_part_that_was_sent_leaves_only_the_next_in_doubt() -> None:
    """The same try goes on with it, so its note stays."""
    progress = begun(known(1), message(2), NOW)
    before = replace(
        progress,
        ambiguous_at=LONG_AGO,
        refusals=2,
        may_have_opened=True,
        refusal=refused_now().refusal,
    )

    assert replace(progress, parts_sent=1) == after_part(before, 1, 3)
    assert Progress(3, done=True) == after_part(before, 3, 3)


@pytest.mark.parametrize("doubt", [None, LONG_AGO])
def test_a_try_that_failed_is_settled(doubt: float | None) -> None:
    """A doubt that it did not settle is kept, with its time."""
    progress = begun(known(1, parts_sent=1, refusals=1), message(2), NOW)
    noted = settled(progress, message(2), doubt)

    assert known(2, parts_sent=1, refusals=1, ambiguous_at=doubt) == noted
    assert doubt == in_doubt_since(noted, message(3))


# ── What repeats an earlier copy ──


def test_what_is_done_is_a_repeat() -> None:
    """Whatever it says by now."""
    assert is_repeat(Progress(1, done=True), event("Goodbye"), message(sent=900))


def refused_now(**more: Any) -> Progress:
    """Note that the first copy was refused."""
    return refused(Progress(**more), event(), message(), ERROR, NOW)


@pytest.mark.parametrize(
    ("text", "copy", "expected"),
    [
        pytest.param("Hello", message(sent=-5, message_id="copy"), True, id="accepted before it"),
        pytest.param("Hello", message(sent=5, message_id="copy"), False, id="accepted after it"),
        pytest.param("Hello", message(sent=-0.5, message_id="copy"), False, id="clocks differ"),
        pytest.param("Hello", message(sent=-1, message_id="copy"), False, id="as far as they may"),
        pytest.param("Bye", message(sent=-5, message_id="copy"), False, id="it says another thing"),
        pytest.param(
            "Hello", message(sent=-5), False, id="the very copy, which is not given up yet"
        ),
    ],
)
def test_what_is_sent_after_a_refusal_is_no_repeat(
    text: str, copy: QueueMessage, expected: bool
) -> None:
    """The channel was told, and may have removed the cause."""
    assert expected == is_repeat(refused_now(), event(text), copy)


def test_a_copy_says_the_same_whatever_the_order_of_its_fields() -> None:
    """JSON has none."""
    one, other = event(a=1, b=2), event(b=2, a=1)
    copy = message(sent=-5, message_id="copy")

    assert is_repeat(refused(Progress(), one, message(), ERROR, NOW), other, copy)


def test_a_message_that_was_refused_is_known_as_such() -> None:
    """It need not be asked again; another copy has to be."""
    known_error = known_refusal(refused_now(), message(2))

    assert isinstance(known_error, LivePersonRefused)
    assert ("no", 400, "BAD") == (
        str(known_error),
        known_error.http_status,
        known_error.error_code,
    )
    assert known_refusal(refused_now(), message(message_id="copy")) is None
    assert known_refusal(Progress(), message()) is None


def test_a_refusal_is_known_by_its_reason() -> None:
    """The channel is told the same one, however often the message comes back."""
    noted = refused(Progress(), event(), message(), FileRefused("3 MB"), NOW)
    known_error = known_refusal(noted, message(2))

    assert isinstance(known_error, FileRefused)
    assert "3 MB" == str(known_error)


def test_a_second_refusal_keeps_what_was_sent_of_the_same_text() -> None:
    """And nothing of another one."""
    once = refused_now(parts_sent=2)
    copy = message(message_id="copy")

    assert 2 == refused(once, event(), copy, ERROR, NOW).parts_sent
    assert 0 == refused(once, event("Bye"), copy, ERROR, NOW).parts_sent


def test_after_a_refusal_an_event_begins_anew() -> None:
    """No doubt, no upload and no count of earlier refusals is left of the first copy."""
    before = refused_now(ambiguous_at=LONG_AGO, uploaded="/path", refusals=2)

    assert Progress() == resumed(before, event())
    assert in_doubt_since(resumed(before, event()), message(1, message_id="copy")) is None


@pytest.mark.parametrize(("text", "parts"), [("Hello", 2), ("Hello again", 0)])
def test_parts_that_were_sent_are_not_said_again(text: str, parts: int) -> None:
    """Unless the channel says something else by now: then they are parts of another text."""
    assert parts == resumed(refused_now(parts_sent=2), event(text)).parts_sent


def test_without_a_refusal_a_try_goes_on_where_the_last_one_ended() -> None:
    """With all that is known."""
    progress = known(2, parts_sent=1, ambiguous_at=LONG_AGO, uploaded="/path")

    assert progress == resumed(progress, event("changed"))


def test_what_was_said_is_kept_as_a_digest() -> None:
    """Enough to compare, not to read."""
    assert "Hello" not in repr(refused_now())
